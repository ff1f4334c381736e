/** The device's side of Modbus: the requests of one description, out of bytes, and the frames that answer them. */
import { NO_FRAME } from "../framing/frame-scanner.ts";
import type { DeviceRequest, RequestRecogniser } from "../model.ts";
import type { ModbusMessages } from "./modbus.ts";
import { BROADCAST, FUNCTION, isSame, REFUSED, requestSizeAt, withAddress } from "./modbus-frame.ts";
import type { ModbusRead } from "./modbus-read.ts";
import type { ModbusWrite } from "./modbus-write.ts";

/**
 * Hears requests to `address`, and writes to everybody, whose answers and refusals have no bytes. A request with a
 * wrong check is "bad: checksum"; one that the description doesn't know (other registers, another count) is "bad:
 * malformed", and is answered with an exception as section 7 has it.
 */
export function createModbusDevice(messages: ModbusMessages, address: number): RequestRecogniser {
  let heard: DeviceRequest[] = [];
  const understand = understanding(messages);
  const functions = functionsOf(messages);
  const reply = (content: Uint8Array): Reply => ({
    answer: (pdu) => (content[0] === BROADCAST ? new Uint8Array() : messages.link.frame(withAddress(address, pdu))),
    content,
  });
  const scanner = messages.link.createScanner({
    sizeAt: (data, at, end) => {
      const isForAll = data[at] === BROADCAST && (at + 2 > end || isWrite(data[at + 1] as number));
      return data[at] === address || isForAll ? requestSizeAt(data, at, end) : NO_FRAME;
    },
    accept: (content, frame) => {
      const pdu = content.subarray(1);
      const replying = reply(content);
      const request = understand.map((of) => of(pdu, replying)).find((one) => one !== undefined);
      heard.push(request ?? unknownRequest(pdu, frame, replying, functions));
      return true;
    },
    // A zero is everywhere on a line: a damaged frame that begins with one says nothing.
    damaged: (content, frame) => {
      if (content[0] === address) heard.push({ kind: "bad", reason: "checksum", bytes: frame });
    },
  });
  return {
    push: (bytes) => {
      heard = [];
      scanner.push(bytes);
      return heard;
    },
  };
}

/** Serial line V1.02, 2.1: what is sent to everybody is necessarily a write. */
const isWrite = (code: number): boolean => code >= FUNCTION.writeCoil && code !== FUNCTION.writeAndRead;

interface Reply {
  answer(pdu: Uint8Array): Uint8Array;
  readonly content: Uint8Array;
}

type Understand = (pdu: Uint8Array, reply: Reply) => DeviceRequest | undefined;

const understanding = ({ reads, settings, commands, setUp }: ModbusMessages): Understand[] => [
  ...[...reads.values()].map(readRequest),
  ...[...commands].map(([name, { pdu }]) => commandRequest(name, pdu)),
  ...[...settings].map(([name, write]) => setRequest(name, write)),
  // Last: what a setting or command says as well is that, so that the simulated device keeps the value.
  ...[...setUp].map(([step, pdu]) => setUpRequest(step, pdu)),
];

const refusal =
  (pdu: Uint8Array, reply: Reply) =>
  (code: number): Uint8Array =>
    reply.answer(Uint8Array.of((pdu[0] as number) + REFUSED, code));

/** Section 7: 1, the function is not allowable; 2, its combination of first register and count is not. */
function unknownRequest(
  pdu: Uint8Array,
  bytes: Uint8Array,
  reply: Reply,
  functions: ReadonlySet<number>,
): DeviceRequest {
  const code = functions.has(pdu[0] as number) ? ILLEGAL_ADDRESS : ILLEGAL_FUNCTION;
  return { kind: "bad", reason: "malformed", bytes, answer: refusal(pdu, reply)(code) };
}

const ILLEGAL_FUNCTION = 1;
const ILLEGAL_ADDRESS = 2;

/** Those that the description uses. */
const functionsOf = ({ reads, settings, commands, setUp }: ModbusMessages): ReadonlySet<number> =>
  new Set([
    ...[...reads.values(), ...settings.values()].map(({ code }) => code),
    ...[...[...commands.values()].map(({ pdu }) => pdu), ...setUp.values()].map((pdu) => pdu[0] as number),
  ]);

const readRequest =
  (read: ModbusRead): Understand =>
  (pdu, reply) =>
    isSame(pdu, read.pdu)
      ? {
          kind: "read",
          read: read.name,
          carried: new Map(),
          answer: (values, texts) => reply.answer(read.answer(values, texts)),
          refuse: refusal(pdu, reply),
        }
      : undefined;

const setRequest =
  (setting: string, write: ModbusWrite): Understand =>
  (pdu, reply) => {
    const value = write.valueIn(pdu);
    if (value === undefined) return undefined;
    const answer = () => reply.answer(write.readBack?.answer(value) ?? repeated(pdu));
    return { kind: "set", setting, value, answer, refuse: refusal(pdu, reply) };
  };

const commandRequest =
  (command: string, wanted: Uint8Array): Understand =>
  (pdu, reply) =>
    isSame(pdu, wanted)
      ? { kind: "command", command, answer: () => reply.answer(repeated(pdu)), refuse: refusal(pdu, reply) }
      : undefined;

const setUpRequest =
  (step: number, wanted: Uint8Array): Understand =>
  (pdu, reply) =>
    isSame(pdu, wanted)
      ? { kind: "set-up", step, answer: () => reply.answer(repeated(pdu)), refuse: refusal(pdu, reply) }
      : undefined;

/** Function, register, and the value (05, 06) or the count (0F, 10). */
const repeated = (pdu: Uint8Array): Uint8Array => pdu.slice(0, 5);
