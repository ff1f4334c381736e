/**
 * What makes an output safe when this process can't any more: a shell that waits for the end of its input, which comes
 * when the process that holds the other end is gone, however it went. It also acts on SIGTERM, for systemd sends that
 * to a whole service. Only a SIGKILL of the shell itself, or the machine's end, takes it by surprise.
 */
import { spawn } from "node:child_process";

export const GUARD_SCRIPT = `
trap : TERM INT HUP
read -r _
printf %s "$2" > "$1"
`;
/** A write to sysfs takes microseconds; a shell that hangs is left to itself. */
const END_WITHIN_MS = 2_000;

export interface SafeGuard {
  /** Has it write the safe value now, and resolves when it has ended. */
  end(): Promise<void>;
}

/**
 * Writes `value` to `path` as soon as this process is gone. Resolves when the guard stands, rejects when there is none.
 * `onGone`: it ended by itself (somebody killed it), and nothing guards any more; never after `end`.
 */
export async function startSafeGuard(
  path: string,
  value: number,
  onGone: (why: string) => void,
  shell = "/bin/sh",
): Promise<SafeGuard> {
  const child = spawn(shell, ["-c", GUARD_SCRIPT, "pump-station-guard", path, String(value)], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  // What it says of a pipe whose reader is gone, "exit" says better.
  child.stdin.on("error", () => undefined);
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  let isMeant = false;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      if (!isMeant) onGone(signal === null ? `ended with exit code ${code}` : `ended by ${signal}`);
      resolve();
    });
  });
  return {
    end: async () => {
      isMeant = true;
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), END_WITHIN_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
