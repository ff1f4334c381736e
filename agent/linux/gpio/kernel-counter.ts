/**
 * A counter of the kernel (drivers/counter/interrupt-cnt.c: each interrupt of one line is counted in the kernel, which
 * loses none while this process is busy). Its files, from Documentation/ABI/testing/sysfs-bus-counter:
 *
 *   /sys/bus/counter/devices/counterN/name            the name of the device-tree node
 *   /sys/bus/counter/devices/counterN/count0/enable   "1": it counts
 *   /sys/bus/counter/devices/counterN/count0/count    how often so far
 *
 * The driver neither debounces nor dates its pulses: the contact has to be debounced by its wiring.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PortError, type PulseCounter } from "../../world.ts";
import { attempt } from "./gpio-failure.ts";

const DEVICES = "/sys/bus/counter/devices";

/** Throws PortError "absent" | "denied". */
export function createKernelCounter(name: string, devices = DEVICES): PulseCounter {
  const what = `count with the kernel's counter ${name}`;
  const folder = join(folderOf(devices, name, what), "count0");
  const read = (): number => attempt(what, () => Number(readFileSync(join(folder, "count"), "utf8")));
  attempt(what, () => {
    if (readFileSync(join(folder, "enable"), "utf8").trim() !== "1") writeFileSync(join(folder, "enable"), "1");
  });
  let counted = 0;
  let before = read();
  let trouble: string | undefined;
  return {
    count: () => {
      const now = read();
      if (!Number.isSafeInteger(now)) throw new PortError("absent", `${what}: its count is no number`);
      if (now < before) trouble = `${what}: it went from ${before} to ${now}; it was set, or began anew`;
      // What was counted from 0 on is certain; what came before the fall is not.
      counted += now < before ? now : now - before;
      before = now;
      return counted;
    },
    trouble: () => {
      const told = trouble;
      trouble = undefined;
      return told;
    },
    close: async () => {},
  };
}

function folderOf(devices: string, name: string, what: string): string {
  const found = attempt(what, () =>
    readdirSync(devices).map((folder) => ({
      path: join(devices, folder),
      name: readFileSync(join(devices, folder, "name"), "utf8").trim(),
    })),
  );
  const counter = found.find((candidate) => candidate.name === name);
  if (counter) return counter.path;
  const present = found.map((candidate) => candidate.name).join(", ") || "none";
  throw new PortError("absent", `${what}: there is no such counter; there are: ${present}`);
}
