/**
 * Any table of measurements as text: the first column is the time (as in simulators/recording/csv.ts), the others are
 * channels. Separator (tab, "|", ";" or ","), decimal comma and header are found; an empty cell is a missing value.
 */
import { recordedMs } from "@pump-station/simulators/recording/csv.ts";
import { resolutionOf } from "./csv-resolution.ts";

export interface CsvChannel {
  readonly name: string;
  readonly resolution: number;
  /** In steps of the resolution; undefined: missing. */
  readonly steps: readonly (number | undefined)[];
}

export interface CsvTable {
  readonly times: readonly number[];
  readonly channels: readonly CsvChannel[];
  readonly notes: readonly string[];
}

export interface CsvOptions {
  /** By column name. */
  readonly resolutions: ReadonlyMap<string, number>;
  /** All but those that are left out, when not given. */
  readonly only?: readonly string[];
  readonly leaveOut: readonly string[];
}

/** What can be wrong with a file or an option, as file:line: what. */
export class CsvError extends Error {
  override readonly name = "CsvError";
}

const SEPARATORS = ["\t", "|", ";", ","];
const LOOKED_AT = 20;
/** 1954 to 2119 as a spreadsheet counts. */
const SERIAL_DAYS = { first: 20_000, last: 80_000 };
const MISSING = /^(?:|[+-]?nan|[+-]?inf(?:inity)?|#?n\/?a|null|nil|none|-+|\?)$/i;
const NAME_MAX = 64;
/** All of it is held at once, in about thirty times as many bytes of memory. */
const TEXT_MAX = 100_000_000;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

interface Line {
  readonly number: number;
  readonly cells: readonly string[];
}

/** Throws CsvError. */
export function csvTable(path: string, text: string, options: CsvOptions): CsvTable {
  const { header, lines, decimalComma } = linesFrom(path, text);
  const times = lines.map(({ number, cells }) => timeFrom(path, number, cells[0] ?? "", decimalComma));
  for (const name of [...options.resolutions.keys(), ...(options.only ?? []), ...options.leaveOut]) {
    if (!header.slice(1).includes(name)) {
      throw new CsvError(`${path}:1: there is no column "${name}"; there are: ${header.slice(1).join(", ")}`);
    }
  }
  const notes = times.every((ms) => ms >= SERIAL_DAYS.first * 1000 && ms <= SERIAL_DAYS.last * 1000)
    ? [`${path}: times are read as seconds since 1970; if they are a spreadsheet's days, write them as dates`]
    : [];
  const channels = header.flatMap((name, at): CsvChannel[] => {
    if (at === 0 || options.leaveOut.includes(name) || (options.only && !options.only.includes(name))) return [];
    const cells = lines.map(({ cells }) => plainCell(cells[at] ?? "", decimalComma));
    const first = cells.find((cell) => !MISSING.test(cell));
    if (first === undefined || !NUMBER.test(first)) {
      notes.push(
        `${path}: column "${name}" is left out: ${first === undefined ? "it is empty" : `"${first}" is text`}`,
      );
      return [];
    }
    const resolution = options.resolutions.get(name) ?? inferred(path, name, cells, lines, notes);
    return [{ name, resolution, steps: cells.map((cell, row) => stepsFrom(cell, resolution, path, lines[row], name)) }];
  });
  if (channels.length === 0) {
    throw new CsvError([`${path}:1: no column of numbers besides the time`, ...notes].join("\n"));
  }
  return { times, channels, notes };
}

function inferred(
  path: string,
  name: string,
  cells: readonly string[],
  lines: readonly Line[],
  notes: string[],
): number {
  const written = cells.filter((cell, row) => {
    if (MISSING.test(cell)) return false;
    if (NUMBER.test(cell)) return true;
    throw notNumber(`${path}:${lines[row]?.number ?? 0}`, cell, name);
  });
  const { resolution, isRounded } = resolutionOf(written);
  if (isRounded) {
    notes.push(
      `${path}: column "${name}" is taken in steps of ${resolution}; --resolution "${name}=STEP" says another`,
    );
  }
  return resolution;
}

const notNumber = (at: string, cell: string, name: string): CsvError =>
  new CsvError(`${at}: "${cell}" in column "${name}" is no number; mend it, or --leave-out "${name}"`);

function linesFrom(path: string, text: string): { header: readonly string[]; lines: Line[]; decimalComma: boolean } {
  if (text.length > TEXT_MAX) {
    throw new CsvError(`${path}: ${Math.round(text.length / 1e6)} MB; at most ${TEXT_MAX / 1e6}: measure a part of it`);
  }
  const written = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, line }))
    .filter(({ line }) => line.trim() !== "" && !line.startsWith("#"));
  if (written.length === 0) throw new CsvError(`${path}:1: the file is empty`);
  if (text.includes("\0")) throw new CsvError(`${path}:1: not UTF-8 (UTF-16?); save it as UTF-8`);
  const separator = separatorOf(written.slice(0, LOOKED_AT).map(({ line }) => line));
  if (separator === undefined) {
    throw new CsvError(
      `${path}:1: no tab, "|", ";" or "," that parts every line into the same number of cells, of which there have to be two: a time and a channel`,
    );
  }
  const lines = written.map(({ number, line }): Line => ({ number, cells: cellsFrom(line, separator) }));
  const columns = lines[0]?.cells.length ?? 0;
  const ragged = lines.find(({ cells }) => cells.length !== columns);
  if (ragged)
    throw new CsvError(`${path}:${ragged.number}: ${ragged.cells.length} cells, the first line has ${columns}`);
  const decimalComma = separator !== ",";
  const [first] = lines;
  const hasHeader = recordedMs(plainCell(first?.cells[0] ?? "", decimalComma)) === undefined;
  const header = namesFrom(hasHeader ? (first?.cells ?? []) : Array.from({ length: columns }, () => ""));
  if (hasHeader) lines.shift();
  if (lines.length === 0) throw new CsvError(`${path}:1: a header and no rows`);
  return { header, lines, decimalComma };
}

