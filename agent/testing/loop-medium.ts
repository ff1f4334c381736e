/**
 * A small real medium: an ext4 file system in a file, mounted over a loop device, whose writes the kernel counts and
 * which can be filled, taken away from writing, and given back. Needs root.
 */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export interface LoopMedium {
  /** Where it is mounted. */
  readonly folder: string;
  /** What reached the device since it was made; everything dirty is written first. */
  written(): DeviceWrites;
  remount(how: "ro" | "rw"): void;
  /** Unmounts and leaves nothing behind. */
  close(): void;
}

export interface DeviceWrites {
  readonly bytes: number;
  readonly writes: number;
  readonly flushes: number;
}

/** Why there is none here; undefined when one can be made. */
export function loopMediumMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root (a loop device is mounted)";
  if (!existsSync("/dev/loop-control")) return "this kernel or container has no loop devices";
  try {
    createLoopMedium(8e6).close();
    return undefined;
  } catch (error) {
    return `a loop device can't be mounted here: ${String(error).split("\n")[0]}`;
  }
}

/** Throws when a step is refused. `options`: what ext4 is mounted with beside its defaults. */
export function createLoopMedium(bytes: number, options: readonly string[] = []): LoopMedium {
  const root = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pump-station-medium-"));
  const [image, folder] = [join(root, "image"), join(root, "mounted")];
  let device: string | undefined;
  let isMounted = false;
  const close = (): void => {
    if (isMounted) run("umount", folder);
    isMounted = false;
    if (device) run("losetup", "-d", device);
    device = undefined;
    rmSync(root, { recursive: true, force: true });
  };
  try {
    mkdirSync(folder);
    const handle = openSync(image, "w");
    ftruncateSync(handle, bytes);
    closeSync(handle);
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
    device = run("losetup", "--find", "--show", image).trim();
    run("mount", "-t", "ext4", "-o", ["noatime", ...options].join(","), device, folder);
    isMounted = true;
  } catch (error) {
    close();
    throw error;
  }
  const stat = `/sys/block/${basename(device)}/stat`;
  const before = writesFrom(stat, folder);
  return {
    folder,
    written: () => {
      const now = writesFrom(stat, folder);
      return {
        bytes: now.bytes - before.bytes,
        writes: now.writes - before.writes,
        flushes: now.flushes - before.flushes,
      };
    },
    remount: (how) => void run("mount", "-o", `remount,${how}`, folder),
    close,
  };
}

/** Documentation/block/stat.rst: field 5 writes, field 7 sectors of 512 bytes written, field 16 flush requests. */
function writesFrom(stat: string, folder: string): DeviceWrites {
  run("sync", "-f", folder);
  const fields = readFileSync(stat, "utf8").trim().split(/\s+/).map(Number);
  const [writes = 0, sectors = 0, flushes = 0] = [fields[4], fields[6], fields[15]];
  return { bytes: sectors * 512, writes, flushes };
}

const run = (program: string, ...words: string[]): string =>
  execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
