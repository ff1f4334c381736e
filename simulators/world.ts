/**
 * What the simulators take from outside, besides clock, timers and log (those are the agent's). Implemented in `host/`.
 */

/** One end of a pseudo-terminal; the other is a device file that any program opens as a serial port. */
export interface Terminal {
  /** The device file itself, e.g. /dev/pts/7; a stable link points to it. */
  readonly path: string;
  onBytes(listener: (bytes: Uint8Array) => void): void;
  /** As on a wire, nobody listening means that the bytes are gone. */
  write(bytes: Uint8Array): void;
  /** Counted where they pass. `in`: from the program, `out`: to it. */
  readonly counted: { readonly in: number; readonly out: number };
  close(): void;
}

/** A peer that sends lines of text, each at most `LINE_BYTES_MAX` long. */
export interface LinePeer {
  send(line: string): void;
  onLine(listener: (line: string) => void): void;
  onClosed(listener: () => void): void;
  close(): void;
}

/** Fetches JSON; throws Error "GET http://… : what happened" when there is no answer at all. */
export interface Http {
  request(
    method: "GET" | "POST" | "PATCH",
    url: string,
    options?: { readonly token?: string; readonly body?: unknown },
  ): Promise<{ readonly status: number; readonly json: unknown }>;
}

/** A program that runs beside this one. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has ended: "exit code 1", "signal SIGKILL". */
  readonly ended: Promise<string>;
  /** SIGTERM; after `patienceMs` SIGKILL. Resolves when it has ended. */
  stop(patienceMs: number): Promise<void>;
}

export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly logPath: string;
  /** Of Node itself, before the program. */
  readonly nodeFlags?: readonly string[];
  /** Beside the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Processes {
  /** Runs a Node program; what it prints is appended to `logPath`. */
  start(options: Program): Child;
  /** Whether that process lives and its command line holds `mark`. */
  isStranger(pid: number, mark: string): boolean;
  /** Ends a program that an earlier, killed run left behind: only if its command line holds `mark`. */
  endStranger(pid: number, mark: string): Promise<boolean>;
}

/** Small text files of the demonstration. */
export interface TextFiles {
  /** undefined when there is none. */
  read(path: string): string | undefined;
  /** Creates the folder. `mode` defaults to 0o644. */
  write(path: string, text: string, mode?: number): void;
  /** A file, or a folder with all that is in it; nothing when there is none. */
  remove(path: string): void;
}

/** Looks into the databases of other processes. */
export interface Databases {
  query(path: string, sql: string): readonly Readonly<Record<string, unknown>>[];
}
