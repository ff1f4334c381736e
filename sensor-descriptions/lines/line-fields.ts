/** The fields of a line, and values as text in them. */
import { createScale } from "../fields/field-scale.ts";
import type { DecodedValue } from "../model.ts";
import type { LineSeparator, TextFieldSpec } from "./lines-spec.ts";
import { createNumeral } from "./numerals.ts";
import { beginsLike, withoutWildcards } from "./text-template.ts";

export function splitFields(content: string, separator: LineSeparator): readonly string[] {
  if (separator === "spaces") return content.trim().split(/\s+/);
  if (separator === "before-sign") return content.split(/(?=[+-])/);
  return separator.text === "" ? [content] : content.split(separator.text);
}

export const joinFields = (fields: readonly string[], separator: LineSeparator): string =>
  fields.join(separator === "spaces" ? " " : separator === "before-sign" ? "" : separator.text);

/** Letters that fit into a whole number that is exact: six bytes. */
export const STATE_LETTERS_MAX = 6;

/**
 * The number under which a state travels that devices send as text: of digits their value, of letters the number that
 * their bytes are, the first one the highest ("A" is 65, "OK" 0x4F4B). It depends on nothing else in the file.
 */
export function numberOfText(text: string): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (text === "" || text.length > STATE_LETTERS_MAX) return undefined;
  let number = 0;
  for (const letter of text) number = number * 256 + (letter.charCodeAt(0) & 0xff);
  return number;
}

export interface TextField {
  readonly spec: TextFieldSpec;
  /** `unit`: what the field says that names the unit. */
  read(text: string, unit?: string): DecodedValue;
  /** Throws RangeError when no text stands for the value. */
  write(value: DecodedValue): string;
}

/** `signed`: numbers are written with their sign, be it + or −. */
export function createTextField(spec: TextFieldSpec, { signed = false } = {}): TextField {
  const { beginsWith, endsWith, states, noSensor } = spec;
  const marked = (text: string): string => withoutWildcards(beginsWith) + text + endsWith;
  const scale = createScale(spec.scale, spec.offset);
  const numeral = createNumeral(spec);
  const written = signed ? createNumeral({ ...spec, sign: "always" }) : numeral;
  const scales = new Map(
    [...(spec.unitAt?.scales ?? [])].map(([text, one]) => [text, createScale(one.scale, one.offset)]),
  );
  const numbers = states && new Map([...states].map(([number, text]) => [text, number]));
  const inner = (text: string): string | undefined => {
    const trimmed = text.trim();
    const isWhole = trimmed.length >= beginsWith.length + endsWith.length;
    if (!isWhole || !beginsLike(beginsWith, trimmed) || !trimmed.endsWith(endsWith)) return undefined;
    return trimmed.slice(beginsWith.length, trimmed.length - endsWith.length).trim();
  };
  const numberIn = (text: string, unit: string | undefined): number => {
    const chosen = unit === undefined || spec.unitAt === undefined ? scale : scales.get(unit.trim());
    const raw = numeral.read(text);
    if (chosen === undefined || raw === undefined) return Number.NaN;
    // Twelve digits: 36 km/h are 10 m/s, not 10.000000000000009, and what is written is what is read.
    return chosen === scale ? scale.value(raw) : Number(chosen.value(raw).toPrecision(12));
  };
  return {
    spec,
    read: (whole, unit) => {
      const text = inner(whole);
      if (whole.trim() === "" || text === "" || noSensor.includes(text ?? whole.trim())) return "no-sensor";
      if (text === undefined) return "malformed";
      if (numbers !== undefined) return numbers.get(text) ?? "malformed";
      const value = numberIn(text, unit);
      return Number.isFinite(value) ? value + 0 : "malformed";
    },
    write: (value) => {
      if (value === "no-sensor") return noSensor[0] === undefined ? "" : marked(noSensor[0]);
      if (value === "malformed") throw new RangeError("malformed: no text stands for it");
      if (states === undefined) return marked(written.write((value - spec.offset) / spec.scale));
      return marked((signed ? "+" : "") + textOfState(states, value));
    },
  };
}

function textOfState(states: ReadonlyMap<number, string>, number: number): string {
  const text = states.get(number);
  if (text === undefined) throw new RangeError(`${number}: no text stands for it`);
  return text;
}
