import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { posixRule } from "./posix-rule.ts";
import { createIntlOffset, firstInstantOf, localTimeAt, timeOfDay, type ZoneOffset } from "./time-zone.ts";
import { offsetsFrom } from "./tzif.ts";

interface Zone {
  readonly times: readonly number[];
  readonly types: readonly number[];
  readonly offsets: readonly number[];
  readonly footer: string;
}

/** RFC 9636 appendix B.2, Pacific/Honolulu. */
const HONOLULU: Zone = {
  times: [-2334101314, -1157283000, -1155436200, -880198200, -769395600, -712150200],
  types: [1, 2, 1, 3, 4, 5],
  offsets: [-37886, -37800, -34200, -34200, -34200, -36000],
  footer: "HST10",
};

/** As a compiler of zone files writes them today: nothing in 32-bit times. */
function fileOf({ times, types, offsets, footer }: Zone): Uint8Array {
  const header = (counts: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(44);
    bytes.write("TZif2");
    counts.forEach((count, index) => void bytes.writeUInt32BE(count, 20 + index * 4));
    return bytes;
  };
  const int64 = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  };
  const type = (offset: number): Buffer => {
    const bytes = Buffer.alloc(6);
    bytes.writeInt32BE(offset);
    return bytes;
  };
  return Buffer.concat([
    header([0, 0, 0, 0, 1, 1]),
    Buffer.alloc(7),
    header([0, 0, 0, times.length, offsets.length, 4]),
    ...times.map(int64),
    Buffer.from(types),
    ...offsets.map(type),
    Buffer.from("LMT\0"),
    Buffer.from(`\n${footer}\n`),
  ]);
}

describe("a zone file", () => {
  it("has an offset for all time: before its first change, between changes, after the last by its rule", () => {
    const at = offsetsFrom(fileOf(HONOLULU));
    expect(
      [-3e9, -2334101314, -1157283001, -1157283000, -769395600, -712150201, -712150200, 4e9].map((s) => at?.(s)),
    ).toEqual([-37886, -37800, -37800, -34200, -34200, -34200, -36000, -36000]);
  });

  it("without a rule keeps its last offset; with one that isn't understood it is no zone file", () => {
    expect(offsetsFrom(fileOf({ ...HONOLULU, footer: "" }))?.(4e9)).toBe(-36000);
    expect(offsetsFrom(fileOf({ ...HONOLULU, footer: "CET-1CEST,J60,J300" }))).toBeUndefined();
    expect(offsetsFrom(new TextEncoder().encode("Europe/Berlin"))).toBeUndefined();
  });

  it("that is damaged gives an offset or nothing, and never throws", () => {
    const whole = fileOf({ ...HONOLULU, footer: "CET-1CEST,M3.5.0,M10.5.0/3" });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), fc.integer({ min: -3e9, max: 6e9 }), (changes, length, atS) => {
        const bytes = Uint8Array.from(whole);
        for (const [index, value] of changes) bytes[index] = value;
        const found = offsetsFrom(bytes.subarray(0, length))?.(atS);
        expect(found === undefined || Number.isInteger(found)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a rule", () => {
  const at = (rule: string, iso: string): number => (posixRule(rule)?.(Date.parse(iso) / 1000) ?? Number.NaN) / 3_600;

  it("begins and ends summer at the minute, on both hemispheres", () => {
    const berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
    expect(
      ["2060-03-28T00:59:59Z", "2060-03-28T01:00Z", "2060-10-31T00:59:59Z", "2060-10-31T01:00Z"].map((iso) =>
        at(berlin, iso),
      ),
    ).toEqual([1, 2, 2, 1]);
    const chatham = "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45";
    expect([at(chatham, "2045-01-15T00:00Z"), at(chatham, "2045-07-15T00:00Z")]).toEqual([13.75, 12.75]);
  });

  it("may count hours below zero and beyond a day, and call winter what others call summer", () => {
    // Nuuk changes on Saturday at 23:00 of its own clocks, which the rule says as Sunday at -1.
    const nuuk = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
    expect([at(nuuk, "2040-03-25T00:59Z"), at(nuuk, "2040-03-25T01:00Z")]).toEqual([-2, -1]);
    // Jerusalem: the Friday before the last Sunday, as Thursday at 26:00.
    const jerusalem = "IST-2IDT,M3.4.4/26,M10.5.0";
    expect([at(jerusalem, "2040-03-22T23:59Z"), at(jerusalem, "2040-03-23T00:00Z")]).toEqual([2, 3]);
    const dublin = "IST-1GMT0,M10.5.0,M3.5.0/1";
    expect([at(dublin, "2040-07-01T00:00Z"), at(dublin, "2040-12-01T00:00Z")]).toEqual([1, 0]);
  });
});

const FOLDER = "/usr/share/zoneinfo";
/** Zones whose clocks of those years nobody disputes any more. */
const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Europe/Dublin",
  "Australia/Lord_Howe",
  "Asia/Kathmandu",
  "Pacific/Apia",
];

// Without tzdata there are no files to compare; the station then asks ICU.
it.skipIf(!existsSync(`${FOLDER}/${ZONES[0]}`)).each(ZONES)("%s is as ICU has it", (zone) => {
  const icu = createIntlOffset();
  const offsets = offsetsFrom(readFileSync(`${FOLDER}/${zone}`));
  const step = 10 * 24 * 3_600_000 + 1_234_000;
  const differing: string[] = [];
  for (let ms = Date.UTC(1995, 0, 1); ms < Date.UTC(2022, 0, 1); ms += step)
    if ((offsets?.(Math.floor(ms / 1000)) ?? 0) * 1000 !== icu(zone, ms)) differing.push(new Date(ms).toISOString());
  expect(differing).toEqual([]);
});

describe("local time", () => {
  const HOUR = 3_600_000;
  /** Clocks go forward at 100 h and back at 200 h. */
  const offset: ZoneOffset = (_, ms) => (ms >= 100 * HOUR && ms < 200 * HOUR ? 2 * HOUR : HOUR);

  it("is UTC with the zone's offset; UTC asks nobody", () => {
    expect(localTimeAt(Date.UTC(2026, 10, 30, 23, 30), "x", () => HOUR)).toEqual({
      year: 2026,
      month: 12,
      weekday: 2,
      minute: 30,
      asUtcMs: Date.UTC(2026, 11, 1, 0, 30),
    });
    const nobody: ZoneOffset = () => {
      throw new Error("asked");
    };
    expect(timeOfDay(Date.UTC(2026, 0, 1, 14, 5), "UTC", nobody)).toBe("14:05");
  });

  it("that is missing in spring has no instant, that comes twice in autumn has its first", () => {
    expect(firstInstantOf(101.5 * HOUR, "x", offset)).toBeUndefined();
    expect(firstInstantOf(201.5 * HOUR, "x", offset)).toBe(199.5 * HOUR);
    expect(firstInstantOf(100.5 * HOUR, "x", offset)).toBe(99.5 * HOUR);
    expect(firstInstantOf(102.5 * HOUR, "x", offset)).toBe(100.5 * HOUR);
  });
});
