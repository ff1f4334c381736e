/** How RTU and ASCII carry address and PDU. */
import { createChecksum } from "../checksum/checksum.ts";
import { hexPairs } from "../framing/hex-pairs.ts";
import { LINKS } from "../modbus/modbus.ts";
import { isSame } from "../modbus/modbus-frame.ts";
import type { ModbusSpec } from "../modbus/modbus-spec.ts";
import type { Annotation } from "./explanation.ts";
import { contentText } from "./modbus-text.ts";

export interface ModbusFound {
  readonly at: number;
  /** On the line. */
  readonly size: number;
  readonly direction: "request" | "answer";
  /** Address and PDU. */
  readonly content: Uint8Array;
  /** The check as it came. */
  readonly check: Uint8Array;
  readonly wanted: Uint8Array;
  readonly isIntact: boolean;
}

type SizeAt = (data: Uint8Array, at: number, end: number) => number;

export interface Link {
  readonly isText: boolean;
  at(bytes: Uint8Array, at: number, direction: ModbusFound["direction"], sizeAt: SizeAt): ModbusFound | undefined;
  /** Annotations of content and check, which begin at 0, moved to where they stand on the line. */
  onLine(found: ModbusFound, parts: readonly Annotation[]): readonly Annotation[];
  /** Why no frame stands in these bytes. */
  why(address: number, bytes: Uint8Array): string;
}

/** Bytes of the check: CRC-16 or LRC. */
const RTU_CHECK = 2;
const ASCII_CHECK = 1;

export const ofLine = (spec: ModbusSpec): Link => (spec.protocol === "modbus-rtu" ? RTU_LINE : ASCII_LINE);

const RTU_LINE: Link = {
  isText: false,
  at: (bytes, at, direction, sizeAt) => {
    const size = sizeAt(bytes, at, bytes.length);
    if (size <= 0 || at + size + RTU_CHECK > bytes.length) return undefined;
    const content = bytes.slice(at, at + size);
    const check = bytes.slice(at + size, at + size + RTU_CHECK);
    const wanted = LINKS["modbus-rtu"].frame(content).slice(size);
    return { at, size: size + RTU_CHECK, direction, content, check, wanted, isIntact: isSame(check, wanted) };
  },
  onLine: ({ at }, parts) => parts.map((one) => ({ ...one, start: one.start + at, end: one.end + at })),
  why: (address, bytes) => contentText(address, bytes, RTU_CHECK),
};

const [COLON, LF] = [0x3a, 0x0a];

const ASCII_LINE: Link = {
  isText: true,
  at: (bytes, at, direction, sizeAt) => {
    if (bytes[at] !== COLON) return undefined;
    const end = bytes.indexOf(LF, at);
    if (end < 0 || bytes[end - 1] !== 0x0d) return undefined;
    const all = digitsIn(bytes.subarray(at + 1, end - 1));
    if (all === undefined || all.length < 3) return undefined;
    const content = all.slice(0, -ASCII_CHECK);
    if (sizeAt(content, 0, content.length) !== content.length) return undefined;
    const check = all.slice(-ASCII_CHECK);
    const wanted = Uint8Array.of(createChecksum({ kind: "lrc8" }).of(content));
    return { at, size: end + 1 - at, direction, content, check, wanted, isIntact: isSame(check, wanted) };
  },
  onLine: ({ at, size }, parts) => [
    { start: at, end: at + 1, part: "start", says: ["a colon begins each frame"] },
    ...parts.map((one) => ({ ...one, start: at + 1 + 2 * one.start, end: at + 1 + 2 * one.end })),
    { start: at + size - 2, end: at + size, part: "end", says: ["CR LF ends each frame"] },
  ],
  why: (address, bytes) => {
    if (!bytes.includes(COLON)) return "no colon, which begins each frame";
    const from = bytes.indexOf(COLON);
    const end = bytes.indexOf(LF, from);
    if (end < 0) return "CR LF, which ends each frame, doesn't come";
    const all = digitsIn(bytes.subarray(from + 1, end - 1));
    return all === undefined
      ? "between colon and CR LF stands something else than pairs of digits 0–9, A–F"
      : contentText(address, all, ASCII_CHECK);
  },
};

function digitsIn(letters: Uint8Array): Uint8Array | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < letters.length; at += 2) {
    const unit = hexPairs.next(letters, at, letters.length);
    if (unit <= 0) return undefined;
    bytes.push(unit & 0xff);
  }
  return Uint8Array.from(bytes);
}
