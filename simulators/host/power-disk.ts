/**
 * A disk whose power can be cut: ext4 on a loop device on tools/power-cut, which keeps what wasn't flushed apart and at a
 * cut drops and tears of it what the seed says. Needs root, /dev/fuse, loop devices, a C compiler and libfuse3.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** This machine can't do it; what it lacks is said. */
export class NotOnThisMachine extends Error {
  override readonly name = "NotOnThisMachine";
}

export interface PowerDisk {
  /** Where it is mounted, while the power is on. */
  readonly folder: string;
  /** Looks the file system over, as a boot does, and mounts it. Throws Error when it can't be repaired or mounted. */
  powerOn(): Promise<void>;
  /** From now on nothing is written, and each flush fails. `percent`: of the unflushed sectors, how many were written. */
  cut(seed: number, percent: number): CutResult;
  /** Takes the dead disk from the system. */
  takeOut(): Promise<void>;
  /** Forgets it, whatever state it is in. */
  close(): Promise<void>;
}

export interface CutResult {
  readonly kept: number;
  readonly dropped: number;
  readonly torn: number;
}

export interface PowerDiskOptions {
  /** An empty folder, not on the disk itself. */
  readonly root: string;
  /** The compiled helper. */
  readonly helper: string;
}

const DISK_BYTES = 64 * 1024 * 1024;
const APPEARS_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 10;
/** e2fsck(8): 1 is "errors corrected", from 4 on something is left. */
const FSCK_LEFT = 4;

/** Compiles the helper unless it is newer than its source. Throws NotOnThisMachine. */
export function buildPowerCut(source: string, helper: string): void {
  const lacks = [
    process.getuid?.() !== 0 && "root (for mount and losetup)",
    !existsSync("/dev/fuse") && "/dev/fuse",
    !existsSync("/dev/loop-control") && "loop devices (/dev/loop-control)",
    ...["cc", "pkg-config", "losetup", "mkfs.ext4", "e2fsck", "mount", "fusermount3"].map((it) => !isThere(it) && it),
  ].filter((lack) => typeof lack === "string");
  if (lacks.length > 0) throw new NotOnThisMachine(`power cuts need ${lacks.join(", ")}, which isn't here`);
  if (existsSync(helper) && statSync(helper).mtimeMs > statSync(source).mtimeMs) return;
  try {
    const flags = run("pkg-config", "--cflags", "--libs", "fuse3").trim().split(/\s+/);
    mkdirSync(join(helper, ".."), { recursive: true });
    run("cc", "-O2", "-Wall", "-o", helper, source, ...flags);
  } catch (error) {
    throw new NotOnThisMachine(`power cuts need libfuse3 (apt-get install libfuse3-dev): ${String(error)}`);
  }
}

const isThere = (command: string): boolean => {
  try {
    run("sh", "-c", `command -v ${command}`);
    return true;
  } catch {
    return false;
  }
};

/** A new disk with an empty file system, without power. */
export async function createPowerDisk(options: PowerDiskOptions): Promise<PowerDisk> {
  const root = mkdtempSync(join(options.root, "disk-"));
  const [raw, folder] = [join(root, "raw"), join(root, "mounted")];
  for (const made of [raw, folder]) mkdirSync(made);
  const file = openSync(join(root, "stable"), "w");
  ftruncateSync(file, DISK_BYTES);
  closeSync(file);
  let helper: ChildProcess | undefined;
  let loop: string | undefined;

  const plugIn = async (): Promise<string> => {
    helper = spawn(options.helper, [root, raw], { stdio: "ignore" });
    for (let waitedMs = 0; !existsSync(join(raw, "disk")); waitedMs += LOOK_EVERY_MS) {
      if (helper.exitCode !== null || waitedMs > APPEARS_WITHIN_MS) {
        throw new NotOnThisMachine(`mount ${raw} by FUSE: the helper ended with ${helper.exitCode ?? "nothing"}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
    loop = run("losetup", "--find", "--show", join(raw, "disk")).trim();
    return loop;
  };
  const plugOut = async (): Promise<void> => {
    quietly("umount", folder);
    if (loop !== undefined) quietly("losetup", "--detach", loop);
    loop = undefined;
    const ended = helper;
    helper = undefined;
    if (!ended || ended.exitCode !== null) return;
    const exit = new Promise((resolve) => ended.once("exit", resolve));
    quietly("fusermount3", "-u", raw);
    await Promise.race([exit, sleep(APPEARS_WITHIN_MS).then(() => ended.kill("SIGKILL"))]);
  };

  const close = async (): Promise<void> => {
    await plugOut();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    run("mkfs.ext4", "-q", "-F", "-b", "4096", await plugIn());
    await plugOut();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    folder,
    powerOn: async () => {
      const device = await plugIn();
      checkFileSystem(device);
      run("mount", "-o", "noatime", device, folder);
    },
    cut: (seed, percent) => {
      writeFileSync(join(raw, "control"), `cut ${seed} ${percent}`);
      const text = readFileSync(join(raw, "control"), "utf8");
      const [kept = 0, dropped = 0, torn = 0] = ["kept", "dropped", "torn"].map((name) =>
        Number(new RegExp(`${name} (\\d+)`).exec(text)?.[1]),
      );
      return { kept, dropped, torn };
    },
    takeOut: plugOut,
    close,
  };
}

/** Replays the journal and looks at everything, answering no question. */
function checkFileSystem(device: string): void {
  try {
    run("e2fsck", "-f", "-p", device);
  } catch (error) {
    const status = error instanceof Error && "status" in error ? Number(error.status) : Number.NaN;
    if (!(status < FSCK_LEFT)) throw error;
  }
}

const run = (command: string, ...args: readonly string[]): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** On a dead disk each step may fail, and the next one is tried all the same. */
const quietly = (command: string, ...args: readonly string[]): void => {
  try {
    run(command, ...args);
  } catch {
    return;
  }
};
