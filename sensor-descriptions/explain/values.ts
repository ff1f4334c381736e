/** Values in words: raw number, scale and offset, unit, state, special value, plausible range. */
import { createField, SIZES } from "../fields/fields.ts";
import { forFormulas } from "../fields/for-formulas.ts";
import { formulaName } from "../formula/formula.ts";
import { tokensOf } from "../formula/formula-tokens.ts";
import type { Channel, Condition, DecodedValue, Values } from "../model.ts";
import type { ChannelSpec, FieldSpec, Formula, SpecChannel } from "../spec.ts";
import { spokenUnit } from "../units.ts";
import type { Annotation, Computation } from "./explanation.ts";

/** "812.5 mbar", "pumping (1)", "no-sensor"; with what is implausible about it. */
export function spokenValue(value: DecodedValue, channel?: Channel): string {
  if (typeof value !== "number") return value;
  const state = channel?.states?.get(value);
  if (state !== undefined) return `${state} (${value})`;
  const text = `${short(value)} ${spokenUnit(channel?.unit ?? "")}`.trimEnd();
  if (channel?.states) return `${text}, which is no state that the description knows`;
  const { range } = channel ?? {};
  return range && (value < range.low || value > range.high)
    ? `${text}, not plausible: outside of ${range.low} to ${range.high}`
    : text;
}

/** Ten digits are more than any sensor has. */
export const short = (value: number): string => String(Number(value.toPrecision(10)));

/** One field at its bytes: "8125 × 0.1 = 812.5 mbar". The caller has made sure that the bytes are there. */
export function fieldAnnotation(
  name: string,
  spec: FieldSpec,
  channel: Channel | undefined,
  data: Uint8Array,
  base: number,
): Annotation {
  const start = base + spec.at;
  return { start, end: start + SIZES[spec.as], part: name, says: [fieldText(spec, channel, data, base)] };
}

/** Says so of a field whose value doesn't count because of its condition. */
export function counting(
  annotation: Annotation,
  validWhen: Condition | undefined,
  decoded: Values | undefined,
): Annotation {
  if (validWhen === undefined || decoded?.get(annotation.part) !== "no-sensor") return annotation;
  return { ...annotation, says: [...annotation.says, `doesn't count: it isn't so that ${validWhen.text}`] };
}

const NOTHING_SPECIAL: FieldSpec["special"] = new Map();

function fieldText(spec: FieldSpec, channel: Channel | undefined, data: Uint8Array, base: number): string {
  const value = createField(spec).read(data, base);
  const raw = createField({ ...spec, scale: 1, offset: 0, special: NOTHING_SPECIAL }).read(data, base);
  const bits = spec.bits && `${spokenBits(spec.bits)}: `;
  const order = SIZES[spec.as] > 1 ? orderText(spec) : "";
  const text =
    typeof value === "number"
      ? computedText(spec, raw, value, channel)
      : raw === value
        ? `${spec.as} holds no number: ${value}`
        : `raw ${raw} stands for ${value}`;
  return `${bits ?? ""}${text}${order}`;
}

function computedText(spec: FieldSpec, raw: DecodedValue, value: number, channel: Channel | undefined): string {
  if (spec.scale === 1 && spec.offset === 0) return spokenValue(value, channel);
  const scaled = spec.scale === 1 ? `${raw}` : `${raw} × ${spec.scale}`;
  const moved = spec.offset === 0 ? "" : ` ${spec.offset < 0 ? "−" : "+"} ${Math.abs(spec.offset)}`;
  return `${scaled}${moved} = ${spokenValue(value, channel)}`;
}

const spokenBits = ({ low, high }: { low: number; high: number }): string =>
  low === high ? `bit ${low}` : `bits ${low} to ${high}`;

/** Only what a reader who goes from left to right would get wrong. */
function orderText({ byteOrder, wordOrder = byteOrder }: FieldSpec): string {
  if (byteOrder === "big-endian") return wordOrder === byteOrder ? "" : " (low word first)";
  return wordOrder === byteOrder ? " (low byte first)" : " (low byte first in each word)";
}

/** The formula's text with numbers instead of the names that have one. */
export function filledIn(formula: Formula, known: Values): string {
  const tokens = tokensOf(formula.text);
  let text = "";
  let at = 0;
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== "name" || tokens[i + 1]?.text === "(") continue;
    const value = formula.names.includes(token.text) ? known.get(token.text) : formula.given?.get(token.text);
    if (value === undefined) continue;
    text += formula.text.slice(at, token.column - 1) + inFormula(value);
    at = token.column - 1 + token.text.length;
  }
  return text + formula.text.slice(at);
}

const inFormula = (value: DecodedValue): string =>
  typeof value !== "number" ? `[${value}]` : value < 0 ? `(${short(value)})` : short(value);

export const computation = (
  name: string,
  formula: Formula,
  known: Values,
  value: DecodedValue,
  channel?: Channel,
): Computation => ({
  name,
  formula: formula.text,
  filled: filledIn(formula, known),
  value,
  says: spokenValue(value, channel),
});

/** Channels' values by the names that formulas use, as these see them: corrected, and nothing implausible. */
export const seenByFormulas = (channels: readonly { readonly channel: SpecChannel }[], values: Values): Values =>
  new Map(channels.map(({ channel }) => [formulaName(channel.name), forFormulas(channel, values.get(channel.name))]));

/** The formulas among the channels, with the values that came out; `known` by the names that formulas use. */
export const computations = (channels: readonly ChannelSpec[], known: Values, values: Values): Computation[] =>
  channels.flatMap(({ channel, source }) =>
    source.from === "formula"
      ? [computation(channel.name, source.formula, known, values.get(channel.name) ?? "malformed", channel)]
      : [],
  );
