/** What the kernel and the system say of the machine, for diagnostics: small texts of /proc, and the data folder's disk. */
import { readFileSync, statfsSync } from "node:fs";
import { networkInterfaces } from "node:os";

/** What can't be read is left out. */
export function machineFacts(dataFolder: string, root = ""): Record<string, unknown> {
  const text = (path: string): string | undefined => tried(() => readFileSync(`${root}${path}`, "utf8").trim());
  const lines = (path: string, wanted: RegExp): readonly string[] | undefined =>
    text(path)
      ?.split("\n")
      .filter((line) => wanted.test(line));
  return {
    system: lines("/etc/os-release", /^(PRETTY_NAME|VERSION_ID)=/),
    kernel: text("/proc/version"),
    node: process.version,
    architecture: process.arch,
    uptime: text("/proc/uptime"),
    load: text("/proc/loadavg"),
    memory: lines("/proc/meminfo", /^(MemTotal|MemAvailable|SwapTotal|SwapFree|Dirty):/),
    process: lines("/proc/self/status", /^(VmRSS|VmHWM|Threads|voluntary_ctxt_switches):/),
    files: lines("/proc/self/limits", /^Max open files/),
    // Restarts and why: the unit's own accounts.
    cgroup: lines("/sys/fs/cgroup/system.slice/pump-station.service/memory.events", /./),
    disk: tried(() => {
      const { bsize, blocks, bavail, files, ffree } = statfsSync(dataFolder);
      return { bytes: bsize * blocks, free: bsize * bavail, files, "files-free": ffree };
    }),
    network: tried(() =>
      Object.entries(networkInterfaces()).map(([name, addresses]) => ({
        name,
        addresses: addresses?.map(({ address }) => address),
      })),
    ),
    routes: lines("/proc/self/net/route", /./),
    "network-counters": lines("/proc/self/net/dev", /:/),
  };
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
