/** What every command is given, and how it joins the program. */
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { ControlClient } from "../control/client.ts";
import type { Chance, Clock, Desk, Files, PortListing, Ports, Timers } from "../world.ts";

export interface CliDeps {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly colour: boolean;
  readonly files: Files;
  readonly timers: Timers;
  /** Made when a command needs somebody at the terminal. */
  readonly desk: () => Desk;
  /** Made when a command looks at the hardware itself, because no agent does. */
  readonly machine: () => Promise<Machine>;
  /** Device files that ship with the agent. */
  readonly catalogue: readonly string[];
  /** Folder with the files that `new` begins from. */
  readonly starting: string;
  readonly version: string;
  readonly connectControl: (path: string) => Promise<ControlClient>;
  /** Runs the agent until it is told to stop; resolves with the exit code. */
  readonly run: (configPath: string) => Promise<number>;
  /** Gets this board its certificate; `adopt`: in the place of that station's board. Resolves with the exit code. */
  readonly enrol: (order: {
    readonly config: string;
    /** Left out: it shows its claim, or is that station already, and fetches what that one ran. */
    readonly token?: string;
    readonly adopt?: string;
    /** Hash, or "none". */
    readonly description?: string;
  }) => Promise<number>;
}

/** The hardware as a command sees it that opens a port itself. */
export interface Machine {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly ports: Ports;
  readonly listing: PortListing;
  /** Whether an agent runs on that data folder; "unknown" when this person may not look. */
  isFolderHeld(folder: string): boolean | "unknown";
  /** For as long as a command works on a port, also while it has it closed; `by`: who has it. */
  lockPort(path: string): Promise<{ readonly release: () => void } | { readonly by: string }>;
  /** Ctrl-C, or being told to end. */
  readonly interrupted: AbortSignal;
}

/** Resolves when the command has ended; its number is what the program exits with. */
export type Finish = (code: number | Promise<number>) => Promise<void>;
/** Declares a command with its options, help and examples. */
export type AddCommand<Deps = CliDeps> = (program: Command, deps: Deps, finish: Finish) => void;

export const CONFIG = "/etc/pump-station/agent.yaml";
export const STATION_FILE = "/etc/pump-station/station.yaml";
export const SOCKET = "/run/pump-station/control.sock";

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`;

/** Where device files are looked for: the folders said, else `devices/` beside the station file; then the catalogue. */
export const deviceFolders = (
  deps: Pick<CliDeps, "catalogue">,
  file: string,
  said: readonly string[],
): readonly string[] => [...(said.length > 0 ? said : [join(dirname(file), "devices")]), ...deps.catalogue];
