/**
 * MQTT's parser collects a packet of up to 256 MB before anybody may refuse it, even from a client that hasn't yet said
 * who it is. This reads the packets' fixed headers (MQTT 3.1.1, 2.2: type, then the remaining length as 1–4 bytes of
 * 7 bits, lowest first) and says stop before the body is collected.
 */
export interface PacketGuard {
  /** Whether the bytes, in the order of the wire, may go on to the parser. */
  passes(chunk: Uint8Array): boolean;
}

export function createPacketGuard(packetBytesMax: number): PacketGuard {
  let bodyLeft = 0;
  /** Bytes of the header seen so far: 0 before its first. */
  let headerBytes = 0;
  let length = 0;

  return {
    passes: (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (bodyLeft > 0) {
          const skipped = Math.min(bodyLeft, chunk.length - at);
          bodyLeft -= skipped;
          at += skipped;
          continue;
        }
        const byte = chunk[at++] ?? 0;
        if (headerBytes++ === 0) {
          length = 0;
          continue;
        }
        length += (byte & 0x7f) * 0x80 ** (headerBytes - 2);
        if (length > packetBytesMax || headerBytes > 5) return false;
        if (byte < 0x80) {
          bodyLeft = length;
          headerBytes = 0;
        }
      }
      return true;
    },
  };
}
