import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const STATION = join(ROOT, "dist/catalogue/stations/demo-lake.yaml");

/** In a process of its own: V8 takes compiled code only under the flags under which it was made. */
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, [program, ...args], { encoding: "utf8" });

it("`check` starts from compiled code, and says what the whole program says", () => {
  const script = `import { loadCheck } from ${JSON.stringify(join(ROOT, "bin/compiled.cjs"))};
    console.log(loadCheck(${JSON.stringify(join(ROOT, "dist"))}).script.cachedDataRejected);`;
  expect(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" })).toBe("false\n");
  const quick = run(join(ROOT, "bin/pump-station.cjs"), "check", STATION);
  expect(quick).toContain("Demo lake");
  expect(quick).toBe(run(join(ROOT, "dist/agent.mjs"), "check", STATION));
});

it("what a catalogue file was read as is taken for this very text only", ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), "checking-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const from = join(ROOT, "dist/catalogue/sensors/sht4x.yaml");
  const text = readFileSync(from, "utf8");
  const station = join(folder, "station.yaml");
  writeFileSync(station, readFileSync(STATION, "utf8"));
  mkdirSync(join(folder, "devices"));
  const check = () => run(join(ROOT, "bin/pump-station.cjs"), "check", station, "--json");
  const others = JSON.parse(check()) as readonly { devices: unknown }[];

  writeFileSync(join(folder, "devices/sht4x.yaml"), text);
  copyFileSync(`${from}.tree.json`, join(folder, "devices/sht4x.yaml.tree.json"));
  expect(JSON.parse(check())).toEqual(others);
  // Another text beside the same tree: the text counts. So it does beside a tree that was cut off.
  writeFileSync(join(folder, "devices/sht4x.yaml"), text.replace(/^( +)humidity:/m, "$1moisture:"));
  expect(() => check()).toThrow();
  writeFileSync(join(folder, "devices/sht4x.yaml"), text);
  writeFileSync(join(folder, "devices/sht4x.yaml.tree.json"), '{"text": "for');
  expect(JSON.parse(check())).toEqual(others);
});

it("compiled code of another build, or none, costs time and nothing else", ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), "checking-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(join(ROOT, "bin"), join(folder, "bin"), { recursive: true });
  mkdirSync(join(folder, "dist"));
  for (const name of ["agent.mjs", "check.cjs"]) copyFileSync(join(ROOT, "dist", name), join(folder, "dist", name));
  cpSync(join(ROOT, "dist/catalogue"), join(folder, "dist/catalogue"), { recursive: true });
  const check = () => run(join(folder, "bin/pump-station.cjs"), "check", STATION);
  const without = check();
  expect(without).toContain("Demo lake");
  writeFileSync(join(folder, "dist/check.code"), Buffer.alloc(1_000, 7));
  expect(check()).toBe(without);
});
