/** One gpiomon on one line, kept running: when it ends it is started again with back-off, and what may be lost is told. */
import { PORT_RETRY_MAX_MS } from "../../limits.ts";
import { type Clock, type Log, PortError, type Timers } from "../../world.ts";
import type { RunningTool } from "../tool-process.ts";
import type { Edge, LineRequest } from "./gpiod-dialects.ts";
import type { GpiodTools } from "./gpiod-tools.ts";

export interface LineMonitor {
  /** Throws PortError while nothing watches the line. */
  check(): void;
  /** What may have been missed since this was last asked. */
  gap(): string | undefined;
  /** Ends the tool and starts it anew, for `before` to be run on a free line. */
  again(): Promise<void>;
  close(): Promise<void>;
}

const RETRY_FIRST_MS = 1_000;

/** `before` runs each time before the line is taken. Throws PortError when the first start fails. */
export async function createLineMonitor(
  deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log; readonly gpiod: GpiodTools },
  what: string,
  line: LineRequest,
  edges: "rising" | "falling" | "both",
  onEdge: (edge: Edge) => void,
  before: () => Promise<void> = async () => {},
): Promise<LineMonitor> {
  const { clock, timers, log, gpiod } = deps;
  let running: RunningTool | undefined;
  let failure: PortError | undefined;
  let awaySinceMs: number | undefined;
  let gap: string | undefined;
  let isClosed = false;
  let cancelRetry = (): void => {};

  const start = async (): Promise<void> => {
    const dialect = await gpiod.dialect();
    await gpiod.checkFree(what, line);
    await before();
    let why: PortError | undefined;
    const tool = gpiod.tools.start("gpiomon", dialect.monitor(line, edges), {
      stop: "signal",
      onLine: (text) => {
        const edge = dialect.edgeFrom(text);
        if (edge) onEdge(edge);
        else log("warn", "gpio-line-unreadable", { ...line, text: text.slice(0, 100) });
      },
      onEnd: (reason) => {
        why = reason;
        if (running === tool) onEnded(reason);
      },
    });
    await gpiod.waitUntilHeld(what, line, tool, () => why ?? new PortError("absent", `${what}: gpiomon ended`));
    running = tool;
    failure = undefined;
    if (isClosed) await stop();
  };

  const onEnded = (reason: PortError): void => {
    running = undefined;
    if (isClosed) return;
    failure = reason;
    awaySinceMs = clock.bootMs();
    log("warn", "gpio-tool-ended", { ...line, tool: "gpiomon", error: reason.message });
    retryAfter(RETRY_FIRST_MS);
  };

  const retryAfter = (ms: number): void => {
    if (isClosed) return;
    cancelRetry = timers.after(ms, () => {
      starting = restart(ms);
    });
  };

  const restart = async (ms: number): Promise<void> => {
    try {
      await start();
      const lostMs = clock.bootMs() - (awaySinceMs ?? clock.bootMs());
      gap = `gpiomon ended and was started again: what happened on the pin within ${(lostMs / 1_000).toFixed(1)} s is lost`;
      log("info", "gpio-tool-restarted", { ...line, tool: "gpiomon", lostMs: Math.round(lostMs) });
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      failure = error;
      retryAfter(Math.min(2 * ms, PORT_RETRY_MAX_MS));
    }
  };

  const stop = async (): Promise<void> => {
    const tool = running;
    running = undefined;
    await tool?.stop();
  };

  await start();
  let starting: Promise<void> = Promise.resolve();
  return {
    check: () => {
      if (!running) throw failure ?? new PortError("absent", `${what}: nothing watches the line`);
    },
    gap: () => {
      const told = gap;
      gap = undefined;
      return told;
    },
    again: async () => {
      if (!running) return;
      await stop();
      try {
        await start();
      } catch (error) {
        if (!(error instanceof PortError)) throw error;
        onEnded(error);
      }
    },
    close: async () => {
      isClosed = true;
      cancelRetry();
      await starting;
      await stop();
    },
  };
}
