/** Files behind the world's seam. What is written here is on the medium before the call returns. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { FILE_BYTES_MAX } from "../limits.ts";
import type { Files } from "../world.ts";

/**
 * Watching by polling: works on every file system and survives editors that replace the file (inotify follows the
 * inode). Not fs.watchFile: its first look comes some time after the call, and what was saved before that goes unseen.
 */
const LOOK_EVERY_MS = 500;

export function createFiles(): Files {
  return {
    read: (path) => orUndefined(() => readBounded(path)),
    writeDurably,
    writeAt,
    remove: (path) => rmSync(path, { force: true }),
    list: (folder) => orUndefined(() => readdirSync(folder).sort()) ?? [],
    watch: (path, onChange) => {
      let before = fingerprintOf(path);
      const timer = setInterval(() => {
        const now = fingerprintOf(path);
        if (now === before) return;
        before = now;
        onChange();
      }, LOOK_EVERY_MS);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** Also of a device or pipe, which say no size: `check /dev/zero` must end. Throws with code EFBIG beyond the bound. */
function readBounded(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const parts: Uint8Array[] = [];
    for (let size = 0; size <= FILE_BYTES_MAX; ) {
      const part = new Uint8Array(READ_BYTES);
      const count = readSync(file, part);
      if (count === 0) return joined(parts, size);
      parts.push(part.subarray(0, count));
      size += count;
    }
  } finally {
    closeSync(file);
  }
  throw Object.assign(new Error(`EFBIG: more than ${FILE_BYTES_MAX} bytes, read '${path}'`), { code: "EFBIG" });
}

const READ_BYTES = 64 * 1024;

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A file that can't be looked at differs from one that can; whoever reads it then learns why. */
function fingerprintOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/** The name shows the old bytes or the new ones, never a part, whenever the power goes. */
function writeDurably(path: string, bytes: Uint8Array, mode?: number): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const fresh = join(folder, `.${basename(path)}.new`);
  rmSync(fresh, { force: true });
  const before = mode === undefined ? orUndefined(() => statSync(path).mode & 0o777) : undefined;
  const file = openSync(fresh, "wx", mode ?? 0o640);
  try {
    // Who could read a file still can, whatever this process's umask is.
    if (before !== undefined) fchmodSync(file, before);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
  syncFolder(folder);
}

function writeAt(path: string, offset: number, bytes: Uint8Array): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, offset + at);
    ftruncateSync(file, offset + bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  if (offset === 0) syncFolder(folder);
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
