/**
 * The check behind the content of a line or block, and how it travels:
 *
 *   $     | WIMWV,214.8,R,0.1,K,A | *     | 28              NMEA 0183: two hexadecimal digits over the content
 *   CR LF | V HT 12800 CR LF …    | CR LF Checksum HT | DC  VE.Direct: one byte over all before it
 *   begin | content               | after | check
 */
import { createChecksum } from "../checksum/checksum.ts";
import { hexDigits } from "../framing/hex-digits.ts";
import { bytesOfText } from "./letters.ts";
import type { LineCheckSpec } from "./lines-spec.ts";

export interface LineCheck {
  readonly after: string;
  /** Of the check alone, without what stands before it. */
  readonly letters: number;
  /** Whether the letters could be a check at all. */
  isWritten(letters: string): boolean;
  isRight(content: string, letters: string): boolean;
  /** The check as it travels. */
  of(content: string): string;
}

export function createLineCheck(spec: LineCheckSpec, begin: string): LineCheck {
  const { after } = spec;
  const sum = createChecksum(spec.check);
  const numberOf = (content: string): number =>
    sum.of(bytesOfText((spec.coversBegin ? begin : "") + content + (spec.coversAfter ? after : "")));
  if (spec.written === "bytes") {
    const of = (content: string): string => lettersOf(numberOf(content), sum.bytes, spec.byteOrder);
    return { after, letters: sum.bytes, isWritten: () => true, isRight: (content, it) => it === of(content), of };
  }
  const digits = 2 * sum.bytes;
  const of = (content: string): string => hexDigits(numberOf(content), digits);
  return {
    after,
    letters: digits,
    isWritten: (letters) => letters.length === digits && /^[0-9a-f]+$/i.test(letters),
    isRight: (content, letters) => letters.toUpperCase() === of(content),
    of,
  };
}

function lettersOf(number: number, bytes: number, byteOrder: LineCheckSpec["byteOrder"]): string {
  const letters = Array.from({ length: bytes }, (_, i) => String.fromCharCode((number / 256 ** i) & 0xff));
  return (byteOrder === "little-endian" ? letters : letters.reverse()).join("");
}
