/** Device files with `protocol: modbus-rtu`. Registers are numbered as they travel, from 0; words are big-endian. */
import type * as z from "zod";
import { SIZES } from "../fields.ts";
import { say } from "../messages.ts";
import type { modbusShape } from "../schema/modbus.ts";
import type { ByteOrder, ChannelSpec, ModbusReadSpec, ModbusSpec } from "../spec.ts";
import { channelOf, fieldOf, isFromBytes, needKey, type RegisterChannelShape, stepOf } from "./channels.ts";
import { commandOf, serialOf, settingOf } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { reportTwice } from "./framed.ts";
import { formulaNames, type Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

type Shape = z.output<typeof modbusShape>;
type ReadShape = Shape["reads"][string];

/** Modbus application protocol 1.1b3, sections 6.1 and 6.3: what fits into one answer. */
const BITS_MAX = 2000;
const REGISTERS_MAX = 125;

export function modbusSpec(shape: Shape, around: Surroundings): BuiltSpec {
  const { judge } = around;
  const order = { byte: shape["byte-order"] ?? ("big-endian" as const), word: shape["word-order"] };
  const reads = Object.entries(shape.reads).map(([name, read]) => readOf(around, name, read, order));
  const specs = reads.flatMap((read) => read.channels);
  const channels = specs.map(({ channel }) => channel);
  reportTwice(judge, reads);
  const writes: ModbusSpec["settings"][number][] = [];
  const settings = Object.entries(shape.settings ?? {}).flatMap(([name, setting]) => {
    const known = settingOf(judge, name, setting, specs);
    const table = writable(judge, ["settings", name, "write"], setting.write.table);
    if (!known || !table) return [];
    writes.push({ name, table, register: setting.write.first, field: { ...known.field, at: 0 } });
    return [known.setting];
  });
  const commands = Object.entries(shape.commands ?? {});
  const spec: ModbusSpec = {
    protocol: "modbus-rtu",
    ...serialOf(judge, shape),
    reads,
    settings: writes,
    commands: commands.flatMap(([name, { write, value }]) => {
      const table = writable(judge, ["commands", name, "write"], write.table);
      return table ? [{ name, table, register: write.first, raw: value }] : [];
    }),
  };
  return {
    spec,
    channels,
    settings,
    commands: commands.map(([name, command]) => commandOf(judge, name, command, channels)),
  };
}

function writable(judge: Judge, at: Path, table: string): "coil" | "holding" | undefined {
  if (table === "coil" || table === "holding") return table;
  judge.report(at, say.registerTable(table));
  return undefined;
}

interface Order {
  readonly byte: ByteOrder;
  readonly word: ByteOrder | undefined;
}

function readOf(around: Surroundings, name: string, read: ReadShape, order: Order): ModbusReadSpec {
  const { table, first, last } = read.registers;
  const count = last - first + 1;
  const max = isBitTable(read) ? BITS_MAX : REGISTERS_MAX;
  if (count > max) around.judge.report(["reads", name, "registers"], say.tooManyRegisters(max));
  const entries = Object.entries(read.channels);
  const names = formulaNames(
    entries.map(([channel]) => channel),
    around.given.keys(),
  );
  const channels = entries.flatMap(([channel, shape]) => {
    const spec = registerChannel(around, ["reads", name, "channels", channel], channel, shape, read, order, names);
    return spec ? [spec] : [];
  });
  return { name, table, register: first, count, channels };
}

const isBitTable = (read: ReadShape): boolean => read.registers.table === "coil" || read.registers.table === "discrete";

function registerChannel(
  around: Surroundings,
  at: Path,
  name: string,
  shape: RegisterChannelShape,
  read: ReadShape,
  order: Order,
  names: ReadonlySet<string>,
): ChannelSpec | undefined {
  const { judge, given } = around;
  if (!isFromBytes(judge, at, shape, shape.register)) {
    const formula = judge.formula([...at, "formula"], shape.formula ?? "", names, given);
    const channel = channelOf(judge, at, name, shape, undefined);
    return formula ? { channel, source: { from: "formula", formula } } : undefined;
  }
  const { first, last } = read.registers;
  const { register } = shape;
  if (register === undefined) needKey(judge, at, "register");
  const as = isBitTable(read) ? "u8" : shape.as;
  if (as === undefined) needKey(judge, at, "as");
  if (register === undefined || as === undefined) return undefined;
  const end = isBitTable(read) ? register : register + Math.ceil(SIZES[as] / 2) - 1;
  if (register < first || end > last) judge.report([...at, "register"], say.registerBeyondRead(first, last));
  const field = isBitTable(read)
    ? bitField(judge, at, shape, register - first)
    : // A field of one byte is the low one of its register, which travels second.
      fieldOf(judge, at, 2 * (register - first) + (SIZES[as] === 1 ? 1 : 0), as, shape, order);
  return { channel: channelOf(judge, at, name, shape, stepOf(field)), source: { from: "field", field } };
}

/** Coils travel eight to a byte, the first in the lowest bit (1.1b3, 6.1). */
function bitField(judge: Judge, at: Path, shape: RegisterChannelShape, index: number) {
  const isMore =
    shape.as !== undefined || shape.bits !== undefined || shape.scale !== undefined || shape.offset !== undefined;
  if (isMore) judge.report(at, say.coilIsABit(), "key");
  const bit = index % 8;
  return fieldOf(
    judge,
    at,
    Math.floor(index / 8),
    "u8",
    { bits: { low: bit, high: bit, text: String(bit) } },
    { byte: "big-endian" },
  );
}
