/**
 * Modbus RTU (Modbus over Serial Line V1.02, 2.5.1): content, then CRC-16/MODBUS with its low byte first.
 *
 * The standard tells frames apart by 3.5 characters of silence, which no timer of ours can see above 9600 Bd; here a
 * frame is known by its computed length and its CRC instead.
 */
import { createChecksum } from "../checksum/checksum.ts";
import { FrameScanner, NO_FRAME } from "../framing/frame-scanner.ts";
import type { ModbusLink } from "./modbus-frame.ts";

/** 2.5.1.1: address, 253 bytes of PDU, CRC. */
const FRAME_MAX = 256;
const CRC_BYTES = 2;

const CRC = createChecksum({ kind: "crc", name: "CRC-16/MODBUS" });

export const RTU: ModbusLink = {
  frame: (content) => {
    const crc = CRC.of(content);
    return Uint8Array.of(...content, crc & 0xff, crc >> 8);
  },
  createScanner: (search) =>
    new FrameScanner({
      sizeAt: (data, at, end) => {
        const size = search.sizeAt(data, at, end);
        return size <= 0 ? size : size + CRC_BYTES > FRAME_MAX ? NO_FRAME : size + CRC_BYTES;
      },
      isIntact: (data, at, size) => {
        const end = at + size - CRC_BYTES;
        return CRC.of(data, at, end) === ((data[end] as number) | ((data[end + 1] as number) << 8));
      },
      accept: (data, at, size) => search.accept(data.slice(at, at + size - CRC_BYTES), data.slice(at, at + size)),
      damaged: (data, at, size) => search.damaged(data.slice(at, at + size - CRC_BYTES), data.slice(at, at + size)),
    }),
};
