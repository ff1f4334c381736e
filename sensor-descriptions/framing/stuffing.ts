/**
 * Byte stuffing: certain bytes travel as two, an escape byte and a code. HDLC-like framing (RFC 1662, 4.2) sends
 * 7E as 7D 5E and 7D as 7D 5D; protocols with DLE send 10 as 10 10.
 */
import { BAD_UNIT, type ByteUnits, NEED_UNIT, type PacketWrapping } from "./byte-wrapping.ts";

/** Throws Error when an entry isn't two bytes, or its escape byte isn't escaped itself. */
export function createStuffing(table: ReadonlyMap<number, Uint8Array>): ByteUnits & PacketWrapping {
  /** By escape byte and code: the byte meant. */
  const meant = new Map<number, number>();
  const isSpecial = new Uint8Array(256);
  const isEscape = new Uint8Array(256);
  for (const [byte, sent] of table) {
    const [escape, code] = sent;
    if (sent.length !== 2 || escape === undefined || code === undefined) {
      throw new Error(`stuffing of byte ${byte}: it is sent as an escape byte and one more`);
    }
    if (!table.has(escape)) throw new Error(`stuffing of byte ${byte}: its escape byte ${escape} isn't escaped itself`);
    meant.set(escape * 256 + code, byte);
    isSpecial[byte] = 1;
    isEscape[escape] = 1;
  }
  const next: ByteUnits["next"] = (data, at, end) => {
    const byte = data[at] as number;
    if (isSpecial[byte] === 0) return 256 + byte;
    // Unescaped it can only be a mark.
    if (isEscape[byte] === 0) return BAD_UNIT;
    if (at + 1 >= end) return NEED_UNIT;
    const found = meant.get(byte * 256 + (data[at + 1] as number));
    return found === undefined ? BAD_UNIT : 512 + found;
  };
  const put: ByteUnits["put"] = (byte, to) => {
    const sent = isSpecial[byte] === 1 ? table.get(byte) : undefined;
    if (sent === undefined) to.push(byte);
    else to.push(...sent);
  };
  return {
    next,
    put,
    unwrap: (data, from, to, into, start) => {
      let length = start;
      for (let at = from; at < to; ) {
        const unit = next(data, at, to);
        if (unit <= 0 || length >= into.length) return -1;
        at += unit >> 8;
        into[length++] = unit & 0xff;
      }
      return length - start;
    },
    wrap: (data, from, to) => {
      const sent: number[] = [];
      for (let i = from; i < to; i++) put(data[i] as number, sent);
      return sent;
    },
  };
}
