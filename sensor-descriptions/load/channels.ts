/** One channel: what its value means, and where it is taken from. */
import type * as z from "zod";
import { isFloat, SIZES } from "../fields/fields.ts";
import { say } from "../messages.ts";
import type { Channel, ChannelKind } from "../model.ts";
import type { framedShape } from "../schema/framed.ts";
import type { pulsesShape } from "../schema/pulses.ts";
import type { ByteOrder, FieldSpec, FieldType, Formula } from "../spec.ts";
import { isKnownUnit, nearestUnit, ucumName } from "../units.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

export type MeaningShape = z.output<typeof pulsesShape>["channels"][string];
export type ByteChannelShape = z.output<typeof framedShape>["reads"][string]["channels"][string];

export interface FieldShape {
  readonly as?: FieldType | undefined;
  readonly "byte-order"?: ByteOrder | undefined;
  readonly "word-order"?: ByteOrder | undefined;
  readonly bits?: { readonly low: number; readonly high: number; readonly text: string } | undefined;
  readonly scale?: number | undefined;
  readonly offset?: number | undefined;
  readonly "no-sensor"?: readonly (number | bigint)[] | undefined;
  readonly malformed?: readonly (number | bigint)[] | undefined;
}

/** What an unfinished field or formula still tells: the step of its value. Undefined: it has to be said. */
export function channelOf(
  judge: Judge,
  at: Path,
  name: string,
  shape: MeaningShape,
  step: number | undefined,
): Channel {
  const unit = unitOf(judge, [...at, "unit"], shape.unit);
  const states = shape.states === undefined ? undefined : statesOf(judge, at, shape.states);
  const kind: ChannelKind = shape.kind ?? (states ? "state" : "gauge");
  const internal = shape.internal === true ? ({ isInternal: true } as const) : {};
  if (states) {
    for (const key of ["unit", "range", "resolution"] as const) {
      if (shape[key] !== undefined) judge.report([...at, key], say.rangeOfText(), "key");
    }
    return { name, kind: "state", unit: "", resolution: 1, states, ...internal };
  }
  if (shape.kind === "state") judge.report([...at, "kind"], say.stateNeedsStates());
  const range = judge.range([...at, "range"], shape.range, unit);
  const resolution = resolutionOf(judge, at, shape, unit, step);
  return { name, kind, unit, resolution, ...(range ? { range } : {}), ...internal };
}

function resolutionOf(judge: Judge, at: Path, shape: MeaningShape, unit: string, step: number | undefined): number {
  const { resolution } = shape;
  if (resolution === undefined) {
    // What isn't sent costs nothing.
    if (step === undefined && shape.internal !== true) judge.report(at, say.resolutionMissing(), "key");
    return step ?? 1;
  }
  if ("formula" in resolution) return resolutionOfNeeds(judge, [...at, "resolution"], resolution.formula);
  // The unit stands on the same line; a bare number can only be in that.
  const value =
    resolution.unit === "" ? resolution.value : judge.quantity([...at, "resolution"], resolution, unit, "difference");
  if (value === undefined || value > 0) return value ?? 1;
  judge.report([...at, "resolution"], say.outOfRange(resolution.text, "more than 0", "any"));
  return 1;
}

/** In the channel's unit; NaN for needs of which it makes no step. */
function resolutionOfNeeds(judge: Judge, at: Path, text: string): number {
  const { needs } = judge;
  const formula = judge.formula(at, text, new Set(needs.keys()), needs);
  if (!formula) return 1;
  const step = Number(formula.evaluate((name) => needs.get(name) ?? Number.NaN).toPrecision(12));
  if (step > 0) return step;
  judge.report(at, say.resolutionNotPositive(text));
  return Number.NaN;
}

function unitOf(judge: Judge, at: Path, unit: string | undefined): string {
  if (unit !== undefined && !isKnownUnit(unit)) judge.report(at, say.unfamiliarUnit(unit, nearestUnit(unit)));
  return unit === undefined ? "" : ucumName(unit);
}

