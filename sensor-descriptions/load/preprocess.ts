/** What a device's values go through on the station: the lines of the station file, over those of the device file. */
import type * as z from "zod";
import { channelsBeforeWindows, keptChannels } from "../kept-channels.ts";
import { say } from "../messages.ts";
import type { Channel, Device } from "../model.ts";
import type { Correction, FilterStep, Rate } from "../preprocessing.ts";
import type { preprocessKeys } from "../schema/preprocess.ts";
import { nearestWord } from "../spelling.ts";
import { aggregateOf, rateOf } from "./aggregate.ts";
import { correctionOf, isReadBack } from "./correct.ts";
import { filterOf, type StepsShape } from "./filters.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export type PreprocessShape = z.output<z.ZodObject<typeof preprocessKeys>>;
type Preprocessing = Pick<Device, "correct" | "filters" | "rates" | "aggregate" | "smallChange">;
type Filters = ReadonlyMap<string, readonly FilterStep[]>;

/** A channel's filter as the device file has it, and where it stands. */
export interface TypeFilter {
  readonly steps: readonly FilterStep[];
  /** "sensors/sht4x.yaml:31" */
  readonly origin: string;
}

/** What the device's type says. */
interface Type {
  readonly channels: readonly Channel[];
  readonly filters: ReadonlyMap<string, TypeFilter>;
  readonly settings: Device["settings"];
}

/** `everyMs` and `fastestMs`: the usual and the shortest time between two readings. */
export function preprocessingOf(
  judge: Judge,
  at: Path,
  shape: PreprocessShape,
  type: Type,
  times: { readonly everyMs: number; readonly fastestMs: number },
): Preprocessing {
  const { channels } = type;
  const filters = filtersOf(judge, [...at, "filter"], shape, type, times.fastestMs);
  const rates: Rate[] = [];
  for (const [name, text] of Object.entries(shape["rate-of-change"] ?? {})) {
    const rate = rateOf(judge, [...at, "rate-of-change", name], name, text, channels, times.everyMs);
    if (rate) rates.push(rate);
  }
  const before = { channels, filters, rates };
  const aggregate =
    shape.aggregate &&
    aggregateOf(judge, [...at, "aggregate"], shape.aggregate, channelsBeforeWindows(before), times.everyMs);
  const made = { ...before, ...(aggregate ? { aggregate } : {}) };
  return {
    correct: correctionsOf(judge, [...at, "correct"], shape, type),
    ...(filters.size > 0 ? { filters } : {}),
    ...(rates.length > 0 ? { rates } : {}),
    ...(aggregate ? { aggregate } : {}),
    smallChange: smallChangeOf(judge, [...at, "small-change"], shape, keptChannels(made)),
  };
}

/** A device file's `filter:` of each channel, wherever its channels stand. `judge` is the device file's. */
export function filtersOfType(
  judge: Judge,
  shape: object,
  channels: readonly Channel[],
): ReadonlyMap<string, TypeFilter> {
  const filters = new Map<string, TypeFilter>();
  for (const { at, name, steps } of stepsIn(shape, [])) {
    const channel = channels.find((candidate) => candidate.name === name);
    const place = [...at, "filter"];
    if (channel)
      filters.set(name, {
        steps: filterOf(judge, place, steps, channel, undefined),
        origin: judge.document.originOf(place),
      });
  }
  return filters;
}

function* stepsIn(shape: object, at: Path): Generator<{ at: Path; name: string; steps: StepsShape }> {
  const { reads, channels } = shape as { reads?: Record<string, object>; channels?: Record<string, object> };
  for (const [read, inner] of Object.entries(reads ?? {})) yield* stepsIn(inner, [...at, "reads", read]);
  for (const [name, channel] of Object.entries(channels ?? {})) {
    const { filter: steps } = channel as { filter?: StepsShape };
    if (steps) yield { at: [...at, "channels", name], name, steps };
  }
}

/** The station file replaces a channel's whole list. */
function filtersOf(judge: Judge, at: Path, shape: PreprocessShape, type: Type, fastestMs: number): Filters {
  const filters = new Map([...type.filters].map(([name, { steps }]) => [name, steps]));
  for (const [name, steps] of Object.entries(shape.filter ?? {})) {
    const channel = channelAt(judge, [...at, name], name, type.channels);
    if (channel) filters.set(name, filterOf(judge, [...at, name], steps, channel, fastestMs));
  }
  return filters;
}

function correctionsOf(judge: Judge, at: Path, shape: PreprocessShape, type: Type): ReadonlyMap<string, Correction> {
  const corrections = new Map<string, Correction>();
  for (const [name, text] of Object.entries(shape.correct ?? {})) {
    const place = [...at, name];
    const channel = quantityAt(judge, place, name, type.channels);
    if (channel && isReadBack(type, name)) judge.report(place, say.readBackCorrected(name), "key");
    const correction = channel && correctionOf(judge, place, text, channel.unit);
    if (correction !== undefined) corrections.set(name, correction);
  }
  return corrections;
}

/** Amounts in each kept channel's own unit: differences, so 0.5 K is 0.5 °C. */
function smallChangeOf(
  judge: Judge,
  at: Path,
  shape: PreprocessShape,
  channels: readonly Channel[],
): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const [name, quantity] of Object.entries(shape["small-change"] ?? {})) {
    const channel = quantityAt(judge, [...at, name], name, channels);
    const value = channel && judge.quantity([...at, name], quantity, channel.unit, "difference");
    if (value === undefined) continue;
    if (!(value > 0)) judge.report([...at, name], say.smallChangeZero());
    values.set(name, value);
  }
  return values;
}

/** A channel whose value is a number that can be changed; what else is reported. */
function quantityAt(judge: Judge, at: Path, name: string, channels: readonly Channel[]): Channel | undefined {
  const channel = channelAt(judge, at, name, channels);
  if (channel?.states) judge.report(at, say.stateIsNoQuantity(name), "key");
  return channel?.states ? undefined : channel;
}

function channelAt(judge: Judge, at: Path, name: string, channels: readonly Channel[]): Channel | undefined {
  const channel = channels.find((candidate) => candidate.name === name);
  const known = channels.map((candidate) => candidate.name);
  if (!channel) judge.report(at, say.unknownChannel(name, nearestWord(name, known), known), "key");
  return channel;
}
