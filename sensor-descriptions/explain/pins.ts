/** Pulses and levels: counts and levels put into the formulas. */
import { formulaName } from "../formula/formula.ts";
import type { Level, Values } from "../model.ts";
import { createLevelProtocol, createOutputProtocol } from "../pins/levels.ts";
import { createPulseProtocol } from "../pins/pulses.ts";
import type { LevelSpec, OutputSpec, PulseSpec } from "../spec.ts";
import type { Explanation } from "./explanation.ts";
import { computations, seenByFormulas, short } from "./values.ts";

export interface Pulses {
  readonly total: number;
  readonly since: number;
  readonly sinceMs: number;
}

export function explainPulses(spec: PulseSpec, pulses: Pulses): Explanation {
  const { total, since, sinceMs } = pulses;
  const values = createPulseProtocol(spec).values(pulses);
  const own = new Map([
    ["total", total],
    ["since", since],
    ["seconds", sinceMs / 1_000],
  ] as const);
  const what = `${short(since)} pulses in ${short(sinceMs / 1_000)} s (seconds), ${short(total)} in all (total)`;
  return fromFormulas(spec, what, own, values);
}

export function explainLevel(spec: LevelSpec | OutputSpec, level: Level): Explanation {
  const protocol = spec.protocol === "levels" ? createLevelProtocol(spec) : createOutputProtocol(spec);
  const wire = (level === 1) === (spec.active === "high") ? "high" : "low";
  return fromFormulas(
    spec,
    `the wire is ${wire}, which is level ${level} (active ${spec.active})`,
    new Map([["level", level]]),
    protocol.values(level),
  );
}

function fromFormulas(
  { channels, given }: Pick<PulseSpec, "channels" | "given">,
  what: string,
  own: ReadonlyMap<string, number>,
  values: Values,
): Explanation {
  const known = new Map([...given, ...own].map(([name, value]) => [formulaName(name), value] as const));
  const all: Values = new Map([...known, ...seenByFormulas(channels, values)]);
  return { what: [what], sections: [], computed: computations(channels, all, values), values, wrong: [] };
}
