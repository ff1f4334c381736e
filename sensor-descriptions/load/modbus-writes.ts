/** Settings and commands of Modbus: which function writes them, and what stands in their registers. */
import { say } from "../messages.ts";
import type { ModbusCommandSpec, ModbusSettingSpec, ModbusWriteFunction } from "../modbus/modbus-spec.ts";
import type { Setting } from "../model.ts";
import type { ChannelSpec, FieldSpec } from "../spec.ts";
import { settingOf } from "./controls.ts";
import type { Judge } from "./judge.ts";
import {
  checkSpan,
  isBitTable,
  type ModbusShape,
  type PlacedChannel,
  type RegisterChannel,
  specOf,
  warnOfOldNumbers,
  wordsOf,
} from "./modbus-channels.ts";
import type { Path } from "./source-document.ts";

/** Application protocol 1.1b3, sections 6.11 and 6.12; settings have at most 16 coils, which make a number. */
const COILS_MAX = 1968;
const REGISTERS_MAX = 123;
const SETTING_COILS_MAX = 16;

type SettingShape = NonNullable<ModbusShape["settings"]>[string];
type CommandShape = NonNullable<ModbusShape["commands"]>[string];
type Write = { readonly setting: Setting; readonly write: ModbusSettingSpec };

export function settingFrom(
  judge: Judge,
  name: string,
  shape: SettingShape,
  specs: readonly ChannelSpec[],
  placed: readonly PlacedChannel[],
): Write | undefined {
  const known = settingOf(judge, name, shape, specs);
  const at = ["settings", name];
  const table = writable(judge, [...at, "write"], shape.write);
  const source = placed.find(({ channel }) => channel.name === shape["read-back"]);
  if (!known || !table || !source || !("table" in source)) return undefined;
  const write =
    table === "coil" ? coilSetting(judge, name, shape, known.field) : registerSetting(judge, name, shape, source);
  return write && { setting: known.setting, write };
}

function coilSetting(judge: Judge, name: string, shape: SettingShape, field: FieldSpec): ModbusSettingSpec | undefined {
  const { first, last } = shape.write;
  const count = last - first + 1;
  if (count > SETTING_COILS_MAX)
    judge.report(["settings", name, "write"], say.coilsInANumber(count, SETTING_COILS_MAX));
  const code = functionOf(judge, ["settings", name], shape.with, count === 1 ? [5, 15] : [15]);
  return code && { name, with: code, register: first, count, field };
}

function registerSetting(
  judge: Judge,
  name: string,
  shape: SettingShape,
  source: RegisterChannel,
): ModbusSettingSpec | undefined {
  const at = ["settings", name];
  const { first } = shape.write;
  const field = writtenField(judge, [...at, "write"], shape, source);
  const count = wordsOf(field.as);
  checkSpan(judge, [...at, "write"], shape.write, field.as, count);
  const code = functionOf(judge, at, shape.with, count === 1 ? [6, 16, 23] : [16, 23]);
  if (code === 23 && source.table !== "holding") judge.report([...at, "read-back"], say.holdingOnly());
  const readBack = {
    register: source.first,
    count: source.last - source.first + 1,
    channel: specOf(source, source.first),
  };
  return code && { name, with: code, register: first, count, field, ...(code === 23 ? { readBack } : {}) };
}

/** As the channel is coded. Where that is some bits, which can't be written alone, a register of its own takes all. */
function writtenField(judge: Judge, at: Path, { write }: SettingShape, source: RegisterChannel): FieldSpec {
  const field = source.fieldFrom(source.first);
  const { bits, ...whole } = field;
  if (bits === undefined) return field;
  if (isBitTable(source.table)) return { ...whole, at: 0, as: "u16", byteOrder: "big-endian" };
  const isInside = source.table === "holding" && write.first >= source.first && write.first <= source.last;
  if (isInside) judge.report(at, say.partOfRegister(source.channel.name));
  return { ...whole, special: new Map() };
}

type WrittenShape = Pick<CommandShape, "write" | "value" | "with"> & Partial<Pick<CommandShape, "broadcast">>;

export function commandFrom(judge: Judge, at: Path, name: string, shape: WrittenShape): ModbusCommandSpec | undefined {
  const { write, value: values } = shape;
  const table = writable(judge, [...at, "write"], write);
  if (!table) return undefined;
  const count = write.last - write.first + 1;
  const max = table === "coil" ? COILS_MAX : REGISTERS_MAX;
  if (count > max) judge.report([...at, "write"], say.writesTooMany(max));
  if (values.length !== count) judge.report([...at, "value"], say.valuesForRegisters(values.length, count));
  const wrong = table === "coil" ? values.find((value) => value > 1) : undefined;
  if (wrong !== undefined) judge.report([...at, "value"], say.coilValue(wrong));
  const possible = table === "coil" ? ([5, 15] as const) : ([6, 16] as const);
  const code = functionOf(judge, at, shape.with, count === 1 ? possible : [possible[1]]);
  const isBroadcast = shape.broadcast ? { isBroadcast: true } : {};
  return code && { name, with: code, register: write.first, values, ...isBroadcast };
}

function writable(judge: Judge, at: Path, registers: SettingShape["write"]): "coil" | "holding" | undefined {
  const { table } = registers;
  warnOfOldNumbers(judge, at, registers);
  if (table === "coil" || table === "holding") return table;
  judge.report(at, say.registerTable(table));
  return undefined;
}

/** The first of the possible ones unless the file says another. */
function functionOf<F extends ModbusWriteFunction>(
  judge: Judge,
  at: Path,
  said: number | undefined,
  possible: readonly F[],
): F | undefined {
  if (said === undefined) return possible[0];
  const code = possible.find((one) => one === said);
  if (code === undefined) judge.report([...at, "with"], say.writeFunction(said, possible));
  return code;
}
