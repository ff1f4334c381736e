/**
 * A description as one file: a tar archive, packed with gzip or not, of
 *
 *   station.yaml
 *   devices/TYPE.yaml     its own device files, as many as it has
 *
 * or the station file alone. Bounded before it is unpacked; nothing but these names is taken, each once.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";
import { UPDATE_FILES_MAX, UPDATE_PACKED_BYTES_MAX, UPDATE_UNPACKED_BYTES_MAX } from "../limits.ts";

export interface PackedFile {
  /** "station.yaml", "devices/valve.yaml" */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const STATION_NAME_IN_ARCHIVE = "station.yaml";
const FILE_NAME = /^(?:station|devices\/[a-z0-9][a-z0-9-]{0,63})\.yaml$/;

/** Says in words why an archive can't be used. */
export class ArchiveError extends Error {
  override readonly name = "ArchiveError";
}

/** Station file first, then device files by name. Throws ArchiveError. */
export async function readArchive(packed: Uint8Array): Promise<readonly PackedFile[]> {
  if (packed.length > UPDATE_PACKED_BYTES_MAX) throw tooLarge("packed", UPDATE_PACKED_BYTES_MAX);
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? unzipped(packed) : packed;
  if (bytes.length > UPDATE_UNPACKED_BYTES_MAX) throw tooLarge("unpacked", UPDATE_UNPACKED_BYTES_MAX);
  if (!isTar(bytes)) {
    if (bytes.includes(0)) throw new ArchiveError("it is neither a tar archive (ustar, pax, GNU) nor a station file");
    return [{ name: STATION_NAME_IN_ARCHIVE, bytes }];
  }
  const files = await unpacked(bytes);
  if (!files.some(({ name }) => name === STATION_NAME_IN_ARCHIVE)) {
    throw new ArchiveError(`the archive holds no ${STATION_NAME_IN_ARCHIVE}`);
  }
  return sorted(files);
}

/** The same files make the same bytes, whoever packs them and when. Throws ArchiveError when they are too much. */
export async function writeArchive(files: readonly PackedFile[]): Promise<Uint8Array> {
  if (files.length > UPDATE_FILES_MAX) throw new ArchiveError(`more than ${UPDATE_FILES_MAX} files`);
  const tar = pack();
  for (const { name, bytes } of sorted(files)) {
    tar.entry({ name, mode: 0o644, mtime: new Date(0) }, Buffer.from(bytes));
  }
  tar.finalize();
  const whole = await gathered(tar as AsyncIterable<Uint8Array>);
  if (whole.length > UPDATE_UNPACKED_BYTES_MAX) throw tooLarge("unpacked", UPDATE_UNPACKED_BYTES_MAX);
  const packed = gzipSync(whole, { level: 9 });
  if (packed.length > UPDATE_PACKED_BYTES_MAX) throw tooLarge("packed", UPDATE_PACKED_BYTES_MAX);
  return packed;
}

const tooLarge = (how: string, most: number): ArchiveError => new ArchiveError(`more than ${most / 1024} KiB ${how}`);

/** POSIX.1-1988, ustar header: "ustar" at byte 257. */
const isTar = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(257, 262)).toString("latin1") === "ustar";

function unzipped(packed: Uint8Array): Uint8Array {
  try {
    return gunzipSync(packed, { maxOutputLength: UPDATE_UNPACKED_BYTES_MAX });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge("unpacked", UPDATE_UNPACKED_BYTES_MAX);
    throw new ArchiveError(`gzip: ${wordsOf(error)}`);
  }
}

async function unpacked(bytes: Uint8Array): Promise<PackedFile[]> {
  const files = new Map<string, PackedFile>();
  const reader = extract();
  reader.end(bytes);
  try {
    let entries = 0;
    for await (const entry of reader) {
      if (++entries > UPDATE_FILES_MAX) throw new ArchiveError(`more than ${UPDATE_FILES_MAX} files`);
      const name = nameOf(entry.header);
      const body = await gathered(entry as AsyncIterable<Uint8Array>);
      if (name === undefined) continue;
      if (files.has(name)) throw new ArchiveError(`${name} is there twice`);
      files.set(name, { name, bytes: body });
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    throw new ArchiveError(`tar: ${wordsOf(error)}`);
  }
  return [...files.values()];
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** undefined for a folder, which holds nothing of its own. */
function nameOf({ name, type }: Header): string | undefined {
  const plain = name.replace(/^\.\//, "");
  if (type === "directory" && (plain === "" || /^devices\/?$/.test(plain))) return undefined;
  if (type !== "file" && type !== "contiguous-file") {
    throw new ArchiveError(`${shown(plain)} is no file but a ${String(type)}`);
  }
  if (FILE_NAME.test(plain)) return plain;
  throw new ArchiveError(`${shown(plain)} has no place in a description: there are station.yaml and devices/TYPE.yaml`);
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

const sorted = (files: readonly PackedFile[]): PackedFile[] =>
  [...files].sort((a, b) => Number(a.name.includes("/")) - Number(b.name.includes("/")) || (a.name < b.name ? -1 : 1));

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
