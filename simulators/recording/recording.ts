/** A recorded series as a device could have sent it: rows of whole steps, with a name and a resolution per column. */
import { RECORDING_COLUMNS_MAX } from "../limits.ts";
import { RecordingError, recordedMs, type Table } from "./csv.ts";

export interface Column {
  /** As in the recording's header. */
  readonly label: string;
  /** As a channel may be called. */
  readonly channel: string;
  /** The step at which values are told apart. */
  readonly resolution: number;
}

export interface Row {
  /** Counted from 1. */
  readonly number: number;
  readonly recordedMs: number;
  /** In steps of the column's resolution; undefined: the cell is empty. */
  readonly steps: readonly (number | undefined)[];
}

export interface Recording {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What was left out or made coarser, in words. */
  readonly notes: readonly string[];
}

/** Names of columns that label the data instead of being measured. */
export const IGNORED_BY_DEFAULT: readonly string[] = ["anomaly", "changepoint"];
/** Steps are sent as signed 32-bit numbers; the lowest of them says that there is no value. */
export const NO_VALUE = -(2 ** 31);
const STEPS_MAX = 2 ** 31 - 1;
/** Finer decimals than these are the noise of a conversion from binary. */
const DECIMALS_MAX = 9;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Throws RecordingError naming line and column. */
export function recordingFrom(
  table: Table,
  options: {
    readonly ignore?: readonly string[];
    /** Column label or channel name → step. */
    readonly resolutions?: ReadonlyMap<string, number>;
  } = {},
): Recording {
  const notes: string[] = [];
  const taken = new Set<string>();
  const used: { readonly index: number; readonly column: Column }[] = [];
  const unusedResolutions = new Set(options.resolutions?.keys());
  for (const [index, label] of table.header.entries()) {
    if (index === 0 || (options.ignore ?? IGNORED_BY_DEFAULT).includes(label)) continue;
    const cells = table.rows.map(({ cells }) => cells[index] ?? "");
    const reason = whyUnusable(cells);
    if (reason) {
      notes.push(`column "${label}" is left out: ${reason}`);
      continue;
    }
    const channel = channelName(label, taken);
    const asked = options.resolutions?.get(label) ?? options.resolutions?.get(channel);
    unusedResolutions.delete(label);
    unusedResolutions.delete(channel);
    used.push({ index, column: { label, channel, resolution: asked ?? resolutionOf(label, cells, notes) } });
  }
  if (unusedResolutions.size > 0) {
    throw new RecordingError(`--resolution: the recording has no column ${[...unusedResolutions].join(", ")}`);
  }
  if (used.length === 0) throw new RecordingError("the recording has no column of numbers besides the time");
  if (used.length > RECORDING_COLUMNS_MAX) {
    throw new RecordingError(
      `the recording has ${used.length} columns; a frame holds ${RECORDING_COLUMNS_MAX}; use --ignore`,
    );
  }
  const rows = table.rows.map(({ line, cells }, index): Row => {
    const ms = recordedMs(cells[0] ?? "");
    if (ms === undefined || ms < 0) throw new RecordingError(`line ${line}: "${cells[0]}" is no time since 1970`);
    return {
      number: index + 1,
      recordedMs: ms,
      steps: used.map(({ index: at, column }) => stepsFrom(cells[at] ?? "", column, line)),
    };
  });
  return { columns: used.map(({ column }) => column), rows, notes };
}

/** The value as a number, the nearest double to its decimals. */
export const valueOf = (steps: number, resolution: number): number => Number((steps * resolution).toPrecision(15));

function whyUnusable(cells: readonly string[]): string | undefined {
  if (cells.every((cell) => cell === "")) return "it is empty";
  const strange = cells.find((cell) => cell !== "" && !NUMBER.test(cell));
  return strange === undefined ? undefined : `"${strange}" is no number`;
}

function stepsFrom(cell: string, { label, resolution }: Column, line: number): number | undefined {
  if (cell === "") return undefined;
  const steps = Math.round(Number(cell) / resolution);
  if (Math.abs(steps) > STEPS_MAX) {
    throw new RecordingError(
      `line ${line}: ${label} = ${cell} doesn't fit 32 bits in steps of ${resolution}; give --resolution`,
    );
  }
  return steps;
}

/** The decimals as recorded, unless the largest value wouldn't fit 32 bits with them. */
function resolutionOf(label: string, cells: readonly string[], notes: string[]): number {
  const recorded = Math.max(...[0, ...new Set(cells.map(decimalsOf))]);
  const largest = cells.reduce((most, cell) => Math.max(most, Math.abs(Number(cell))), 0);
  let decimals = Math.min(recorded, DECIMALS_MAX);
  while (decimals > 0 && largest * 10 ** decimals > STEPS_MAX) decimals--;
  if (decimals < recorded) {
    notes.push(`column "${label}" is recorded with ${recorded} decimals and compared with ${decimals}`);
  }
  return Number(`1e-${decimals}`);
}

function decimalsOf(cell: string): number {
  const [, fraction = "", exponent = "0"] = /^[+-]?\d*\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(cell) ?? [];
  return Math.max(0, fraction.length - Number(exponent));
}

/** "Volume Flow RateRMS" → "volume-flow-rate-rms", unique within the recording. */
function channelName(label: string, taken: Set<string>): string {
  const words = label
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .replace(/([A-Za-z])(\d)/g, "$1-$2")
    .replace(/(\d)([A-Za-z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 28)
    .replace(/-+$/, "");
  const base = /^[a-z]/.test(words) ? words : `column-${words || "x"}`;
  let name = base;
  for (let copy = 2; taken.has(name) || RESERVED.has(name); copy++) name = `${base}-${copy}`;
  taken.add(name);
  return name;
}

/** The replay's own channels. */
const RESERVED = new Set(["row", "recorded"]);
