/**
 * How a file is cut into messages: in parts that are good for a bad link, in smaller ones where the connection takes no
 * more. Whoever receives puts at most FILE_PARTS_MAX of them together.
 */
import type { CloudConnection, Message } from "../cloud/cloud.ts";
import { FILE_PART_BYTES, FILE_PART_BYTES_MIN, FILE_PARTS_MAX } from "../limits.ts";

export interface SentFile {
  /** The first 16 hex digits of its SHA-256. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly parts: number;
  readonly sha256: string;
}

/** A file with the size of its parts. */
export interface CutFile {
  readonly file: SentFile;
  readonly partBytes: number;
}

type Taking = Pick<CloudConnection, "payloadBytesMax"> | undefined;

/** Bytes that a part of such a file has on this connection; 0: it takes no part that is worth sending. */
export function partBytesOn(connection: Taking, name: string): number {
  const longest = { id: "0".repeat(16), name, parts: FILE_PARTS_MAX, sha256: "0".repeat(64) };
  const most = connection?.payloadBytesMax?.(headOf(longest, FILE_PARTS_MAX)) ?? FILE_PART_BYTES;
  return most < FILE_PART_BYTES_MIN ? 0 : Math.min(FILE_PART_BYTES, most);
}

/** undefined: with parts of that size it would be too many. */
export function cut(file: Omit<SentFile, "parts">, partBytes: number): CutFile | undefined {
  const parts = Math.max(1, Math.ceil(file.bytes / partBytes));
  const isPossible = partBytes >= FILE_PART_BYTES_MIN && parts <= FILE_PARTS_MAX;
  const { id, name, bytes, sha256 } = file;
  return isPossible ? { file: { id, name, bytes, parts, sha256 }, partBytes } : undefined;
}

/** `part`: from 1. */
export const partOf = ({ file, partBytes }: CutFile, bytes: Uint8Array, part: number): Message => ({
  ...headOf(file, part),
  payload: bytes.subarray((part - 1) * partBytes, part * partBytes),
});

const headOf = (
  { id, name, parts, sha256 }: Pick<SentFile, "id" | "name" | "parts" | "sha256">,
  part: number,
): Omit<Message, "payload"> => ({
  lane: "late",
  properties: { kind: "file", id, name, part: String(part), parts: String(parts), sha256 },
});
