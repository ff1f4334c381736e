/** Programs beside this one: each in a process group of its own, so that Ctrl-C reaches them in our order. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { STOP_PATIENCE_MS } from "../limits.ts";
import type { Child, Processes, Program } from "../world.ts";

function start({ program, args, logPath, nodeFlags = [], environment = {} }: Program): Child {
  mkdirSync(dirname(logPath), { recursive: true });
  // A first start prints a token.
  const log = openSync(logPath, "a", 0o600);
  const child = spawn(process.execPath, [...nodeFlags, program, ...args], {
    stdio: ["ignore", log, log],
    detached: true,
    env: { ...process.env, ...environment },
  });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code ?? "unknown"}`));
    child.once("error", (error) => resolve(`not started: ${error.message}`));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    stop: async (patienceMs) => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function endStranger(pid: number, mark: string): Promise<boolean> {
  if (!isStranger(pid, mark)) return false;
  process.kill(pid, "SIGTERM");
  for (let waitedMs = 0; waitedMs < STOP_PATIENCE_MS; waitedMs += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (!isStranger(pid, mark)) return true;
  }
  process.kill(pid, "SIGKILL");
  return true;
}

function isStranger(pid: number, mark: string): boolean {
  return commandLine(pid).includes(mark);
}

/** "" when there is no such process, or when it has ended and nobody has asked for its exit code. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

export const nodeProcesses: Processes = { start, isStranger, endStranger };
