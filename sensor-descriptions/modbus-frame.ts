/** Function codes and the outer bytes of a Modbus RTU frame (Modbus Application Protocol V1.1b3, section 6). */
import { createChecksum } from "./checksum.ts";
import type { ModbusTable } from "./spec.ts";

export const FUNCTION = { writeCoil: 5, writeRegister: 6, writeRegisters: 16 } as const;

export const READ_FUNCTION: Readonly<Record<ModbusTable, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };

/** Added to the function code of an answer that refuses (section 7). */
export const REFUSED = 0x80;

const CRC = createChecksum({ kind: "crc", name: "CRC-16/MODBUS" });

/** The frame with its CRC behind it, low byte first. */
export function withCrc(content: Uint8Array): Uint8Array {
  const frame = new Uint8Array(content.length + 2);
  frame.set(content);
  const crc = CRC.of(content);
  frame[content.length] = crc & 0xff;
  frame[content.length + 1] = crc >> 8;
  return frame;
}

export function isIntact(data: Uint8Array, at: number, size: number): boolean {
  const end = at + size;
  return CRC.of(data, at, end - 2) === ((data[end - 2] as number) | ((data[end - 1] as number) << 8));
}

export const requestOf = (address: number, code: number, register: number, count: number): Uint8Array =>
  withCrc(Uint8Array.of(address, code, register >> 8, register & 0xff, count >> 8, count & 0xff));

export function isSame(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false;
  return true;
}
