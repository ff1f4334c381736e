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

/** Writes `value` to `path` as soon as this process is gone. */
export function startSafeGuard(path: string, value: number): SafeGuard {
  const child = spawn("/bin/sh", ["-c", GUARD_SCRIPT, "pump-station-guard", path, String(value)], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  child.stdin.on("error", () => undefined);
  return {
    end: async () => {
      child.stdin.end();
      const late = setTimeout(() => child.kill("SIGKILL"), END_WITHIN_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
