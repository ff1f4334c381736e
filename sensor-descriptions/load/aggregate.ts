/** `aggregate:` and `rate-of-change:`: what further channels they make, and of which. */
import { say } from "../messages.ts";
import type { Channel } from "../model.ts";
import type { Aggregate, AggregateKind, Aggregation, Rate } from "../preprocessing.ts";
import { type Quantity, quantityIn, readDuration, spokenDuration } from "../quantities.ts";
import { nearestWord } from "../spelling.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

const AGGREGATIONS = ["mean", "min", "max", "sum", "last", "vector mean"] as const;
const PHRASE = /^(mean|min|max|sum|last|vector mean)(?:\s+of\s+([a-z0-9-]+))?(?:\s+by\s+([a-z0-9-]+))?$/;
const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

export interface AggregateShape {
  readonly every: number;
  readonly "at-least"?: Quantity | undefined;
}

/** `channels`: what there is before windows, rates included. */
export function aggregateOf(
  judge: Judge,
  at: Path,
  shape: AggregateShape,
  channels: readonly Channel[],
  everyMs: number,
): Aggregation {
  const { every, "at-least": share, ...rest } = shape;
  const named: Readonly<Record<string, string>> = rest;
  if (every < everyMs)
    judge.report([...at, "every"], say.aggregateTooShort(spokenDuration(every), spokenDuration(everyMs)));
  const atLeast = share && judge.take([...at, "at-least"], quantityIn(share, "%"));
  if (atLeast !== undefined && (atLeast < 0 || atLeast > 100))
    judge.report([...at, "at-least"], say.outOfRange(share?.text ?? "", "0 %", "100 %"));
  const by = new Map<string, Aggregate>();
  for (const [name, text] of Object.entries(named)) {
    const how = oneOf(judge, [...at, name], name, text, channels);
    if (how) by.set(name, how);
  }
  return { everyMs: every, ...(atLeast === undefined ? {} : { atLeast: atLeast / 100 }), by };
}

function oneOf(
  judge: Judge,
  at: Path,
  name: string,
  text: string,
  channels: readonly Channel[],
): Aggregate | undefined {
  const [, by, of, weight] = PHRASE.exec(text) ?? [];
  if (by === undefined) return void judge.report(at, say.noAggregate(text, nearestWord(text, AGGREGATIONS)));
  const own = channels.find((channel) => channel.name === name);
  if (own && of !== undefined && of !== name) return void judge.report(at, say.nameTaken(name, of), "key");
  if (!own && of === undefined) return void reportUnknown(judge, at, name, channels, "key");
  if (!NAME.test(name)) return void judge.report(at, say.badName(name), "key");
  const source = channels.find((channel) => channel.name === (of ?? name));
  if (!source) return void reportUnknown(judge, at, of ?? name, channels, "value");
  const aggregation = by as AggregateKind;
  if (!isForKind(judge, at, aggregation, weight, source)) return undefined;
  if (weight === undefined) return { by: aggregation, of: source.name };
  const weighing = channels.find((channel) => channel.name === weight);
  if (!weighing) return void reportUnknown(judge, at, weight, channels, "value");
  if (weighing.kind !== "gauge") return void judge.report(at, say.stateIsNoQuantity(weight));
  return { by: aggregation, of: source.name, weight };
}

function isForKind(judge: Judge, at: Path, by: AggregateKind, weight: string | undefined, source: Channel): boolean {
  if (source.kind === "state" && by !== "last") judge.report(at, say.meanOfState(source.name));
  else if (by === "vector mean" && source.unit !== "deg") judge.report(at, say.noDirection(source.name));
  else if (by !== "vector mean" && weight !== undefined) judge.report(at, say.weightOfOther(by));
  else {
    if (by === "mean" && source.unit === "deg") judge.report(at, say.degreesMixed(source.name));
    return true;
  }
  return false;
}

function reportUnknown(
  judge: Judge,
  at: Path,
  name: string,
  channels: readonly Channel[],
  part: "key" | "value",
): void {
  const known = channels.map((channel) => channel.name);
  judge.report(at, say.unknownChannel(name, nearestWord(name, known), known), part);
}

const RATE = /^([a-z0-9-]+)\s+per\s+(.+?)\s+over\s+(.+)$/;
const PER: ReadonlyMap<number, string> = new Map([[1_000, "s"], [60_000, "min"], [3_600_000, "h"], [86_400_000, "d"]]); // biome-ignore format: a table
/** Two readings, and one to lose. */
const READINGS_MIN = 3;

/** "pressure per 1h over 3h" */
export function rateOf(
  judge: Judge,
  at: Path,
  name: string,
  text: string,
  channels: readonly Channel[],
  everyMs: number,
): Rate | undefined {
  const [, of = "", perText = "", overText = ""] = RATE.exec(text) ?? [];
  if (of === "") return void judge.report(at, say.noRate(text));
  if (channels.some((channel) => channel.name === name)) return void judge.report(at, say.nameTaken(name, of), "key");
  const source = channels.find((channel) => channel.name === of);
  if (!source) return void reportUnknown(judge, at, of, channels, "value");
  if (source.kind === "state") return void judge.report(at, say.stateIsNoQuantity(of));
  if (source.unit === "deg") judge.report(at, say.degreesMixed(of));
  const perMs = judge.take(at, readDuration(/^\d/.test(perText) ? perText : `1${perText}`));
  const overMs = judge.take(at, readDuration(overText));
  if (perMs === undefined || overMs === undefined) return undefined;
  const per = PER.get(perMs);
  if (per === undefined) return void judge.report(at, say.noRate(text));
  if (overMs < READINGS_MIN * everyMs)
    return void judge.report(at, say.rateTooShort(spokenDuration(overMs), spokenDuration(READINGS_MIN * everyMs)));
  // A difference of 1 °C is one of 1 K, and UCUM divides kelvins only.
  const unit = `${source.unit === "Cel" ? "K" : source.unit}/${per}`;
  return { name, of, perMs, overMs, unit, resolution: niceStep((source.resolution * perMs) / overMs) };
}

/** The largest of 1, 2, 5 · 10ⁿ that is not above: finer than that, two readings can't tell a rate. */
function niceStep(step: number): number {
  const power = Math.floor(Math.log10(step));
  const mantissa = step / 10 ** power;
  return Number(`${mantissa >= 5 ? 5 : mantissa >= 2 ? 2 : 1}e${power}`);
}
