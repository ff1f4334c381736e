/** Command-line tools as child processes: run to their end, or kept running with their lines told. */
import { spawn } from "node:child_process";
import { PortError } from "../world.ts";

/** No tool of ours takes longer than this for an answer. */
const RUN_WITHIN_MS = 5_000;
/** gpioinfo of a chip with 1,024 lines prints about 64 KiB. */
const OUTPUT_BYTES_MAX = 256 * 1024;
/** What a tool said last, for the message about its end. */
const STDERR_LETTERS_MAX = 300;
const STOP_WITHIN_MS = 2_000;
const LAST_WORDS_MS = 200;

export interface RunningTool {
  readonly isRunning: () => boolean;
  /** Ends it the way that it expects; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface Tools {
  /** What it printed. Throws PortError "absent" (not installed, failed), "busy", "denied". */
  run(tool: string, args: readonly string[]): Promise<string>;
  /** `onEnd` comes once, whoever ended it. `stop: "input"`: its end of input ends it, else a SIGTERM. */
  start(
    tool: string,
    args: readonly string[],
    options: {
      readonly stop: "input" | "signal";
      /** What it is called in messages; default: `tool` and its last arguments. */
      readonly name?: string;
      readonly onLine?: (line: string) => void;
      readonly onEnd: (why: PortError) => void;
    },
  ): RunningTool;
}

export function createTools(path: string | undefined): Tools {
  const env = path === undefined ? process.env : { ...process.env, PATH: path };
  // Their messages are read: in English.
  const options = { env: { ...env, LC_ALL: "C" } };
  return {
    run: (tool, args) =>
      new Promise((resolve, reject) => {
        const child = spawn(tool, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
        let said = "";
        let complained = "";
        const late = setTimeout(() => child.kill("SIGKILL"), RUN_WITHIN_MS);
        child.stdout.on("data", (bytes: Buffer) => {
          said += bytes.toString("utf8");
          if (said.length > OUTPUT_BYTES_MAX) child.kill("SIGKILL");
        });
        child.stderr.on("data", (bytes: Buffer) => {
          complained = lastOf(complained + bytes.toString("utf8"));
        });
        child.once("error", (error) => (clearTimeout(late), reject(notStarted(tool, error))));
        child.once("close", (code, signal) => {
          clearTimeout(late);
          if (code === 0) resolve(said);
          else reject(ended(tool, args, code, signal, complained));
        });
      }),
    start: (tool, args, { stop, name, onLine, onEnd }) => {
      const child = spawn(tool, args, { ...options, stdio: [stop === "input" ? "pipe" : "ignore", "pipe", "pipe"] });
      let isRunning = true;
      let complained = "";
      const lines = lineSplitter(onLine ?? (() => undefined));
      child.stdout?.on("data", lines);
      child.stderr?.on("data", (bytes: Buffer) => {
        complained = lastOf(complained + bytes.toString("utf8"));
      });
      child.stdin?.on("error", () => undefined);
      const gone = new Promise<void>((resolve) => {
        const end = (why: PortError): void => {
          if (!isRunning) return;
          isRunning = false;
          onEnd(why);
          resolve();
        };
        child.once("error", (error) => end(notStarted(tool, error)));
        child.once("exit", (code, signal) => {
          // Its last words may still be in the pipe; a grandchild may keep that open for ever.
          const tell = (): void => end(ended(name ?? tool, name === undefined ? args : [], code, signal, complained));
          const late = setTimeout(tell, LAST_WORDS_MS);
          child.once("close", () => (clearTimeout(late), tell()));
        });
      });
      return {
        isRunning: () => isRunning,
        stop: async () => {
          if (stop === "input") child.stdin?.end();
          else child.kill("SIGTERM");
          const late = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
          await gone;
          clearTimeout(late);
        },
      };
    },
  };
}

const lastOf = (text: string): string => text.slice(-STDERR_LETTERS_MAX);

function notStarted(tool: string, error: NodeJS.ErrnoException): PortError {
  const why = error.code === "ENOENT" ? "it is not installed; install it with: apt install gpiod" : error.message;
  return new PortError(error.code === "EACCES" ? "denied" : "absent", `start ${tool}: ${why}`, { cause: error });
}

function ended(
  tool: string,
  args: readonly string[],
  code: number | null,
  signal: NodeJS.Signals | null,
  complained: string,
): PortError {
  const said = complained.trim().split("\n").at(-1) ?? "";
  const how = said === "" ? (signal ? `ended by ${signal}` : `ended with exit code ${code}`) : said;
  const failure = /resource busy/i.test(said)
    ? "busy"
    : /permission denied|not permitted/i.test(said)
      ? "denied"
      : "absent";
  return new PortError(failure, `${[tool, ...args.slice(-2)].join(" ")}: ${how}`);
}

/** A line that has no end within this is none of ours. */
const LINE_LETTERS_MAX = 1_024;

function lineSplitter(onLine: (line: string) => void): (bytes: Buffer) => void {
  let rest = "";
  return (bytes) => {
    const lines = (rest + bytes.toString("utf8")).split("\n");
    rest = (lines.pop() ?? "").slice(-LINE_LETTERS_MAX);
    for (const line of lines) onLine(line);
  };
}
