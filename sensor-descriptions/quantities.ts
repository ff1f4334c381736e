/**
 * Reads single values from their text as it stands in the file: numbers with units, times, ranges, bytes.
 * Nothing is guessed: what could mean two things is a problem that names both.
 */
import { type Said, say } from "./messages.ts";
import { convert, isKnownUnit, likelyUnits, nearestUnit, spokenUnit, ucumName } from "./units.ts";

/** A value, or what is wrong with its text; `column` (from 0) where in the text. */
export type Reading<T> = { readonly ok: T } | { readonly said: Said; readonly column?: number };

export interface Quantity {
  readonly value: number;
  /** UCUM name; "" when none was written. */
  readonly unit: string;
  readonly text: string;
}

export interface Range {
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly text: string;
}

const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?`;
const QUANTITY = new RegExp(`^(${NUMBER})\\s*(\\D\\S*)?$`);
const COMMA = /^[+-]?\d+,\d+(?!\d*,)/;

/** A number with or without a unit: "-0.4 °C", "0.2794mm", "12". */
export function readQuantity(text: string): Reading<Quantity> {
  if (COMMA.test(text)) return { said: say.decimalComma(text) };
  const match = QUANTITY.exec(text);
  if (!match) return { said: say.notANumber(text, "12.5 mm") };
  const number = readDecimal(match[1] ?? "");
  if ("said" in number) return number;
  const unit = match[2] ?? "";
  return { ok: { value: number.ok, unit: ucumName(unit), text } };
}

/** The value in `unit`, which has to be said; `difference` for corrections and steps (1 K is 1 °C there). */
export function readIn(text: string, unit: string, kind: "value" | "difference" = "value"): Reading<number> {
  const quantity = readQuantity(text);
  if ("said" in quantity) return quantity;
  return quantityIn(quantity.ok, unit, kind);
}

export function quantityIn(quantity: Quantity, unit: string, kind: "value" | "difference" = "value"): Reading<number> {
  const { value, text } = quantity;
  if (unit === "") return quantity.unit === "" ? { ok: value } : { said: say.unitNotAllowed(text) };
  if (quantity.unit === "")
    return {
      said: say.bareNumber(
        text,
        likelyUnits(unit).map((u) => `${text} ${u}`),
      ),
    };
  const converted = convert(value, quantity.unit, unit, kind);
  if (converted !== undefined) return { ok: converted };
  if (!isKnownUnit(quantity.unit)) return { said: say.unknownUnit(quantity.unit, nearestUnit(quantity.unit)) };
  return { said: say.otherDimension(text, spokenUnit(unit)) };
}

/** A decimal number without a unit; never NaN or infinite. */
export function readNumber(text: string): Reading<number> {
  if (COMMA.test(text)) return { said: say.decimalComma(text) };
  if (/^[+-]?0[xX][0-9a-fA-F]+$/.test(text)) return readWhole(text);
  const quantity = QUANTITY.exec(text);
  if (!quantity) return { said: say.notANumber(text, "0.1") };
  if (quantity[2] !== undefined) return { said: say.unitNotAllowed(text) };
  return readDecimal(text);
}

function readDecimal(text: string): Reading<number> {
  if (/^[+-]?0\d/.test(text)) return { said: say.leadingZero(text) };
  const value = Number(text);
  const isWhole = /^[+-]?\d+$/.test(text);
  if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) return { said: say.numberTooLarge(text) };
  return { ok: value };
}

/** Decimal or 0x; never beyond what a double holds exactly. "010" is refused: YAML 1.1 reads 8, YAML 1.2 reads 10. */
export function readWhole(text: string): Reading<number> {
  if (COMMA.test(text)) return { said: say.decimalComma(text) };
  if (/^[+-]?0\d/.test(text)) return { said: say.leadingZero(text) };
  if (!/^(?:[+-]?\d+|0[xX][0-9a-fA-F]+)$/.test(text)) return { said: say.notWhole(text) };
  const value = Number(text);
  return Number.isSafeInteger(value) ? { ok: value } : { said: say.numberTooLarge(text) };
}

const TIME_UNITS = new Map([["ms", 1], ["s", 1000], ["sec", 1000], ["min", 60_000], ["h", 3_600_000], ["d", 86_400_000]]); // biome-ignore format: a table

/** Milliseconds; the longest time that anything here waits is 31 days. */
export function readDuration(text: string): Reading<number> {
  const quantity = readQuantity(text);
  if ("said" in quantity) return quantity.said.code === "D305" ? { said: say.notADuration(text) } : quantity;
  const { value, unit } = quantity.ok;
  if (unit === "") return { said: say.bareNumber(text, [`${text}s`, `${text}min`]) };
  const factor = TIME_UNITS.get(unit);
  if (factor === undefined) return { said: say.notADuration(text) };
  const ms = Number((value * factor).toPrecision(15));
  const DAYS_31 = 31 * 86_400_000;
  if (!(ms >= 0 && ms <= DAYS_31)) return { said: say.notNearlyNow(text, "0s", "31d") };
  return { ok: ms };
}

/** "30s", "15min", "1.5h": the way back, for messages and `show`. */
export function spokenDuration(ms: number): string {
  for (const [unit, factor] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return ms > 1000 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Before NUMBER, which would read 0x28 as 0 of a unit "x28". */
const HEX = "0[xX][0-9a-fA-F]+";
const RANGE = new RegExp(`^(${HEX}|${NUMBER})\\s*(\\D\\S*)?\\s+to\\s+(${HEX}|${NUMBER})\\s*(\\D\\S*)?$`);

/** "0 to 1500", "200 to 1000 mbar", "-10 °C to 40 °C". A unit said once counts for both. */
export function readRange(text: string): Reading<Range> {
  if (/\d,\d/.test(text)) return { said: say.decimalComma(text) };
  const match = RANGE.exec(text);
  if (!match) return { said: say.notARange(text) };
  const [, first = "", firstUnit, second = "", secondUnit] = match;
  const low = readNumber(first);
  const high = readNumber(second);
  if ("said" in low) return low;
  if ("said" in high) return high;
  const unit = secondUnit ?? firstUnit ?? "";
  if (firstUnit !== undefined && firstUnit !== unit) return { said: say.notARange(text) };
  if (low.ok > high.ok) return { said: say.reversedRange(text) };
  return { ok: { low: low.ok, high: high.ok, unit: ucumName(unit), text } };
}

/** A range in `unit`; without a unit of its own it is in `unit` already, which stands on the same line. */
export function rangeIn(range: Range, unit: string): Reading<{ readonly low: number; readonly high: number }> {
  if (range.unit === "") return { ok: { low: range.low, high: range.high } };
  const low = quantityIn({ value: range.low, unit: range.unit, text: range.text }, unit);
  const high = quantityIn({ value: range.high, unit: range.unit, text: range.text }, unit);
  if ("said" in low) return low;
  return "said" in high ? high : { ok: { low: low.ok, high: high.ok } };
}

/** "55 AA 0F": hexadecimal pairs with or without spaces between them. */
export function readBytes(text: string): Reading<Uint8Array> {
  const digits = text.replaceAll(/\s+/g, "");
  const isHex = /^(?:[0-9a-fA-F]{2})*$/.test(digits) && text.split(/\s+/).every((word) => word.length % 2 === 0);
  return isHex ? { ok: Uint8Array.from(Buffer.from(digits, "hex")) } : { said: say.notBytes(text) };
}

export const spokenBytes = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join(" ");
