/**
 * Recorded series as text: one header line, one row a line, the first column is the time. The separator is whichever
 * of ; , and tab stands in the header; cells may be quoted as in RFC 4180.
 */
import { RECORDING_BYTES_MAX } from "../limits.ts";

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly { readonly line: number; readonly cells: readonly string[] }[];
}

export class RecordingError extends Error {
  override readonly name = "RecordingError";
}

/** Throws RecordingError naming the line. */
export function tableFrom(text: string): Table {
  if (text.length > RECORDING_BYTES_MAX) {
    throw new RecordingError(`read the recording: it is larger than ${RECORDING_BYTES_MAX} bytes; cut it into parts`);
  }
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const headerLine = lines.shift() ?? "";
  const separator = separatorOf(headerLine);
  const header = cellsFrom(headerLine, separator);
  if (header.length < 2) {
    throw new RecordingError('line 1: found no column names separated by ";", "," or tab');
  }
  const rows = lines
    .map((text, index) => ({ line: index + 2, text }))
    .filter(({ text }) => text.trim() !== "")
    .map(({ line, text }) => ({ line, cells: cellsFrom(text, separator) }));
  const ragged = rows.find(({ cells }) => cells.length !== header.length);
  if (ragged) {
    throw new RecordingError(`line ${ragged.line}: ${ragged.cells.length} cells, but the header has ${header.length}`);
  }
  if (rows.length === 0) throw new RecordingError("the recording has a header and no rows");
  return { header, rows };
}

function separatorOf(header: string): string {
  const counts = [";", "\t", ","].map((separator) => ({ separator, count: header.split(separator).length }));
  return counts.reduce((best, other) => (other.count > best.count ? other : best)).separator;
}

function cellsFrom(line: string, separator: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      const quoted = /"((?:[^"]|"")*)"?/y;
      quoted.lastIndex = at;
      const match = quoted.exec(line);
      cells.push((match?.[1] ?? "").replaceAll('""', '"'));
      at = quoted.lastIndex || line.length;
    } else {
      const end = line.indexOf(separator, at);
      cells.push(line.slice(at, end < 0 ? line.length : end).trim());
      at = end < 0 ? line.length : end;
    }
    if (at >= line.length) break;
    // On the separator; a line that ends with one has an empty cell after it.
    at = line.indexOf(separator, at) + 1;
    if (at === 0) break;
    if (at === line.length) {
      cells.push("");
      break;
    }
  }
  return cells;
}

const WRITTEN_TIME =
  /^(\d{4})[-/](\d{2})[-/](\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/**
 * Milliseconds since 1970 of a recorded time; undefined when it is none. A time without a zone is taken as UTC, a day
 * without a time as its begin; a bare number as seconds, as milliseconds from 10^11 on (1973), as microseconds from 10^14
 * and nanoseconds from 10^17 on.
 */
export function recordedMs(text: string): number | undefined {
  if (/^-?\d+(?:\.\d*)?(?:e\+?\d+)?$/i.test(text)) return msFromNumber(Number(text));
  const parts = WRITTEN_TIME.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, time = "00:00", zone = "Z"] = parts;
  const offset = /^(?:z|utc|gmt)$/i.test(zone) ? "Z" : zone.length === 3 ? `${zone}:00` : zone;
  const ms = Date.parse(`${year}-${month}-${day}T${time}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function msFromNumber(number: number): number {
  const size = Math.abs(number);
  if (size < 1e11) return Math.round(number * 1000);
  return Math.round(size < 1e14 ? number : size < 1e17 ? number / 1e3 : number / 1e6);
}
