/** The channels of one kind of line: fields → values, formulas included, and back. */
import { createChannelCodec } from "../fields/channels.ts";
import type { DecodedValue, Values } from "../model.ts";
import type { ChannelSpec } from "../spec.ts";
import { createTextField, joinFields, splitFields, type TextField } from "./line-fields.ts";
import type { LineReadSpec, LineSeparator } from "./lines-spec.ts";
import { beginsLike, withoutWildcards } from "./text-template.ts";

export interface LineBody {
  /** Whether the fields that `where` names have their texts. */
  isMeant(content: string): boolean;
  decode(content: string): Values;
  /** Of each channel that is text: the place of its field in the line; undefined where the line has none. */
  placesIn(content: string): ReadonlyMap<string, number | undefined>;
  /** `beginning`: how the line begins. Throws RangeError naming the channel that has no value or text. */
  encode(beginning: string, values: Values): string;
}

type BodySpec = Pick<LineReadSpec, "channels" | "where" | "validWhen" | "groups">;

const EVERYTHING: ReadonlyMap<number, string> = new Map();

export function createLineBody(
  { channels, where, validWhen: validLine = EVERYTHING, groups }: BodySpec,
  separator: LineSeparator,
): LineBody {
  const texts: { readonly name: string; readonly field: TextField }[] = [];
  const formulas: ChannelSpec[] = [];
  const signed = separator === "before-sign";
  for (const { channel, source, validWhen } of channels) {
    if (source.from === "text")
      // A sign would begin the next field.
      texts.push({
        name: channel.name,
        field: createTextField(source.text, { signed: signed && source.text.place !== 0 }),
      });
    else formulas.push({ channel, source, ...(validWhen ? { validWhen } : {}) });
  }
  const computed = createChannelCodec(
    formulas,
    channels.filter(({ source }) => source.from === "text"),
  );
  const placedFirst = [...texts].sort((a, b) => Number(isFloating(a.field)) - Number(isFloating(b.field)));
  return {
    isMeant: (content) => {
      return where.size === 0 || saysAll(splitFields(content, separator), where);
    },
    decode: (content) => {
      const fields = splitFields(content, separator);
      const values = new Map<string, DecodedValue>();
      const isValid = saysAll(fields, validLine);
      for (const { name, field } of texts) {
        const counts = isValid || (field.spec.group === undefined && validLine.has(field.spec.place ?? -1));
        values.set(name, counts ? valueIn(fields, field, groups) : "no-sensor");
      }
      return computed.decode(NO_BYTES, 0, undefined, values);
    },
    placesIn: (content) => {
      const fields = splitFields(content, separator);
      return new Map(texts.map(({ name, field }) => [name, placeIn(fields, field, groups)]));
    },
    encode: (beginning, values) => {
      const fields = [...splitFields(withoutWildcards(beginning), separator)];
      for (const [place, text] of [...where, ...validLine]) put(fields, place, text);
      for (const { name, field } of placedFirst) putValue(fields, field, groups, textOf(name, field, values.get(name)));
      return joinFields(fields, separator);
    },
  };
}

const NO_BYTES = new Uint8Array();

/** Whether each of these fields has its text. */
const saysAll = (fields: readonly string[], texts: ReadonlyMap<number, string>): boolean =>
  [...texts].every(([place, text]) => fields[place]?.trim() === text);

type Groups = LineReadSpec["groups"];

/** It stands wherever there is room. */
const isFloating = ({ spec }: TextField): boolean => spec.place === undefined;

/** A field that a line is too short for is "no-sensor" like an empty one: NMEA 0183 leaves out what isn't known. */
function valueIn(fields: readonly string[], field: TextField, groups: Groups): DecodedValue {
  const from = beginningOf(fields, field, groups);
  if (from === undefined) return "no-sensor";
  const place = placeIn(fields, field, groups);
  const { unitAt } = field.spec;
  return field.read(
    (place === undefined ? undefined : fields[place]) ?? "",
    unitAt && (fields[from + unitAt.place] ?? ""),
  );
}

/** The line's first field, or that of the group. */
const beginningOf = (fields: readonly string[], { spec: { group } }: TextField, groups: Groups): number | undefined =>
  group === undefined ? 0 : groupAt(fields, group, groups);

function placeIn(fields: readonly string[], field: TextField, groups: Groups): number | undefined {
  const { place, beginsWith } = field.spec;
  const from = beginningOf(fields, field, groups);
  if (from === undefined) return undefined;
  const found = place === undefined ? fields.findIndex((one) => beginsLike(beginsWith, one.trim())) : from + place;
  return found >= 0 && found < fields.length ? found : undefined;
}

/** The first field of the group with this name. */
function groupAt(fields: readonly string[], name: string, groups: Groups): number | undefined {
  if (groups === undefined) return undefined;
  for (let at = groups.from; at < fields.length; at += groups.length) {
    if (fields[at + groups.name]?.trim() === name) return at;
  }
  return undefined;
}

function textOf(name: string, field: TextField, value: DecodedValue | undefined): string {
  if (value === undefined) throw new RangeError(`${name}: no value to send`);
  try {
    return field.write(value);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function putValue(fields: string[], { spec }: TextField, groups: Groups, text: string): void {
  const { place, group, unitAt } = spec;
  const [unit] = unitAt?.scales.keys() ?? [];
  if (group === undefined || groups === undefined) {
    if (unitAt && unit !== undefined) put(fields, unitAt.place, unit);
    if (place !== undefined) put(fields, place, withBeginning(spec, fields[place] ?? "", text));
    else if (text !== "") fields.push(text);
    return;
  }
  const at = groupAt(fields, group, groups) ?? nextGroup(fields, groups);
  put(fields, at + groups.name, group);
  put(fields, at + groups.length - 1, fields[at + groups.length - 1] ?? "");
  if (unitAt && unit !== undefined) put(fields, at + unitAt.place, unit);
  if (place !== undefined) put(fields, at + place, text);
}

/** What stands there already, the line's own beginning, says which letters are meant by the "?" of `beginsWith`. */
const withBeginning = ({ beginsWith }: TextField["spec"], there: string, text: string): string =>
  text !== "" && beginsLike(beginsWith, there)
    ? there.slice(0, beginsWith.length) + text.slice(beginsWith.length)
    : text;

/** The place behind the last group. */
const nextGroup = (fields: readonly string[], { from, length }: NonNullable<Groups>): number =>
  from + Math.ceil(Math.max(0, fields.length - from) / length) * length;

function put(fields: string[], place: number, text: string): void {
  while (fields.length <= place) fields.push("");
  fields[place] = text;
}
