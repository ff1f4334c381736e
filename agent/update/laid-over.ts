/** Files as they will be when these are written; nothing is written. */
import type { Files } from "../world.ts";

export interface PlacedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export function laidOver(files: Files, placed: readonly PlacedFile[]): Files {
  const over = new Map(placed.map(({ path, bytes }) => [path, bytes]));
  return {
    ...files,
    read: (path) => over.get(path) ?? files.read(path),
    list: (folder) => {
      const added = [...over.keys()].filter((path) => path.slice(0, path.lastIndexOf("/")) === folder);
      return [...new Set([...files.list(folder), ...added.map((path) => path.slice(folder.length + 1))])].sort();
    },
  };
}
