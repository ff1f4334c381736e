/** The channels of one read: bytes → values, formulas included, and back for those that are fields. */

import { formulaName } from "../formula/formula.ts";
import type { DecodedValue, Values } from "../model.ts";
import type { ChannelSpec, Formula, SpecChannel } from "../spec.ts";
import { createField, type Field } from "./fields.ts";
import { forFormulas } from "./for-formulas.ts";
import { createValidity, type MaybeValid } from "./valid-when.ts";

export interface ChannelCodec {
  readonly names: readonly string[];
  /** Bytes that must be there, from `base`. */
  readonly end: number;
  /**
   * `known` are further names for the formulas: constants, raw fields, `let` lines. `others`: the values of the channels
   * that are read elsewhere, which are among those that come out.
   */
  decode(data: Uint8Array, base: number, known?: ReadonlyMap<string, DecodedValue>, others?: Values): Values;
  /**
   * Throws RangeError naming the channel: there is no value for it, or the value doesn't fit. Formulas aren't written,
   * nor "no-sensor" where the condition of `valid-when:` says it already.
   */
  encode(data: Uint8Array, base: number, values: Values): void;
}

/** `elsewhere`: channels of the same answer that aren't fields at fixed bytes (records, text). */
export function createChannelCodec(
  channels: readonly ChannelSpec[],
  elsewhere: readonly MaybeValid[] = [],
): ChannelCodec {
  const fields: NamedField[] = [];
  const unordered: NamedFormula[] = [];
  for (const { channel, source } of channels) {
    const { name } = channel;
    if (source.from === "field") fields.push({ name, channel, field: createField(source.field) });
    else unordered.push({ name, channel, known: formulaName(name), formula: source.formula });
  }
  const formulas = inOrderOfUse(unordered);
  const inputs = [...fields, ...elsewhere].map(({ channel }) => channel);
  const validity = createValidity([...channels, ...elsewhere]);
  const decodeFields = (data: Uint8Array, base: number, others?: Values): Map<string, DecodedValue> => {
    const values = new Map<string, DecodedValue>(others);
    for (const { name, field } of fields) values.set(name, field.read(data, base));
    return values;
  };
  return {
    names: channels.map(({ channel }) => channel.name),
    end: Math.max(0, ...fields.map(({ field }) => field.end)),
    decode: (data, base, known = NOTHING_KNOWN, others) => {
      const read = decodeFields(data, base, others);
      const values = validity ? validity.counted(read) : read;
      if (formulas.length === 0) return values;
      const names = new Map(known);
      for (const channel of inputs)
        names.set(formulaName(channel.name), forFormulas(channel, values.get(channel.name)));
      for (const { name, channel, known: inFormulas, formula } of formulas) {
        const value = validity?.isOff(name, read) ? "no-sensor" : computed(formula, names);
        values.set(name, value);
        names.set(inFormulas, forFormulas(channel, value));
      }
      return values;
    },
    encode: (data, base, values) => {
      for (const { name, field } of fields) {
        const value = values.get(name);
        if (value !== "no-sensor" || !validity?.isOff(name, values)) writeNamed(name, field, data, base, value);
      }
    },
  };
}

/** The formula's value; the reason of the first name that has none; "malformed" when no number comes out. */
export function computed(formula: Formula, known: ReadonlyMap<string, DecodedValue>): DecodedValue {
  for (const name of formula.names) {
    const value = known.get(name) ?? "malformed";
    if (typeof value !== "number") return value;
  }
  const value = formula.evaluate((name) => known.get(name) as number);
  return Number.isNaN(value) ? "malformed" : value;
}

interface NamedField {
  readonly name: string;
  readonly channel: SpecChannel;
  readonly field: Field;
}

interface NamedFormula {
  readonly name: string;
  readonly channel: SpecChannel;
  /** The name under which other formulas know it. */
  readonly known: string;
  readonly formula: Formula;
}

/** Each formula after those that it reads, in file order otherwise; those that need themselves stay last. */
function inOrderOfUse(formulas: readonly NamedFormula[]): readonly NamedFormula[] {
  const ordered: NamedFormula[] = [];
  let waiting = [...formulas];
  while (waiting.length > 0) {
    const ready = waiting.find((one) => !waiting.some((other) => one.formula.names.includes(other.known)));
    if (ready === undefined) break;
    ordered.push(ready);
    waiting = waiting.filter((one) => one !== ready);
  }
  return [...ordered, ...waiting];
}

const NOTHING_KNOWN: ReadonlyMap<string, DecodedValue> = new Map();

function writeNamed(name: string, field: Field, data: Uint8Array, base: number, value: DecodedValue | undefined): void {
  if (value === undefined) throw new RangeError(`${name}: no value to send`);
  try {
    field.write(data, base, value);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}
