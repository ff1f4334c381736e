/**
 * Modbus ASCII (Modbus over Serial Line V1.02, 2.5.2): ":" , each byte of the content as two hexadecimal digits, its
 * LRC as two more, CR LF. The colon stands nowhere else, so that a frame begins where it stands and ends at the line's
 * end, whatever is between.
 */
import { createChecksum } from "../checksum/checksum.ts";
import { FrameScanner, NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import type { ModbusLink } from "./modbus-frame.ts";

/** 2.5.2.1: colon, 2 · (address, 253 bytes of PDU, LRC) less the byte that RTU's CRC has more, CR LF. */
const FRAME_MAX = 513;
const [COLON, CR, LF] = [0x3a, 0x0d, 0x0a];

const LRC = createChecksum({ kind: "lrc8" });

export const ASCII: ModbusLink = {
  frame: (content) => {
    const digits = [...content, LRC.of(content)].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0"));
    return Uint8Array.from(`:${digits.join("")}\r\n`, (letter) => letter.charCodeAt(0));
  },
  createScanner: (search) => {
    const sizeOf = (content: Uint8Array): number => search.sizeAt(content, 0, content.length);
    return new FrameScanner({
      sizeAt,
      isIntact: (data, at, size) => {
        const bytes = bytesIn(data, at, size);
        return bytes.length >= 3 && LRC.of(bytes, 0, bytes.length - 1) === bytes.at(-1);
      },
      accept: (data, at, size) => {
        const content = bytesIn(data, at, size).slice(0, -1);
        return sizeOf(content) === content.length && search.accept(content, data.slice(at, at + size));
      },
      damaged: (data, at, size) => {
        const content = bytesIn(data, at, size).slice(0, -1);
        if (sizeOf(content) !== NO_FRAME) search.damaged(content, data.slice(at, at + size));
      },
    });
  },
};

function sizeAt(data: Uint8Array, at: number, end: number): number {
  if (data[at] !== COLON) return NO_FRAME;
  for (let i = at + 1; i < end; i++) {
    if (i - at >= FRAME_MAX) return NO_FRAME;
    if (data[i] === LF) return data[i - 1] === CR && (i - at) % 2 === 0 ? i - at + 1 : NO_FRAME;
    if (data[i - 1] === CR || (data[i] !== CR && digit(data[i] as number) < 0)) return NO_FRAME;
  }
  return NEED_MORE;
}

/** Content and LRC of the frame at `at`. */
function bytesIn(data: Uint8Array, at: number, size: number): Uint8Array {
  const bytes = new Uint8Array((size - 3) / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(data[at + 1 + 2 * i] as number) << 4) | digit(data[at + 2 + 2 * i] as number);
  }
  return bytes;
}

/** 0–9 and A–F; a–f too, which some devices send. */
function digit(letter: number): number {
  if (letter >= 0x30 && letter <= 0x39) return letter - 0x30;
  const upper = letter & ~0x20;
  return upper >= 0x41 && upper <= 0x46 ? upper - 0x37 : -1;
}
