import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileProtocol } from "../compile.ts";
import type { DecodedValue, DeviceRequest, SerialProtocol } from "../model.ts";
import type { ChannelSpec, FieldSpec } from "../spec.ts";
import { RTU } from "./modbus-rtu.ts";
import type { ModbusSpec } from "./modbus-spec.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16));
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
  channel: { name, kind: "gauge", unit: "", resolution: 1 },
  source: { from: "field", field: coding },
});

const SPEC: ModbusSpec = {
  protocol: "modbus-rtu",
  serial: { baudRate: 9_600, dataBits: 8, parity: "even", stopBits: 1 },
  timing: { answerWithinMs: 200, pauseBeforeNextMs: 5, lateMs: 200, retries: 1 },
  reads: [
    {
      name: "levels",
      table: "holding",
      register: 0x6b,
      count: 3,
      channels: [
        channel("level", field(0, "i16", { scale: 0.1 })),
        channel("volume", field(2, "u32", { wordOrder: "little-endian" })),
      ],
    },
    {
      name: "inputs",
      table: "discrete",
      register: 0xc4,
      count: 22,
      channels: [
        channel("door", field(0, "u8", { bits: { low: 0, high: 0 } })),
        channel("flood", field(2, "u8", { bits: { low: 5, high: 5 } })),
      ],
    },
    { name: "coils", table: "coil", register: 1, count: 3, channels: [] },
    { name: "power", table: "input", register: 8, count: 2, channels: [channel("power", field(0, "f32"))] },
  ],
  settings: [
    { name: "relay", with: 5, register: 0xac, count: 1, field: field(0, "u8", { bits: { low: 4, high: 4 } }) },
    { name: "level", with: 6, register: 1, count: 1, field: field(0, "i16", { scale: 0.1 }) },
    { name: "volume", with: 16, register: 2, count: 2, field: field(4, "u32", { wordOrder: "little-endian" }) },
    { name: "mode", with: 6, register: 9, count: 1, field: field(1, "u8") },
  ],
  commands: [
    { name: "reset", with: 6, register: 5, values: [0xabcd] },
    { name: "start", with: 5, register: 6, values: [1] },
  ],
};
const serial = (spec: ModbusSpec): SerialProtocol => {
  const protocol = compileProtocol(spec);
  if (protocol.kind !== "serial") throw new Error("not a serial protocol");
  return protocol;
};
const meter = serial(SPEC);
const none = () => undefined;
/** Without the CRC. */
const body = (frame: Uint8Array): string => hex(frame.subarray(0, -2));
const heard = (frame: Uint8Array, address = 17): DeviceRequest => {
  const [request] = meter.deviceSide(address).push(frame);
  if (request === undefined) throw new Error("not heard");
  return request;
};

describe("the frames are those of the specification", () => {
  it("a request for one register, CRC included", () => {
    const one = serial({ ...SPEC, reads: [{ name: "x", table: "holding", register: 0, count: 1, channels: [] }] });
    expect(hex(one.read(1, "x", none).request)).toBe("01 03 00 00 00 01 84 0A");
  });

  it.each([
    ["levels", "11 03 00 6B 00 03"],
    ["inputs", "11 02 00 C4 00 16"],
    ["coils", "11 01 00 01 00 03"],
    ["power", "11 04 00 08 00 02"],
  ])("read %s", (name, request) => {
    expect(body(meter.read(17, name, none).request)).toBe(request);
  });

  it.each([
    ["relay", 1, "11 05 00 AC FF 00"],
    ["relay", 0, "11 05 00 AC 00 00"],
    ["level", -0.3, "11 06 00 01 FF FD"],
    ["volume", 0x000a0102, "11 10 00 02 00 02 04 01 02 00 0A"],
    ["mode", 3, "11 06 00 09 00 03"],
  ])("set %s to %d", (name, value, request) => {
    expect(body(meter.set(17, name, value).request)).toBe(request);
  });

  it("commands write one register or one coil", () => {
    expect(body(meter.command(17, "reset").request)).toBe("11 06 00 05 AB CD");
    expect(body(meter.command(17, "start").request)).toBe("11 05 00 06 FF 00");
  });

  it("answers and refusals, as the device sends them", () => {
    const levels = heard(meter.read(17, "levels", none).request);
    if (levels.kind !== "read") throw new Error("no read");
    const values = new Map([
      ["level", -0.3],
      ["volume", 0x00010002],
    ]);
    expect(body(levels.answer(values))).toBe("11 03 06 FF FD 00 02 00 01");
    expect(body(levels.refuse(2))).toBe("11 83 02");
    const inputs = heard(meter.read(17, "inputs", none).request);
    if (inputs.kind !== "read") throw new Error("no read");
    const states = new Map([
      ["door", 1],
      ["flood", 1],
    ]);
    expect(body(inputs.answer(states))).toBe("11 02 03 01 00 20");
    const volume = heard(meter.set(17, "volume", 7).request);
    if (volume.kind !== "set") throw new Error("no set");
    expect(body(volume.answer())).toBe("11 10 00 02 00 02");
  });
});