function statesOf(judge: Judge, at: Path, states: Readonly<Record<number, string>>): ReadonlyMap<number, string> {
  const byNumber = new Map<number, string>();
  const names = new Set<string>();
  for (const [number, name] of Object.entries(states)) {
    if (names.has(name)) judge.report([...at, "states", number], say.stateNumberTwice(name));
    names.add(name);
    byNumber.set(Number(number), name);
  }
  return byNumber;
}

/** The field at byte `position`; problems of its own keys are reported, and a field comes out in any case. */
export function fieldOf(
  judge: Judge,
  at: Path,
  position: number,
  as: FieldType,
  shape: FieldShape,
  order: { readonly byte: ByteOrder; readonly word?: ByteOrder | undefined },
): FieldSpec {
  const width = SIZES[as] * 8;
  const { bits } = shape;
  if (bits && isFloat(as)) judge.report([...at, "bits"], say.bitsOfFloat(as));
  else if (bits && bits.high >= width) judge.report([...at, "bits"], say.bitsBeyondField(bits.text, as));
  if (shape.scale === 0) judge.report([...at, "scale"], say.outOfRange("0", "anything", "but 0"));
  const isUsable = bits && !isFloat(as) && bits.high < width;
  const wordOrder = shape["word-order"] ?? order.word;
  return {
    at: position,
    as,
    byteOrder: shape["byte-order"] ?? order.byte,
    ...(wordOrder === undefined ? {} : { wordOrder }),
    ...(isUsable ? { bits: { low: bits.low, high: bits.high } } : {}),
    scale: shape.scale === undefined || shape.scale === 0 ? 1 : shape.scale,
    offset: shape.offset ?? 0,
    special: specialOf(judge, at, as, shape, isUsable ? bits.high - bits.low + 1 : width),
  };
}

function specialOf(judge: Judge, at: Path, as: FieldType, shape: FieldShape, width: number): FieldSpec["special"] {
  const special = new Map<number | bigint, "no-sensor" | "malformed">();
  const magnitude = 2 ** (width - 1);
  // A signed number's special value is mostly written as its bits: 0x8000.
  const lowest = as.startsWith("i") ? -magnitude : as.startsWith("sm") ? 1 - magnitude : 0;
  for (const reason of ["no-sensor", "malformed"] as const) {
    for (const raw of shape[reason] ?? []) {
      const isWhole = typeof raw === "bigint" || Number.isInteger(raw);
      if (isFloat(as) || (isWhole && raw < 2 ** width && raw >= lowest)) special.set(raw, reason);
      else judge.report([...at, reason], say.rawBeyondField(String(raw), as));
    }
  }
  return special;
}

export interface SourceShape extends MeaningShape, FieldShape {}

const FIELD_KEYS = ["as", "bits", "scale", "offset", "no-sensor", "malformed", "byte-order", "word-order"] as const;

/** Bytes or a formula, one of both: reports when it is none or both. */
export function isFromBytes(judge: Judge, at: Path, shape: SourceShape, position: number | undefined): boolean {
  if (shape.formula === undefined) return true;
  const extra = FIELD_KEYS.find((key) => shape[key] !== undefined);
  if (extra !== undefined || position !== undefined) judge.report(at, say.fieldOrFormula(), "key");
  return false;
}

/** The step of a formula's value is only known when it is one field's. */
export const stepOf = (field: FieldSpec | Formula): number | undefined =>
  "scale" in field ? (isFloat(field.as) && field.scale === 1 ? undefined : Math.abs(field.scale)) : undefined;

/** Silent when the key stands there and is wrong: that was said. */
export function needKey(judge: Judge, at: Path, key: string): void {
  if (!judge.document.has([...at, key])) judge.report(at, say.fieldNeeds(key), "key");
}