/** Each once: a name that is empty or taken gets its column's number. "time" is what rows call the first column. */
function namesFrom(cells: readonly string[]): string[] {
  const taken = new Set(["time", "__proto__"]);
  return cells.map((cell, at) => {
    const short = cell.replace(/\p{Cc}/gu, " ").slice(0, NAME_MAX - String(at).length - 1);
    const name = cell === "" || (at > 0 && (taken.has(cell) || short !== cell)) ? `${short || "column"}-${at}` : cell;
    if (at > 0) taken.add(name);
    return name;
  });
}

/** The first of the separators that parts all lines alike; a decimal comma comes after the others. */
const separatorOf = (lines: readonly string[]): string | undefined =>
  SEPARATORS.find((separator) => {
    const counts = new Set(lines.map((line) => cellsFrom(line, separator).length));
    return counts.size === 1 && !counts.has(1);
  });

/** Cells may be quoted as in RFC 4180. */
function cellsFrom(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (const character of line) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  return [...cells, cell.trim()];
}

const plainCell = (cell: string, decimalComma: boolean): string => (decimalComma ? cell.replace(",", ".") : cell);

function timeFrom(path: string, line: number, cell: string, decimalComma: boolean): number {
  const ms = recordedMs(plainCell(cell, decimalComma));
  if (ms !== undefined && ms >= 0) return ms;
  throw new CsvError(
    `${path}:${line}: "${cell}" is no time; write 2026-05-02T08:00:00, 2026-05-02 08:00:00, or a number since 1970`,
  );
}

function stepsFrom(
  cell: string,
  resolution: number,
  path: string,
  line: Line | undefined,
  name: string,
): number | undefined {
  if (MISSING.test(cell)) return undefined;
  const at = `${path}:${line?.number ?? 0}`;
  if (!NUMBER.test(cell)) throw notNumber(at, cell, name);
  const steps = Math.round(Number(cell) / resolution);
  if (Number.isSafeInteger(steps)) return steps + 0;
  throw new CsvError(`${at}: ${cell} in column "${name}" is more than 2^53 steps of ${resolution}; give --resolution`);
}
