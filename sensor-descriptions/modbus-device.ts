/** The device's side of Modbus RTU: the requests of one description, out of bytes, and the frames that answer them. */
import { createChannelCodec } from "./channels.ts";
import { FrameScanner, NEED_MORE, NO_FRAME } from "./frame-scanner.ts";
import { FUNCTION, isIntact, isSame, READ_FUNCTION, REFUSED, requestOf, withCrc } from "./modbus-frame.ts";
import type { ModbusWrite } from "./modbus-rtu.ts";
import type { DeviceRequest, RequestRecogniser } from "./model.ts";
import type { ModbusReadSpec, ModbusSpec } from "./spec.ts";

/**
 * Hears requests to `address`. A request with a wrong CRC is "bad: checksum"; one that the description doesn't know
 * (other registers, another count) "bad: malformed".
 */
export function createModbusDevice(
  spec: ModbusSpec,
  address: number,
  settings: ReadonlyMap<string, ModbusWrite>,
): RequestRecogniser {
  let heard: DeviceRequest[] = [];
  const understand = [
    ...spec.reads.map((read) => readRequest(address, read)),
    ...spec.commands.map((command) => commandRequest(address, command)),
    ...[...settings].map(([name, write]) => setRequest(name, write)),
  ];
  const scanner = new FrameScanner({
    sizeAt: (data, at, end) => (data[at] === address ? requestSizeAt(data, at, end) : NO_FRAME),
    isIntact,
    accept: (data, at, size) => {
      const frame = data.slice(at, at + size);
      const request = understand.map((of) => of(frame)).find((one) => one !== undefined);
      heard.push(request ?? { kind: "bad", reason: "malformed", bytes: frame });
      return true;
    },
    damaged: (data, at, size) => {
      heard.push({ kind: "bad", reason: "checksum", bytes: data.slice(at, at + size) });
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

function requestSizeAt(data: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return NEED_MORE;
  const code = data[at + 1] as number;
  if (code >= 1 && code <= FUNCTION.writeRegister) return 8;
  if (code !== FUNCTION.writeRegisters) return NO_FRAME;
  return at + 7 > end ? NEED_MORE : 9 + (data[at + 6] as number);
}

type Understand = (frame: Uint8Array) => DeviceRequest | undefined;

const refusal =
  (frame: Uint8Array) =>
  (code: number): Uint8Array =>
    withCrc(Uint8Array.of(frame[0] as number, (frame[1] as number) + REFUSED, code));

function readRequest(address: number, read: ModbusReadSpec): Understand {
  const codec = createChannelCodec(read.channels);
  const code = READ_FUNCTION[read.table];
  const request = requestOf(address, code, read.register, read.count);
  const isBits = read.table === "coil" || read.table === "discrete";
  const byteCount = isBits ? Math.ceil(read.count / 8) : read.count * 2;
  return (frame) => {
    if (frame.length !== request.length || !isSame(frame, request, 0, request.length)) return undefined;
    const answer: Extract<DeviceRequest, { kind: "read" }>["answer"] = (values) => {
      const content = new Uint8Array(3 + byteCount);
      content.set([address, code, byteCount]);
      codec.encode(content, 3, values);
      return withCrc(content);
    };
    return { kind: "read", read: read.name, carried: new Map(), answer, refuse: refusal(frame) };
  };
}

function setRequest(setting: string, write: ModbusWrite): Understand {
  return (frame) => {
    const value = write.valueIn(frame.subarray(1, -2));
    if (value === undefined) return undefined;
    return { kind: "set", setting, value, answer: () => writeAnswer(frame), refuse: refusal(frame) };
  };
}

function commandRequest(address: number, command: ModbusSpec["commands"][number]): Understand {
  const isCoil = command.table === "coil";
  const code = isCoil ? FUNCTION.writeCoil : FUNCTION.writeRegister;
  const raw = isCoil ? (command.raw === 0 ? 0 : 0xff00) : command.raw;
  const request = requestOf(address, code, command.register, raw);
  return (frame) => {
    if (frame.length !== request.length || !isSame(frame, request, 0, request.length)) return undefined;
    return { kind: "command", command: command.name, answer: () => writeAnswer(frame), refuse: refusal(frame) };
  };
}

/** 05 and 06 repeat the request; 10 repeats address, function, register and count. */
const writeAnswer = (frame: Uint8Array): Uint8Array =>
  frame[1] === FUNCTION.writeRegisters ? withCrc(frame.subarray(0, 6)) : frame.slice();
