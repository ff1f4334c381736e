/** A pin that is read (`levels`) or driven (`outputs`): values are formulas of `level`, 1 where the pin is active. */
import { createChannelCodec } from "../fields/channels.ts";
import { formulaName } from "../formula/formula.ts";
import type { Level, LevelProtocol, OutputProtocol, Values } from "../model.ts";
import type { LevelSpec, OutputSpec } from "../spec.ts";

/** Throws Error when a channel is a field: a pin has no bytes. */
export function createLevelProtocol(spec: LevelSpec): LevelProtocol {
  const { active, debounceMs, pull } = spec;
  return { kind: "levels", active, debounceMs, ...(pull ? { pull } : {}), values: valuesOf(spec) };
}

/** Throws as above. */
export function createOutputProtocol(spec: OutputSpec): OutputProtocol {
  const { active, safe, atMostMs, sets } = spec;
  return { kind: "outputs", active, safe, atMostMs, sets: new Map(sets), values: valuesOf(spec) };
}

/** What the wire is at when the pin is at `level`, and the other way round. */
export const lineAt = (level: Level, active: "high" | "low"): "high" | "low" =>
  (level === 1) === (active === "high") ? "high" : "low";
export const levelOf = (line: "high" | "low", active: "high" | "low"): Level => (line === active ? 1 : 0);

function valuesOf({ channels, given }: Pick<LevelSpec, "channels" | "given">): (level: Level) => Values {
  const codec = createChannelCodec(channels);
  for (const { channel, source } of channels) {
    if (source.from === "field") throw new Error(`channel ${channel.name}: a pin has no bytes to read it from`);
  }
  const known = [...given].map(([name, value]) => [formulaName(name), value] as const);
  return (level) => codec.decode(NO_BYTES, 0, new Map([...known, ["level", level]]));
}

const NO_BYTES = new Uint8Array();
