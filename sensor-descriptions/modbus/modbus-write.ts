/** The writing requests of Modbus (1.1b3, 6.5, 6.6, 6.11, 6.12, 6.17): settings, whose value varies, and commands. */
import { type ChannelCodec, createChannelCodec } from "../fields/channels.ts";
import { createField, SIZES } from "../fields/fields.ts";
import type { Values } from "../model.ts";
import type { FieldSpec } from "../spec.ts";
import { beginsWith, FUNCTION, word } from "./modbus-frame.ts";
import type { ModbusCommandSpec, ModbusSettingSpec, ModbusWriteFunction } from "./modbus-spec.ts";

export interface ModbusWrite {
  readonly code: ModbusWriteFunction;
  /** The request. Throws RangeError when the value doesn't fit. */
  pdu(value: number): Uint8Array;
  /** The value in a request of this write; undefined when it is another one, or holds no value. */
  valueIn(pdu: Uint8Array): number | undefined;
  /** Function 23: what is read back in the same request. */
  readonly readBack?: ModbusReadBack;
}

export interface ModbusReadBack {
  readonly byteCount: number;
  decode(data: Uint8Array, base: number): Values;
  answer(value: number): Uint8Array;
}

/** Throws Error when a setting would write part of a register; a loaded description never does. */
export function createModbusWrite(spec: ModbusSettingSpec): ModbusWrite {
  const { name, with: code, register, count } = spec;
  const data =
    code === FUNCTION.writeCoil ? oneCoil(name) : code === FUNCTION.writeCoils ? coils(name, count) : registers(spec);
  const readBack = spec.readBack && createReadBack(spec.readBack);
  const head = headOf(spec);
  return {
    code,
    pdu: (value) => Uint8Array.of(...head, ...data.bytes(value)),
    valueIn: (pdu) => {
      const isThis = pdu.length === head.length + data.size && beginsWith(pdu, head);
      return isThis ? data.valueIn(pdu, head.length) : undefined;
    },
    ...(readBack ? { readBack } : {}),
  };

  function headOf({ readBack: reads }: ModbusSettingSpec): Uint8Array {
    const target = word(register);
    if (code === FUNCTION.writeCoil || code === FUNCTION.writeRegister) return Uint8Array.of(code, ...target);
    const counts = [...word(count), data.size];
    if (code !== FUNCTION.writeAndRead) return Uint8Array.of(code, ...target, ...counts);
    if (!reads) throw new Error(`set ${name}: function 23 reads something back`);
    return Uint8Array.of(code, ...word(reads.register), ...word(reads.count), ...target, ...counts);
  }
}

interface WrittenData {
  readonly size: number;
  bytes(value: number): Uint8Array;
  valueIn(pdu: Uint8Array, at: number): number | undefined;
}

/** 6.5: FF 00 is on, 00 00 is off, nothing else. */
const coilWord = (isOn: boolean): readonly [number, number] => [isOn ? 0xff : 0, 0];

const oneCoil = (name: string): WrittenData => ({
  size: 2,
  bytes: (value) => {
    if (value !== 0 && value !== 1) throw new RangeError(`set ${name} to ${value}: a coil holds 0 or 1`);
    return Uint8Array.of(...coilWord(value === 1));
  },
  valueIn: (pdu, at) => (pdu[at + 1] !== 0 ? undefined : pdu[at] === 0xff ? 1 : pdu[at] === 0 ? 0 : undefined),
});

/** 6.11: the first coil in the lowest bit of the first byte; the last byte is filled up with zeros. */
function coils(name: string, count: number): WrittenData {
  const size = Math.ceil(count / 8);
  const max = 2 ** count - 1;
  return {
    size,
    bytes: (value) => {
      if (!Number.isInteger(value) || value < 0 || value > max)
        throw new RangeError(`set ${name} to ${value}: ${count} coils hold 0 to ${max}`);
      return Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) & 0xff);
    },
    valueIn: (pdu, at) => {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = value * 256 + (pdu[at + i] as number);
      return value > max ? undefined : value;
    },
  };
}

function registers({ name, field: spec, count }: ModbusSettingSpec): WrittenData {
  if (spec.bits !== undefined) throw new Error(`set ${name}: a register is written whole, not bits of it`);
  const size = 2 * count;
  const field = createField(inRegisters(spec));
  if (field.end > size) throw new Error(`set ${name}: ${count} registers are too few for its ${spec.as}`);
  return {
    size,
    bytes: (value) => {
      const data = new Uint8Array(size);
      field.write(data, 0, value);
      return data;
    },
    valueIn: (pdu, at) => {
      const value = field.read(pdu, at);
      return typeof value === "number" ? value : undefined;
    },
  };
}

/** A field of one byte is the low one of its register, which travels second. */
const inRegisters = (spec: FieldSpec): FieldSpec => ({ ...spec, at: SIZES[spec.as] === 1 ? 1 : 0 });

function createReadBack({ count, channel }: NonNullable<ModbusSettingSpec["readBack"]>): ModbusReadBack {
  // What the condition of its channel is about isn't in this answer.
  const codec: ChannelCodec = createChannelCodec([{ channel: channel.channel, source: channel.source }]);
  const byteCount = 2 * count;
  return {
    byteCount,
    decode: (data, base) => codec.decode(data, base),
    answer: (value) => {
      const pdu = new Uint8Array(2 + byteCount);
      pdu.set([FUNCTION.writeAndRead, byteCount]);
      codec.encode(pdu, 2, new Map([[channel.channel.name, value]]));
      return pdu;
    },
  };
}

/** The whole request of a command: its values never vary. */
export function commandPdu({ with: code, register, values }: ModbusCommandSpec): Uint8Array {
  const [first = 0] = values;
  const target = word(register);
  if (code === FUNCTION.writeCoil) return Uint8Array.of(code, ...target, ...coilWord(first !== 0));
  if (code === FUNCTION.writeRegister) return Uint8Array.of(code, ...target, ...word(first));
  const data = code === FUNCTION.writeCoils ? packed(values) : values.flatMap(word);
  return Uint8Array.of(code, ...target, ...word(values.length), data.length, ...data);
}

const packed = (bits: readonly number[]): number[] =>
  Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
    bits.slice(8 * byte, 8 * byte + 8).reduce((sum, bit, i) => sum + (bit !== 0 ? 1 << i : 0), 0),
  );
