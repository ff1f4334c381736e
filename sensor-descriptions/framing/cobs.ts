/**
 * Consistent Overhead Byte Stuffing (Cheshire & Baker, IEEE/ACM Transactions on Networking 7-2, 1999): no byte of a
 * packet is 0, and a 0 ends it. A packet is blocks of a code n and n − 1 bytes that aren't 0; a 0 is meant behind each
 * block, except behind one of code FF and behind the last.
 */
import type { PacketWrapping } from "./byte-wrapping.ts";

const LONGEST = 0xff;

export const cobs: PacketWrapping = {
  unwrap: (data, from, to, into, start) => {
    let length = start;
    for (let at = from; at < to; ) {
      const code = data[at++] as number;
      const blockEnd = at + code - 1;
      if (code === 0 || blockEnd > to || length + code > into.length) return -1;
      while (at < blockEnd) into[length++] = data[at++] as number;
      if (code < LONGEST && at < to) into[length++] = 0;
    }
    return length - start;
  },
  wrap: (data, from, to) => {
    const sent: number[] = [];
    let code = 0;
    const open = (): void => {
      code = sent.push(0) - 1;
    };
    const close = (): void => {
      sent[code] = sent.length - code;
    };
    open();
    for (let i = from; i < to; i++) {
      const byte = data[i] as number;
      if (byte !== 0) sent.push(byte);
      if (byte === 0 || (sent.length - code === LONGEST && i + 1 < to)) {
        close();
        open();
      }
    }
    close();
    return sent;
  },
};
