/** What values a setting takes: whether one can be used, in words, and for documents. Pure. */
import { spokenUnit } from "@pump-station/sensor-descriptions/units.ts";
import { windowsFromText } from "../wire/upload-windows.ts";

export type SettingValue = number | string;

export interface Range {
  /** Both ends included. */
  readonly low: number;
  readonly high: number;
}

export interface NumberShape extends Range {
  readonly kind: "number";
  /** UCUM, or words where there is none; "" for a number without a unit. */
  readonly unit: string;
  /** May be said instead of a number; then a number may come as text, too. */
  readonly word?: string;
}

export type Shape =
  | NumberShape
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  | { readonly kind: "upload-windows" };

export const DAY_S = 86_400;
export const ofSeconds = (low: number, high: number, word?: string): NumberShape => ({
  kind: "number",
  low,
  high,
  unit: "s",
  ...(word !== undefined && { word }),
});

/** Why a value can't be used; undefined when it can. */
export function problemWith(shape: Shape, value: unknown): string | undefined {
  switch (shape.kind) {
    case "number": {
      const { word } = shape;
      if (word !== undefined && value === word) return undefined;
      const isText = word !== undefined && typeof value === "string" && /^\d+(\.\d+)?$/.test(value);
      return outOfRange(isText ? Number(value) : value, shape, shape.unit, word);
    }
    case "choice":
      return typeof value === "string" && shape.choices.includes(value)
        ? undefined
        : `not one of ${shape.choices.join(", ")}`;
    case "upload-windows":
      return typeof value === "string" && windowsFromText(value) !== undefined
        ? undefined
        : 'write it like "sat sun 02:30-05:00; 12:00-13:00", or "always"';
  }
}

export function outOfRange(value: unknown, range: Range, unit: string, word?: string): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value))
    return word === undefined ? "not a number" : `not a number, nor ${word}`;
  if (value >= range.low && value <= range.high) return undefined;
  return `${value} is outside of ${range.low} to ${range.high} ${spokenUnit(unit)}`.trim();
}

/** "30 to 1177 s, or "learn"" */
export function rangeText(shape: Shape): string {
  switch (shape.kind) {
    case "number":
      return `${`${shape.low} to ${shape.high} ${spokenUnit(shape.unit)}`.trim()}${shape.word === undefined ? "" : `, or "${shape.word}"`}`;
    case "choice":
      return shape.choices.map((choice) => `"${choice}"`).join(" or ");
    case "upload-windows":
      return '"sat sun 02:30-05:00; 12:00-13:00", or "always"';
  }
}

/** As docs/cloud-settings.md has it: units by their names, texts as code. */
export const spokenShape = (shape: Shape): string =>
  shape.kind === "number" && shape.word === undefined
    ? `${wordOf(shape.unit)}, ${shape.low} to ${shape.high}`
    : rangeText(shape)
        .replace(/^(.*) s,/, "seconds, $1,")
        .replaceAll(/"[^"]*"/g, (text) => `\`${text}\``);

const wordOf = (unit: string): string => ({ s: "seconds", "MB/month": "MB a month" })[unit] ?? unit;
