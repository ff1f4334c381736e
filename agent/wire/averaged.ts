/**
 * Samples that stand for many: what a station makes of old readings when there is no room for all of them. Their schema
 * is the stream's own with two columns behind it, so that whoever decodes batches decodes these, too, and sees by the
 * columns which samples they are:
 *
 *   _samples   how many samples it stands for
 *   _window    of how long a window, s: it lies on the grid of the boot's own time
 *
 * A sample's time is that of the last one it stands for. Its sequence is one of theirs; the others are reported as
 * dropped. No channel of a description can have such a name.
 */
import type { ChannelValue } from "../reading.ts";
import { SCHEMA_CHANNELS_MAX, type SchemaChannel, type StreamSchema } from "./schema.ts";

export type FoldKind = "mean" | "min" | "max" | "sum" | "last" | "vector mean";

/** How one value comes from those of a window. */
export interface Fold {
  readonly by: FoldKind;
  /** Vector mean: the channel that says how much each direction counts (wind speed). */
  readonly weight?: string;
}

const MARKS: readonly [SchemaChannel, SchemaChannel] = [
  { name: "_samples", kind: "gauge", unit: "1", resolution: 1 },
  { name: "_window", kind: "gauge", unit: "s", resolution: 1 },
];
export const MARK_COUNT = MARKS.length;

/** Undefined where there is no room for the columns. */
export const averagedSchema = ({ stream, channels }: StreamSchema): StreamSchema | undefined =>
  channels.length + MARK_COUNT > SCHEMA_CHANNELS_MAX ? undefined : { stream, channels: [...channels, ...MARKS] };

export const isAveraged = ({ channels }: StreamSchema): boolean =>
  MARKS.every(({ name }, at) => channels.at(at - MARK_COUNT)?.name === name);

/** A stream's own channels: those of its averages are the same. */
export const ownChannels = (schema: StreamSchema): readonly SchemaChannel[] =>
  isAveraged(schema) ? schema.channels.slice(0, -MARK_COUNT) : schema.channels;

/** What an averaged sample's row says of itself: how many samples it stands for, of how long a window in seconds. */
export function marksOf(row: readonly ChannelValue[]): readonly [samples: number, windowS: number] {
  const [samples, windowS] = row.slice(-MARK_COUNT);
  return [typeof samples === "number" ? samples : 1, typeof windowS === "number" ? windowS : 0];
}

/** Where nothing is said: as the windows of a description have it. */
export const usualFold = ({ kind, unit }: Pick<SchemaChannel, "kind" | "unit">): Fold => ({
  by: kind !== "gauge" ? "last" : unit === "deg" ? "vector mean" : "mean",
});
