/** Pulses on a GPIO line: counted all the time, told at each poll, the total kept over restarts. */
import type { Device, Port, PulseProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { PORT_RETRY_MAX_MS } from "../limits.ts";
import { type MissingReason, missing, type Sample } from "../reading.ts";
import { type Clock, type Log, PortError, type Ports, type PulseCounter, type Timers } from "../world.ts";
import { createHealthCounter } from "./health.ts";
import { sampleOf } from "./serial-source.ts";
import type { ObservedSource } from "./sources.ts";

export type PulseDevice = Device & { readonly protocol: PulseProtocol };

/** Where totals outlive the process. `load` gives 0 for a device that has none yet. */
export interface TotalStore {
  loadTotal(device: string): number;
  saveTotal(device: string, total: number): void;
}

/** A save costs flash; a power cut loses what was counted since, and the total goes on from there. */
const SAVE_EVERY_MS = 60_000;
const RETRY_FIRST_MS = 1_000;

interface Counting {
  readonly counter: PulseCounter;
  /** Total when the counter was opened. */
  readonly base: number;
}

export function createPulseSource(
  deps: {
    readonly ports: Ports;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly log: Log;
    readonly totals: TotalStore;
  },
  device: PulseDevice,
  port: Pick<Port, "name" | "kind" | "path" | "simulator">,
): ObservedSource {
  const { clock, timers, totals } = deps;
  const health = createHealthCounter();
  let counting: Counting | undefined;
  let failure: PortError | undefined;
  let isClosed = false;
  let cancelRetry = (): void => {};
  let savedTotal = totals.loadTotal(device.name);
  let savedMs = clock.bootMs();
  let told = { total: savedTotal, bootMs: clock.bootMs() };

  const open = async (retryMs: number): Promise<void> => {
    try {
      const { edge, debounceMs, pull } = device.protocol;
      const options = { edge, debounceMs, ...(pull ? { pull } : {}) };
      const chips = deps.ports.gpio(port.simulator);
      const counter =
        port.kind === "counter"
          ? await chips.countByKernel(port.path)
          : await chips.countPulses(port.path, device.pin ?? 0, options, () => undefined);
      if (isClosed) return await counter.close();
      counting = { counter, base: savedTotal };
      told = { total: savedTotal, bootMs: clock.bootMs() };
      deps.log("info", "port-opened", { port: port.name, path: port.path, pin: device.pin });
    } catch (error) {
      failure = error instanceof PortError ? error : new PortError("absent", String(error), { cause: error });
      deps.log("warn", "port-failed", { port: port.name, path: port.path, error: failure.message });
      if (isClosed) return;
      cancelRetry = timers.after(retryMs, () => {
        opening = open(Math.min(2 * retryMs, PORT_RETRY_MAX_MS));
      });
    }
  };
  let opening = open(RETRY_FIRST_MS);

  const count = (): Sample => {
    const nowMs = clock.bootMs();
    if (!counting) return absent(nowMs, failure);
    try {
      const trouble = counting.counter.trouble();
      if (trouble !== undefined) health.failed(trouble, nowMs);
      const counted = counting.base + counting.counter.count();
      const since = { total: counted, since: counted - told.total, sinceMs: nowMs - told.bootMs };
      const doubt = whyImplausible(device.protocol.rate, since);
      // Noise must not stand in a total for ever.
      if (doubt?.isNoise) counting = { ...counting, base: counting.base - since.since };
      const total = doubt?.isNoise ? told.total : counted;
      told = { total, bootMs: nowMs };
      if (nowMs - savedMs >= SAVE_EVERY_MS) save(total, nowMs);
      if (doubt) {
        health.failed(doubt.text, nowMs);
        return sampleOf(device, nowMs, () => missing("implausible"));
      }
      health.traffic.pulses({ ...since, bootMs: nowMs });
      const values = device.protocol.values(since);
      return sampleOf(device, nowMs, (channel) => {
        const value = values.get(channel) ?? "malformed";
        return typeof value === "number" ? value : missing(value);
      });
    } catch (error) {
      if (error instanceof PortError) return absent(nowMs, error);
      throw error;
    }
  };

  const absent = (nowMs: number, error: PortError | undefined): Sample => {
    if (error) health.failed(error.message, nowMs);
    const reason: MissingReason = error?.failure === "busy" ? "busy" : "port-absent";
    return sampleOf(device, nowMs, () => missing(reason));
  };

  const save = (total: number, nowMs: number): void => {
    if (total === savedTotal) return;
    savedMs = nowMs;
    try {
      totals.saveTotal(device.name, total);
      savedTotal = total;
    } catch (error) {
      // A full or read-only disk costs the total over a restart, not the reading. Tried again in a minute.
      if (!(error instanceof Error && "code" in error)) throw error;
      deps.log("error", "total-not-saved", { device: device.name, total, error: error.message });
    }
  };

  return {
    device: device.name,
    poll: async () => {
      await opening;
      const sample = count();
      health.polled(sample);
      return sample;
    },
    set: async (setting) => ({ done: "refused", reason: `${device.name} counts pulses and has no setting ${setting}` }),
    command: async (command) => ({
      done: "refused",
      reason: `${device.name} counts pulses and has no command ${command}`,
    }),
    close: async () => {
      isClosed = true;
      cancelRetry();
      await opening;
      const closing = counting;
      counting = undefined;
      if (!closing) return;
      // What was counted after the last poll counts, too.
      save(closing.base + countedBy(closing.counter, told.total - closing.base), clock.bootMs());
      await closing.counter.close();
    },
    health: () => health.read(),
    traffic: () => health.traffic.read(),
  };
}

/** One pulse more or less is a matter of when was looked. */
function whyImplausible(
  rate: PulseProtocol["rate"],
  { since, sinceMs }: { readonly since: number; readonly sinceMs: number },
): { readonly text: string; readonly isNoise: boolean } | undefined {
  if (!rate) return undefined;
  const seconds = sinceMs / 1_000;
  const counted = `${since} pulses in ${Number(seconds.toPrecision(3))} s`;
  if (since - 1 > rate.high * seconds)
    return { text: `${counted}: more than ${rate.high} Hz is not plausible; they are not counted`, isNoise: true };
  if (since + 1 < rate.low * seconds)
    return { text: `${counted}: less than ${rate.low} Hz is not plausible`, isNoise: false };
  return undefined;
}

/** A chip that is away can't say; what it said last then stands. */
function countedBy(counter: PulseCounter, last: number): number {
  try {
    return counter.count();
  } catch (error) {
    if (error instanceof PortError) return last;
    throw error;
  }
}
