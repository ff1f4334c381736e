/**
 * systemd's watchdog (systemd.service(5), WatchdogSec=): while the event loop turns, systemd is told so, and a process that
 * hangs is ended and started anew. sd_notify(3) speaks over a datagram socket with a path, which Node hasn't got, so
 * systemd's own tool speaks; the unit allows that by NotifyAccess=all.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log, Timers } from "../world.ts";

/** So often within systemd's patience, so that one that gets lost isn't the end. */
const TOLD_TIMES = 3;
const TELL_WITHIN_MS = 10_000;

export interface WatchdogDeps {
  readonly timers: Timers;
  readonly log: Log;
  /** Says once that this process is well; throws when nobody heard it. */
  readonly tell: () => Promise<void>;
}

/**
 * Tells at once, and then again and again; the returned function ends it. `patienceMs`: after so long a silence the process
 * is ended; undefined: nobody listens.
 */
export function feedWatchdog({ timers, log, tell }: WatchdogDeps, patienceMs: number | undefined): () => void {
  if (patienceMs === undefined) return () => undefined;
  let wasHeard = true;
  let cancel = (): void => undefined;
  const feed = async (): Promise<void> => {
    cancel = timers.after(patienceMs / TOLD_TIMES, () => void feed());
    try {
      await tell();
      wasHeard = true;
    } catch (error) {
      if (wasHeard) log("error", "watchdog-not-fed", { patienceMs, error: String(error) });
      wasHeard = false;
    }
  };
  void feed();
  return () => cancel();
}

/** systemd's patience in ms; undefined when it isn't this process that it waits for. */
export function watchdogPatienceMs(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const { WATCHDOG_USEC: patienceUs, WATCHDOG_PID: pid } = env;
  const isOurs = pid === undefined || Number(pid) === process.pid;
  return isOurs && Number(patienceUs) > 0 ? Number(patienceUs) / 1000 : undefined;
}

/** `path`: where the tool is looked for; default: PATH. */
export async function tellSystemd(path?: string): Promise<void> {
  const env = path === undefined ? process.env : { ...process.env, PATH: path };
  await promisify(execFile)("systemd-notify", ["WATCHDOG=1"], { timeout: TELL_WITHIN_MS, env });
}
