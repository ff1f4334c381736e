/** The program: joins the machine (`linux/`) with the command line. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandsFor, runCli } from "./cli/cli.ts";
import { connectControl } from "./linux/control-socket.ts";
import { createDesk } from "./linux/desk.ts";
import { createFiles } from "./linux/files.ts";
import { createTimers } from "./linux/timers.ts";

const VERSION = "0.1.0";
/** Bundled as dist/agent.mjs with the catalogue beside it. */
const HERE = dirname(fileURLToPath(import.meta.url));
const CATALOGUE = [join(HERE, "catalogue/sensors"), join(HERE, "catalogue/boards")];

// libuv's pool is shared by I2C, DNS and files: one thread for each of up to 4 buses, and 4 more. Read at its first use.
process.env["UV_THREADPOOL_SIZE"] ??= "8";

let isService = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A log that can't be written is no reason to stop reading sensors.
  if (isService) return;
  // `… | head` has read enough: as a shell's tools, with 128 + SIGPIPE and without a word. Nothing can be asked any more.
  if (error.code === "EPIPE") process.exit(141);
  process.stderr.write(`what was asked for could not be written: ${error.message}\n`);
  process.exit(1);
});

const args = process.argv.slice(2);
process.exitCode = await runCli(
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    colour: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    files: createFiles(),
    timers: createTimers(),
    desk: createDesk,
    catalogue: CATALOGUE,
    starting: join(HERE, "catalogue/starting"),
    version: VERSION,
    connectControl,
    // Only who opens a port without an agent needs them.
    machine: async () => (await import("./service/machine.ts")).createMachine(),
    // Only the service needs MQTT, SQLite and ports: a technician's `check` starts without them.
    run: async (config) => {
      isService = true;
      const { runService } = await import("./service/main.ts");
      return runService(config, { version: VERSION, catalogue: CATALOGUE });
    },
  },
  args,
  await commandsFor(args),
);
