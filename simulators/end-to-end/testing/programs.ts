/** The programs as they are built, run as anybody would run them, and a way to wait for what they do. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { programsIn } from "../../run/layout.ts";

export const PROGRAMS = programsIn(fileURLToPath(new URL("../../../dist", import.meta.url)));
/** Two noisy cores: a test that waits on conditions may wait long, and mostly doesn't. */
export const PATIENCE_MS = 90_000;
const LOOK_EVERY_MS = 100;

/** Registers what has to happen at the end, also of a test that failed. */
export type AtEnd = (cleanup: () => Promise<void>) => void;

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Program {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  said(): string;
  readonly ended: Promise<Ran>;
}

/** `environment` is added to this process's own. */
export function startProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Program {
  if (!existsSync(program)) throw new Error(`${program} is missing; run: npm run build`);
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  const said = { out: "", err: "", all: "" };
  for (const [name, stream] of [
    ["out", child.stdout],
    ["err", child.stderr],
  ] as const) {
    // biome-ignore format: a pair a line
    stream.setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      said.all += text;
    });
  }
  const ended = new Promise<Ran>((resolve) =>
    child.once("close", (code) => resolve({ code, out: said.out, err: said.err })),
  );
  return { child, said: () => said.all, ended };
}

export const runProgram = async (program: string, ...args: readonly string[]): Promise<Ran> =>
  startProgram(program, args).ended;

/** Waiting longer is of no use. */
export class InVain extends Error {
  override readonly name = "InVain";
}

/** Until that program has printed this. Throws InVain when it ends instead. */
export const untilSaid = (program: Program, pattern: RegExp): Promise<RegExpExecArray> =>
  until(`it says ${String(pattern)}`, () => {
    const { exitCode, signalCode } = program.child;
    const found = pattern.exec(program.said());
    if (!found && (exitCode !== null || signalCode !== null)) throw new InVain(`it has ended: ${program.said()}`);
    return found ?? undefined;
  });

/** The first that is not undefined. Throws Error that names what was waited for, and the last failure. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = PATIENCE_MS,
): Promise<T> {
  const endMs = Date.now() + withinMs;
  let failure = "";
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      failure = "";
    } catch (error) {
      if (error instanceof InVain) throw error;
      failure = `; last: ${String(error)}`;
    }
    if (Date.now() > endMs) throw new Error(`waited ${withinMs / 1000} s until ${what}: it did not happen${failure}`);
    await sleep(LOOK_EVERY_MS);
  }
}

export function temporaryFolder(atEnd: AtEnd): string {
  const folder = mkdtempSync(join(tmpdir(), "ps-e2e-"));
  atEnd(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  return folder;
}
