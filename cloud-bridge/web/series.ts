/** A device's samples as the page keeps them, and one channel of them as a chart draws it. Pure. */
import type { StreamChannel } from "../api/contract.ts";
import { isLeftOut, isUnchanged } from "./format.ts";

/** null: the sample is older than the channel. */
export type Cell = number | string | null;
/** [time in ms since 1970, sequence, one cell per channel] */
export type Row = readonly [number, number, ...Cell[]];

export interface DeviceSeries {
  readonly device: string;
  readonly channels: readonly StreamChannel[];
  /** By time, then sequence; each sample once. */
  readonly rows: readonly Row[];
  /** Whether older samples of the shown time were left out. */
  readonly isCut: boolean;
  /** Times among them are estimates and will move: by how many ms at most they are too late; null: unknown. */
  readonly uncertain?: number | null;
}

/** What a chart holds per device at most; 20,000 rows of 10 channels are about 3 MB and draw in some 10 ms. */
export const ROWS_MAX = 20_000;

const FIRST_CELL = 2;

/**
 * Adds rows (in any order, some perhaps known already) and forgets those before `from`.
 * The columns are those of `channels`; known rows are rearranged by channel name when they changed.
 */
export function withRows(
  series: DeviceSeries | undefined,
  device: string,
  channels: readonly StreamChannel[],
  incoming: readonly Row[],
  from: number,
): DeviceSeries {
  const known = series ? rearranged(series, channels) : [];
  const merged = mergedRows(known, incoming).filter((row) => row[0] >= from);
  const isCut = (series?.isCut ?? false) || merged.length > ROWS_MAX;
  return { device, channels, rows: merged.slice(-ROWS_MAX), isCut };
}

function rearranged(series: DeviceSeries, channels: readonly StreamChannel[]): readonly Row[] {
  const names = series.channels.map((channel) => channel.name);
  const columns = channels.map((channel) => names.indexOf(channel.name));
  if (columns.length === names.length && columns.every((column, index) => column === index)) return series.rows;
  return series.rows.map((row) => [row[0], row[1], ...columns.map((column) => cellOf(row, column))] as const);
}

const isBefore = (a: Row, b: Row): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

function mergedRows(known: readonly Row[], incoming: readonly Row[]): Row[] {
  const sorted = [...incoming].sort((a, b) => (isBefore(a, b) ? -1 : 1));
  const merged: Row[] = [];
  let next = 0;
  const take = (row: Row): void => {
    const last = merged.at(-1);
    if (last && last[0] === row[0] && last[1] === row[1]) return;
    merged.push(row);
  };
  for (const row of known) {
    for (let added = sorted[next]; added && isBefore(added, row); added = sorted[++next]) take(added);
    take(row);
  }
  for (const row of sorted.slice(next)) take(row);
  return merged;
}

/** The bridge says "undeclared" where the sample's schema had no such channel yet: nothing was missing. */
export function cellOf(row: Row, column: number): Cell {
  const cell = column < 0 ? null : (row[FIRST_CELL + column] ?? null);
  return cell === "undeclared" ? null : cell;
}

/** A stretch without values, and why. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** A missing reason, or "silence" when there were no samples at all. */
  readonly reason: string;
}

export interface Plot {
  readonly times: readonly number[];
  /** null breaks the line. */
  readonly values: readonly (number | null)[];
  /** The cell behind each point, so that a reader sees a held value as what it is. */
  readonly cells: readonly Cell[];
  readonly gaps: readonly Gap[];
}

/** One channel as points: an unchanged value holds, every other missing value is a gap with its reason. */
export function plotOf(series: DeviceSeries, column: number): Plot {
  const times: number[] = [];
  const values: (number | null)[] = [];
  const cells: Cell[] = [];
  const silence = silenceOf(series.rows);
  let held: number | null = null;
  let before: number | undefined;
  for (const row of series.rows) {
    if (before !== undefined && row[0] - before > silence) {
      times.push(before + 1);
      values.push(null);
      cells.push("silence");
      held = null;
    }
    const cell = cellOf(row, column);
    before = row[0];
    if (isLeftOut(cell)) continue;
    if (typeof cell === "number") held = cell;
    else if (cell === null || !isUnchanged(cell)) held = null;
    times.push(row[0]);
    values.push(held);
    cells.push(cell);
  }
  return { times, values, cells, gaps: gapsOf(times, values, cells) };
}

