/** Keeps programs running: one that was ready and ends without being asked is started again, and that is said. */
import type { Timers } from "@pump-station/agent/world.ts";
import { RESTART_MAX_MS, STOP_PATIENCE_MS } from "../limits.ts";
import type { Child, Processes, Program } from "../world.ts";

export interface Kept {
  readonly name: string;
  readonly pid: number;
  /** How it ended before it was ready; it isn't started again then. */
  readonly failed: string | undefined;
  /** From now on it is started again whenever it ends. */
  ready(): void;
  /** Resolves when it has ended for good. */
  stop(): Promise<void>;
}

export interface KeepOptions extends Program {
  /** As it is spoken of: "the agent". */
  readonly name: string;
}

/** After this long it counts as having worked, and the next restart is soon. */
const SETTLED_MS = 20_000;
const RESTART_FIRST_MS = 1_000;

export function keepRunning(
  deps: {
    readonly processes: Processes;
    readonly timers: Timers;
    readonly clock: { bootMs(): number };
    readonly say: (line: string) => void;
    readonly onStarted?: () => void;
  },
  { name, ...program }: KeepOptions,
): Kept {
  const stopping = new AbortController();
  let isReady = false;
  let failed: string | undefined;
  let child: Child = deps.processes.start(program);

  const watch = async (): Promise<void> => {
    let waitMs = RESTART_FIRST_MS;
    for (;;) {
      const startedMs = deps.clock.bootMs();
      const ending = await child.ended;
      if (stopping.signal.aborted) return;
      if (!isReady) {
        failed = ending;
        return;
      }
      if (deps.clock.bootMs() - startedMs > SETTLED_MS) waitMs = RESTART_FIRST_MS;
      deps.say(
        `${name} (pid ${child.pid}) has ended: ${ending}. Starting it again in ${waitMs / 1000} s; see ${program.logPath}`,
      );
      await deps.timers.sleep(waitMs, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      waitMs = Math.min(2 * waitMs, RESTART_MAX_MS);
      child = deps.processes.start(program);
      deps.say(`${name} runs again as pid ${child.pid}.`);
      deps.onStarted?.();
    }
  };
  const watching = watch();
  return {
    name,
    get pid() {
      return child.pid;
    },
    get failed() {
      return failed;
    },
    ready: () => {
      isReady = true;
    },
    stop: async () => {
      stopping.abort();
      await child.stop(STOP_PATIENCE_MS);
      await watching;
    },
  };
}
