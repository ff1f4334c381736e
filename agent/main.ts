/** The program: joins the machine (`linux/`) with the command line. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandsFor, runCli } from "./cli/cli.ts";
import { connectControl } from "./linux/control-socket.ts";
import { createDesk } from "./linux/desk.ts";
import { createFiles } from "./linux/files.ts";
import { createTerminal } from "./linux/terminal.ts";
import { createTimers } from "./linux/timers.ts";
import { VERSION } from "./version.ts";

/** Bundled as dist/agent.mjs with the catalogue beside it. */
const HERE = dirname(fileURLToPath(import.meta.url));
const CATALOGUE = [join(HERE, "catalogue/sensors"), join(HERE, "catalogue/boards")];

// libuv's pool is shared by I2C, DNS and files: one thread for each of up to 4 buses, and 4 more. Read at its first use.
process.env["UV_THREADPOOL_SIZE"] ??= "8";

let isService = false;
const terminal = createTerminal(() => isService);
const args = process.argv.slice(2);
process.exitCode = await runCli(
  {
    ...terminal,
    files: createFiles(),
    timers: createTimers(),
    desk: createDesk,
    catalogue: CATALOGUE,
    starting: join(HERE, "catalogue/starting"),
    version: VERSION,
    connectControl,
    // Only who opens a port without an agent needs them.
    machine: async () => (await import("./service/machine.ts")).createMachine(),
    enrol: async (order) => {
      const { enrolBoard } = await import("./service/enrol.ts");
      const interrupted = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const)
        process.once(signal, () => interrupted.abort(new Error(signal)));
      const out = (text: string): void => void process.stdout.write(text);
      return enrolBoard(order, { version: VERSION, catalogue: CATALOGUE }, out, interrupted.signal);
    },
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
