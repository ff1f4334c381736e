/**
 * A file of the zone database as RFC 9636 (TZif) has it, big-endian:
 *
 *   "TZif", version "2" or later, 15 bytes reserved,
 *   6 × u32: isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt
 *   data in 32-bit times, which is passed over
 *   the same header again, and the data in 64-bit times:
 *     timecnt × i64: when the offset changes, s since 1970     timecnt × u8: to which type
 *     typecnt × { i32: s ahead of UTC, u8: is it summer time, u8: where its name begins }
 *     charcnt bytes of names, leapcnt × 12, isstdcnt, isutcnt
 *   "\n", the rule for all time after the last change (posix-rule.ts), "\n"
 */
import { posixRule } from "./posix-rule.ts";

/** s since 1970 → s ahead of UTC */
export type OffsetSeconds = (atS: number) => number;

const HEADER_BYTES = 44;
const MAGIC = 0x545a6966;
/** The largest of the database has 2,000. */
const BYTES_MAX = 100_000;

/** Undefined: it isn't such a file, has leap seconds in it, or a rule that isn't understood. */
export function offsetsFrom(file: Uint8Array): OffsetSeconds | undefined {
  try {
    return file.length > BYTES_MAX ? undefined : read(file);
  } catch (error) {
    // A file that ends too early.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function read(file: Uint8Array): OffsetSeconds | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint8(4) < 0x32) return undefined;
  const first = countsAt(view, 0);
  const at = HEADER_BYTES + bytesOf(first, 4);
  if (view.getUint32(at) !== MAGIC) return undefined;
  const counts = countsAt(view, at);
  // Times that count leap seconds ("right/…") are no POSIX times.
  if (counts.leaps > 0 || counts.types === 0) return undefined;
  const times = at + HEADER_BYTES;
  const types = times + counts.times * 8;
  const offsets = types + counts.times;
  const offsetOf = (type: number): number => {
    if (type >= counts.types) throw new RangeError("a type that isn't there");
    return view.getInt32(offsets + type * 6);
  };
  const changes = Array.from({ length: counts.times }, (_, index) => ({
    atS: Number(view.getBigInt64(times + index * 8)),
    offsetS: offsetOf(view.getUint8(types + index)),
  }));
  const footer = new TextDecoder().decode(file.subarray(times + bytesOf(counts, 8))).split("\n")[1] ?? "";
  const later = footer === "" ? undefined : posixRule(footer);
  if (footer !== "" && !later) return undefined;
  return lookUp(changes, offsetOf(0), later);
}

interface Counts {
  readonly isUt: number;
  readonly isStd: number;
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly chars: number;
}

function countsAt(view: DataView, header: number): Counts {
  const [isUt = 0, isStd = 0, leaps = 0, times = 0, types = 0, chars = 0] = Array.from({ length: 6 }, (_, index) =>
    view.getUint32(header + 20 + index * 4),
  );
  if (times > view.byteLength || types > 256) throw new RangeError("counts that can't be");
  return { isUt, isStd, leaps, times, types, chars };
}

const bytesOf = ({ isUt, isStd, leaps, times, types, chars }: Counts, timeBytes: number): number =>
  times * (timeBytes + 1) + types * 6 + chars + leaps * (timeBytes + 4) + isStd + isUt;

function lookUp(
  changes: readonly { readonly atS: number; readonly offsetS: number }[],
  before: number,
  later: OffsetSeconds | undefined,
): OffsetSeconds {
  const lastS = changes.at(-1)?.atS ?? Number.NEGATIVE_INFINITY;
  return (atS) => {
    if (later && atS >= lastS) return later(atS);
    return changes.findLast((change) => change.atS <= atS)?.offsetS ?? before;
  };
}
