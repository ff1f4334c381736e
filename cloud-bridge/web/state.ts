/** What the page knows, and how each piece of news changes it. Pure. */
import type {
  AlarmEntry,
  LedgerEntry,
  QuarantineEntry,
  Readings,
  StationSummary,
  Stream,
  Twin,
} from "../api/contract.ts";
import { withAlarms } from "./alarms.ts";
import type { LiveEvent } from "./live.ts";
import { type DeviceSeries, type Row, withRows } from "./series.ts";

export type Connection = "connecting" | "live" | "lost";

export interface PageState {
  readonly connection: Connection;
  /** undefined: not fetched yet. */
  readonly stations: readonly StationSummary[] | undefined;
  readonly station: string | undefined;
  /** How far the charts look back. */
  readonly rangeMs: number;
  /** Whether the shown station's data has been fetched. */
  readonly isLoaded: boolean;
  readonly devices: readonly DeviceSeries[];
  readonly alarms: readonly AlarmEntry[];
  readonly twin: Twin | undefined;
  readonly ledger: readonly LedgerEntry[];
  readonly quarantine: readonly QuarantineEntry[];
  /** What went wrong last, in words; undefined when all is well. */
  readonly problem: string | undefined;
}

export const RANGES = [
  { ms: 15 * 60_000, label: "15 min" },
  { ms: 3_600_000, label: "1 h" },
  { ms: 6 * 3_600_000, label: "6 h" },
  { ms: 24 * 3_600_000, label: "24 h" },
  { ms: 7 * 24 * 3_600_000, label: "7 d" },
] as const;

const NOTHING = {
  isLoaded: false,
  devices: [],
  alarms: [],
  twin: undefined,
  ledger: [],
  quarantine: [],
} as const;

export const FIRST_STATE: PageState = {
  connection: "connecting",
  stations: undefined,
  station: undefined,
  rangeMs: RANGES[0].ms,
  problem: undefined,
  ...NOTHING,
};

export interface StationDetail {
  readonly streams: readonly Stream[];
  readonly readings: readonly Readings[];
  readonly alarms: readonly AlarmEntry[];
  readonly twin: Twin;
  readonly ledger: readonly LedgerEntry[];
  readonly quarantine: readonly QuarantineEntry[];
}

export type News =
  | { readonly kind: "connection"; readonly connection: Connection }
  | { readonly kind: "stations"; readonly stations: readonly StationSummary[] }
  | { readonly kind: "chosen"; readonly station: string }
  | { readonly kind: "range"; readonly rangeMs: number }
  | { readonly kind: "detail"; readonly station: string; readonly detail: StationDetail; readonly now: number }
  | { readonly kind: "ledger"; readonly station: string; readonly ledger: readonly LedgerEntry[] }
  | { readonly kind: "live"; readonly event: LiveEvent; readonly now: number }
  | { readonly kind: "problem"; readonly problem: string | undefined };

export function afterNews(state: PageState, news: News): PageState {
  switch (news.kind) {
    case "connection":
      return { ...state, connection: news.connection };
    case "stations":
      return { ...state, stations: news.stations };
    case "chosen":
      return news.station === state.station
        ? state
        : { ...state, station: news.station, problem: undefined, ...NOTHING };
    case "range":
      return { ...state, rangeMs: news.rangeMs };
    case "detail":
      return news.station === state.station ? withDetail(state, news.detail, news.now) : state;
    case "ledger":
      return news.station === state.station ? { ...state, ledger: news.ledger } : state;
    case "live":
      return afterEvent(state, news.event, news.now);
    case "problem":
      return { ...state, problem: news.problem };
  }
}

