import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FIELD_TYPES, type FieldSpec } from "../spec.ts";
import { createField, SIZES } from "./fields.ts";

const spec = (part: Partial<FieldSpec>): FieldSpec => ({
  at: 0,
  as: "u16",
  byteOrder: "big-endian",
  scale: 1,
  offset: 0,
  special: new Map(),
  ...part,
});
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const read = (part: Partial<FieldSpec>, data: string) => createField(spec(part)).read(bytes(data), 0);
const written = (part: Partial<FieldSpec>, value: number | "no-sensor" | "malformed", length = 8): string => {
  const data = new Uint8Array(length);
  createField(spec(part)).write(data, 0, value);
  return hex(data);
};

describe("reading", () => {
  it.each([
    [{ as: "u8", at: 1 }, "00 FF", 255],
    [{ as: "i8" }, "FF", -1],
    [{ as: "u16" }, "12 34", 0x1234],
    [{ as: "u16", byteOrder: "little-endian" }, "34 12", 0x1234],
    [{ as: "i16" }, "FF FE", -2],
    [{ as: "u24" }, "12 34 56", 0x123456],
    [{ as: "u24", byteOrder: "little-endian" }, "56 34 12", 0x123456],
    [{ as: "i24" }, "80 00 00", -(2 ** 23)],
    [{ as: "u32" }, "FF FF FF FE", 2 ** 32 - 2],
    [{ as: "i32", byteOrder: "little-endian" }, "FE FF FF FF", -2],
    [{ as: "u48" }, "FF FF FF FF FF FF", 2 ** 48 - 1],
    [{ as: "u48", byteOrder: "little-endian" }, "01 02 03 04 05 06", 0x060504030201],
    [{ as: "i24", byteOrder: "little-endian" }, "FE FF FF", -2],
    [{ as: "i48" }, "80 00 00 00 00 00", -(2 ** 47)],
    [{ as: "u40" }, "FF FF FF FF FE", 2 ** 40 - 2],
    [{ as: "u40", byteOrder: "little-endian" }, "01 02 03 04 05", 0x0504030201],
    [{ as: "u40", bits: { low: 36, high: 39 } }, "A0 00 00 00 00", 10],
    [{ as: "i40" }, "80 00 00 00 00", -(2 ** 39)],
    [{ as: "i40", byteOrder: "little-endian" }, "FE FF FF FF FF", -2],
    [{ as: "u64" }, "00 1F FF FF FF FF FF FF", Number.MAX_SAFE_INTEGER],
    [{ as: "u64" }, "00 20 00 00 00 00 00 00", "malformed"],
    [{ as: "u64", scale: 0.001 }, "00 20 00 00 00 00 00 00", 2 ** 53 / 1000],
    [{ as: "u64", byteOrder: "little-endian" }, "15 CD 5B 07 00 00 00 00", 123_456_789],
    [{ as: "u64", wordOrder: "little-endian" }, "CD 15 07 5B 00 00 00 00", 123_456_789],
    [{ as: "i64" }, "FF FF FF FF FF FF FF FE", -2],
    [{ as: "i64" }, "FF E0 00 00 00 00 00 01", Number.MIN_SAFE_INTEGER],
    [{ as: "i64" }, "FF E0 00 00 00 00 00 00", "malformed"],
    [{ as: "u64", bits: { low: 60, high: 63 } }, "A0 00 00 00 00 00 00 00", 10],
    [{ as: "i64", bits: { low: 28, high: 35 } }, "00 00 00 0F F0 00 00 00", -1],
    [{ as: "sm16" }, "80 65", -101],
    [{ as: "sm8" }, "80", 0],
    [{ as: "bcd8" }, "59", 59],
    [{ as: "bcd8", bits: { low: 0, high: 6 } }, "D9", 59],
    [{ as: "bcd8" }, "5A", "malformed"],
    [{ as: "bcd16", scale: 0.1 }, "23 05", 230.5],
    [{ as: "bcd16", byteOrder: "little-endian" }, "05 23", 2305],
    [{ as: "bcd32" }, "12 34 56 78", 12_345_678],
    [{ as: "bcd32" }, "F0 00 00 00", "malformed"],
    // EN 13757-3 (M-Bus), data field codings 9 to E: decimal digits, the lowest byte first.
    [{ as: "bcd24", byteOrder: "little-endian" }, "56 34 12", 123_456],
    [{ as: "bcd48", byteOrder: "little-endian", scale: 0.001 }, "12 90 78 56 34 12", 123_456_789.012],
    [{ as: "bcd24" }, "12 A4 56", "malformed"],
    [{ as: "bcd40" }, "98 76 54 32 10", 9_876_543_210],
    [{ as: "bcd48" }, "99 99 99 99 99 99", 999_999_999_999],
    [{ as: "bcd48" }, "99 99 99 99 99 9B", "malformed"],
    // IEEE 754-2008 binary16: one, a third, the largest, the smallest normal and subnormal, minus two.
    [{ as: "f16" }, "3C 00", 1],
    [{ as: "f16" }, "35 55", 0.3333],
    [{ as: "f16" }, "7B FF", 65_504],
    [{ as: "f16" }, "C0 00", -2],
    [{ as: "f16" }, "4D 14", 20.31],
    [{ as: "f16", byteOrder: "little-endian" }, "00 3C", 1],
    [{ as: "f16" }, "7C 00", "malformed"],
    [{ as: "f16" }, "7E 00", "malformed"],
    [{ as: "f32" }, "41 36 B8 52", 11.42],
    [{ as: "f32", byteOrder: "little-endian" }, "00 00 C0 BF", -1.5],
    [{ as: "f64" }, "40 09 21 FB 54 44 2D 18", Math.PI],
    [{ as: "f32" }, "7F C0 00 00", "malformed"],
    [{ as: "f32" }, "7F 80 00 00", "malformed"],
  ] as const)("%o of %s is %s", (part, data, value) => {
    expect(read(part, data)).toBe(value);
  });

  it.each([
    ["big-endian", "big-endian", "01 02 03 04"],
    ["big-endian", "little-endian", "03 04 01 02"],
    ["little-endian", "big-endian", "02 01 04 03"],
    ["little-endian", "little-endian", "04 03 02 01"],
  ] as const)("32 bits in %s bytes and %s words are %s", (byteOrder, wordOrder, data) => {
    expect(read({ as: "u32", byteOrder, wordOrder }, data)).toBe(0x01020304);
  });

  it("cuts bits out, and takes the highest of a signed field as its sign", () => {
    expect(read({ as: "u16", bits: { low: 4, high: 11 } }, "12 34")).toBe(0x23);
    expect(read({ as: "u8", bits: { low: 7, high: 7 } }, "80")).toBe(1);
    expect(read({ as: "i16", bits: { low: 4, high: 15 } }, "FF F5")).toBe(-1);
    expect(read({ as: "u32", bits: { low: 0, high: 31 } }, "FF FF FF FF")).toBe(2 ** 32 - 1);
    expect(read({ as: "u48", bits: { low: 40, high: 47 } }, "AB 00 00 00 00 01")).toBe(0xab);
  });

  it("gives the decimal that a person would write", () => {
    expect(read({ scale: 0.01 }, "04 76")).toBe(11.42);
    expect(read({ scale: 0.1 }, "00 03")).toBe(0.3);
    expect(read({ scale: 0.2794 }, "00 03")).toBe(0.8382);
    expect(read({ scale: 0.1, offset: -273.15 }, "0B B8")).toBe(26.85);
    expect(read({ as: "i16", scale: -0.1 }, "00 00")).toBe(0);
    expect(read({ scale: 1e-7 }, "00 03")).toBe(3e-7);
    expect(read({ scale: 50 }, "00 03")).toBe(150);
    expect(read({ scale: 175 / 65_535, offset: -45 }, "FF FF")).toBeCloseTo(130, 9);
  });

  it("names the reason that a special raw value stands for, however it is written", () => {
    const noSensor = new Map([[0x8000, "no-sensor"]] as const);
    expect(read({ as: "u16", special: noSensor }, "80 00")).toBe("no-sensor");
    expect(read({ as: "i16", special: noSensor }, "80 00")).toBe("no-sensor");
    expect(read({ as: "i16", special: new Map([[-32_768, "malformed"]]) }, "80 00")).toBe("malformed");
    expect(read({ as: "i16", special: noSensor }, "7F FF")).toBe(32_767);
    expect(read({ as: "f32", special: new Map([[-9999.9, "no-sensor"]]) }, "C6 1C 3F 9A")).toBe("no-sensor");
    expect(read({ as: "bcd8", special: new Map([[0xff, "no-sensor"]]) }, "FF")).toBe("no-sensor");
    expect(read({ as: "sm16", special: new Map([[-0x7fff, "no-sensor"]]) }, "FF FF")).toBe("no-sensor");
    const lowest = new Map([[0x8000_0000_0000_0000n, "no-sensor"]] as const);
    expect(read({ as: "i64", scale: 0.1, special: lowest }, "80 00 00 00 00 00 00 00")).toBe("no-sensor");
    // One bit beside it a double can't tell apart; the bits can.
    expect(read({ as: "i64", scale: 0.1, special: lowest }, "80 00 00 00 00 00 00 01")).toBeLessThan(-9e17);
    expect(written({ as: "i64", scale: 0.1, special: lowest }, "no-sensor", 8)).toBe("8000000000000000");
  });
});

