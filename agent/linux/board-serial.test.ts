import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { boardSerial } from "./board-serial.ts";

const DEVICE_TREE = "proc/device-tree/serial-number";
const DMI = "sys/class/dmi/id/product_serial";
const MACHINE_ID = "etc/machine-id";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "board-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, bytes: string | Uint8Array): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
};

describe("a board's number", () => {
  it("is the device tree's without its zero byte, before that of DMI, before that of the installation", () => {
    write(MACHINE_ID, "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
    expect(boardSerial(root)).toBe("3d1219c7c4c5404aaa1f6d2a48adfda4");
    write(DMI, "PF-2X4K 1\n");
    expect(boardSerial(root)).toBe("PF-2X4K1");
    write(DEVICE_TREE, "10000000a1b2c3d4\0");
    expect(boardSerial(root)).toBe("10000000a1b2c3d4");
  });

  it("is looked for further where a file is empty or can't be read", () => {
    write(DEVICE_TREE, "\0");
    // Of root alone on a real board; a folder can't be read as a file by anybody.
    mkdirSync(join(root, DMI), { recursive: true });
    write(MACHINE_ID, "installation\n");
    expect(boardSerial(root)).toBe("installation");
  });

  it("is unknown where there is none", () => {
    expect(boardSerial(root)).toBe("unknown");
  });

  it("fits a parameter of a template, whatever the file holds: printable ASCII, at most 128 letters", () => {
    write(DEVICE_TREE, Buffer.concat([Uint8Array.of(0, 7, 0xc3, 0xbc, 0xff), Buffer.from("serial-7 ".repeat(40))]));
    expect(boardSerial(root)).toBe("serial-7".repeat(16));
  });
});
