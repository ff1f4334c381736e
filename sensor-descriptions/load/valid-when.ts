/** `valid-when:` of the channels that come in one answer. */
import { say } from "../messages.ts";
import type { Channel, Condition } from "../model.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

/** By channel. `readable`: those of the same answer that aren't computed, which is what conditions may be about. */
export function validityOf(
  judge: Judge,
  at: Path,
  shapes: Readonly<Record<string, { readonly "valid-when"?: string | undefined }>>,
  readable: readonly Channel[],
): ReadonlyMap<string, Condition> {
  const conditions = new Map<string, Condition>();
  for (const [name, shape] of Object.entries(shapes)) {
    const place = [...at, name, "valid-when"];
    const condition = judge.condition(place, shape["valid-when"], readable);
    if (!condition) continue;
    if (condition.channels.includes(name)) judge.report(place, say.validByItself(name));
    else conditions.set(name, condition);
  }
  return conditions;
}

export function withValidity<T extends { readonly channel: Channel }>(
  specs: readonly T[],
  conditions: ReadonlyMap<string, Condition>,
): (T & { readonly validWhen?: Condition })[] {
  return specs.map((spec) => {
    const validWhen = conditions.get(spec.channel.name);
    return validWhen ? { ...spec, validWhen } : spec;
  });
}
