/**
 * SMBus packet error check: one CRC-8 byte that ends a message (System Management Bus specification 2.0, 5.4).
 *
 *   write   address·2       bytes…                            PEC
 *   read    address·2       bytes…   address·2 + 1   data…    PEC
 *
 * It covers every byte of the message, addresses with their read/write bit included; start, repeated start, stop and
 * acknowledge bits don't count.
 */
import { createChecksum } from "../checksum/checksum.ts";
import { I2cAnswerError } from "../model.ts";
import type { I2cPecSpec } from "./i2c-spec.ts";

const CRC = createChecksum({ kind: "crc", name: "CRC-8/SMBUS" });

/** The bytes that a write puts on the bus. Throws I2cAnswerError where nobody knows the address. */
export const withPec = (bytes: Uint8Array, pec: I2cPecSpec): Uint8Array =>
  Uint8Array.of(...bytes, CRC.of(Uint8Array.of(addressOf(pec) << 1, ...bytes)));

/** The byte with which a chip ends what it answers; `write`: what was written before in the same transfer. */
export function pecOfRead(write: Uint8Array, data: Uint8Array, pec: I2cPecSpec): number {
  const address = addressOf(pec) << 1;
  const asked = write.length === 0 ? [] : [address, ...write];
  return CRC.of(Uint8Array.of(...asked, address | 1, ...data));
}

/** An example without an address and a type without a default leave it open. */
function addressOf({ address }: I2cPecSpec): number {
  if (Number.isNaN(address))
    throw new I2cAnswerError("malformed", 'pec covers the address: say it in "given:", or give it a default');
  return address;
}
