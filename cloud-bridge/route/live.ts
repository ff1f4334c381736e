/** What has just been stored, to whoever listens now. Nothing is kept: a listener that comes later asks the API. */
import { isAveraged, marksOf, ownChannels } from "@pump-station/agent/wire/averaged.ts";
import type { AlarmEntry, JournalEntry, LiveReadings, QuarantineEntry, StationSummary, Twin } from "../api/contract.ts";
import { type NewSamples, shown, streamChannels } from "../store/store.ts";
import type { Log, Timers } from "../world.ts";

export type LiveEvent = { readonly station: string } & (
  | { readonly event: "readings"; readonly data: LiveReadings }
  | { readonly event: "alarm"; readonly data: AlarmEntry }
  | { readonly event: "journal"; readonly data: JournalEntry }
  | { readonly event: "twin"; readonly data: Twin }
  | { readonly event: "station"; readonly data: StationSummary }
  | { readonly event: "quarantine"; readonly data: QuarantineEntry }
);

export interface Live {
  /** Calls `listener` with events of that station, or of all; returns the end of it. */
  listen(station: string | undefined, listener: (event: LiveEvent) => void): () => void;
  publish(event: LiveEvent): void;
  samples(station: string, samples: readonly NewSamples[]): void;
  /** The station's figures have changed: its summary follows, at most twice a second. */
  touch(station: string): void;
}

const SUMMARY_EVERY_MS = 500;

export function createLive(deps: {
  readonly timers: Timers;
  readonly log: Log;
  readonly summaryOf: (station: string) => Promise<StationSummary | undefined>;
}): Live {
  const listeners = new Set<{ readonly station: string | undefined; readonly listener: (event: LiveEvent) => void }>();
  const touched = new Set<string>();

  const publish = (event: LiveEvent): void => {
    for (const { station, listener } of listeners)
      if (station === undefined || station === event.station) listener(event);
  };
  const publishSummary = async (station: string): Promise<void> => {
    touched.delete(station);
    const data = await deps.summaryOf(station);
    if (data) publish({ station, event: "station", data });
  };

  return {
    listen: (station, listener) => {
      const entry = { station, listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    publish,
    samples: (station, samples) => {
      if (listeners.size === 0) return;
      for (const part of samples) publish({ station, event: "readings", data: liveReadings(station, part) });
    },
    touch: (station) => {
      if (listeners.size === 0 || touched.has(station)) return;
      touched.add(station);
      deps.timers.after(SUMMARY_EVERY_MS, () => {
        publishSummary(station).catch((error: unknown) => deps.log("error", "live-summary-failed", { station, error }));
      });
    },
  };
}

const liveReadings = (
  station: string,
  { stream, schema, sequence, times, rows, uncertain }: NewSamples,
): LiveReadings => ({
  station,
  device: stream,
  channels: streamChannels(schema),
  rows: rows.map(
    (row, at) => [times[at] ?? 0, sequence + at, ...row.slice(0, ownChannels(schema).length).map(shown)] as const,
  ),
  ...(isAveraged(schema) && { averaged: rows.map((row, at) => [at, ...marksOf(row)] as const) }),
  ...(uncertain !== undefined && { uncertain }),
});
