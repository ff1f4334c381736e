/**
 * Modbus RTU (Modbus Application Protocol V1.1b3; Modbus over Serial Line V1.02), both ways.
 *
 *   request   read    address  01…04  register·2  count·2                     CRC-16/MODBUS, low byte first
 *             write   address  05 06  register·2  value·2                     CRC
 *             write   address  10     register·2  count·2  bytes  data…       CRC
 *   answer    read    address  01…04  bytes  data…                            CRC
 *             write   address  05 06  register·2  value·2                     CRC (the request again)
 *             write   address  10     register·2  count·2                     CRC
 *   refused           address  function + 80  code                            CRC
 *
 * The standard tells frames apart by 3.5 characters of silence, which no timer of ours can see above 9600 Bd; here an
 * answer is framed by its computed length and its CRC instead.
 */
import { type ChannelCodec, createChannelCodec } from "./channels.ts";
import { createField } from "./fields.ts";
import { FrameScanner, NEED_MORE, NO_FRAME } from "./frame-scanner.ts";
import { createModbusDevice } from "./modbus-device.ts";
import { FUNCTION, isIntact, isSame, READ_FUNCTION, REFUSED, requestOf, withCrc } from "./modbus-frame.ts";
import type { AnswerOutcome, AnswerRecogniser, SerialExchange, SerialProtocol, Values } from "./model.ts";
import type { ModbusReadSpec, ModbusSpec } from "./spec.ts";

/** Throws Error when a setting would write part of a register; a loaded description never does. */
export function createModbusProtocol(spec: ModbusSpec): SerialProtocol {
  const reads = new Map(spec.reads.map((read) => [read.name, { read, codec: createChannelCodec(read.channels) }]));
  const settings = new Map(spec.settings.map((setting) => [setting.name, createWrite(setting)]));
  const commands = new Map(spec.commands.map((command) => [command.name, command]));
  return {
    kind: "serial",
    settings: spec.serial,
    timing: spec.timing,
    ...(spec.quirks ? { quirks: spec.quirks } : {}),
    reads: spec.reads.map(({ name, channels }) => ({ name, channels: channels.map(({ channel }) => channel.name) })),
    read: (address, name) => {
      const { read, codec } = known(reads, "read", name);
      return readExchange(address, read, codec);
    },
    set: (address, name, value) => {
      const body = known(settings, "set", name).body(value);
      return writeExchange(`set ${name}`, address, body);
    },
    command: (address, name) => {
      const { table, register, raw } = known(commands, "command", name);
      const value = table === "coil" ? coilBytes(raw !== 0) : Uint8Array.of(raw >> 8, raw & 0xff);
      return writeExchange(`command ${name}`, address, writeBody(table, register, value));
    },
    deviceSide: (address) => createModbusDevice(spec, address, settings),
  };
}

function known<T>(all: ReadonlyMap<string, T>, kind: string, name: string): T {
  const found = all.get(name);
  if (found === undefined) throw new Error(`${kind} ${name}: the protocol has no such ${kind}`);
  return found;
}

export interface ModbusWrite {
  /** Function, register, and what follows; without address and CRC. Throws RangeError when the value doesn't fit. */
  body(value: number): Uint8Array;
  /** The value in a body of this write; undefined when the body is another one, or holds no value. */
  valueIn(body: Uint8Array): number | undefined;
}

function createWrite({ name, table, register, field: spec }: ModbusSpec["settings"][number]): ModbusWrite {
  if (table === "coil") return createCoilWrite(name, register);
  if (spec.bits !== undefined) throw new Error(`set ${name}: a register is written whole, not bits of it`);
  const { size } = createField({ ...spec, at: 0 });
  // A field of one byte is the low one of its register, which travels second.
  const field = createField({ ...spec, at: size % 2 });
  const body = (value: number): Uint8Array => {
    const data = new Uint8Array(size + (size % 2));
    field.write(data, 0, value);
    return writeBody(table, register, data);
  };
  const shape = writeBody(table, register, new Uint8Array(size + (size % 2)));
  const dataAt = shape.length - size - (size % 2);
  const valueIn: ModbusWrite["valueIn"] = (written) => {
    if (written.length !== shape.length || !isSame(written, shape, 0, dataAt)) return undefined;
    const value = field.read(written, dataAt);
    return typeof value === "number" ? value : undefined;
  };
  return { body, valueIn };
}

function createCoilWrite(name: string, register: number): ModbusWrite {
  return {
    body: (value) => {
      if (value !== 0 && value !== 1) throw new RangeError(`set ${name} to ${value}: a coil holds 0 or 1`);
      return writeBody("coil", register, coilBytes(value === 1));
    },
    valueIn: (written) => {
      const on = writeBody("coil", register, coilBytes(true));
      const off = writeBody("coil", register, coilBytes(false));
      if (written.length !== on.length) return undefined;
      return isSame(written, on, 0, on.length) ? 1 : isSame(written, off, 0, off.length) ? 0 : undefined;
    },
  };
}

