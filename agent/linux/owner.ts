/** What a command run with sudo makes in the service's folder has to be the service's. */
import { chmodSync, chownSync, existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Files } from "../world.ts";

/** Gives these entries of a folder, and what lies directly in them, to whom the folder belongs. Nothing to do without root. */
export function giveToOwner(folder: string, entries: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  for (const path of entries.map((entry) => join(folder, entry)).filter((entry) => existsSync(entry))) {
    chownSync(path, uid, gid);
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) chownSync(join(path, name), uid, gid);
  }
}

/**
 * Files that root writes for the service: one that is replaced stays whose it was, with its mode; a new one is its
 * folder's, and everybody may read it. What is secret says its mode itself.
 */
export function createOwnedFiles(files: Files): Files {
  return {
    ...files,
    writeDurably: (path, bytes, mode) => {
      const before = existsSync(path) ? statSync(path) : undefined;
      files.writeDurably(path, bytes, mode);
      if (mode === undefined && !before) chmodSync(path, 0o644);
      if (process.getuid?.() !== 0) return;
      const { uid, gid } = before ?? statSync(dirname(path));
      chownSync(path, uid, gid);
    },
  };
}
