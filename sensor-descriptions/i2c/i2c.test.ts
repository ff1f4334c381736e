import { describe, expect, it } from "vitest";
import { compileProtocol } from "../compile.ts";
import { parseFormula } from "../formula/formula.ts";
import { type DecodedValue, I2cAnswerError, type I2cConversation, type I2cProtocol, type I2cStep } from "../model.ts";
import type { ChannelSpec, FieldSpec, Formula } from "../spec.ts";
import type { I2cSpec } from "./i2c-spec.ts";

const bytes = (text: string): Uint8Array =>
  text === "" ? new Uint8Array() : Uint8Array.from(text.split(" "), (byte) => Number.parseInt(byte, 16));
const field = (at: number, as: FieldSpec["as"], part: Partial<FieldSpec> = {}): FieldSpec => ({
  at,
  as,
  byteOrder: "big-endian",
  scale: 1,
  offset: 0,
  special: new Map(),
  ...part,
});
const formula = (text: string): Formula => {
  const parsed = parseFormula(text);
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  return parsed.ok;
};
const channel = (name: string, source: ChannelSpec["source"]): ChannelSpec => ({
  channel: { name, kind: "gauge", unit: "", resolution: 0.01 },
  source,
});
const fromFormula = (name: string, text: string) => channel(name, { from: "formula", formula: formula(text) });

/** Sensirion SHT4x datasheet: command FD, 8.2 ms, then T·2 CRC RH·2 CRC; formulas of section 4.6. */
const SHT4X: I2cSpec = {
  protocol: "i2c",
  identify: [{ write: bytes("89"), expect: bytes("12 34") }],
  setUp: [{ do: "write", bytes: bytes("94") }],
  constants: [],
  measure: [
    { do: "write", bytes: bytes("FD") },
    { do: "wait", ms: 9 },
    {
      do: "read",
      write: bytes(""),
      length: 6,
      crc: { name: "CRC-8/NRSC-5", every: 2 },
      fields: [
        { name: "raw-t", field: field(0, "u16") },
        { name: "raw-rh", field: field(2, "u16") },
      ],
    },
  ],
  lets: [{ name: "rh-raw", formula: formula("-6 + 125 * raw_rh / 65535") }],
  channels: [
    fromFormula("temperature", "-45 + 175 * raw_t / 65535"),
    fromFormula("humidity", "clamp(rh_raw, 0, 100)"),
    channel("raw", { from: "field", field: field(2, "u16") }),
  ],
};

/** Written beside a chip with calibration: constants read once, a ready bit, two reads. */
const CALIBRATED: I2cSpec = {
  protocol: "i2c",
  identify: [],
  setUp: [{ do: "read", write: bytes("D0"), length: 1, fields: [{ name: "status", field: field(0, "u8") }] }],
  constants: [{ do: "read", write: bytes("88"), length: 2, fields: [{ name: "gain", field: field(0, "i16") }] }],
  measure: [
    {
      do: "until",
      write: bytes("F3"),
      length: 1,
      fields: [{ name: "busy", field: field(0, "u8", { bits: { low: 3, high: 3 } }) }],
      formula: formula("!busy"),
      everyMs: 2,
      withinMs: 5,
    },
    {
      do: "read",
      write: bytes("F7"),
      length: 3,
      fields: [{ name: "raw", field: field(0, "u24", { special: new Map([[0x800000, "no-sensor"]]) }) }],
    },
  ],
  lets: [{ name: "fine", formula: formula("raw / gain") }],
  channels: [fromFormula("value", "fine + 1"), fromFormula("ratio", "1 / (gain - 16)")],
};

const chip = (spec: I2cSpec): I2cProtocol => {
  const protocol = compileProtocol(spec);
  if (protocol.kind !== "i2c") throw new Error("not an I2C protocol");
  return protocol;
};

/** Plays the bus: each transfer that reads is given the next answer. */
function talk<T>(conversation: I2cConversation<T>, answers: readonly string[]): { result: T; steps: I2cStep[] } {
  const left = [...answers];
  const steps: I2cStep[] = [];
  let turn = conversation.next(new Uint8Array());
  while (!turn.done) {
    steps.push(turn.value);
    const isRead = turn.value.do === "transfer" && turn.value.readLength > 0;
    turn = conversation.next(isRead ? bytes(left.shift() ?? "") : new Uint8Array());
  }
  expect(left).toEqual([]);
  return { result: turn.value, steps };
}
const reasonOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof I2cAnswerError) return error.reason;
    throw error;
  }
  return "none";
};

describe("a chip with CRC bytes", () => {
  it("is identified, set up, and asked as its description says", () => {
    expect(talk(chip(SHT4X).prepare(), ["12 34"]).steps).toEqual([
      { do: "transfer", write: bytes("89"), readLength: 2 },
      { do: "transfer", write: bytes("94"), readLength: 0 },
    ]);
    const { result, steps } = talk(chip(SHT4X).measure(new Map()), ["66 66 93 80 00 A2"]);
    expect(steps).toEqual([
      { do: "transfer", write: bytes("FD"), readLength: 0 },
      { do: "wait", ms: 9 },
      { do: "transfer", write: bytes(""), readLength: 6 },
    ]);
    expect(result.get("temperature")).toBeCloseTo(25, 2);
    expect(result.get("humidity")).toBeCloseTo(56.5, 2);
    expect(result.get("raw")).toBe(0x8000);
    expect(chip(SHT4X).readLengthMax).toBe(6);
  });

  it("is another chip when it answers otherwise", () => {
    expect(reasonOf(() => talk(chip(SHT4X).prepare(), ["12 35"]))).toBe("no-sensor");
    expect(reasonOf(() => talk(chip(SHT4X).prepare(), ["12"]))).toBe("no-sensor");
  });

  it.each([
    "66 67 93 80 00 A2",
    "66 66 93 80 00 A3",
    "00 00 00 00 00 00",
  ])("is not believed with a wrong CRC: %s", (answer) => {
    expect(reasonOf(() => talk(chip(SHT4X).measure(new Map()), [answer]))).toBe("checksum");
  });

  it("is malformed when bytes are missing", () => {
    expect(reasonOf(() => talk(chip(SHT4X).measure(new Map()), ["66 66"]))).toBe("malformed");
  });
});

describe("a chip with constants and a ready bit", () => {
  const constants = () => talk(chip(CALIBRATED).prepare(), ["60", "00 10"]).result;

  it("computes with the constants that it was asked for once", () => {
    expect(constants()).toEqual(new Map([["gain", 16]]));
    const { result, steps } = talk(chip(CALIBRATED).measure(constants()), ["08", "00", "00 01 00"]);
    expect(steps.map((step) => step.do)).toEqual(["transfer", "wait", "transfer", "transfer"]);
    expect(result).toEqual(
      new Map<string, DecodedValue>([
        ["value", 17],
        ["ratio", "malformed"],
      ]),
    );
  });

  it("gives the reason on to what is computed from a special value", () => {
    const { result } = talk(chip(CALIBRATED).measure(constants()), ["00", "80 00 00"]);
    expect(result.get("value")).toBe("no-sensor");
  });

  it("is given up when it never gets ready", () => {
    const conversation = chip(CALIBRATED).measure(constants());
    const given = (): unknown => talk(conversation, ["08", "08", "08"]);
    expect(given).toThrowError(
      expect.objectContaining({ reason: "timeout", message: "until !busy: not so within 5 ms" }),
    );
  });
});
