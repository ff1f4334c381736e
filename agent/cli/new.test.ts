import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "bin/pump-station.cjs");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "new-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...args: string[]): string => execFileSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
const fail = (...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
  return { status, stderr };
};

it.each([
  "framed",
  "lines",
  "modbus-rtu",
  "modbus-ascii",
  "i2c",
  "pulses",
  "levels",
  "outputs",
])("a new %s device passes its check, examples included", (protocol) => {
  const path = join(folder, `my-${protocol}.yaml`);
  writeFileSync(path, run("new", "device", `my-${protocol}`, "--protocol", protocol));
  expect(run("check", path)).toMatch(/good\. my-.*2 examples come out/);
});

it("a new station passes its check and bears its name", () => {
  const path = join(folder, "station.yaml");
  writeFileSync(path, run("new", "station", "north-lake"));
  expect(run("check", path)).toContain("good.");
  expect(run("describe", "--markdown", path)).toContain("(north-lake)");
});

it("a name that the language doesn't take is refused with the rule", () => {
  const { status, stderr } = fail("new", "device", "My Device");
  expect(status).toBe(64);
  expect(stderr).toMatch(/"My Device" is no name: use lower-case letters/);
});

it("describe gives a model, a sheet, or a schema, and refuses two at once", () => {
  const station = join(ROOT, "sensor-descriptions/stations/demo-lake.yaml");
  expect(JSON.parse(run("describe", "--dtdl", station))).toHaveLength(6);
  expect(JSON.parse(run("describe", "--json-schema", "device"))).toHaveProperty("else.allOf");
  expect(fail("describe", "--dtdl", "--markdown", station).status).toBe(64);
});

it("describe of a broken file shows its problems and exits 78", () => {
  const path = join(folder, "broken.yaml");
  writeFileSync(path, run("new", "station").replace("every: 60s", "every: 60"));
  const { status, stderr } = fail("describe", path);
  expect(status).toBe(78);
  expect(stderr).toContain("every: 60");
});
