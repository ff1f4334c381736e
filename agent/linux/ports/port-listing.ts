/** What ports this machine has: /dev, /sys and libgpiod's tools, read only. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type ListedChip, type ListedPort, PortError, type PortListing } from "../../world.ts";
import { chipsFrom, dialectOf, linesFrom } from "../gpio/gpiod-dialects.ts";
import { createTools, type Tools } from "../tool-process.ts";

/** For tests: other roots, and where the tools are. */
export interface ListingPlaces {
  readonly dev?: string;
  readonly sys?: string;
  readonly toolPath?: string;
}

export function createPortListing({ dev = "/dev", sys = "/sys", toolPath }: ListingPlaces = {}): PortListing {
  const tools = createTools(toolPath);
  return {
    serial: async () => serialPorts(dev, sys),
    i2c: async () => i2cBuses(dev, sys),
    gpio: async () => gpioChips(tools, dev, sys),
    real: realPath,
  };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** A link by path names the plug and stays when adapters are plugged in another order; two equal adapters differ by it. */
function serialPorts(dev: string, sys: string): ListedPort[] {
  const links = [join(dev, "serial/by-path"), join(dev, "serial/by-id"), join(dev, "pump-station")].flatMap((folder) =>
    names(folder).map((name) => join(folder, name)),
  );
  return names(join(sys, "class/tty"))
    .filter((name) => isHardware(join(sys, "class/tty", name)))
    .flatMap((name) => {
      const device = join(dev, name);
      if (!existsSync(device)) return [];
      const all = [...links.filter((link) => realPath(link) === realPath(device)), device];
      const [path = device, ...also] = all;
      return [{ path, also, what: driverOf(join(sys, "class/tty", name, "device")) }];
    });
}

/** The 8250 driver makes ports that nobody soldered in: their type is 0, PORT_UNKNOWN (linux/serial_core.h). */
function isHardware(tty: string): boolean {
  return existsSync(join(tty, "device")) && textOf(join(tty, "type")) !== "0";
}

function driverOf(device: string): string {
  const driver = realPath(join(device, "driver"));
  return driver.endsWith("/driver") ? "" : (driver.split("/").at(-1) ?? "");
}

const i2cBuses = (dev: string, sys: string): ListedPort[] =>
  names(dev)
    .filter((name) => /^i2c-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
    .map((name) => ({
      path: join(dev, name),
      also: [],
      what: textOf(join(sys, "class/i2c-dev", name, "name")) ?? "",
    }));

async function gpioChips(tools: Tools, dev: string, sys: string): Promise<ListedChip[]> {
  try {
    const dialect = dialectOf(await tools.run("gpiodetect", ["--version"]));
    if (!dialect) throw new PortError("absent", "gpiodetect: neither version 1.x nor 2.x");
    const chips = chipsFrom(await tools.run("gpiodetect", []));
    return await Promise.all(
      chips.map(async ({ name, label }) => ({
        label,
        name,
        lines: linesFrom(await tools.run("gpioinfo", dialect.info(name))).map(({ offset, name: line, ...of }) => ({
          offset,
          ...(line === undefined ? {} : { name: line }),
          ...(of.isUsed ? { usedBy: of.consumer ?? "" } : {}),
        })),
      })),
    );
  } catch (error) {
    const chips = sysfsChips(join(sys, "class/gpio"));
    if (chips.length > 0 || !(error instanceof PortError)) return chips;
    if (names(dev).every((name) => !name.startsWith("gpiochip"))) return [];
    throw error;
  }
}

/** Without the tools: chips and how many lines, but neither names nor users. */
const sysfsChips = (sysfs: string): ListedChip[] =>
  names(sysfs)
    .filter((name) => name.startsWith("gpiochip"))
    .map((name) => ({
      label: textOf(join(sysfs, name, "label")) ?? name,
      name,
      lines: Array.from({ length: Number(textOf(join(sysfs, name, "ngpio")) ?? 0) }, (_, offset) => ({ offset })),
    }));

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
