import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createKernelCounter } from "./kernel-counter.ts";

let devices: string;
const file = (name: string) => join(devices, "counter0", "count0", name);
beforeEach(() => {
  devices = mkdtempSync(join(tmpdir(), "counter-"));
  mkdirSync(join(devices, "counter0", "count0"), { recursive: true });
  writeFileSync(join(devices, "counter0", "name"), "wind-counter\n");
  writeFileSync(file("enable"), "0\n");
  writeFileSync(file("count"), "41\n");
});
afterEach(() => rmSync(devices, { recursive: true }));

it("counts from where the kernel's counter is, and switches it on", () => {
  const counter = createKernelCounter("wind-counter", devices);
  expect(readFileSync(file("enable"), "utf8")).toBe("1");
  expect(counter.count()).toBe(0);
  writeFileSync(file("count"), "1041\n");
  expect(counter.count()).toBe(1_000);
  expect(counter.trouble()).toBeUndefined();
});

it("never goes back when the kernel's count does, and tells it", () => {
  const counter = createKernelCounter("wind-counter", devices);
  writeFileSync(file("count"), "100\n");
  expect(counter.count()).toBe(59);
  writeFileSync(file("count"), "3\n");
  expect(counter.count()).toBe(62);
  expect(counter.trouble()).toContain("it went from 100 to 3");
});

it("says which counters there are, and that one went away", () => {
  expect(() => createKernelCounter("rain-counter", devices)).toThrow(/there are: wind-counter/);
  expect(() => createKernelCounter("rain-counter", join(devices, "nothing"))).toThrow(/ENOENT/);
  const counter = createKernelCounter("wind-counter", devices);
  rmSync(file("count"));
  expect(() => counter.count()).toThrow(/count with the kernel's counter wind-counter/);
});
