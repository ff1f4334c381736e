/** SLIP (RFC 1055): END (C0) between packets; inside, C0 travels as DB DC and ESC (DB) as DB DD. */
import type { ByteUnits, PacketWrapping } from "./byte-wrapping.ts";
import { createStuffing } from "./stuffing.ts";

export const createSlip = (): ByteUnits & PacketWrapping =>
  createStuffing(
    new Map([
      [0xc0, Uint8Array.of(0xdb, 0xdc)],
      [0xdb, Uint8Array.of(0xdb, 0xdd)],
    ]),
  );
