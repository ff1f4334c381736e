/** Something on a port that should be open all the time: opened at once, and again with back-off when it is lost. */
import { PORT_RETRY_MAX_MS } from "../limits.ts";
import { type Log, PortError, type Timers } from "../world.ts";

export interface KeptOpen<T> {
  /** What is open now, or why nothing is; waits for an attempt that is under way, and starts none. */
  opened(): Promise<T | PortError>;
  /** It went away: it is opened again. Nothing when it isn't open. */
  lost(error: PortError): void;
  /** No further attempts; resolves to what was open, for the caller to close. */
  close(): Promise<T | undefined>;
}

const RETRY_FIRST_MS = 1_000;

export function createKeptOpen<T>(
  deps: { readonly timers: Timers; readonly log: Log },
  fields: Readonly<Record<string, unknown>>,
  open: () => Promise<T>,
): KeptOpen<T> {
  let current: T | PortError = new PortError("absent", "not opened yet");
  let isClosed = false;
  let cancelRetry = (): void => {};

  const attempt = async (retryMs: number): Promise<void> => {
    try {
      current = await open();
      deps.log("info", "port-opened", fields);
    } catch (error) {
      current = error instanceof PortError ? error : new PortError("absent", String(error), { cause: error });
      deps.log("warn", "port-failed", { ...fields, error: current.message });
      retry(retryMs);
    }
  };
  const retry = (ms: number): void => {
    if (isClosed) return;
    cancelRetry();
    cancelRetry = deps.timers.after(ms, () => {
      opening = attempt(Math.min(2 * ms, PORT_RETRY_MAX_MS));
    });
  };
  let opening = attempt(RETRY_FIRST_MS);

  return {
    opened: async () => {
      await opening;
      return current;
    },
    lost: (error) => {
      if (current instanceof PortError) return;
      current = error;
      deps.log("warn", "port-lost", { ...fields, error: error.message });
      retry(RETRY_FIRST_MS);
    },
    close: async () => {
      isClosed = true;
      cancelRetry();
      await opening;
      return current instanceof PortError ? undefined : current;
    },
  };
}
