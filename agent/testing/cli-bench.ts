/** The command line on scripted hardware, a memory of files with the catalogue in it, and simulated time. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsFor, runCli } from "../cli/cli.ts";
import type { CliDeps, Machine } from "../cli/command.ts";
import type { ControlClient } from "../control/client.ts";
import type { ListedChip, ListedPort } from "../world.ts";
import { createMemoryFiles, type MemoryFiles } from "./memory-files.ts";
import { createScriptedDesk } from "./scripted-desk.ts";
import { createScriptedGpio, type ScriptedGpio } from "./scripted-gpio.ts";
import { createScriptedI2c, type ScriptedI2c } from "./scripted-i2c.ts";
import { createScriptedSerial, type Portion, type ScriptedSerial } from "./scripted-serial.ts";
import { createSimulatedTime, type SimulatedTime } from "./simulated-time.ts";

export interface CliBench {
  readonly time: SimulatedTime;
  readonly files: MemoryFiles;
  readonly serial: ScriptedSerial;
  readonly i2c: ScriptedI2c;
  readonly gpio: ScriptedGpio;
  readonly listed: { serial: ListedPort[]; i2c: ListedPort[]; gpio: ListedChip[] };
  /** What answers the control socket; undefined: no agent runs. */
  agent: ((ask: string, parameters: Readonly<Record<string, unknown>>) => unknown) | undefined;
  isFolderHeld: boolean | "unknown";
  /** Who works on which port. */
  readonly locked: Map<string, string>;
  /** Width of the terminal; undefined: nobody watches. */
  columns: number | undefined;
  colour: boolean;
  out: string;
  err: string;
  /** Resolves with the exit code when it has ended; time passes meanwhile, at most so long. */
  run(words: readonly string[], withinMs?: number): Promise<number>;
  interrupt(): void;
}

/** Loaded once, for that takes real time. */
const COMMANDS = await commandsFor([]);
const DESCRIPTIONS = join(import.meta.dirname, "../../sensor-descriptions");

export function createCliBench(onWritten: (bytes: Uint8Array) => readonly Portion[] = () => []): CliBench {
  const time = createSimulatedTime();
  const files = createMemoryFiles();
  for (const folder of ["sensors", "boards"])
    for (const name of readdirSync(join(DESCRIPTIONS, folder)))
      files.write(`/catalogue/${name}`, readFileSync(join(DESCRIPTIONS, folder, name), "utf8"));
  const [serial, i2c, gpio] = [createScriptedSerial(time, onWritten), createScriptedI2c(), createScriptedGpio()];
  const stop = new AbortController();
  const machine: Machine = {
    clock: time.clock,
    chance: { fraction: () => 0.5, bytes: (count) => new Uint8Array(count).fill(7) },
    ports: { serial, i2c: () => i2c, gpio: () => gpio },
    listing: {
      serial: async () => bench.listed.serial,
      i2c: async () => bench.listed.i2c,
      gpio: async () => bench.listed.gpio,
      real: (path) => bench.listed.serial.find(({ also }) => also.includes(path))?.path ?? path,
    },
    isFolderHeld: () => bench.isFolderHeld,
    lockPort: async (path) => {
      const by = bench.locked.get(path);
      if (by !== undefined) return { by };
      bench.locked.set(path, "this command");
      return { release: () => bench.locked.delete(path) };
    },
    interrupted: stop.signal,
  };
  const connectControl = async (): Promise<ControlClient> => {
    const { agent } = bench;
    if (!agent) throw Object.assign(new Error("connect"), { code: "ENOENT" });
    return { ask: async (ask, parameters = {}) => agent(ask, parameters), close: () => undefined };
  };
  const deps = (): CliDeps => ({
    out: (text) => void (bench.out += text),
    err: (text) => void (bench.err += text),
    colour: bench.colour,
    files,
    timers: time.timers,
    desk: () => createScriptedDesk(files, { edits: [], answers: [], draft: "", columns: bench.columns, asked: [] }),
    machine: async () => machine,
    catalogue: ["/catalogue"],
    starting: "/starting",
    version: "1",
    connectControl,
    run: async () => 0,
    enrol: async () => 0,
  });
  const bench: CliBench = {
    time,
    files,
    serial,
    i2c,
    gpio,
    listed: { serial: [], i2c: [], gpio: [] },
    agent: undefined,
    isFolderHeld: false,
    locked: new Map(),
    columns: undefined,
    colour: false,
    out: "",
    err: "",
    run: async (words, withinMs = 60_000) => {
      let code: number | undefined;
      void runCli(deps(), words, COMMANDS).then((ended) => (code = ended));
      for (let passed = 0; code === undefined && passed < withinMs; passed += 100) await time.advance(100);
      return code ?? -1;
    },
    interrupt: () => stop.abort(new Error("SIGINT")),
  };
  return bench;
}