describe("writing", () => {
  it("rounds to the nearest raw value", () => {
    expect(written({ scale: 0.1 }, 812.54, 2)).toBe("1fbd");
    expect(written({ as: "i16", scale: 0.1 }, -40, 2)).toBe("fe70");
    expect(written({ as: "u48", scale: 0.01 }, 2_814_749_767_106.55, 6)).toBe("ffffffffffff");
    expect(written({ as: "f32" }, 11.42, 4)).toBe("4136b852");
  });

  it("keeps the other bits of its bytes", () => {
    const data = bytes("FF FF");
    createField(spec({ bits: { low: 4, high: 11 } })).write(data, 0, 0);
    expect(hex(data)).toBe("f00f");
    createField(spec({ as: "i16", bits: { low: 4, high: 11 } })).write(data, 0, -1);
    expect(hex(data)).toBe("ffff");
  });

  it("writes the special raw value for a reason", () => {
    const special = new Map([
      [0x7fff, "no-sensor"],
      [0x7ffe, "malformed"],
    ] as const);
    expect(written({ special }, "no-sensor", 2)).toBe("7fff");
    expect(written({ special }, "malformed", 2)).toBe("7ffe");
    expect(() => written({ special: new Map() }, "no-sensor")).toThrow(RangeError);
  });

  it("names what fits when a value doesn't", () => {
    expect(() => written({ as: "i16", scale: 0.1 }, 4_000)).toThrow(
      /4000 at byte 0: a i16 here holds -3276.8 to 3276.7/,
    );
    expect(() => written({ as: "u8", bits: { low: 0, high: 3 } }, 16)).toThrow(/holds 0 to 15/);
    expect(() => written({ as: "u8" }, Number.NaN)).toThrow(RangeError);
    expect(() => written({ as: "f32" }, 1e300)).toThrow(RangeError);
    expect(() => written({ as: "f16" }, 65_520)).toThrow(RangeError);
    expect(() => written({ as: "u64" }, 2 ** 53)).toThrow(/holds 0 to 9007199254740991/);
    expect(() => written({ as: "bcd16" }, 10_000)).toThrow(/holds 0 to 9999/);
    expect(() => written({ as: "bcd8", bits: { low: 0, high: 5 } }, 40)).toThrow(/holds 0 to 39/);
    expect(() => written({ as: "sm8" }, -128)).toThrow(/holds -127 to 127/);
    expect(() => written({ as: "f64" }, Number.POSITIVE_INFINITY)).toThrow(RangeError);
    expect(() => written({ as: "i16", scale: 0.1, special: new Map([[0x7fff, "no-sensor"]]) }, 3_276.7)).toThrow(
      /means no-sensor/,
    );
  });
});

