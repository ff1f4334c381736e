/**
 * A look into the agent's buffer from outside, while the agent runs. A row's body ends with the CBOR item
 * 44 xx xx xx xx: the CRC-32C, big-endian, of everything before it.
 */
import type { Databases } from "../world.ts";
import { crc32cOf } from "./crc32c.ts";

export interface CommittedRow {
  readonly id: number;
  readonly bytes: number;
  readonly samples: number;
  readonly crc: string;
}

const CHECKSUM_BYTES = 5;
const BYTES_OF_LENGTH_4 = 0x44;

/** The newest committed row of samples; undefined: none yet. Throws Error when its checksum is wrong. */
export function newestRow(databases: Databases, path: string): CommittedRow | undefined {
  const [row] = databases.query(path, "SELECT id, samples, body FROM rows WHERE is_alarm = 0 ORDER BY id DESC LIMIT 1");
  const body = row?.["body"];
  if (!row || !(body instanceof Uint8Array)) return undefined;
  const end = body.length - CHECKSUM_BYTES;
  const written = new DataView(body.buffer, body.byteOffset).getUint32(end + 1);
  const computed = crc32cOf(body.subarray(0, end));
  if (body[end] !== BYTES_OF_LENGTH_4 || written !== computed) {
    throw new Error(`row ${String(row["id"])}: CRC-32C is ${hex(written)}, computed ${hex(computed)}`);
  }
  return { id: Number(row["id"]), bytes: body.length, samples: Number(row["samples"]), crc: hex(computed) };
}

/** Rows that were sealed into messages of which none waits for its acknowledgement any more: the last such row, or 0. */
export function acceptedTo(databases: Databases, path: string): number {
  const [found] = databases.query(
    path,
    `SELECT min(c.sealed_to, coalesce((SELECT min(first_row) FROM sealed WHERE kind = 'batch'), c.sealed_to + 1) - 1,
                coalesce((SELECT min(first_row) FROM wanted WHERE backlog = 1), c.sealed_to + 1) - 1)
       AS accepted FROM cursors c WHERE c.is_alarm = 0`,
  );
  return Number(found?.["accepted"] ?? 0);
}

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");
