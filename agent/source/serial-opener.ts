/** Opens a serial line, and after a failure not again before a back-off has passed. */
import type { Port, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import { PORT_RETRY_MAX_MS } from "../limits.ts";
import { type Clock, type Log, PortError, type Ports, type SerialLine } from "../world.ts";

const RETRY_FIRST_MS = 1_000;

export interface Opener {
  /** Throws PortError; the one from before while the back-off lasts. */
  open(settings: SerialSettings): Promise<SerialLine>;
  lost(reason: string): void;
  /** How long until a try can be of use. */
  retryInMs(): number;
}

export function createOpener(
  { ports, clock, log }: { readonly ports: Ports; readonly clock: Clock; readonly log: Log },
  { name, path }: Pick<Port, "name" | "path">,
): Opener {
  let retryMs = RETRY_FIRST_MS;
  let retryAtMs = Number.NEGATIVE_INFINITY;
  let because = new PortError("absent", `${path}: not tried`);
  return {
    open: async (settings) => {
      if (clock.bootMs() < retryAtMs) throw because;
      try {
        const line = await ports.serial.open(path, settings);
        log("info", "port-opened", { port: name, path });
        retryMs = RETRY_FIRST_MS;
        return line;
      } catch (cause) {
        because = cause instanceof PortError ? cause : new PortError("absent", String(cause), { cause });
        retryAtMs = clock.bootMs() + retryMs;
        retryMs = Math.min(2 * retryMs, PORT_RETRY_MAX_MS);
        log("warn", "port-failed", { port: name, path, error: because.message });
        throw because;
      }
    },
    lost: (reason) => {
      log("warn", "port-closed", { port: name, path, reason });
      retryAtMs = clock.bootMs() + RETRY_FIRST_MS;
      because = new PortError("absent", `${path}: ${reason}`);
    },
    retryInMs: () => Math.max(0, retryAtMs - clock.bootMs()),
  };
}
