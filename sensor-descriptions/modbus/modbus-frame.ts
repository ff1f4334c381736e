/**
 * What Modbus frames of both serial modes have inside (Modbus Application Protocol V1.1b3, sections 4 and 6): the
 * "content" is the device's address and the PDU, which is a function code and its data.
 *
 *   read    address  01…04  register·2  count·2
 *           address  17     register·2  count·2  register·2  count·2  bytes  data…    (the second pair is written first)
 *   write   address  05 06  register·2  value·2
 *           address  0F 10  register·2  count·2  bytes  data…
 *   answer  address  01…04 17  bytes  data…
 *           address  05 06  register·2  value·2      (the request again)
 *           address  0F 10  register·2  count·2
 *   refused address  function + 80  code
 */
import { NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import type { ModbusTable } from "./modbus-spec.ts";

export const READ_FUNCTION: Readonly<Record<ModbusTable, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };

export const FUNCTION = {
  writeCoil: 5,
  writeRegister: 6,
  writeCoils: 15,
  writeRegisters: 16,
  writeAndRead: 23,
} as const;

/** As sections 6.1 to 6.17 call them. */
export const FUNCTION_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "read coils"],
  [2, "read discrete inputs"],
  [3, "read holding registers"],
  [4, "read input registers"],
  [5, "write single coil"],
  [6, "write single register"],
  [15, "write multiple coils"],
  [16, "write multiple registers"],
  [23, "read/write multiple registers"],
]);

/** Added to the function code of an answer that refuses (section 7). */
export const REFUSED = 0x80;

/** Section 7's table; codes that it doesn't list have no name. */
export const EXCEPTION_NAMES: ReadonlyMap<number, string> = new Map([
  [1, "illegal function"],
  [2, "illegal data address"],
  [3, "illegal data value"],
  [4, "server device failure"],
  [5, "acknowledge"],
  [6, "server device busy"],
  [8, "memory parity error"],
  [10, "gateway path unavailable"],
  [11, "gateway target device failed to respond"],
]);

/** Nobody answers what is sent to this address, and everybody does it (Modbus over Serial Line V1.02, 2.1). */
export const BROADCAST = 0;

/** How an address and its PDU are dressed for the line: RTU or ASCII. */
export interface ModbusLink {
  frame(content: Uint8Array): Uint8Array;
  createScanner(search: ContentSearch): ContentScanner;
}

export interface ContentSearch {
  /** Size of address and PDU that begin at `at` (they may reach beyond `end`), NO_FRAME, or NEED_MORE. */
  sizeAt(data: Uint8Array, at: number, end: number): number;
  /** Intact content of that size; true when it is one that was waited for. Both are the caller's to keep. */
  accept(content: Uint8Array, frame: Uint8Array): boolean;
  /** The same with a wrong check. */
  damaged(content: Uint8Array, frame: Uint8Array): void;
}

export interface ContentScanner {
  push(bytes: Uint8Array): void;
  readonly isWaiting: boolean;
  readonly otherFrames: number;
  readonly strayBytes: number;
}

/** Size of a request whose address stands at `at`. */
export function requestSizeAt(data: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return NEED_MORE;
  const code = data[at + 1] as number;
  if (code >= 1 && code <= FUNCTION.writeRegister) return 6;
  if (code === FUNCTION.writeCoils || code === FUNCTION.writeRegisters) return sizeWithData(data, at, end, 7);
  if (code === FUNCTION.writeAndRead) return sizeWithData(data, at, end, 11);
  return OTHER_REQUESTS.get(code) ?? NO_FRAME;
}

/** Functions that no description uses, with the size of a request and its address: a device says that it has none. */
const OTHER_REQUESTS: ReadonlyMap<number, number> = new Map([
  [7, 2], // Read Exception Status (6.7)
  [8, 6], // Diagnostics (6.8)
  [11, 2], // Get Comm Event Counter (6.9)
  [12, 2], // Get Comm Event Log (6.10)
  [17, 2], // Report Server ID (6.13)
  [22, 8], // Mask Write Register (6.16)
  [24, 4], // Read FIFO Queue (6.18)
  [43, 5], // Read Device Identification (6.21)
]);

/** Size of an answer or a refusal whose address stands at `at`, whatever was asked. */
export function answerSizeAt(data: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return NEED_MORE;
  const code = data[at + 1] as number;
  if (code > REFUSED) return FUNCTION_NAMES.has(code - REFUSED) ? 3 : NO_FRAME;
  if (!FUNCTION_NAMES.has(code)) return NO_FRAME;
  return code <= 4 || code === FUNCTION.writeAndRead ? sizeWithData(data, at, end, 3) : 6;
}

/** The byte before the data counts them. */
const sizeWithData = (data: Uint8Array, at: number, end: number, dataAt: number): number =>
  at + dataAt > end ? NEED_MORE : dataAt + (data[at + dataAt - 1] as number);

export const withAddress = (address: number, pdu: Uint8Array): Uint8Array => Uint8Array.of(address, ...pdu);

export const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && beginsWith(a, b);

export function beginsWith(data: Uint8Array, beginning: Uint8Array): boolean {
  for (let i = 0; i < beginning.length; i++) if (data[i] !== beginning[i]) return false;
  return true;
}

/** Two bytes, high one first: everything but the CRC travels so. */
export const word = (value: number): readonly [number, number] => [(value >> 8) & 0xff, value & 0xff];
