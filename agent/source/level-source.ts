/**
 * A pin that is read: a level counts once it has stayed as long as its debounce, and is told at once, not only at the
 * next poll. A contact that never stays still is told all the same, and that it doesn't.
 */
import type { Device, Level, LevelProtocol, Port } from "@pump-station/sensor-descriptions/model.ts";
import { type MissingReason, missing, type Sample } from "../reading.ts";
import { type Clock, type LevelWatch, type Log, PortError, type Ports, type Timers } from "../world.ts";
import { createHealthCounter } from "./health.ts";
import { createKeptOpen } from "./kept-open.ts";
import { sampleOf } from "./serial-source.ts";
import type { ObservedSource } from "./sources.ts";

export type LevelDevice = Device & { readonly protocol: LevelProtocol };

export interface PinDeps {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly onChanged?: (device: string) => void;
}
export type PinPort = Pick<Port, "name" | "path" | "simulator">;

/** A contact that chatters this many debounces long is read as it is. */
const RESTLESS_DEBOUNCES = 10;
/** Changes told at once; more of them wait for the next poll, or a loose contact would fill the link. */
const TOLD_PER_MINUTE_MAX = 30;

export function createLevelSource(deps: PinDeps, device: LevelDevice, port: PinPort): ObservedSource {
  const { clock, timers } = deps;
  const { debounceMs, active, pull } = device.protocol;
  const health = createHealthCounter();
  const tell = createTeller(deps, device.name, (text) => health.failed(text, clock.bootMs()));
  let settled: Level | undefined;
  let restlessSinceMs: number | undefined;
  let cancelSettling = (): void => {};
  let isClosed = false;

  const kept = createKeptOpen<LevelWatch>(deps, { port: port.name, path: port.path, pin: device.pin }, () =>
    deps.ports
      .gpio(port.simulator)
      .watchLevel(port.path, device.pin ?? 0, { active, ...(pull ? { pull } : {}) }, () => onEdge()),
  );

  const onEdge = (): void => {
    if (isClosed) return;
    const nowMs = clock.bootMs();
    restlessSinceMs ??= nowMs;
    const leftMs = restlessSinceMs + RESTLESS_DEBOUNCES * debounceMs - nowMs;
    cancelSettling();
    cancelSettling = timers.after(Math.max(0, Math.min(debounceMs, leftMs)), () => void settle(leftMs < debounceMs));
  };

  const settle = async (isRestless: boolean): Promise<void> => {
    if (isRestless) health.failed(`the contact is never still for ${debounceMs} ms: it bounces`, clock.bootMs());
    restlessSinceMs = undefined;
    const level = await look();
    if (typeof level !== "number" || isClosed) return;
    if (settled !== undefined && settled !== level) tell();
    settled = level;
  };

  const look = async (): Promise<Level | PortError> => {
    const watch = await kept.opened();
    if (watch instanceof PortError) return watch;
    try {
      return await watch.level();
    } catch (error) {
      if (error instanceof PortError) return error;
      throw error;
    }
  };

  const read = async (): Promise<Sample> => {
    const level = await look();
    const nowMs = clock.bootMs();
    if (typeof level !== "number") return absentSample(device, nowMs, level, health);
    // While the contact moves, what it was before stands.
    if (restlessSinceMs === undefined || settled === undefined) settled = level;
    health.traffic.level(settled, nowMs);
    return levelSample(device, nowMs, settled);
  };

  return {
    device: device.name,
    poll: async () => {
      const sample = await read();
      health.polled(sample);
      return sample;
    },
    set: async (setting) => ({ done: "refused", reason: `${device.name} is only read and has no setting ${setting}` }),
    command: async (command) => ({
      done: "refused",
      reason: `${device.name} is only read and has no command ${command}`,
    }),
    close: async () => {
      isClosed = true;
      cancelSettling();
      await (await kept.close())?.close();
    },
    health: () => health.read(),
    traffic: () => health.traffic.read(),
  };
}

export function levelSample(
  device: Device & { readonly protocol: { values: LevelProtocol["values"] } },
  bootMs: number,
  level: Level,
): Sample {
  const values = device.protocol.values(level);
  return sampleOf(device, bootMs, (channel) => {
    const value = values.get(channel) ?? "malformed";
    return typeof value === "number" ? value : missing(value);
  });
}

export function absentSample(
  device: Device,
  bootMs: number,
  error: PortError,
  health: { failed(what: string, bootMs: number): void },
): Sample {
  health.failed(error.message, bootMs);
  const reason: MissingReason = error.failure === "busy" ? "busy" : "port-absent";
  return sampleOf(device, bootMs, () => missing(reason));
}

function createTeller(
  { clock, onChanged }: Pick<PinDeps, "clock" | "onChanged">,
  device: string,
  onTooMany: (text: string) => void,
): () => void {
  let minute = Number.NEGATIVE_INFINITY;
  let told = 0;
  return () => {
    const now = Math.floor(clock.bootMs() / 60_000);
    if (now !== minute) told = 0;
    minute = now;
    if (++told <= TOLD_PER_MINUTE_MAX) onChanged?.(device);
    else onTooMany(`more than ${TOLD_PER_MINUTE_MAX} changes in a minute: told only when it is read`);
  };
}
