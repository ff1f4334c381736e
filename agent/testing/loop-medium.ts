/**
 * A small real medium: an ext4 file system in a file, mounted over a loop device, whose writes the kernel counts and
 * which can be filled, taken away from writing, and given back. Needs root.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export interface LoopMedium {
  /** Where it is mounted. */
  readonly folder: string;
  /** What reached the device since it was made; everything dirty is written first. */
  written(): DeviceWrites;
  /** The file system finds itself damaged, and takes no more writes until it is mended. */
  breakDown(): void;
  /** Unmounts, repairs, and mounts again; nothing in it may be open. */
  mend(): void;
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
  let device = "";
  let isMounted = false;
  const close = (): void => {
    if (isMounted) run("umount", folder);
    isMounted = false;
    if (device) run("losetup", "-d", device);
    device = "";
    rmSync(root, { recursive: true, force: true });
  };
  const mount = (on: string): void => {
    run("mount", "-t", "ext4", "-o", ["noatime", "errors=remount-ro", ...options].join(","), on, folder);
    isMounted = true;
  };
  try {
    mkdirSync(folder);
    const handle = openSync(image, "w");
    ftruncateSync(handle, bytes);
    closeSync(handle);
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", image);
    device = run("losetup", "--find", "--show", image).trim();
    mount(device);
  } catch (error) {
    close();
    throw error;
  }
  const name = basename(device);
  const stat = `/sys/block/${name}/stat`;
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
    // Documentation/ABI/testing/sysfs-fs-ext4; an open file would keep `mount -o remount,ro` away.
    breakDown: () => writeFileSync(`/sys/fs/ext4/${name}/trigger_fs_error`, "1"),
    mend: () => {
      run("umount", folder);
      isMounted = false;
      repair(device);
      mount(device);
    },
    close,
  };
}

/** e2fsck(8): 0 clean, 1 mended. */
function repair(device: string): void {
  try {
    run("e2fsck", "-fy", device);
  } catch (error) {
    if ((error as { status?: number }).status !== 1) throw error;
  }
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
