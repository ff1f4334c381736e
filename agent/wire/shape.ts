/** Strict readers of decoded CBOR: each returns what it was told to expect or throws WireError "malformed". */
import { WireError } from "./wire-error.ts";

const malformed = (what: string, expected: string): WireError =>
  new WireError("malformed", `decode ${what}: not ${expected}`);

export function integerFrom(item: unknown, what: string, low: number, high: number): number {
  if (typeof item === "number" && Number.isSafeInteger(item) && item >= low && item <= high) return item;
  throw malformed(what, `a whole number from ${low} to ${high}`);
}

export function arrayFrom(item: unknown, what: string, length?: number): readonly unknown[] {
  if (Array.isArray(item) && (length === undefined || item.length === length)) return item as unknown[];
  throw malformed(what, length === undefined ? "an array" : `an array of ${length}`);
}

export function bytesFrom(item: unknown, what: string, length?: number): Uint8Array {
  if (item instanceof Uint8Array && (length === undefined || item.length === length)) return item;
  throw malformed(what, length === undefined ? "bytes" : `${length} bytes`);
}

/** Names and units become keys, topics and log lines elsewhere: no control characters, no prototype keys. */
export function textFrom(item: unknown, what: string, shortest = 0, longest = 64): string {
  if (typeof item === "string" && item.length >= shortest && item.length <= longest && isPlain(item)) return item;
  throw malformed(what, `a text of ${shortest} to ${longest} plain characters`);
}

const isPlain = (text: string): boolean => !/[\p{Cc}\p{Cs}\uFFFD]/u.test(text) && text !== "__proto__";

export const nameFrom = (item: unknown, what: string): string => textFrom(item, what, 1);

export function oneOf<T extends string>(item: unknown, what: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === item);
  if (found !== undefined) return found;
  throw malformed(what, `one of ${choices.join(", ")}`);
}

/** Epochs and schema hashes: eight bytes on the wire, 16 hex digits everywhere else. */
export const hex16From = (item: unknown, what: string): string => Buffer.from(bytesFrom(item, what, 8)).toString("hex");

/** Throws RangeError when it isn't 16 lower-case hex digits: only a bug makes such an identity. */
export function bytesFromHex16(text: string): Uint8Array {
  if (!/^[0-9a-f]{16}$/.test(text)) throw new RangeError(`encode "${text}": not 16 hex digits`);
  return new Uint8Array(Buffer.from(text, "hex"));
}
