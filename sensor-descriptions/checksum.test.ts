import { describe, expect, it } from "vitest";
import { checksumNames, createChecksum, isChecksumName } from "./checksum.ts";
import { CRC_CATALOGUE } from "./crc-catalogue.ts";

const CHECKED = new TextEncoder().encode("123456789");
const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));

describe("CRCs give the catalogue's check value over 123456789", () => {
  it.each([...CRC_CATALOGUE.values()])("$name", ({ name, check, width }) => {
    const crc = createChecksum({ kind: "crc", name });
    expect(crc.of(CHECKED)).toBe(check);
    expect(crc.bytes * 8).toBe(width);
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

it("knows its names and refuses others", () => {
  expect(checksumNames).toContain("CRC-32/ISO-HDLC");
  expect(isChecksumName("CRC-16/MODBUS")).toBe(true);
  expect(isChecksumName("CRC-16/MODBUZ")).toBe(false);
  expect(() => createChecksum({ kind: "crc", name: "CRC-99" })).toThrow(RangeError);
});
