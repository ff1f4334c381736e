/**
 * Modbus on a serial line, RTU and ASCII, both ways (Modbus Application Protocol V1.1b3; Modbus over Serial Line
 * V1.02). What frames hold stands in `modbus-frame.ts`.
 *
 * An answer is taken only when it has the address, the function and the length that its request has to bring, and,
 * after a write, the same register and value or count. Everything else on the line is passed over.
 */
import { NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import type { SerialExchange, SerialProtocol, SerialRead, Values } from "../model.ts";
import { askedIn, serialSetUp } from "../set-up.ts";
import { type ExpectedAnswer, ModbusAnswer } from "./modbus-answer.ts";
import { ASCII } from "./modbus-ascii.ts";
import { createModbusDevice } from "./modbus-device.ts";
import { BROADCAST, isSame, type ModbusLink, withAddress } from "./modbus-frame.ts";
import { createModbusRead, type ModbusRead } from "./modbus-read.ts";
import { RTU } from "./modbus-rtu.ts";
import type { ModbusReadSpec, ModbusSpec } from "./modbus-spec.ts";
import { commandPdu, createModbusWrite, type ModbusReadBack } from "./modbus-write.ts";

export const LINKS: Readonly<Record<ModbusSpec["protocol"], ModbusLink>> = { "modbus-rtu": RTU, "modbus-ascii": ASCII };

/** What a description says, compiled: shared by the reader and the device's side. */
export interface ModbusMessages {
  readonly link: ModbusLink;
  readonly reads: ReadonlyMap<string, ModbusRead>;
  readonly settings: ReadonlyMap<string, ReturnType<typeof createModbusWrite>>;
  readonly commands: ReadonlyMap<string, { readonly pdu: Uint8Array; readonly isBroadcast: boolean }>;
  /** By the number of the step. */
  readonly setUp: ReadonlyMap<number, Uint8Array>;
}

/** Throws Error when a setting would write part of a register; a loaded description never does. */
export const modbusMessagesOf = (spec: ModbusSpec): ModbusMessages => ({
  link: LINKS[spec.protocol],
  reads: new Map(
    spec.reads
      .flatMap((read) => [read, ...(read.withoutHoles ?? [])])
      .map((read) => [read.name, createModbusRead(read)]),
  ),
  settings: new Map(spec.settings.map((setting) => [setting.name, createModbusWrite(setting)])),
  commands: new Map(
    spec.commands.map((command) => [
      command.name,
      { pdu: commandPdu(command), isBroadcast: command.isBroadcast ?? false },
    ]),
  ),
  setUp: new Map(askedIn(spec.setUp).map(({ step, ask }) => [step, commandPdu(ask)])),
});

/** Throws Error when a setting would write part of a register; a loaded description never does. */
export function createModbusProtocol(spec: ModbusSpec): SerialProtocol {
  const messages = modbusMessagesOf(spec);
  const { link } = messages;
  const setUpStep = (address: number, step: number): SerialExchange => {
    const pdu = messages.setUp.get(step);
    if (pdu === undefined) throw new Error(`set-up ${step}: the protocol has no such step`);
    return writeExchange(link, `set-up ${step}`, address, pdu);
  };
  return {
    kind: "serial",
    settings: spec.serial,
    timing: spec.timing,
    ...(spec.quirks ? { quirks: spec.quirks } : {}),
    ...(spec.setUp ? { setUp: serialSetUp(spec.setUp, setUpStep) } : {}),
    reads: spec.reads.map(serialRead),
    read: (address, name) => readExchange(link, address, known(messages.reads, "read", name)),
    set: (address, name, value) => {
      const write = known(messages.settings, "set", name);
      return writeExchange(link, `set ${name}`, address, write.pdu(value), write.readBack);
    },
    command: (address, name) => {
      const { pdu, isBroadcast } = known(messages.commands, "command", name);
      return isBroadcast
        ? broadcastExchange(link, `command ${name}`, pdu)
        : writeExchange(link, `command ${name}`, address, pdu);
    },
    deviceSide: (address) => createModbusDevice(messages, address),
  };
}

const serialRead = ({ name, channels, texts, withoutHoles }: ModbusReadSpec): SerialRead => ({
  name,
  channels: channels.map(({ channel }) => channel.name),
  ...(texts ? { texts: texts.map((text) => text.name) } : {}),
  ...(withoutHoles ? { withoutHoles: withoutHoles.map(serialRead) } : {}),
});

function known<T>(all: ReadonlyMap<string, T>, kind: string, name: string): T {
  const found = all.get(name);
  if (found === undefined) throw new Error(`${kind} ${name}: the protocol has no such ${kind}`);
  return found;
}

/** Address, function, count of bytes. */
const DATA_AT = 3;

function readExchange(link: ModbusLink, address: number, read: ModbusRead): SerialExchange {
  const expected: ExpectedAnswer = {
    ...answerWithData(read.code, read.byteCount),
    outcome: (content, frame) => {
      const decoded = read.decode(content, DATA_AT);
      return decoded ? { kind: "answer", frame, ...decoded } : { kind: "bad", frame, reason: "malformed" };
    },
  };
  return {
    what: `read ${read.name}`,
    request: link.frame(withAddress(address, read.pdu)),
    recognise: () => new ModbusAnswer(link, address, expected),
  };
}

/** The count of bytes belongs to what an answer is known by: another read's answer mostly has another one. */
const answerWithData = (code: number, byteCount: number): Pick<ExpectedAnswer, "code" | "sizeAt" | "isAnswer"> => ({
  code,
  sizeAt: (data, at, end) =>
    at + DATA_AT > end ? NEED_MORE : data[at + 2] === byteCount ? DATA_AT + byteCount : NO_FRAME,
  isAnswer: () => true,
});

const NO_VALUES: Values = new Map();
/** Address, function, register, and the value (05, 06) or the count (0F, 10). */
const REPEATED_BYTES = 6;

function writeExchange(
  link: ModbusLink,
  what: string,
  address: number,
  pdu: Uint8Array,
  readBack?: ModbusReadBack,
): SerialExchange {
  const content = withAddress(address, pdu);
  const code = pdu[0] as number;
  const expected: ExpectedAnswer = readBack
    ? {
        ...answerWithData(code, readBack.byteCount),
        outcome: (answer, frame) => ({ kind: "answer", frame, values: readBack.decode(answer, DATA_AT) }),
      }
    : {
        code,
        sizeAt: () => REPEATED_BYTES,
        isAnswer: (answer) => isSame(answer, content.subarray(0, REPEATED_BYTES)),
        outcome: (_, frame) => ({ kind: "answer", frame, values: NO_VALUES }),
      };
  return { what, request: link.frame(content), recognise: () => new ModbusAnswer(link, address, expected) };
}

/** Serial line V1.02, 2.1: nobody answers, so nothing that is heard is an answer. */
function broadcastExchange(link: ModbusLink, what: string, pdu: Uint8Array): SerialExchange {
  return {
    what,
    request: link.frame(withAddress(BROADCAST, pdu)),
    isBroadcast: true,
    recognise: () => new ModbusAnswer(link, BROADCAST, undefined),
  };
}