/** Fetched rows join those that came live meanwhile. */
function withDetail(state: PageState, detail: StationDetail, now: number): PageState {
  const from = now - state.rangeMs;
  const devices = detail.streams.filter(isOfDevice).map((stream) => {
    const known = state.devices.find((device) => device.device === stream.device);
    const fetched = detail.readings.find((readings) => readings.device === stream.device);
    const rows = fetched ? rowsFrom(fetched) : [];
    // Estimated times move: what was known of them would stand beside what is fetched now.
    const kept = fetched && known?.uncertain !== undefined ? undefined : known;
    const series = withRows(kept, stream.device, fetched?.channels ?? stream.channels, rows, from);
    const uncertain = fetched && uncertaintyOf(fetched);
    const isCut = fetched?.next !== null && fetched !== undefined;
    return { ...series, isCut, ...(uncertain !== undefined && { uncertain }) };
  });
  const { ledger, quarantine } = detail;
  const certain = state.alarms.filter((alarm) => alarm.uncertain === undefined);
  const alarms = withAlarms(certain, detail.alarms);
  return { ...state, isLoaded: true, devices, alarms, twin: newerTwin(state.twin, detail.twin), ledger, quarantine };
}

/** Streams of the station itself (alarms) have names that no device can have. */
export const isOfDevice = (stream: Stream): boolean => !stream.device.startsWith("_");

/**
 * A twin that was fetched, or that answers a change, may be older than one that came live meanwhile: versions only grow.
 */
function newerTwin(known: Twin | undefined, fetched: Twin): Twin {
  const ageOf = (twin: Twin): number => Number(twin.desired["$version"] ?? 0) + Number(twin.reported["$version"] ?? 0);
  return known && ageOf(known) > ageOf(fetched) ? known : fetched;
}

/** The largest of all epochs shown; undefined when all times are right. */
function uncertaintyOf({ uncertain }: Readings): number | null | undefined {
  const all = Object.values(uncertain ?? {});
  if (all.length === 0) return undefined;
  return all.includes(null) ? null : Math.max(...all.map(Number));
}

/** The epoch's index says only which process made the sample. */
const rowsFrom = (readings: Readings): Row[] =>
  readings.rows.map(([time, , sequence, ...cells]) => [time, sequence, ...cells] as const);

const QUARANTINE_MAX = 20;

function afterEvent(state: PageState, event: LiveEvent, now: number): PageState {
  switch (event.kind) {
    case "station":
      return { ...state, stations: withStation(state.stations ?? [], event.station) };
    case "readings":
      return event.readings.station === state.station ? withReadings(state, event.readings, now) : state;
    case "alarm":
      if (event.alarm.station !== state.station) return state;
      return { ...state, alarms: withAlarms(state.alarms, [event.alarm]) };
    case "twin":
      return event.twin.station === state.station ? { ...state, twin: newerTwin(state.twin, event.twin) } : state;
    case "quarantine":
      if (event.quarantine.station !== state.station) return state;
      return { ...state, quarantine: [event.quarantine, ...state.quarantine].slice(0, QUARANTINE_MAX) };
  }
}

const withStation = (stations: readonly StationSummary[], summary: StationSummary): readonly StationSummary[] =>
  stations.some((station) => station.station === summary.station)
    ? stations.map((station) => (station.station === summary.station ? summary : station))
    : [...stations, summary].sort((a, b) => a.station.localeCompare(b.station));

type LiveReadingsEvent = Extract<LiveEvent, { kind: "readings" }>["readings"];

function withReadings(state: PageState, event: LiveReadingsEvent, now: number): PageState {
  const { device, channels, rows } = event;
  const known = state.devices.find((series) => series.device === device);
  // Stays until everything is fetched anew.
  const uncertain = event.uncertain === undefined ? known?.uncertain : event.uncertain;
  const series = {
    ...withRows(known, device, channels, rows, now - state.rangeMs),
    ...(uncertain !== undefined && { uncertain }),
  };
  const devices = known
    ? state.devices.map((other) => (other === known ? series : other))
    : [...state.devices, series].sort((a, b) => a.device.localeCompare(b.device));
  return { ...state, devices };
}

/** An hour, or less while an hour's chart would be more than half empty. */
export function rangeFor(streams: readonly Stream[], now: number): number {
  const first = Math.min(...streams.map((stream) => stream.first ?? now));
  return now - first < RANGES[1].ms / 2 ? RANGES[0].ms : RANGES[1].ms;
}
