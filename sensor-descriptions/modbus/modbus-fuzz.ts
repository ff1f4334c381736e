/**
 * Throws damaged frames and streams at both sides of Modbus, RTU and ASCII, and looks at what is taken for true with
 * checks of its own, bit by bit. Reproducible from its seed; nothing here is random.
 */

import type { DeviceRequest, SerialExchange, SerialProtocol } from "../model.ts";
import type { FieldSpec } from "../spec.ts";
import { createModbusProtocol } from "./modbus.ts";
import type { ModbusSpec } from "./modbus-spec.ts";

export interface FuzzCounts {
  readonly streams: number;
  readonly bytes: number;
  /** Answers and refusals taken by the reader; requests understood by the device. */
  readonly answers: number;
  readonly requests: number;
  /** Frames told as damaged, by either side. */
  readonly bad: number;
}

/** Throws Error, with the seed and the stream in hex, at the first value that came from a frame with a wrong check. */
export function fuzzModbus({ runs, seed }: { readonly runs: number; readonly seed: number }): FuzzCounts {
  const counts = { streams: 0, bytes: 0, answers: 0, requests: 0, bad: 0 };
  const chance = createChance(seed);
  const lines = (["modbus-rtu", "modbus-ascii"] as const).map(createLine);
  for (; counts.streams < runs; counts.streams++) {
    const line = lines[counts.streams % lines.length] as Line;
    const exchange = pick(chance, line.exchanges);
    const stream = damagedStream(chance, line);
    counts.bytes += stream.length;
    try {
      tryReader(line, exchange, stream, chance, counts);
      tryDevice(line, stream, chance, counts);
    } catch (cause) {
      const hex = Array.from(stream, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
      throw new Error(`${line.name}, seed ${seed}, stream ${counts.streams}, ${exchange.what}: ${hex}`, { cause });
    }
  }
  return counts;
}

const ADDRESS = 17;

interface Line {
  readonly name: ModbusSpec["protocol"];
  readonly protocol: SerialProtocol;
  readonly exchanges: readonly SerialExchange[];
  /** Whole frames of both sides: what is damaged. */
  readonly frames: readonly Uint8Array[];
}

function createLine(name: ModbusSpec["protocol"]): Line {
  const protocol = createModbusProtocol(specOf(name));
  const exchanges = [
    ...protocol.reads.map((read) => protocol.read(ADDRESS, read.name, () => undefined)),
    ...["one", "two", "both", "relay", "relays"].map((setting) => protocol.set(ADDRESS, setting, 1)),
    ...["go", "all"].map((command) => protocol.command(ADDRESS, command)),
  ];
  const answers = exchanges.flatMap(({ request }) => protocol.deviceSide(ADDRESS).push(request).flatMap(answersTo));
  return { name, protocol, exchanges, frames: [...exchanges.map(({ request }) => request), ...answers] };
}

const VALUES: ReadonlyMap<string, number> = new Map([
  ["level", 12.5],
  ["volume", 70_000],
  ["door", 1],
]);

function answersTo(request: DeviceRequest): Uint8Array[] {
  if (request.kind === "bad") return [];
  const answer = request.kind === "read" ? request.answer(VALUES) : request.answer();
  return [answer, request.refuse(2)];
}

/** A few frames and pieces of frames, each perhaps damaged. */
function damagedStream(chance: Chance, line: Line): Uint8Array {
  const pieces: number[] = [];
  for (let left = 1 + chance(4); left > 0; left--) {
    const frame = pick(chance, line.frames);
    const piece = chance(6) === 0 ? Uint8Array.from({ length: chance(20) }, () => chance(256)) : damaged(chance, frame);
    pieces.push(...piece);
  }
  return Uint8Array.from(pieces);
}

function damaged(chance: Chance, frame: Uint8Array): Uint8Array {
  const bytes = [...frame];
  for (let left = chance(4); left > 0 && bytes.length > 0; left--) {
    const at = chance(bytes.length);
    const kind = chance(5);
    if (kind === 0) bytes[at] = (bytes[at] as number) ^ (1 << chance(8));
    else if (kind === 1) bytes[at] = chance(256);
    else if (kind === 2) bytes.splice(at, 1 + chance(3));
    else if (kind === 3) bytes.splice(at, 0, chance(256));
    else bytes.length = at;
  }
  return Uint8Array.from(bytes);
}

function tryReader(line: Line, exchange: SerialExchange, stream: Uint8Array, chance: Chance, counts: Mutable): void {
  const recogniser = exchange.recognise();
  for (const portion of portionsOf(stream, chance)) {
    const outcome = recogniser.push(portion);
    if (outcome === undefined) continue;
    if (outcome.kind === "bad") counts.bad++;
    else {
      counts.answers++;
      assertProved(line, outcome.frame, stream, ADDRESS);
    }
    return;
  }
}

function tryDevice(line: Line, stream: Uint8Array, chance: Chance, counts: Mutable): void {
  const device = line.protocol.deviceSide(ADDRESS);
  for (const portion of portionsOf(stream, chance)) {
    for (const request of device.push(portion)) {
      if (request.kind === "bad") counts.bad++;
      else {
        counts.requests++;
        assertUnderstood(line, request, stream);
      }
    }
  }
}

/** What a device understood is one of our requests, so its bytes, whole and proved, have to be in the stream. */
function assertUnderstood(line: Line, request: DeviceRequest, stream: Uint8Array): void {
  const { protocol } = line;
  const same =
    request.kind === "read"
      ? protocol.read(ADDRESS, request.read, () => undefined)
      : request.kind === "set"
        ? protocol.set(ADDRESS, request.setting, request.value)
        : request.kind === "command"
          ? protocol.command(ADDRESS, request.command)
          : undefined;
  if (!same) return;
  const forAll = [ADDRESS, 0].map((address) =>
    framed(line.name, [address, ...contentOf(line.name, same.request).slice(1)]),
  );
  if (!forAll.some((frame) => indexIn(stream, frame) >= 0)) throw new Error(`${same.what} was not in the stream`);
}

/** A frame of the stream whose check, computed here, is right. */
function assertProved(line: Line, frame: Uint8Array, stream: Uint8Array, address: number): void {
  if (indexIn(stream, frame) < 0) throw new Error("the frame is not in the stream");
  const content = contentOf(line.name, frame);
  if (content[0] !== address) throw new Error("the frame is another device's");
  if (indexIn(frame, framed(line.name, content)) !== 0) throw new Error("the frame's check is wrong");
}

/** Letters of ASCII count in either case. */
function indexIn(stream: Uint8Array, wanted: Uint8Array): number {
  const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
  const isAscii = wanted[0] === 0x3a;
  return isAscii ? text(stream).toUpperCase().indexOf(text(wanted).toUpperCase()) : text(stream).indexOf(text(wanted));
}

function contentOf(name: ModbusSpec["protocol"], frame: Uint8Array): number[] {
  if (name === "modbus-rtu") return [...frame.subarray(0, -2)];
  const digits = String.fromCharCode(...frame.subarray(1, -4));
  return (digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

/** CRC bit by bit (serial line V1.02, 6.2.2), LRC by subtraction (6.2.1): none of the code that is tried. */
function framed(name: ModbusSpec["protocol"], content: readonly number[]): Uint8Array {
  if (name === "modbus-rtu") {
    let crc = 0xffff;
    for (const byte of content) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
    }
    return Uint8Array.of(...content, crc & 0xff, crc >> 8);
  }
  const lrc = content.reduce((rest, byte) => (rest - byte) & 0xff, 0);
  const text = [...content, lrc].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
  return Uint8Array.from(`:${text}\r\n`, (letter) => letter.charCodeAt(0));
}

function* portionsOf(stream: Uint8Array, chance: Chance): Generator<Uint8Array> {
  const most = chance(3) === 0 ? 1 : 40;
  for (let at = 0; at < stream.length; ) {
    const size = 1 + chance(most);
    yield stream.subarray(at, at + size);
    at += size;
  }
}

type Mutable = { -readonly [key in keyof FuzzCounts]: FuzzCounts[key] };
/** A whole number from 0 to below `end`. */
type Chance = (end: number) => number;

/** xorshift32 (Marsaglia 2003). */
function createChance(seed: number): Chance {
  let state = seed | 0 || 1;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}

const pick = <T>(chance: Chance, all: readonly T[]): T => all[chance(all.length)] as T;

/** A little of everything: all functions, both tables of bits and of registers. */
function specOf(protocol: ModbusSpec["protocol"]): ModbusSpec {
  const field = (as: FieldSpec["as"], more: Partial<FieldSpec> = {}): FieldSpec => {
    return { at: 0, as, byteOrder: "big-endian", scale: 1, offset: 0, special: new Map(), ...more };
  };
  const channel = (name: string, of: FieldSpec) => ({
    channel: { name, kind: "gauge" as const, unit: "", resolution: 1 },
    source: { from: "field" as const, field: of },
  });
  const level = channel("level", field("i16", { scale: 0.1 }));
  const volume = channel("volume", field("u32"));
  const door = channel("door", field("u8", { bits: { low: 0, high: 0 } }));
  return {
    protocol,
    serial: { baudRate: 9_600, dataBits: 8, parity: "even", stopBits: 1 },
    timing: { answerWithinMs: 200, pauseBeforeNextMs: 0, lateMs: 400, retries: 1 },
    reads: [
      { name: "coils", table: "coil", register: 3, count: 10, channels: [door] },
      { name: "doors", table: "discrete", register: 0, count: 1, channels: [door] },
      { name: "levels", table: "holding", register: 0x11, count: 1, channels: [level] },
      { name: "volumes", table: "input", register: 0, count: 2, channels: [volume] },
      { name: "page", table: "holding", register: 8, count: 2, channels: [volume], writeFirst: { register: 7, data: Uint8Array.of(0, 3) } },
    ],
    settings: [
      { name: "one", with: 6, register: 1, count: 1, field: field("u16") },
      { name: "two", with: 16, register: 2, count: 2, field: field("u32") },
      { name: "both", with: 23, register: 4, count: 1, field: field("i16"), readBack: { register: 4, count: 1, channel: level } },
      { name: "relay", with: 5, register: 1, count: 1, field: field("u8") },
      { name: "relays", with: 15, register: 2, count: 9, field: field("u8") },
    ],
    commands: [
      { name: "go", with: 16, register: 9, values: [1, 2] },
      { name: "all", with: 5, register: 9, values: [1], isBroadcast: true },
    ],
  }; // biome-ignore format: a table
}