describe("round trips", () => {
  const orders = fc.constantFrom("big-endian", "little-endian");
  // Those in which all bits are a number, and each number has one way to be written.
  const integers = FIELD_TYPES.filter((as) => /^[ui](?:8|16|24|32|40|48)$/.test(as));
  const layouts = fc.record({
    as: fc.constantFrom(...integers),
    at: fc.nat(3),
    byteOrder: orders,
    wordOrder: orders,
    scale: fc.constantFrom(1, 0.1, 0.01, 0.2794, -0.5, 25, 1 / 3),
    offset: fc.constantFrom(0, -40, 0.25),
  });

  it("any bytes of any integer field are read and written back the same", () => {
    fc.assert(
      fc.property(layouts, fc.uint8Array({ minLength: 12, maxLength: 12 }), fc.nat(), (layout, data, seed) => {
        const width = SIZES[layout.as] * 8;
        const low = seed % width;
        const bits = seed % 2 === 0 ? { bits: { low, high: low + ((seed >> 8) % (width - low)) } } : {};
        const field = createField(spec({ ...layout, ...bits }));
        const copy = data.slice();
        field.write(copy, 1, field.read(data, 1));
        expect(hex(copy)).toBe(hex(data));
      }),
      { numRuns: 1_000 },
    );
  });

  it("any value within an integer field's range comes back within half a step", () => {
    fc.assert(
      fc.property(layouts, fc.double({ min: 0, max: 1, noNaN: true }), (layout, part) => {
        const field = createField(spec(layout));
        const width = SIZES[layout.as] * 8;
        const lowest = layout.as.startsWith("i") ? -(2 ** (width - 1)) : 0;
        const value = (lowest + Math.floor(part * (2 ** width - 1))) * layout.scale + layout.offset;
        const data = new Uint8Array(12);
        field.write(data, 0, value);
        expect(Math.abs((field.read(data, 0) as number) - value)).toBeLessThanOrEqual(Math.abs(layout.scale) * 0.5001);
      }),
      { numRuns: 1_000 },
    );
  });

  it("any integer that is exact comes back, whatever way its type codes it", () => {
    const kinds = fc.constantFrom(...FIELD_TYPES.filter((as) => !as.startsWith("f")));
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(kinds, orders, orders, part, fc.nat(63), (as, byteOrder, wordOrder, share, cut) => {
        const width = Math.min(SIZES[as] * 8, cut + 2);
        const field = createField(spec({ as, byteOrder, wordOrder, bits: { low: 0, high: width - 1 } }));
        const [low, high] = endsOf(as, width);
        const value = Math.round(low + share * (high - low));
        const data = new Uint8Array(8);
        field.write(data, 0, value);
        expect(field.read(data, 0)).toBe(value + 0);
      }),
      { numRuns: 5_000 },
    );
  });

  const decimals = fc.constantFrom(...FIELD_TYPES.filter((as) => as.startsWith("bcd")));
  it("bytes of a decimal-coded field are either digits or malformed", () => {
    fc.assert(
      fc.property(decimals, fc.uint8Array({ minLength: 6, maxLength: 6 }), (as, data) => {
        const text = hex(data).slice(0, SIZES[as] * 2);
        const value = createField(spec({ as })).read(data, 0);
        expect(value).toBe(/^\d+$/.test(text) ? Number(text) : "malformed");
      }),
    );
  });

  it("each of the 65536 halves comes back, or is malformed", () => {
    const half = createField(spec({ as: "f16" }));
    const data = new Uint8Array(2);
    const view = new DataView(data.buffer);
    let previous = Number.NEGATIVE_INFINITY;
    for (let bits = 0; bits < 0x7c00; bits++) {
      for (const sign of [0x8000, 0]) {
        view.setUint16(0, bits | sign);
        const value = half.read(data, 0) as number;
        if (sign === 0) expect(value).toBeGreaterThan(previous);
        if (sign === 0) previous = value;
        half.write(data, 0, value);
        if (view.getUint16(0) !== (bits === 0 ? 0 : bits | sign)) throw new Error(`half ${bits} became ${hex(data)}`);
      }
    }
    for (const bits of [0x7c00, 0xfc00, 0x7c01, 0xffff]) {
      view.setUint16(0, bits);
      expect(half.read(data, 0)).toBe("malformed");
    }
  });

  it("any finite float comes back", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), orders, orders, (value, byteOrder, wordOrder) => {
        const single = createField(spec({ as: "f32", byteOrder, wordOrder }));
        const data = new Uint8Array(8);
        single.write(data, 0, value);
        expect(Math.fround(single.read(data, 0) as number)).toBe(value + 0);
      }),
    );
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        orders,
        orders,
        (value, byteOrder, wordOrder) => {
          const double = createField(spec({ as: "f64", byteOrder, wordOrder }));
          const data = new Uint8Array(8);
          double.write(data, 0, value);
          expect(double.read(data, 0)).toBe(value + 0);
        },
      ),
    );
  });

  it("scaled decimals are exact: k · 0.01 reads as the literal k/100", () => {
    const field = createField(spec({ as: "u32", scale: 0.01 }));
    fc.assert(
      fc.property(fc.nat(), (k) => {
        const data = new Uint8Array(4);
        new DataView(data.buffer).setUint32(0, k);
        expect(field.read(data, 0)).toBe(Number(`${Math.floor(k / 100)}.${String(k % 100).padStart(2, "0")}`));
      }),
    );
  });
});

/** The integers that a field of this type and width holds, and a double too. */
function endsOf(as: FieldSpec["as"], width: number): [number, number] {
  const safe = Number.MAX_SAFE_INTEGER;
  if (as.startsWith("bcd")) return [0, width % 4 === 0 ? 10 ** (width / 4) - 1 : 10 ** Math.floor(width / 4) - 1];
  if (as.startsWith("u")) return [0, Math.min(2 ** width - 1, safe)];
  const high = Math.min(2 ** (width - 1) - 1, safe);
  return [as.startsWith("sm") ? -high : Math.max(-high - 1, -safe), high];
}