describe("an exchange", () => {
  it.each(["levels", "inputs", "coils", "power"])("read %s comes back with its values", (name) => {
    const all: Record<string, Record<string, DecodedValue>> = {
      levels: { level: 12.3, volume: 4_000_000_000 },
      inputs: { door: 0, flood: 1 },
      coils: {},
      power: { power: 230.1 },
    };
    const values = new Map(Object.entries(all[name] ?? {}));
    const exchange = meter.read(17, name, none);
    const request = heard(exchange.request);
    if (request.kind !== "read") throw new Error("no read");
    expect(exchange.recognise().push(request.answer(values))).toMatchObject({ kind: "answer", values });
    expect(exchange.recognise().push(request.refuse(4))).toMatchObject({ kind: "refused", code: 4 });
  });

  it.each([
    ["relay", 1],
    ["level", -12.3],
    ["volume", 123_456],
    ["mode", 9],
  ])("set %s to %d is heard and answered", (name, value) => {
    const exchange = meter.set(17, name, value);
    const request = heard(exchange.request);
    if (request.kind !== "set") throw new Error(`heard ${request.kind}`);
    expect([request.setting, request.value]).toEqual([name, value]);
    expect(exchange.recognise().push(request.answer())?.kind).toBe("answer");
    expect(exchange.recognise().push(request.refuse(3))).toMatchObject({ kind: "refused", code: 3 });
  });

  it.each(["reset", "start"])("command %s is heard and answered", (name) => {
    const exchange = meter.command(17, name);
    const request = heard(exchange.request);
    if (request.kind !== "command") throw new Error(`heard ${request.kind}`);
    expect(request.command).toBe(name);
    expect(exchange.recognise().push(request.answer())?.kind).toBe("answer");
  });

  it("the late answer to another value is not the answer", () => {
    const late = meter.set(17, "level", 1).request;
    const recogniser = meter.set(17, "level", 2).recognise();
    expect(recogniser.push(late)).toBeUndefined();
    expect(recogniser.otherFrames).toBe(1);
    expect(recogniser.push(meter.set(17, "level", 2).request)?.kind).toBe("answer");
  });

  it("values that don't fit are refused before they are sent", () => {
    expect(() => meter.set(17, "level", 4_000)).toThrow(/holds -3276.8 to 3276.7/);
    expect(() => meter.set(17, "relay", 2)).toThrow(/a coil holds 0 or 1/);
    const bits = {
      name: "x",
      with: 6,
      register: 1,
      count: 1,
      field: field(0, "u16", { bits: { low: 0, high: 3 } }),
    } as const;
    expect(() => serial({ ...SPEC, settings: [bits] })).toThrow(/a register is written whole/);
  });

  it("a request that the description doesn't know, or with a wrong CRC, is bad", () => {
    const other = serial({ ...SPEC, reads: [{ name: "x", table: "holding", register: 0, count: 1, channels: [] }] });
    expect(heard(other.read(17, "x", none).request)).toMatchObject({ kind: "bad", reason: "malformed" });
    const damaged = meter.read(17, "levels", none).request;
    damaged[3] = 0;
    expect(heard(damaged)).toMatchObject({ kind: "bad", reason: "checksum" });
    expect(meter.deviceSide(18).push(meter.read(17, "levels", none).request)).toEqual([]);
  });
});

