/** One reading request of Modbus: its PDU, what its answer holds, and how a device answers it. */
import { createChannelCodec } from "../fields/channels.ts";
import type { Texts, Values } from "../model.ts";
import { FUNCTION, READ_FUNCTION, word } from "./modbus-frame.ts";
import type { ModbusReadSpec } from "./modbus-spec.ts";
import { createModbusText, type ModbusText } from "./modbus-text.ts";

export interface ModbusRead {
  /** What it was made from. */
  readonly spec: ModbusReadSpec;
  readonly name: string;
  readonly pdu: Uint8Array;
  readonly code: number;
  /** How many bytes of data the answer has. */
  readonly byteCount: number;
  /** `base`: where the data begin. Undefined when they are too few for the channels, which the loader refuses. */
  decode(data: Uint8Array, base: number): { readonly values: Values; readonly texts?: Texts } | undefined;
  /** The PDU of the answer. Throws RangeError naming the channel that has no value or none that fits. */
  answer(values: Values, texts: Texts | undefined): Uint8Array;
}

export function createModbusRead(spec: ModbusReadSpec): ModbusRead {
  const codec = createChannelCodec(spec.channels);
  const texts = (spec.texts ?? []).map(createModbusText);
  const byteCount = bytesOf(spec);
  const end = Math.max(codec.end, ...texts.map((text) => text.end));
  const pdu = requestPdu(spec);
  const code = pdu[0] as number;
  return {
    spec,
    name: spec.name,
    pdu,
    code,
    byteCount,
    decode: (data, base) => {
      if (end > byteCount) return undefined;
      const values = codec.decode(data, base);
      return texts.length === 0 ? { values } : { values, texts: textsIn(texts, data, base) };
    },
    answer: (values, said) => {
      const pdu = new Uint8Array(2 + byteCount);
      pdu.set([code, byteCount]);
      codec.encode(pdu, 2, values);
      for (const text of texts) text.write(pdu, 2, said?.get(text.name) ?? "");
      return pdu;
    },
  };
}

/** Bits travel eight to a byte, registers as two (6.1, 6.3). */
const bytesOf = ({ table, count }: ModbusReadSpec): number =>
  table === "coil" || table === "discrete" ? Math.ceil(count / 8) : 2 * count;

function requestPdu({ table, register, count, writeFirst }: ModbusReadSpec): Uint8Array {
  const wanted = [...word(register), ...word(count)];
  if (!writeFirst) return Uint8Array.of(READ_FUNCTION[table], ...wanted);
  const { register: written, data } = writeFirst;
  return Uint8Array.of(
    FUNCTION.writeAndRead,
    ...wanted,
    ...word(written),
    ...word(data.length / 2),
    data.length,
    ...data,
  );
}

const textsIn = (texts: readonly ModbusText[], data: Uint8Array, base: number): Texts =>
  new Map(texts.map((text) => [text.name, text.read(data, base)]));
