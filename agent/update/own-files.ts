/** A description as the files that are its own: the station file, and the types that the catalogue doesn't have. */
import type { SourceText } from "../description.ts";
import { type PackedFile, STATION_NAME_IN_ARCHIVE } from "./archive.ts";

/** `files`: station file first; `catalogue`: folders of types that every station has, as of its own version. */
export function ownFiles(files: readonly SourceText[], catalogue: readonly string[]): PackedFile[] {
  const [station, ...types] = files;
  const isOwn = (path: string): boolean => !catalogue.some((folder) => path.startsWith(`${folder}/`));
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  return [
    ...(station ? [{ name: STATION_NAME_IN_ARCHIVE, bytes: bytesOf(station.text) }] : []),
    ...types
      .filter(({ path }) => isOwn(path))
      .map(({ path, text }) => ({ name: `devices/${path.slice(path.lastIndexOf("/") + 1)}`, bytes: bytesOf(text) })),
  ];
}