/** V1.1b3, 6.5: FF 00 is on, 00 00 is off, nothing else. */
const coilBytes = (isOn: boolean): Uint8Array => Uint8Array.of(isOn ? 0xff : 0, 0);

function writeBody(table: "coil" | "holding", register: number, data: Uint8Array): Uint8Array {
  const [high, low] = [register >> 8, register & 0xff];
  if (table === "coil") return Uint8Array.of(FUNCTION.writeCoil, high, low, ...data);
  if (data.length === 2) return Uint8Array.of(FUNCTION.writeRegister, high, low, ...data);
  return Uint8Array.of(FUNCTION.writeRegisters, high, low, 0, data.length / 2, data.length, ...data);
}

function readExchange(address: number, read: ModbusReadSpec, codec: ChannelCodec): SerialExchange {
  const code = READ_FUNCTION[read.table];
  const isBits = read.table === "coil" || read.table === "discrete";
  const byteCount = isBits ? Math.ceil(read.count / 8) : read.count * 2;
  const outcome = (frame: Uint8Array): AnswerOutcome => {
    if (byteCount < codec.end) return { kind: "bad", frame, reason: "malformed" };
    return { kind: "answer", frame, values: codec.decode(frame, 3) };
  };
  return {
    what: `read ${read.name}`,
    request: requestOf(address, code, read.register, read.count),
    recognise: () =>
      new ModbusAnswer(address, {
        code,
        // The byte count belongs to what the answer is known by: another read's answer has another one, mostly.
        sizeAt: (data, at, end) => (at + 3 > end ? NEED_MORE : data[at + 2] === byteCount ? byteCount + 5 : NO_FRAME),
        isAnswer: () => true,
        outcome,
      }),
  };
}

const NO_VALUES: Values = new Map();

/** The answer repeats the request: wholly (05, 06), or address, function, register and count (10). */
function writeExchange(what: string, address: number, body: Uint8Array): SerialExchange {
  const request = withCrc(Uint8Array.of(address, ...body));
  const expected: ExpectedAnswer = {
    code: body[0] as number,
    sizeAt: () => 8,
    isAnswer: (data, at) => isSame(data.subarray(at, at + 6), request, 0, 6),
    outcome: (frame) => ({ kind: "answer", frame, values: NO_VALUES }),
  };
  return { what, request, recognise: () => new ModbusAnswer(address, expected) };
}

interface ExpectedAnswer {
  readonly code: number;
  /** Length of an answer (not a refusal) whose address and function stand at `at`. */
  sizeAt(data: Uint8Array, at: number, end: number): number;
  isAnswer(data: Uint8Array, at: number): boolean;
  outcome(frame: Uint8Array): AnswerOutcome;
}

class ModbusAnswer implements AnswerRecogniser {
  readonly #scanner: FrameScanner;
  #outcome: AnswerOutcome | undefined;
  /** A frame that would be the answer if its CRC were right; it counts when nothing better follows it. */
  #damaged: Uint8Array | undefined;

  constructor(address: number, expected: ExpectedAnswer) {
    this.#scanner = new FrameScanner({
      sizeAt: (data, at, end) => {
        if (data[at] !== address) return NO_FRAME;
        if (at + 2 > end) return NEED_MORE;
        if (data[at + 1] === expected.code + REFUSED) return 5;
        return data[at + 1] === expected.code ? expected.sizeAt(data, at, end) : NO_FRAME;
      },
      isIntact,
      accept: (data, at, size) => {
        const isRefused = data[at + 1] === expected.code + REFUSED;
        if (!isRefused && !expected.isAnswer(data, at)) return false;
        const frame = data.slice(at, at + size);
        this.#outcome ??= isRefused ? { kind: "refused", frame, code: frame[2] as number } : expected.outcome(frame);
        return true;
      },
      damaged: (data, at, size) => {
        this.#damaged ??= data.slice(at, at + size);
      },
    });
  }

  get otherFrames(): number {
    return this.#scanner.otherFrames;
  }

  get strayBytes(): number {
    return this.#scanner.strayBytes;
  }

  push(bytes: Uint8Array): AnswerOutcome | undefined {
    this.#scanner.push(bytes);
    if (this.#outcome !== undefined) return this.#outcome;
    if (this.#damaged === undefined || this.#scanner.isWaiting) return undefined;
    return { kind: "bad", frame: this.#damaged, reason: "checksum" };
  }
}
