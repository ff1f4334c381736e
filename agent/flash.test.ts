import { describe, expect, it } from "vitest";
import { parseConfig } from "./config.ts";
import { commitPace, type FlashKind, flashAt } from "./flash.ts";
import { createMemoryFiles } from "./testing/memory-files.ts";

const DATA = "/var/lib/pump-station";
const root = (device: string, type = "ext4") => `22 1 ${device} / / rw,noatime shared:1 - ${type} /dev/root rw\n`;
const filesWith = (texts: Readonly<Record<string, string>>) => {
  const files = createMemoryFiles();
  for (const [path, text] of Object.entries(texts)) files.write(path, text);
  return files;
};
const board = (device: string, disk: Readonly<Record<string, string>>, isPartition = true) =>
  filesWith({
    "/proc/self/mountinfo": root(device),
    ...(isPartition && { [`/sys/dev/block/${device}/partition`]: "2\n" }),
    ...Object.fromEntries(
      Object.entries(disk).map(([name, text]) => [`/sys/dev/block/${device}/${isPartition ? "../" : ""}${name}`, text]),
    ),
  });

describe("the medium under the readings", () => {
  it.each<[FlashKind, number, ReturnType<typeof filesWith>]>([
    ["eMMC", 10_000, board("179:2", { "device/type": "MMC\n", "queue/rotational": "0\n", removable: "0\n" })],
    ["SD card", 60_000, board("179:2", { "device/type": "SD\n", "queue/rotational": "0\n", removable: "0\n" })],
    ["USB stick", 60_000, board("8:1", { "device/type": "0\n", "queue/rotational": "1\n", removable: "1\n" })],
    ["SSD", 10_000, board("259:0", { "queue/rotational": "0\n", removable: "0\n" }, false)],
    ["hard disk", 10_000, board("8:1", { "device/type": "0\n", "queue/rotational": "1\n", removable: "0\n" })],
    ["raw NAND", 60_000, filesWith({ "/proc/self/mountinfo": root("0:14", "ubifs") })],
    ["memory", 10_000, filesWith({ "/proc/self/mountinfo": root("0:14", "tmpfs") })],
    ["unknown", 10_000, filesWith({ "/proc/self/mountinfo": root("0:14", "overlay") })],
    ["unknown", 10_000, filesWith({})],
  ])("is told by the kernel: %s, a commit every %i ms", (kind, commitEveryMs, files) => {
    expect(flashAt(files, DATA)).toMatchObject({ kind, commitEveryMs });
  });

  it("is that of the mount which covers the folder, the last one where several do", () => {
    const files = board("179:2", { "device/type": "SD\n" });
    const more = `${root("179:2")}30 22 0:20 / /var rw - tmpfs tmpfs rw\n31 22 8:1 / /var/lib rw - ext4 /dev/sda1 rw\n33 22 0:9 / /var/lib/pump rw - ubifs x rw\n`;
    files.write("/proc/self/mountinfo", more);
    files.write("/sys/dev/block/8:1/queue/rotational", "0\n");
    expect(flashAt(files, DATA).kind).toBe("SSD");
    expect(flashAt(files, "/home").kind).toBe("SD card");
  });

  it.each<[string, string, string, ReturnType<typeof flashAt>["journal"]]>([
    ["ext4", "rw", "6.12.0", { fileSystem: "ext4", place: "/", everyMs: 5_000 }],
    ["ext4", "rw,errors=remount-ro,commit=300", "6.12.0", { fileSystem: "ext4", place: "/", everyMs: 300_000 }],
    ["ext4", "rw,commit=0", "6.12.0", { fileSystem: "ext4", place: "/", everyMs: 5_000 }],
    ["ext3", "rw,lazytime", "6.6.3", { fileSystem: "ext3", place: "/", everyMs: 5_000 }],
    ["ext4", "rw,lazytime", "7.0.1", { fileSystem: "ext4", place: "/", everyMs: 5_000 }],
    ["ext4", "rw,lazytime", "6.1.0-56-amd64", undefined],
    ["ext4", "rw,lazytime", "5.10.0", undefined],
    ["xfs", "rw,commit=300", "6.12.0", undefined],
  ])("has the journal of %s mounted with %s on Linux %s beside it, unless times of change stay out of it", (type, options, release, journal) => {
    const files = filesWith({
      "/proc/self/mountinfo": `22 1 179:2 / / rw,noatime shared:1 - ${type} /dev/root ${options}\n`,
      "/proc/sys/kernel/osrelease": `${release}\n`,
    });
    expect(flashAt(files, DATA).journal).toEqual(journal);
  });

  it("is for the configuration to overrule", () => {
    const files = board("179:2", { "device/type": "SD\n" });
    const config = (line: string) =>
      parseConfig("agent.yaml", `format: 1\nstation: lake\ndescription: /s\ndata: /d\ncloud: mqtts://x\n${line}`);
    expect(commitPace(files, config(""), DATA)).toMatchObject({ commitEveryMs: 60_000, isByFlash: true });
    expect(commitPace(files, config("commit-interval: by-flash\n"), DATA)).toMatchObject({ isByFlash: true });
    expect(commitPace(files, config("commit-interval: 5s\n"), DATA)).toMatchObject({
      kind: "SD card",
      commitEveryMs: 5_000,
      isByFlash: false,
    });
  });
});
