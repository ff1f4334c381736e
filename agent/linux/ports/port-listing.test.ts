import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPortListing } from "./port-listing.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "listing-"));
});
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text = "", mode = 0o644) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text, { mode });
};
const listing = () =>
  createPortListing({ dev: join(root, "dev"), sys: join(root, "sys"), toolPath: join(root, "bin") });

test("serial ports are those with hardware behind, first by the name that names the plug", async () => {
  for (const name of ["ttyUSB0", "ttyS0", "ttyS1", "tty1"]) write(`dev/${name}`);
  write("sys/class/tty/ttyUSB0/device/x");
  write("sys/drivers/ftdi_sio/x");
  symlinkSync(join(root, "sys/drivers/ftdi_sio"), join(root, "sys/class/tty/ttyUSB0/device/driver"));
  write("sys/class/tty/ttyS0/device/x");
  write("sys/class/tty/ttyS0/type", "0\n");
  write("sys/class/tty/ttyS1/device/x");
  write("sys/class/tty/ttyS1/type", "4\n");
  write("sys/class/tty/tty1/dev", "4:1\n");
  mkdirSync(join(root, "dev/serial/by-path"), { recursive: true });
  symlinkSync("../../ttyUSB0", join(root, "dev/serial/by-path/usb-0:1.2"));
  const ports = await listing().serial();
  const at = (name: string) => join(root, "dev", name);
  expect(ports).toEqual([
    { path: at("ttyS1"), also: [], what: "" },
    { path: at("serial/by-path/usb-0:1.2"), also: [at("ttyUSB0")], what: "ftdi_sio" },
  ]);
  expect(listing().real(at("serial/by-path/usb-0:1.2"))).toBe(listing().real(at("ttyUSB0")));
});

test("I2C buses come in the order of their numbers, with the kernel's name", async () => {
  for (const number of [10, 2]) {
    write(`dev/i2c-${number}`);
    write(`sys/class/i2c-dev/i2c-${number}/name`, `adapter ${number}\n`);
  }
  expect((await listing().i2c()).map(({ path, what }) => [path.slice(-5), what])).toEqual([
    ["i2c-2", "adapter 2"],
    ["i2c-10".slice(-5), "adapter 10"],
  ]);
});

test("GPIO lines come with names and users from libgpiod's tools, else as sysfs counts them", async () => {
  write("sys/class/gpio/gpiochip512/label", "pinctrl\n");
  write("sys/class/gpio/gpiochip512/ngpio", "2\n");
  expect(await listing().gpio()).toEqual([
    { label: "pinctrl", name: "gpiochip512", lines: [{ offset: 0 }, { offset: 1 }] },
  ]);
  write(
    "bin/gpiodetect",
    '#!/bin/sh\n[ "$1" = --version ] && echo "gpiodetect (libgpiod) v1.6.3" || echo "gpiochip0 [pinctrl] (2 lines)"\n',
    0o755,
  );
  write(
    "bin/gpioinfo",
    '#!/bin/sh\nprintf "gpiochip0 - 2 lines:\\n\\tline   0:      \\"RELAY\\"     \\"onoff\\"  output  active-high [used]\\n\\tline   1:      unnamed       unused   input  active-high \\n"\n',
    0o755,
  );
  expect(await listing().gpio()).toEqual([
    { label: "pinctrl", name: "gpiochip0", lines: [{ offset: 0, name: "RELAY", usedBy: "onoff" }, { offset: 1 }] },
  ]);
});

test("a machine without any port has none, and one with chips but no tools says which", async () => {
  expect([await listing().serial(), await listing().i2c(), await listing().gpio()]).toEqual([[], [], []]);
  write("dev/gpiochip0");
  await expect(listing().gpio()).rejects.toThrow(/gpiodetect/);
});
