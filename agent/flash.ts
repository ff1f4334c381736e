/**
 * What kind of medium the readings are written to, how often they had better be committed there, and what its file system
 * writes of its own accord. Told from the kernel's tables of mounts (/proc/self/mountinfo, proc(5)) and of block devices
 * (/sys/dev/block, Linux ABI sysfs-block).
 */
import type { AgentConfig } from "./config.ts";
import type { Files } from "./world.ts";

export type FlashKind = "eMMC" | "SD card" | "raw NAND" | "USB stick" | "SSD" | "hard disk" | "memory" | "unknown";

export interface Flash {
  readonly kind: FlashKind;
  readonly commitEveryMs: number;
  /** Why so often: "a card may rewrite 4 MB for each commit". */
  readonly because: string;
  /** Undefined where the file system keeps none, or leaves times of change out of it. */
  readonly journal?: Journal;
}

/** ext4's: it takes each file's time of change, and is written at most once in `everyMs`, by its mount option commit=. */
export interface Journal {
  readonly fileSystem: string;
  /** Where it is mounted. */
  readonly place: string;
  readonly everyMs: number;
}

export interface CommitPace extends Flash {
  /** False: the configuration says how often. */
  readonly isByFlash: boolean;
}

/**
 * 18,621 synchronous writes a day (a commit every 10 s) wear out a card that rewrites an erase block of 4 MiB for each in
 * half a year; 3,686 (every 60 s) in two. Behind a controller that gathers writes, 60 MB a day are 70 years of 4 GB.
 */
const PACES: Readonly<Record<FlashKind, readonly [everyMs: number, because: string]>> = {
  eMMC: [10_000, "its controller gathers small writes: 4 GB last for decades"],
  "SD card": [60_000, "a card may rewrite 4 MB for each commit: at 10 s it lasts half a year, at 60 s more than two"],
  "USB stick": [60_000, "a stick may rewrite 4 MB for each commit, as a card does"],
  "raw NAND": [60_000, "nothing gathers small writes: each commit is a page of its own"],
  SSD: [10_000, "its controller gathers small writes"],
  "hard disk": [10_000, "it doesn't wear by writing"],
  memory: [10_000, "nothing is written to flash, and nothing outlives a power cut"],
  unknown: [10_000, "the kernel doesn't say what it is"],
};

/** Of the medium under a path. */
export function flashAt(files: Pick<Files, "read">, path: string): Flash {
  const mount = mountOf(textOf(files, "/proc/self/mountinfo") ?? "", path);
  const kind = mount ? kindOf(files, mount) : "unknown";
  const [commitEveryMs, because] = PACES[kind];
  const journal = mount && journalOf(files, mount);
  return { kind, commitEveryMs, because, ...(journal && { journal }) };
}

/** What the configuration says, or what suits the medium. */
export function commitPace(
  files: Pick<Files, "read">,
  config: Pick<AgentConfig, "commit-interval">,
  path: string,
): CommitPace {
  const flash = flashAt(files, path);
  const said = config["commit-interval"];
  return said === "by-flash" ? { ...flash, isByFlash: true } : { ...flash, commitEveryMs: said, isByFlash: false };
}

interface Mount {
  readonly place: string;
  /** "179:2" */
  readonly device: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Documentation/admin-guide/ext4.rst, commit=: 5 s unless said otherwise, which is what 0 says, too. */
const JOURNAL_EVERY_MS = 5_000;
/** From this one on (include/linux/iversion.h, fs/inode.c) the time of change takes an inode's version along, at once. */
const NO_LONGER_LAZY = { major: 6, minor: 6 };

/** proc(5): options of ext4 that differ from its defaults stand there. */
function journalOf(files: Pick<Files, "read">, { place, type, options }: Mount): Journal | undefined {
  if (type !== "ext4" && type !== "ext3") return undefined;
  if (options.includes("lazytime") && isLazy(textOf(files, "/proc/sys/kernel/osrelease"))) return undefined;
  const seconds = Number(options.find((option) => option.startsWith("commit="))?.slice("commit=".length) ?? 0);
  return { fileSystem: type, place, everyMs: seconds > 0 ? seconds * 1_000 : JOURNAL_EVERY_MS };
}

/** "6.1.0-56-amd64" */
function isLazy(release = ""): boolean {
  const [major = Number.NaN, minor = Number.NaN] = release.split(".").map((part) => Number.parseInt(part, 10));
  return major < NO_LONGER_LAZY.major || (major === NO_LONGER_LAZY.major && minor < NO_LONGER_LAZY.minor);
}

function kindOf(files: Pick<Files, "read">, mount: Mount): FlashKind {
  if (/^(ubifs|jffs2|yaffs2?)$/.test(mount.type)) return "raw NAND";
  if (/^(tmpfs|ramfs)$/.test(mount.type)) return "memory";
  const own = `/sys/dev/block/${mount.device}`;
  // The link leads to a partition's folder, which lies in its disk's: the kernel goes up from there.
  const disk = textOf(files, `${own}/partition`) === undefined ? own : `${own}/..`;
  const type = textOf(files, `${disk}/device/type`);
  if (type === "MMC") return "eMMC";
  if (type === "SD") return "SD card";
  if (textOf(files, `${disk}/removable`) === "1") return "USB stick";
  const rotational = textOf(files, `${disk}/queue/rotational`);
  return rotational === "1" ? "hard disk" : rotational === "0" ? "SSD" : "unknown";
}

/** The last one that covers the path: a later mount hides an earlier one of the same place. */
function mountOf(mountinfo: string, path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , device, , place] = before.split(" ");
    if (device === undefined || place === undefined) continue;
    const covers = place === "/" || path === place || path.startsWith(`${place}/`);
    if (covers && place.length >= (found?.place.length ?? 0)) found = mountFrom(place, device, after);
  }
  return found;
}

function mountFrom(place: string, device: string, after: string): Mount {
  const [type = "", , options = ""] = after.split(" ");
  return { place, device, type, options: options.split(",") };
}

/** undefined for what isn't there, or can't be read: sysfs answers some reads with an error. */
function textOf(files: Pick<Files, "read">, path: string): string | undefined {
  try {
    const bytes = files.read(path);
    return bytes && Buffer.from(bytes).toString("utf8").trim();
  } catch {
    return undefined;
  }
}
