import { describe, expect, it } from "vitest";
import { checksumNames, createChecksum, isChecksumName } from "./checksum.ts";
import { CRC_CATALOGUE } from "./crc-catalogue.ts";

const CHECKED = new TextEncoder().encode("123456789");
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));

describe("CRCs give the catalogue's check value over 123456789", () => {
  it.each([...CRC_CATALOGUE.values()])("$name", ({ name, check, width }) => {
    const crc = createChecksum({ kind: "crc", name });
    expect(crc.of(CHECKED)).toBe(check);
    expect(crc.bytes).toBe(Math.ceil(width / 8));
  });
});

it("covers only the bytes from…to", () => {
  const padded = bytes("FF FF 31 32 33 34 35 36 37 38 39 FF");
  expect(createChecksum({ kind: "crc", name: "CRC-16/MODBUS" }).of(padded, 2, 11)).toBe(0x4b37);
  expect(createChecksum({ kind: "crc", name: "CRC-16/XMODEM" }).of(padded, 2, 11)).toBe(0x31c3);
});

it("agrees with bytes that devices send", () => {
  // Sensirion SHT4x datasheet 4.4: CRC of BE EF is 92.
  expect(createChecksum({ kind: "crc", name: "CRC-8/NRSC-5" }).of(bytes("BE EF"))).toBe(0x92);
  // TE HTU21D datasheet, CRC examples: DC gives 79, 68 3A gives 7C, 4E 85 gives 6B.
  const sht2x = createChecksum({ kind: "crc", name: "CRC-8/SHT2X" });
  expect(["DC", "68 3A", "4E 85"].map((hex) => sht2x.of(bytes(hex)))).toEqual([0x79, 0x7c, 0x6b]);
  // Modbus: read one holding register at 0 of slave 1: 01 03 00 00 00 01, then 84 0A.
  expect(createChecksum({ kind: "crc", name: "CRC-16/MODBUS" }).of(bytes("01 03 00 00 00 01"))).toBe(0x0a84);
});

it("computes the simple sums", () => {
  const data = bytes("F0 20 01");
  expect(createChecksum({ kind: "sum8" }).of(data)).toBe(0x11);
  expect(createChecksum({ kind: "lrc8" }).of(data)).toBe(0xef);
  expect(createChecksum({ kind: "xor8" }).of(data)).toBe(0xd1);
  expect(createChecksum({ kind: "xor8" }).of(data, 1, 2)).toBe(0x20);
});

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

it.each([
  // The worked examples that the articles on both algorithms give; RFC 1071, 3 for the last one.
  ["fletcher16", text("abcde"), 0xc8f0],
  ["fletcher16", text("abcdefgh"), 0x0627],
  ["fletcher32", text("abcde"), 0xf04fc729],
  ["fletcher32", text("abcdef"), 0x56502d2a],
  ["adler32", text("Wikipedia"), 0x11e60398],
  ["internet16", bytes("00 01 F2 03 F4 F5 F6 F7"), 0x220d],
  // u-blox: the poll of UBX-MON-VER is B5 62 0A 04 00 00 0E 34.
  ["ubx", bytes("0A 04 00 00"), 0x0e34],
  // By hand: nibbles 0 1 0 2, sums 0 1 1 3 and 0 1 2 5.
  ["fletcher8", bytes("01 02"), 0x53],
  ["sum16", bytes("FF FF 03"), 0x0201],
  ["sum32", bytes("FF FF 03"), 0x0201],
  ["ones8", bytes("F0 20 01"), 0xee],
  ["ones16", bytes("F0 20 01"), 0xfeee],
  ["twos16", bytes("F0 20 01"), 0xfeef],
  ["xor16", bytes("F0 20 01"), 0xf120],
  // PMS5003 manual V2.3, appendix I: the command that changes to passive mode, 42 4D E1 00 00 01 70.
  ["sum16", bytes("42 4D E1 00 00"), 0x0170],
] as const)("%s of %o", (kind, data, check) => {
  expect(createChecksum({ kind }).of(data)).toBe(check);
  const padded = Uint8Array.of(7, ...data, 9);
  expect(createChecksum({ kind }).of(padded, 1, data.length + 1)).toBe(check);
});

it("holds every CRC of 8 to 32 bits that the catalogue lists: 20 of 8, 31 of 16, 12 of 32, 26 of others; and one of chips", () => {
  const count = (width: number): number => [...CRC_CATALOGUE.values()].filter((crc) => crc.width === width).length;
  expect([count(8), count(16), count(32), CRC_CATALOGUE.size]).toEqual([20 + 1, 31, 12, 89 + 1]);
});

it("knows its names and refuses others", () => {
  expect(checksumNames).toContain("CRC-32/ISO-HDLC");
  expect(isChecksumName("CRC-16/MODBUS")).toBe(true);
  expect(isChecksumName("CRC-16/MODBUZ")).toBe(false);
  expect(() => createChecksum({ kind: "crc", name: "CRC-99" })).toThrow(RangeError);
});