function gapsOf(times: readonly number[], values: readonly (number | null)[], cells: readonly Cell[]): Gap[] {
  const gaps: Gap[] = [];
  let open: { from: number; to: number; reason: string } | undefined;
  times.forEach((time, index) => {
    const cell = cells[index];
    const reason = values[index] === null && typeof cell === "string" && !isUnchanged(cell) ? cell : undefined;
    if (open) open.to = time;
    if (open && open.reason !== reason) {
      gaps.push(open);
      open = undefined;
    }
    if (reason !== undefined) open ??= { from: time, to: time, reason };
  });
  if (open) gaps.push(open);
  return gaps;
}

/** Samples this much further apart than usual (and more than a minute) mean that the station was silent. */
const SILENCE_FACTOR = 10;
const SILENCE_MIN_MS = 60_000;

/**
 * The page isn't told a device's cadence, and a device may be asked faster at times and skip what doesn't change:
 * so "usual" is a long spacing (9 of 10 are shorter), not the typical one.
 */
function silenceOf(rows: readonly Row[]): number {
  const spacings = rows
    .slice(1)
    .map((row, index) => row[0] - (rows[index]?.[0] ?? row[0]))
    .sort((a, b) => a - b);
  const usual = spacings[Math.floor((spacings.length - 1) * 0.9)] ?? 0;
  return Math.max(SILENCE_MIN_MS, usual * SILENCE_FACTOR);
}

/** A run of one state, for the band. */
export interface StateRun {
  readonly from: number;
  readonly to: number;
  readonly state: number;
}

/** Each run lasts until the sample that ended it; the last one until its last sample. */
export function stateRuns(plot: Plot): StateRun[] {
  const runs: { from: number; to: number; state: number }[] = [];
  let open: { from: number; to: number; state: number } | undefined;
  plot.times.forEach((time, index) => {
    const state = plot.values[index] ?? undefined;
    if (open) open.to = time;
    if (open?.state === state) return;
    open = state === undefined ? undefined : { from: time, to: time, state };
    if (open) runs.push(open);
  });
  return runs;
}

/** The newest value with its own time, and, if newer samples have none, the reason of the newest. */
export interface Latest {
  readonly value?: number;
  readonly at?: number;
  readonly reason?: string;
  readonly reasonAt?: number;
  /** Newer samples said "unchanged": the value still holds, confirmed at this time. */
  readonly confirmedAt?: number;
}

export function latestOf(series: DeviceSeries, column: number): Latest {
  const newest = series.rows.findLast((row) => !isLeftOut(cellOf(row, column)));
  if (!newest) return {};
  const cell = cellOf(newest, column);
  if (typeof cell === "number") return { value: cell, at: newest[0] };
  const before = series.rows.findLast((row) => typeof cellOf(row, column) === "number");
  const value = before ? cellOf(before, column) : null;
  const known = before && typeof value === "number" ? { value, at: before[0] } : {};
  if (cell === null) return known;
  return isUnchanged(cell) ? { ...known, confirmedAt: newest[0] } : { ...known, reason: cell, reasonAt: newest[0] };
}

/** Axis bounds with air above and below, never so narrow that a resolution step looks like an event. */
export function axisRange(low: number | null, high: number | null, resolution: number): [number, number] {
  if (low === null || high === null) return [0, 1];
  const span = Math.max(high - low, resolution * 12, Number.EPSILON * Math.abs(high));
  const middle = (low + high) / 2;
  const bottom = middle - span * 0.6;
  // A quantity that was never negative gets no negative axis.
  return [low >= 0 && bottom < 0 ? 0 : bottom, middle + span * 0.6];
}
