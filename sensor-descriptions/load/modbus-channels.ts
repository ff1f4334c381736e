/** Channels in registers: what each means, which registers it takes, and its field wherever a request begins. */
import type * as z from "zod";
import { SIZES } from "../fields/fields.ts";
import { say } from "../messages.ts";
import { oldRegister, type Registers } from "../modbus/modbus-registers.ts";
import type { ModbusTable } from "../modbus/modbus-spec.ts";
import type { Channel, Condition } from "../model.ts";
import type { modbusShape } from "../schema/modbus.ts";
import type { ByteOrder, ChannelSpec, FieldSpec, FieldType, Formula } from "../spec.ts";
import { channelOf, fieldOf, isFromBytes, needKey, stepOf } from "./channels.ts";
import type { Surroundings } from "./device-type.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";
import { validityOf, withValidity } from "./valid-when.ts";

export type ModbusShape = z.output<typeof modbusShape>;
type ChannelShape = NonNullable<ModbusShape["channels"]>[string];

export interface RegisterChannel {
  readonly channel: Channel;
  readonly validWhen?: Condition;
  readonly at: Path;
  readonly table: ModbusTable;
  readonly first: number;
  readonly last: number;
  /** As it lies in a request that begins with this register. */
  fieldFrom(register: number): FieldSpec;
}

export interface FormulaChannel {
  readonly channel: Channel;
  readonly validWhen?: Condition;
  readonly at: Path;
  readonly formula: Formula;
}

export type PlacedChannel = RegisterChannel | FormulaChannel;

export interface Order {
  readonly byte: ByteOrder;
  readonly word: ByteOrder | undefined;
}

export const isBitTable = (table: ModbusTable): boolean => table === "coil" || table === "discrete";

export const specOf = (placed: PlacedChannel, register: number): ChannelSpec => ({
  channel: placed.channel,
  source:
    "formula" in placed
      ? { from: "formula", formula: placed.formula }
      : { from: "field", field: placed.fieldFrom(register) },
  ...(placed.validWhen ? { validWhen: placed.validWhen } : {}),
});

/** With the conditions of `valid-when:`, which are about channels in registers. */
export function withConditions(
  judge: Judge,
  at: Path,
  shapes: Readonly<Record<string, ChannelShape | Omit<ChannelShape, "register">>>,
  placed: readonly PlacedChannel[],
): readonly PlacedChannel[] {
  const readable = placed.flatMap((one) => ("table" in one ? [one.channel] : []));
  return withValidity(placed, validityOf(judge, at, shapes, readable));
}

/** Undefined when it can't be made; then something was reported. `names`: what its formula may use. */
export function placedChannel(
  { judge, given }: Surroundings,
  at: Path,
  name: string,
  shape: Omit<ChannelShape, "register">,
  registers: Registers | undefined,
  order: Order,
  names: ReadonlySet<string>,
): PlacedChannel | undefined {
  if (!isFromBytes(judge, at, shape, registers?.first)) {
    const formula = judge.formula([...at, "formula"], shape.formula ?? "", names, given);
    const channel = channelOf(judge, at, name, shape, undefined);
    return formula ? { channel, at, formula } : undefined;
  }
  if (!registers) needKey(judge, at, "register");
  else if (isBitTable(registers.table)) return bitChannel(judge, at, name, shape, registers);
  // Bits are mostly cut out of one register.
  const as = shape.as ?? (shape.bits ? "u16" : undefined);
  // Broken registers were told; of coils they would need nothing more.
  if (as === undefined && (registers || !judge.document.has([...at, "register"]))) needKey(judge, at, "as");
  if (!registers || as === undefined) return undefined;
  return wordChannel(judge, at, name, shape, registers, as, order);
}

export const wordsOf = (as: FieldType): number => Math.ceil(SIZES[as] / 2);

function wordChannel(
  judge: Judge,
  at: Path,
  name: string,
  shape: Omit<ChannelShape, "register">,
  registers: Registers,
  as: FieldType,
  order: Order,
): RegisterChannel {
  const { table, first } = registers;
  const words = wordsOf(as);
  checkSpan(judge, [...at, "register"], registers, as, words);
  // A field of one byte is the low one of its register, which travels second.
  const field = inWholeRegisters(fieldOf(judge, at, SIZES[as] === 1 ? 1 : 0, as, shape, order));
  return {
    channel: channelOf(judge, at, name, shape, stepOf(field)),
    at,
    table,
    first,
    last: first + words - 1,
    fieldFrom: (register) => ({ ...field, at: field.at + 2 * (first - register) }),
  };
}

const OF_TWO_REGISTERS: Partial<Record<FieldType, FieldType>> = { u24: "u32", i24: "i32", sm24: "sm32" };

/** Three bytes are the low ones of two registers, in whatever order these come. */
function inWholeRegisters(field: FieldSpec): FieldSpec {
  const as = OF_TWO_REGISTERS[field.as];
  return as === undefined ? field : { ...field, as, bits: field.bits ?? { low: 0, high: 23 } };
}

/** "holding 4" is the first register of a field; "holding 4 to 5" has to be all of them. */
export function checkSpan(judge: Judge, at: Path, registers: Registers, as: FieldType, words: number): void {
  const { first, last, text } = registers;
  if (last > first && last - first + 1 !== words) judge.report(at, say.registersOfField(text, as, words));
  else if (first + words - 1 > 0xffff) judge.report(at, say.outOfRange(text, "0", "65535"));
}

const BITS_MAX = 16;

/** Bits travel eight to a byte, the first in the lowest bit of the first byte (1.1b3, 6.1). */
function bitChannel(
  judge: Judge,
  at: Path,
  name: string,
  shape: Omit<ChannelShape, "register">,
  { table, first, last }: Registers,
): RegisterChannel {
  const isMore =
    shape.as !== undefined || shape.bits !== undefined || shape.scale !== undefined || shape.offset !== undefined;
  if (isMore) judge.report(at, say.coilIsABit(), "key");
  const width = last - first + 1;
  if (width > BITS_MAX) judge.report([...at, "register"], say.coilsInANumber(width, BITS_MAX));
  return {
    channel: channelOf(judge, at, name, shape, 1),
    at,
    table,
    first,
    last,
    fieldFrom: (register) => bitField(first - register, Math.min(width, BITS_MAX)),
  };
}

function bitField(index: number, width: number): FieldSpec {
  const low = index % 8;
  const as = (["u8", "u16", "u24"] as const)[Math.ceil((low + width) / 8) - 1] ?? "u24";
  const bits = { low, high: low + width - 1 };
  return { at: Math.floor(index / 8), as, byteOrder: "little-endian", bits, scale: 1, offset: 0, special: new Map() };
}

/** "holding 40017" may be what travels, and may be what a manual calls holding 16. */
export function warnOfOldNumbers(judge: Judge, at: Path, { table, text }: Registers): void {
  const [, number = ""] = /\s(\d+)(?:\s|$)/.exec(text) ?? [];
  const old = oldRegister(number);
  if (old?.table === table) judge.report(at, say.maybeOldRegister(text, `${table} ${old.register}`));
}
