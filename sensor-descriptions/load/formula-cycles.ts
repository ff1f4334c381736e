/** Channels that are computed from each other in a circle have no value: each is said at its own line. */
import { formulaName } from "../formula/formula.ts";
import type { I2cSpec } from "../i2c/i2c-spec.ts";
import type { LineChannelSpec } from "../lines/lines-spec.ts";
import { say } from "../messages.ts";
import type { ChannelSpec, ProtocolSpec } from "../spec.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export function reportFormulaCycles(spec: ProtocolSpec, judge: Judge): void {
  if ("channels" in spec) inOneRead(spec.channels, ["channels"], judge, "lets" in spec ? namesBefore(spec) : new Set());
  else for (const read of spec.reads) inOneRead(read.channels, ["reads", read.name, "channels"], judge);
}

/** A channel that bears the name of a field or `let` line is computed from that, not from itself. */
const namesBefore = ({ constants, measure, lets }: I2cSpec): ReadonlySet<string> => {
  const fields = [...constants, ...measure].flatMap((step) => ("fields" in step ? step.fields : []));
  return new Set([...fields, ...lets].map(({ name }) => formulaName(name)));
};

function inOneRead(
  channels: readonly (ChannelSpec | LineChannelSpec)[],
  at: Path,
  judge: Judge,
  before: ReadonlySet<string> = new Set(),
): void {
  const needed = new Map<string, readonly string[]>();
  for (const { channel, source } of channels) {
    const own = formulaName(channel.name);
    const isOther = (name: string): boolean => name !== own || !before.has(own);
    if (source.from === "formula") needed.set(own, source.formula.names.filter(isOther));
  }
  for (const { channel } of channels) {
    const way = wayBack(formulaName(channel.name), needed);
    if (way) judge.report([...at, channel.name, "formula"], say.formulaCycle(way));
  }
}

/** The shortest way from a name over those it is computed from back to itself: a, b, a. */
function wayBack(name: string, needed: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const from = new Map<string, string>();
  const waiting = [name];
  for (let current = waiting.shift(); current !== undefined; current = waiting.shift()) {
    for (const next of needed.get(current) ?? []) {
      if (next === name) return [...pathTo(current, from, name), name];
      if (from.has(next) || !needed.has(next)) continue;
      from.set(next, current);
      waiting.push(next);
    }
  }
  return undefined;
}

function pathTo(name: string, from: ReadonlyMap<string, string>, start: string): string[] {
  const path = [name];
  for (let at = name; at !== start; ) {
    at = from.get(at) ?? start;
    path.unshift(at);
  }
  return path;
}