describe("an intact request that the description doesn't know is answered as section 7 has it", () => {
  const answerTo = (hex: string): string => {
    const [request] = meter.deviceSide(17).push(meterFrame(bytes(hex)));
    return request?.kind === "bad" && request.answer ? Buffer.from(request.answer.slice(0, -2)).toString("hex") : "";
  };
  const meterFrame = (content: Uint8Array): Uint8Array => RTU.frame(content);

  it.each([
    ["registers that it hasn't: illegal data address", "11 03 7F FF 00 01", "118302"],
    ["a function that it hasn't: illegal function", "11 11", "119101"],
    ["device identification: illegal function", "11 2B 0E 01 00", "11ab01"],
    ["diagnostics: illegal function", "11 08 00 00 A5 37", "118801"],
  ])("%s", (_, request, answer) => {
    expect(answerTo(request)).toBe(answer);
  });

  it("nobody answers one to another address, or to all", () => {
    expect(meter.deviceSide(17).push(meterFrame(bytes("12 03 7F FF 00 01")))).toEqual([]);
    expect(answerTo("00 06 7F FF 00 01")).toBe("");
  });
});

describe("on a noisy line", () => {
  const exchange = meter.read(17, "levels", none);
  const request = heard(exchange.request);
  const answer = (): Uint8Array => {
    if (request.kind !== "read") throw new Error("no read");
    return request.answer(
      new Map([
        ["level", 1],
        ["volume", 2],
      ]),
    );
  };
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(bytes("11"), bytes("11 03"), exchange.request, bytes("12 03 02 00 01")),
    fc.nat(10).map((count) => answer().slice(0, count)),
  );
  const noise = fc.array(pieces, { maxLength: 5 }).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

  it("the answer is found behind any noise, byte by byte or at once", () => {
    fc.assert(
      fc.property(noise, fc.boolean(), (before, isAtOnce) => {
        const stream = Uint8Array.of(...before, ...answer());
        const recogniser = exchange.recognise();
        const portions = isAtOnce ? [stream] : Array.from(stream, (byte) => Uint8Array.of(byte));
        const outcome = portions.map((part) => recogniser.push(part)).find((one) => one !== undefined);
        const isLikeAnswer = /11 (?:03 06|83)/.test(hex(before));
        if (outcome?.kind === "bad" && isLikeAnswer) return;
        expect(outcome?.kind).toBe("answer");
      }),
      { numRuns: 1_000 },
    );
  });

  it("a damaged answer is bad at once, unless another one has begun behind it", () => {
    const damaged = answer();
    damaged[4] = 0x77;
    expect(exchange.recognise().push(damaged)).toMatchObject({ kind: "bad", reason: "checksum" });
    const recogniser = exchange.recognise();
    expect(recogniser.push(Uint8Array.of(...damaged, 17))).toBeUndefined();
    expect(recogniser.push(answer().slice(1))?.kind).toBe("answer");
  });

  it("one flipped bit never gives an answer", () => {
    for (let bit = 0; bit < answer().length * 8; bit++) {
      const frame = answer();
      frame[bit >> 3] = (frame[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(exchange.recognise().push(frame)?.kind).not.toBe("answer");
    }
  });

  it("never throws on any bytes, on either side", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (portions) => {
        const recogniser = exchange.recognise();
        const device = meter.deviceSide(17);
        for (const portion of portions) {
          device.push(portion);
          if (recogniser.push(portion) !== undefined) break;
        }
        expect(recogniser.otherFrames).toBe(0);
      }),
    );
  });
});
