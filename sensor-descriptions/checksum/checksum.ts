/** Checks over bytes, chosen by name: CRCs by catalogue name, one table of 256 entries each, and sums. */

import type { CheckSpec } from "../spec.ts";
import { crcNamed } from "./checksum-crc.ts";
import { SUMS } from "./checksum-sums.ts";
import { CRC_CATALOGUE } from "./crc-catalogue.ts";

export interface Checksum {
  /** How many bytes the check takes on the wire. */
  readonly bytes: 1 | 2 | 3 | 4;
  /** The check over `data[from…to)` as an unsigned number; the whole of `data` unless said. */
  of(data: Uint8Array, from?: number, to?: number): number;
}

/** Catalogue names of the known CRCs, in the catalogue's order. */
export const checksumNames: readonly string[] = [...CRC_CATALOGUE.keys()];

export const isChecksumName = (name: string): boolean => CRC_CATALOGUE.has(name);

/** Throws RangeError when the catalogue has no such CRC; ask `isChecksumName` first. */
export const createChecksum = (spec: CheckSpec): Checksum =>
  spec.kind === "crc" ? crcNamed(spec.name) : SUMS[spec.kind];
