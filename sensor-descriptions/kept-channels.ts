/**
 * What leaves the station: a device's channels as it is read, its rates of change, and the further aggregates of a
 * window ("gust: max of speed"), in this order. Buffer, wire, bridge and page know these; alarms and interlocks
 * go by the channels as they are read, and `pump-station read` shows those, and behind them what is made of them.
 */
import type { Channel, Device } from "./model.ts";
import type { Aggregate, AggregateKind } from "./preprocessing.ts";

type Preprocessed = Pick<Device, "channels" | "filters" | "rates" | "aggregate">;

/** In wire order. The same array elements as `channels` where nothing changes what a channel means. */
export function keptChannels(device: Preprocessed): Channel[] {
  const before = channelsBeforeWindows(device);
  const further = [...(device.aggregate?.by ?? [])].filter(([name]) => !before.some((known) => known.name === name));
  return [
    ...before.filter(({ isInternal }) => !isInternal),
    ...further.flatMap(([name, { of }]) => {
      const source = before.find((channel) => channel.name === of);
      return source ? [aggregateOf(source, name)] : [];
    }),
  ];
}

/** The largest of something that is read for formulas alone is asked for, and so leaves the station. */
function aggregateOf({ kind, unit, resolution, range, states }: Channel, name: string): Channel {
  return { name, kind, unit, resolution, ...(range ? { range } : {}), ...(states ? { states } : {}) };
}

/** What a window aggregates: the channels as filtered, then the rates. */
export function channelsBeforeWindows({ channels, filters, rates }: Preprocessed): Channel[] {
  const filtered = channels.map((channel) => {
    // What was rounded is worth no more digits than that; nothing is finer than what was asked for.
    const last = filters?.get(channel.name)?.at(-1);
    return last?.do === "round" ? { ...channel, resolution: last.step } : channel;
  });
  const derived = (rates ?? []).map(
    ({ name, unit, resolution }): Channel => ({ name, kind: "gauge", unit, resolution }),
  );
  return [...filtered, ...derived];
}

/** How each kept channel comes from the readings of a window, what the description doesn't say included. */
export function aggregatesOf(device: Preprocessed): Aggregate[] {
  return keptChannels(device).map(
    (channel) => device.aggregate?.by.get(channel.name) ?? { by: usualAggregation(channel), of: channel.name },
  );
}

const usualAggregation = ({ kind, unit }: Channel): AggregateKind =>
  kind !== "gauge" ? "last" : unit === "deg" ? "vector mean" : "mean";
