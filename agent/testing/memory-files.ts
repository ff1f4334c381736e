/** Files in memory, for tests. A change calls the watchers of the file and of its folder at once. */
import type { Files } from "../world.ts";

export interface MemoryFiles extends Files {
  /** What is there, by path. */
  readonly contents: Map<string, Uint8Array>;
  write(path: string, text: string): void;
}

export function createMemoryFiles(): MemoryFiles {
  const contents = new Map<string, Uint8Array>();
  const watchers = new Map<string, Set<() => void>>();
  const tell = (path: string): void => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    for (const onChange of [...(watchers.get(path) ?? []), ...(watchers.get(folder) ?? [])]) onChange();
  };
  const writeDurably = (path: string, bytes: Uint8Array): void => {
    contents.set(path, Uint8Array.from(bytes));
    tell(path);
  };
  return {
    contents,
    write: (path, text) => writeDurably(path, new TextEncoder().encode(text)),
    read: (path) => contents.get(path),
    writeDurably,
    writeAt: (path, offset, bytes) => {
      const before = contents.get(path)?.subarray(0, offset) ?? new Uint8Array();
      const after = new Uint8Array(offset + bytes.length);
      after.set(before);
      after.set(bytes, offset);
      writeDurably(path, after);
    },
    remove: (path) => {
      if (contents.delete(path)) tell(path);
    },
    list: (folder) =>
      [...contents.keys()]
        .filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes("/"))
        .map((path) => path.slice(folder.length + 1))
        .sort(),
    watch: (path, onChange) => {
      const set = watchers.get(path) ?? new Set();
      watchers.set(path, set.add(onChange));
      return () => void set.delete(onChange);
    },
  };
}
