/**
 * A pin that is driven. It is safe from the start, at the end, when its time is up, and whenever its line was lost;
 * in between it is what was last asked for. One thing happens to it at a time.
 */
import type { Condition, Device, Level, OutputProtocol, OutputSet } from "@pump-station/sensor-descriptions/model.ts";
import { spokenDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import type { CommandOutcome, WriteOutcome } from "../outcome.ts";
import { type OutputLine, PortError } from "../world.ts";
import { createHealthCounter } from "./health.ts";
import { createKeptOpen } from "./kept-open.ts";
import { absentSample, levelSample, type PinDeps, type PinPort } from "./level-source.ts";
import { valuesMeantBy } from "./newest-values.ts";
import { createOutputLimit } from "./output-limit.ts";
import type { ObservedSource } from "./sources.ts";

export type OutputDevice = Device & { readonly protocol: OutputProtocol };

/** A pin that can't be made safe is tried again this soon, for as long as it takes. */
const SAFE_RETRY_MS = 1_000;

type Written =
  | { readonly done: "written"; readonly level: Level }
  | Extract<WriteOutcome, { readonly done: "interlocked" | "refused" | "unknown" }>;

export function createOutputSource(deps: PinDeps, device: OutputDevice, port: PinPort): ObservedSource {
  const { clock, timers, log } = deps;
  const { safe, active } = device.protocol;
  const health = createHealthCounter();
  const stateOf = createNamer(device);
  let cancelRetry = (): void => {};
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = queue.then(work);
    queue = mine.catch(() => undefined);
    return mine;
  };

  const kept = createKeptOpen<OutputLine>(deps, { port: port.name, path: port.path, pin: device.pin }, () =>
    deps.ports.gpio(port.simulator).drive(port.path, device.pin ?? 0, { active, safe }, (reason) => onLost(reason)),
  );
  const onLost = (reason: string): void => {
    limit.ended();
    health.failed(reason, clock.bootMs());
    kept.lost(new PortError("absent", reason));
    deps.onChanged?.(device.name);
  };

  const limit = createOutputLimit({ clock, timers }, device.protocol.atMostMs, (why) => {
    if (why === "spent") {
      const time = spokenDuration(device.protocol.atMostMs);
      health.failed(`${stateOf(other(safe))} for ${time}, its longest time: set ${stateOf(safe)}`, clock.bootMs());
      log("warn", "output-time-is-up", { device: device.name, afterMs: device.protocol.atMostMs });
    }
    void inTurn(makeSafe);
  });

  const makeSafe = async (): Promise<void> => {
    const line = await kept.opened();
    // Opened again, it is safe.
    if (line instanceof PortError) return;
    try {
      await line.set(safe);
      limit.ended();
      deps.onChanged?.(device.name);
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      log("error", "output-not-safe", { device: device.name, error: error.message });
      cancelRetry = timers.after(SAFE_RETRY_MS, () => void inTurn(makeSafe));
    }
  };

  const write = async ({ level, forMs }: OutputSet, onlyWhen: Condition | undefined): Promise<Written> => {
    const line = await kept.opened();
    if (line instanceof PortError) return { done: "interlocked", reason: line.message };
    let before: Level;
    try {
      before = await line.level();
    } catch (error) {
      return { done: "interlocked", reason: textOf(error) };
    }
    if (level === safe) limit.forgive();
    if (before === level) {
      if (level !== safe) limit.begin(forMs);
      return { done: "written", level };
    }
    const held = whyHeld(device, onlyWhen, before, clock.bootMs());
    if (held !== undefined) return { done: "interlocked", reason: held };
    if (level !== safe && limit.isSpent()) {
      const reason = `was ${stateOf(level)} for its longest time: set it ${stateOf(safe)} first`;
      return { done: "interlocked", reason };
    }
    return driven(line, level, forMs);
  };

  const driven = async (line: OutputLine, level: Level, forMs: number | undefined): Promise<Written> => {
    // Before the line moves: whatever comes of it, its time is counted.
    if (level !== safe) limit.begin(forMs);
    try {
      await line.set(level);
      if (level === safe) limit.ended();
      const after = await line.level();
      if (after === level) return { done: "written", level };
      return { done: "refused", reason: `set ${stateOf(level)}; it reads back ${stateOf(after)}` };
    } catch (error) {
      return { done: "unknown", reason: textOf(error) };
    }
  };

  return {
    device: device.name,
    poll: async () => {
      const level = await inTurn(() => lookAt(kept));
      const nowMs = clock.bootMs();
      const sample =
        level instanceof PortError ? absentSample(device, nowMs, level, health) : levelSample(device, nowMs, level);
      health.polled(sample);
      return sample;
    },
    set: async (name, value) => {
      const setting = device.settings.find((candidate) => candidate.name === name);
      if (!setting) return { done: "refused", reason: `${device.name} has no setting ${name}` };
      if (value !== 0 && value !== 1) return { done: "refused", reason: `${name} ${value}: neither 0 nor 1` };
      const outcome = await inTurn(() => write({ level: value }, setting.onlyWhen));
      return outcome.done === "written" ? { done: "applied", value: outcome.level } : outcome;
    },
    command: async (name): Promise<CommandOutcome> => {
      const command = device.commands.find((candidate) => candidate.name === name);
      const set = device.protocol.sets.get(name);
      if (!command || !set) return { done: "refused", reason: `${device.name} has no command ${name}` };
      const outcome = await inTurn(() => write(set, command.onlyWhen));
      deps.onChanged?.(device.name);
      if (outcome.done !== "written") return { done: outcome.done, reason: outcome.reason };
      const lasting = set.forMs === undefined ? "" : ` for ${spokenDuration(set.forMs)}`;
      return { done: "confirmed", reason: `reads back ${stateOf(outcome.level)}${lasting}` };
    },
    close: async () => {
      const line = await kept.close();
      await inTurn(async () => {
        limit.ended();
        cancelRetry();
        if (line) await letGo(deps, device, line);
      });
    },
    health: () => health.read(),
    traffic: () => health.traffic.read(),
  };
}

/** Safe first; a line that can't be made safe is let go of all the same, and told. */
async function letGo({ log }: PinDeps, device: OutputDevice, line: OutputLine): Promise<void> {
  try {
    await line.set(device.protocol.safe);
  } catch (error) {
    if (!(error instanceof PortError)) throw error;
    log("error", "output-not-safe", { device: device.name, error: error.message });
  }
  await line.close();
}

async function lookAt(kept: { opened(): Promise<OutputLine | PortError> }): Promise<Level | PortError> {
  const line = await kept.opened();
  if (line instanceof PortError) return line;
  try {
    return await line.level();
  } catch (error) {
    if (error instanceof PortError) return error;
    throw error;
  }
}

/** Why the interlock keeps the pin as it is, judged on what it reads now. */
function whyHeld(device: OutputDevice, onlyWhen: Condition | undefined, level: Level, nowMs: number) {
  const holds = onlyWhen?.test(valuesMeantBy(device, levelSample(device, nowMs, level)));
  if (!onlyWhen || holds === true) return undefined;
  return `only when ${onlyWhen.text}: ${holds === false ? "does not hold" : "can't be judged, a value is missing"}`;
}

/** The name of a level, as the file calls it. */
function createNamer(device: Device): (level: Level) => string {
  const named = device.channels.find(({ states }) => states?.has(0) && states.has(1))?.states;
  return (level) => named?.get(level) ?? String(level);
}

const other = (level: Level): Level => (level === 0 ? 1 : 0);

function textOf(error: unknown): string {
  if (error instanceof PortError) return error.message;
  throw error;
}
