import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAlarms, encodeAlarms } from "./alarms.ts";
import { sealEnvelope } from "./envelope.ts";
import { decodeLedger, encodeLedger } from "./ledger.ts";
import type { AlarmMessage, LedgerMessage } from "./messages.ts";
import { type StreamSchema, schemaHash } from "./schema.ts";
import { WireError } from "./wire-error.ts";

const SCHEMA: StreamSchema = {
  stream: "climate",
  channels: [
    { name: "temperature", kind: "gauge", unit: "Cel", resolution: 0.01 },
    {
      name: "state",
      kind: "state",
      unit: "",
      resolution: 1,
      states: [
        [0, "idle"],
        [3, "fault"],
      ],
    },
  ],
};
const RANGES = [
  {
    epoch: "0123456789abcdef",
    stream: "pump",
    ranges: [
      { first: 1, last: 7 },
      { first: 9, last: 2 ** 40 },
    ],
  },
];
const MESSAGES: LedgerMessage[] = [
  { kind: "schema", schema: SCHEMA },
  {
    kind: "epoch-closed",
    epoch: "0123456789abcdef",
    counts: [
      { stream: "pump", last: 71 },
      { stream: "_alarms", last: 0 },
    ],
  },
  { kind: "dropped", dropped: RANGES, reason: "full" },
  { kind: "clock", bootId: "00000000-0000-4000-8000-000000000001", offsetMs: 1_777_708_799_000 },
  { kind: "receipt", stored: RANGES },
  { kind: "ranges-wanted", wanted: RANGES },
  { kind: "schema-wanted", hashes: ["0123456789abcdef", "fedcba9876543210"] },
  { kind: "clock", bootId: "b", offsetMs: 1_777_708_799_000, earlierMs: 2 ** 35 },
  { kind: "dropped", dropped: RANGES, reason: "unconfirmed" },
];
const ALARM: AlarmMessage = {
  epoch: "0123456789abcdef",
  sequence: 3,
  basis: { kind: "boot", bootId: "b" },
  time: 12_345,
  device: "pump",
  alarm: "too-hot",
  severity: "critical",
  active: true,
  because: "temperature above 85 °C: 86.1",
};

describe("a ledger message", () => {
  it.each(MESSAGES)("$kind comes back as it was", (message) => {
    expect(decodeLedger(encodeLedger(message))).toEqual(message);
  });

  it("has the golden bytes of its kind", () => {
    const vectors = JSON.parse(readFileSync(new URL("vectors/ledger.json", import.meta.url), "utf8")) as {
      hex: string;
      decoded: LedgerMessage;
    }[];
    expect(vectors.map(({ decoded }) => decoded.kind)).toEqual(MESSAGES.map(({ kind }) => kind));
    for (const { hex, decoded } of vectors) {
      expect(decodeLedger(Buffer.from(hex, "hex"))).toEqual(decoded);
      expect(Buffer.from(encodeLedger(decoded)).toString("hex")).toBe(hex);
    }
  });

  it.each([
    ["an unknown kind", ["gossip", 1]],
    ["ranges that overlap", ["receipt", [[Buffer.alloc(8), "pump", [1, 5, 5, 9]]]]],
    ["a range that ends before it begins", ["receipt", [[Buffer.alloc(8), "pump", [5, 4]]]]],
    ["a sequence 0", ["receipt", [[Buffer.alloc(8), "pump", [0, 4]]]]],
    ["a stream named __proto__", ["receipt", [[Buffer.alloc(8), "__proto__", [1, 4]]]]],
    ["a short epoch", ["epoch-closed", Buffer.alloc(7), []]],
    ["an item too many", ["receipt", [], 1]],
    ["a clock that is later than the latest", ["clock", "b", 1, -1]],
    ["a clock with an item too many", ["clock", "b", 1, 1, 1]],
    ["a resolution of 0", ["schema", "pump", [["a", "gauge", "V", 0, null]]]],
    ["a resolution below 0", ["schema", "pump", [["a", "gauge", "V", -0.1, null]]]],
    ["257 channels", ["schema", "pump", Array.from({ length: 257 }, () => ["a", "gauge", "V", 1, null])]],
  ])("with %s is refused as malformed", (_what, items) => {
    expect(() => decodeLedger(sealEnvelope(items as never[]))).toThrow(
      expect.objectContaining({ reason: "malformed" }),
    );
  });

  it("nested without end is refused before it is decoded", () => {
    const deep = Buffer.concat([Buffer.from([0x82, 0x01]), Buffer.alloc(60_000, 0x81), Buffer.from([0])]);
    expect(() => decodeLedger(deep)).toThrow(/nested deeper/);
  });

  it("made of any bytes is refused with a WireError and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...MESSAGES), fc.nat(), (noise, message, at) => {
        const bytes = encodeLedger(message);
        const damaged = Uint8Array.from([...bytes.subarray(0, at % bytes.length), ...noise]);
        for (const input of [noise, damaged]) {
          try {
            decodeLedger(input);
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a schema's hash", () => {
  it("is the same for the same meaning and another for any other", () => {
    expect(schemaHash(structuredClone(SCHEMA))).toBe(schemaHash(SCHEMA));
    expect(schemaHash(SCHEMA)).toMatch(/^[0-9a-f]{16}$/);
    const [temperature, state] = SCHEMA.channels;
    const others: StreamSchema[] = [
      { ...SCHEMA, stream: "climate2" },
      { ...SCHEMA, channels: [{ ...temperature!, resolution: 0.1 }, state!] },
      { ...SCHEMA, channels: [{ ...temperature!, unit: "K" }, state!] },
      { ...SCHEMA, channels: [temperature!, { ...state!, states: [[0, "idle"]] }] },
      { ...SCHEMA, channels: [state!, temperature!] },
    ];
    expect(new Set([SCHEMA, ...others].map(schemaHash)).size).toBe(6);
  });
});

describe("alarms", () => {
  it("come back as they were", () => {
    const all = [ALARM, { ...ALARM, sequence: 4, basis: { kind: "wall" as const }, active: false }];
    expect(decodeAlarms(encodeAlarms(all))).toEqual(all);
  });

  it.each([
    ["no JSON", "[{"],
    ["an object", "{}"],
    ["an unknown key", JSON.stringify([{ ...ALARM, extra: 1 }])],
    ["an unknown severity", JSON.stringify([{ ...ALARM, severity: "mild" }])],
    ["a broken epoch", JSON.stringify([{ ...ALARM, epoch: "xyz" }])],
    ["a time that is no whole number", JSON.stringify([{ ...ALARM, time: 1.5 }])],
  ])("as %s are refused", (_what, text) => {
    expect(() => decodeAlarms(new TextEncoder().encode(text))).toThrow(WireError);
  });
});
