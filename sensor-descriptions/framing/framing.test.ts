import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProtocol } from "../compile.ts";
import type { AnswerRecogniser, DecodedValue, DeviceRequest, SerialProtocol } from "../model.ts";
import type { ChannelSpec, FieldSpec, FramedSpec, FramePart } from "../spec.ts";
import { FRAME_BYTES_MAX } from "./frame-scanner.ts";

const bytes = (text: string): Uint8Array =>
  text === "" ? new Uint8Array() : Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16));
const hex = (data: Uint8Array): string =>
  Array.from(data, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");

const field = (at: number, as: FieldSpec["as"], part: Partial<FieldSpec> = {}): FieldSpec => ({
  at,
  as,
  byteOrder: "big-endian",
  scale: 1,
  offset: 0,
  special: new Map(),
  ...part,
});
const channel = (name: string, coding: FieldSpec): ChannelSpec => ({
  channel: { name, kind: "gauge", unit: "", resolution: coding.scale },
  source: { from: "field", field: coding },
});

const MODBUS_CRC: FramePart = {
  part: "check",
  check: { kind: "crc", name: "CRC-16/MODBUS" },
  from: 1,
  to: 3,
  byteOrder: "little-endian",
};
const TARGET = field(12, "u16", { scale: 0.1 });
const PUMP: FramedSpec = {
  protocol: "framed",
  serial: { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 },
  timing: { answerWithinMs: 100, pauseBeforeNextMs: 5, lateMs: 100, retries: 1 },
  byteOrder: "big-endian",
  frame: [
    { part: "start", bytes: bytes("55 AA") },
    { part: "address", as: "u8" },
    { part: "length", as: "u8", counts: "body", bias: 0 },
    { part: "body" },
    MODBUS_CRC,
  ],
  refusal: { bytes: [0xff, undefined], codeAt: 1, isCodeOptional: true },
  reads: [
    {
      name: "status",
      send: [{ bytes: bytes("01") }],
      answer: bytes("81"),
      channels: [
        channel("state", field(1, "u8")),
        channel("pressure", field(2, "u16", { scale: 0.1 })),
        channel("current", field(4, "u16", { scale: 0.01 })),
        channel("temperature", field(6, "i16", { scale: 0.1, special: new Map([[0x7fff, "no-sensor"]]) })),
        channel("cycles", field(8, "u32")),
        channel("target", TARGET),
      ],
    },
    {
      name: "row",
      send: [{ bytes: bytes("02") }, { placeholder: "row" }],
      answer: bytes("82"),
      channels: [channel("row", field(1, "u32"))],
    },
  ],
  settings: [
    { name: "target", write: [{ bytes: bytes("10") }, { placeholder: "value" }], answer: bytes("90"), field: TARGET },
  ],
  commands: [{ name: "stop", send: [{ bytes: bytes("20") }], answer: bytes("A0") }],
};

const serial = (spec: FramedSpec): SerialProtocol => {
  const protocol = compileProtocol(spec);
  if (protocol.kind !== "serial") throw new Error("not a serial protocol");
  return protocol;
};
const pump = serial(PUMP);
const nothingYet = () => undefined;
const status = () => pump.read(1, "status", nothingYet).recognise();

const SENT = "55 AA 01 01 01 E0 50";
const WARM = "55 AA 01 0E 81 01 1F BD 04 76 01 9D 00 00 4F C1 27 10 15 47";
const UNPLUGGED = "55 AA 01 0E 81 00 00 04 00 00 7F FF 00 00 4F C1 27 10 70 AA";
const WARM_VALUES: Record<string, DecodedValue> = {
  state: 1,
  pressure: 812.5,
  current: 11.42,
  temperature: 41.3,
  cycles: 20_417,
  target: 1_000,
};
const UNPLUGGED_VALUES = { ...WARM_VALUES, state: 0, pressure: 0.4, current: 0, temperature: "no-sensor" as const };

describe("the host of pump-mk2", () => {
  it.each([
    ["a warm day", WARM, WARM_VALUES],
    ["the sensor unplugged", UNPLUGGED, UNPLUGGED_VALUES],
  ])("reads %s", (_, answer, values) => {
    const exchange = pump.read(1, "status", nothingYet);
    expect(exchange.what).toBe("read status");
    expect(hex(exchange.request)).toBe(SENT);
    const outcome = exchange.recognise().push(bytes(answer));
    expect(outcome).toEqual({ kind: "answer", frame: bytes(answer), values: new Map(Object.entries(values)) });
  });

  it("sets 900 mbar and knows the answer by the value that it repeats", () => {
    const exchange = pump.set(1, "target", 900);
    expect(hex(exchange.request)).toBe("55 AA 01 03 10 23 28 01 6F");
    expect(exchange.recognise().push(bytes("55 AA 01 03 90 23 28 00 87"))?.kind).toBe("answer");
    const late = pump.set(1, "target", 800).recognise();
    expect(late.push(bytes("55 AA 01 03 90 23 28 00 87"))).toBeUndefined();
    expect(late.otherFrames).toBe(1);
    expect(() => pump.set(1, "target", 7_000)).toThrow(/holds 0 to 6553.5/);
  });

  it("sends a channel's newest value, and zeros before there is one", () => {
    expect(hex(pump.read(1, "row", () => 0x01020304).request).slice(12, 29)).toBe(
      "02 01 02 03 04 " + hex(pump.read(1, "row", () => 0x01020304).request).slice(27, 29),
    );
    expect(hex(pump.read(1, "row", nothingYet).request).slice(12, 26)).toBe("02 00 00 00 00");
  });

  it("takes a refusal with its code", () => {
    const [request] = pump.deviceSide(1).push(bytes(SENT)) as [Extract<DeviceRequest, { kind: "read" }>];
    expect(status().push(request.refuse(3))).toMatchObject({ kind: "refused", code: 3 });
  });

  it("passes over frames that are no answer to it, and counts them", () => {
    const other = pump.deviceSide(2).push(pump.read(2, "status", nothingYet).request)[0];
    if (other?.kind !== "read") throw new Error("no request");
    const recogniser = status();
    const noise = [bytes(SENT), other.answer(new Map(Object.entries(WARM_VALUES))), bytes("00 55")];
    for (const part of noise) expect(recogniser.push(part)).toBeUndefined();
    expect(recogniser.push(bytes(WARM))?.kind).toBe("answer");
    expect([recogniser.otherFrames, recogniser.strayBytes]).toEqual([2, 2]);
  });

  it("says bad checksum when a damaged answer is all there is, but prefers the good one behind it", () => {
    const damaged = bytes(WARM);
    damaged[7] = 0;
    expect(status().push(damaged)).toMatchObject({ kind: "bad", reason: "checksum", frame: damaged });
    expect(status().push(Uint8Array.of(...damaged, ...bytes(WARM)))?.kind).toBe("answer");
  });

  it("waits for the frame that begins behind a damaged answer", () => {
    const damaged = bytes(WARM);
    damaged[7] = 0;
    const recogniser = status();
    expect(recogniser.push(Uint8Array.of(...damaged, 0x55, 0xaa))).toBeUndefined();
    expect(recogniser.push(bytes(WARM).slice(2))?.kind).toBe("answer");
  });

  it("says malformed when a sound answer is too short for its channels", () => {
    const short = serial({ ...PUMP, reads: [{ name: "status", send: [], answer: bytes("81"), channels: [] }] });
    const [request] = short.deviceSide(1).push(short.read(1, "status", nothingYet).request);
    if (request?.kind !== "read") throw new Error("no request");
    expect(status().push(request.answer(new Map()))).toMatchObject({ kind: "bad", reason: "malformed" });
  });

  it("finds the answer behind a start that announces more bytes than ever come", () => {
    const recogniser = status();
    expect(recogniser.push(bytes("55 AA 01 FA 81 01"))).toBeUndefined();
    const outcomes = Array.from(bytes(WARM), (byte) => recogniser.push(Uint8Array.of(byte)));
    expect(outcomes.at(-1)?.kind).toBe("answer");
    expect(recogniser.strayBytes).toBe(6);
  });
});

describe("the device's side of pump-mk2", () => {
  const hear = (frame: string | Uint8Array): DeviceRequest | undefined =>
    pump.deviceSide(1).push(typeof frame === "string" ? bytes(frame) : frame)[0];

  it.each([
    [WARM, WARM_VALUES],
    [UNPLUGGED, UNPLUGGED_VALUES],
  ])("answers a read with %s", (answer, values) => {
    const request = hear(SENT);
    if (request?.kind !== "read") throw new Error("no read");
    expect(request.read).toBe("status");
    expect(hex(request.answer(new Map(Object.entries(values))))).toBe(answer);
  });

  it("hears a setting's value and repeats its bytes", () => {
    const request = hear("55 AA 01 03 10 23 28 01 6F");
    if (request?.kind !== "set") throw new Error("no set");
    expect([request.setting, request.value]).toEqual(["target", 900]);
    expect(hex(request.answer())).toBe("55 AA 01 03 90 23 28 00 87");
  });

  it("hears a command and what a request carries", () => {
    const stop = hear(pump.command(1, "stop").request);
    if (stop?.kind !== "command") throw new Error("no command");
    expect(pump.command(1, "stop").recognise().push(stop.answer())?.kind).toBe("answer");
    expect(hear(pump.read(1, "row", () => 77).request)).toMatchObject({ read: "row", carried: new Map([["row", 77]]) });
  });

  it("names what is wrong with a request, and doesn't hear those for others", () => {
    expect(hear("55 AA 01 01 01 E0 51")).toMatchObject({ kind: "bad", reason: "checksum" });
    expect(hear(pump.read(2, "status", nothingYet).request)).toBeUndefined();
    const unknown = serial({ ...PUMP, commands: [{ name: "x", send: [{ bytes: bytes("77") }], answer: bytes("F7") }] });
    expect(hear(unknown.command(1, "x").request)).toMatchObject({ kind: "bad", reason: "malformed" });
  });

  it("of two requests that fit, means the one with more constant bytes; of none, says so", () => {
    const stop = { name: "stop", send: [{ bytes: bytes("02 00 00 00 07") }], answer: bytes("A2") };
    const device = serial({ ...PUMP, commands: [stop] }).deviceSide(1);
    expect(device.push(pump.read(1, "row", () => 7).request)).toMatchObject([{ kind: "command", command: "stop" }]);
    expect(device.push(pump.read(1, "row", () => 8).request)).toMatchObject([{ kind: "read", read: "row" }]);
    const longer = serial({
      ...PUMP,
      commands: [{ name: "x", send: [{ bytes: bytes("01 00") }], answer: bytes("F7") }],
    });
    expect(hear(longer.command(1, "x").request)).toMatchObject({ kind: "bad", reason: "malformed" });
  });

  it("doesn't send what it has no value for", () => {
    const request = hear(SENT);
    if (request?.kind !== "read") throw new Error("no read");
    expect(() => request.answer(new Map([["state", 1]]))).toThrow(/pressure: no value/);
    const hot = new Map(Object.entries({ ...WARM_VALUES, temperature: 5_000 }));
    expect(() => request.answer(hot)).toThrow(/temperature: 5000 at byte 6: a i16 here holds -3276.8 to 3276.7/);
  });
});

/** The same protocol in other frames: what a length counts, checks before and behind, an end mark, no length at all. */
const FRAMES: Record<string, readonly FramePart[]> = {
  "length of the frame": [
    { part: "start", bytes: bytes("02") },
    { part: "length", as: "u16", counts: "frame", bias: -1 },
    { part: "address", as: "u16" },
    { part: "body" },
    { part: "check", check: { kind: "xor8" }, from: 0, to: 3, byteOrder: "big-endian" },
    { part: "start", bytes: bytes("03") },
  ],
  "length of body and check, without a start": [
    { part: "address", as: "u8" },
    { part: "length", as: "u8", counts: "body+check", bias: 2 },
    { part: "body" },
    { part: "check", check: { kind: "crc", name: "CRC-32/ISO-HDLC" }, from: 0, to: 2, byteOrder: "big-endian" },
  ],
  "its length twice": [
    { part: "start", bytes: bytes("68") },
    { part: "length", as: "u8", counts: "body", bias: 1 },
    { part: "length", as: "u8", counts: "body", bias: 1 },
    { part: "start", bytes: bytes("68") },
    { part: "address", as: "u8" },
    { part: "body" },
    { part: "check", check: { kind: "sum8" }, from: 4, to: 5, byteOrder: "big-endian" },
    { part: "end", bytes: bytes("16") },
  ],
  "no length": [
    { part: "start", bytes: bytes("AA") },
    { part: "address", as: "u8" },
    { part: "body" },
    { part: "check", check: { kind: "crc", name: "CRC-16/XMODEM" }, from: 0, to: 2, byteOrder: "big-endian" },
  ],
};

describe.each(Object.entries(FRAMES))("a frame with %s", (_, frame) => {
  const protocol = serial({ ...PUMP, frame });
  const requestOf = (request: Uint8Array): DeviceRequest => {
    const [heard] = protocol.deviceSide(7).push(request);
    if (heard === undefined) throw new Error("not heard");
    return heard;
  };

  it("carries reads, settings, commands and refusals both ways", () => {
    const read = protocol.read(7, "status", nothingYet);
    const heard = requestOf(read.request);
    if (heard.kind !== "read") throw new Error(`heard ${heard.kind}`);
    const values = new Map(Object.entries(WARM_VALUES));
    expect(read.recognise().push(heard.answer(values))).toMatchObject({ kind: "answer", values });
    expect(read.recognise().push(heard.refuse(9))).toMatchObject({ kind: "refused", code: 9 });
    const set = protocol.set(7, "target", 650.5);
    const heardSet = requestOf(set.request);
    if (heardSet.kind !== "set") throw new Error(`heard ${heardSet.kind}`);
    expect(heardSet.value).toBe(650.5);
    expect(set.recognise().push(heardSet.answer())?.kind).toBe("answer");
    expect(requestOf(protocol.command(7, "stop").request)).toMatchObject({ kind: "command", command: "stop" });
  });
});

it("a frame without its end mark is no frame", () => {
  const marked = serial({ ...PUMP, frame: FRAMES["length of the frame"] ?? [] });
  const request = marked.command(1, "stop").request;
  expect(marked.deviceSide(1).push(request)).toMatchObject([{ kind: "command" }]);
  request[request.length - 1] = 4;
  expect(marked.deviceSide(1).push(request)).toMatchObject([{ kind: "bad", reason: "checksum" }]);
});

it("lengths that contradict each other begin no frame: a whole one behind them isn't waited for", () => {
  const twice = serial({ ...PUMP, frame: FRAMES["its length twice"] ?? [] });
  const { request } = twice.command(1, "stop");
  const other = Uint8Array.of(0x68, 0x30, 0x31, 0x68);
  expect(twice.deviceSide(1).push(Uint8Array.of(...other, ...request))).toMatchObject([{ kind: "command" }]);
  request[2] = (request[2] ?? 0) + 1;
  expect(twice.deviceSide(1).push(request)).not.toContainEqual(expect.objectContaining({ kind: "command" }));
});

it("refuses an address that the frame can't hold", () => {
  expect(() => pump.read(300, "status", nothingYet)).toThrow(RangeError);
});

/** `data` in portions whose sizes follow `cuts`. */
function pushed(recogniser: AnswerRecogniser, data: Uint8Array, cuts: readonly number[]) {
  let at = 0;
  for (let i = 0; at < data.length; i++) {
    const next = at + 1 + ((cuts[i % Math.max(1, cuts.length)] ?? data.length) % 40);
    const outcome = recogniser.push(data.slice(at, next));
    at = next;
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

/** Noise as lines have it: anything, pieces of frames, starts, whole frames of others. */
const noise = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(bytes("55"), bytes("55 AA"), bytes("55 AA 01"), bytes("55 AA 01 0E"), bytes(SENT)),
      fc.nat(18).map((count) => bytes(WARM).slice(0, count)),
      fc.nat(255).map((length) => Uint8Array.of(0x55, 0xaa, 1, length)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
const cuts = fc.array(fc.nat(39), { maxLength: 8 });

/** Noise that is by chance a damaged answer may end the search: it holds the beginning of one. */
const looksLikeAnswer = (data: Uint8Array): boolean => {
  const text = hex(data);
  return /55 AA 01 .. (?:81|FF)/.test(text);
};

describe("on a noisy line", () => {
  it("the answer is found behind any noise in any portions", () => {
    fc.assert(
      fc.property(noise, cuts, (before, sizes) => {
        const stream = Uint8Array.of(...before, ...bytes(WARM));
        const recogniser = status();
        const outcome = pushed(recogniser, stream, sizes);
        if (outcome?.kind === "bad" && looksLikeAnswer(before)) return;
        expect(outcome).toMatchObject({ kind: "answer", frame: bytes(WARM) });
      }),
      { numRuns: 1_000 },
    );
  });

  it("truncated answers before the whole one never hide it", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(19), { maxLength: 5 }), cuts, (lengths, sizes) => {
        const stream = Uint8Array.from([...lengths.flatMap((n) => [...bytes(WARM).slice(0, n)]), ...bytes(WARM)]);
        const outcome = pushed(status(), stream, sizes);
        if (outcome?.kind === "bad") expect(outcome.reason).toBe("checksum");
        else expect(outcome?.kind).toBe("answer");
        expect(status().push(stream)?.kind).toBe("answer");
      }),
      { numRuns: 1_000 },
    );
  });

  it("one flipped bit never gives an answer", () => {
    const flips = bytes(WARM).length * 8;
    for (let bit = 0; bit < flips; bit++) {
      const frame = bytes(WARM);
      frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(status().push(frame)?.kind).not.toBe("answer");
    }
  });

  it("device's side hears the request behind any noise in any portions", () => {
    fc.assert(
      fc.property(noise, cuts, (before, sizes) => {
        const device = pump.deviceSide(1);
        const stream = Uint8Array.of(...before, ...pump.read(1, "row", () => 123_456).request);
        const heard: DeviceRequest[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const next = at + 1 + (sizes[i % Math.max(1, sizes.length)] ?? 5_000);
          heard.push(...device.push(stream.slice(at, next)));
          at = next;
        }
        expect(heard.some((one) => one.kind === "read" && one.carried.get("row") === 123_456)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each(Object.entries(FRAMES))("never throws on any bytes and keeps to its memory: %s", (_, frame) => {
    const protocol = serial({ ...PUMP, frame });
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (portions) => {
        const recogniser = protocol.read(1, "status", nothingYet).recognise();
        const device = protocol.deviceSide(1);
        for (const portion of portions) {
          if (recogniser.push(portion) !== undefined) break;
          device.push(portion);
        }
        const seen = portions.reduce((sum, part) => sum + part.length, 0);
        expect(recogniser.strayBytes).toBeGreaterThanOrEqual(0);
        expect(recogniser.strayBytes).toBeLessThanOrEqual(seen);
      }),
      { numRuns: 300 },
    );
  });

  it("gives up a start that waits for more than a frame can hold", () => {
    const long = serial({ ...PUMP, frame: FRAMES["length of the frame"] ?? [] });
    const recogniser = long.read(1, "status", nothingYet).recognise();
    recogniser.push(bytes("02 03 FF"));
    recogniser.push(new Uint8Array(FRAME_BYTES_MAX * 3));
    expect(recogniser.strayBytes).toBeGreaterThan(FRAME_BYTES_MAX * 2);
  });
});
