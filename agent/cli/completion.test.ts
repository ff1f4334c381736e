import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "bin/pump-station.cjs");
const STATION = join(ROOT, "sensor-descriptions/stations/demo-lake.yaml");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "completion-"));
  symlinkSync(PROGRAM, join(folder, "pump-station"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (name: string, script: string): string[] => {
  const completion = execFileSync(process.execPath, [PROGRAM, "completion", name], { encoding: "utf8" });
  writeFileSync(join(folder, "completion"), completion);
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
  const flags = name === "zsh" ? ["-f"] : ["--norc"];
  return execFileSync(name, [...flags, "-c", script], { encoding: "utf8", env, cwd: folder })
    .trim()
    .split("\n");
};

const complete = (...words: string[]): string[] =>
  execFileSync(process.execPath, [PROGRAM, "complete", "--file", STATION, "--", ...words], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);

describe("what could stand for the unfinished word", () => {
  it("is every command that begins like it, but not the hidden one", () => {
    expect(complete("s")).toEqual(["scan", "send", "show", "status"]);
    expect(complete("")).not.toContain("complete");
  });

  it("is an option of the command after a hyphen", () => {
    expect(complete("read", "--")).toEqual(["--config", "--control", "--file", "--json", "--watch"]);
  });

  it("is a device, a channel or a type of the station", () => {
    expect(complete("read", "climate.t")).toEqual(["climate.temperature"]);
    expect(complete("show", "bme")).toContain("bme280");
  });

  it("is nothing where a file belongs, and nothing for a word that nobody knows", () => {
    expect(complete("check", "st")).toEqual([]);
    expect(complete("nonsense", "x")).toEqual([]);
  });
});

describe("in the shell itself", () => {
  it("bash completes a command at Tab", () => {
    const words = shell(
      "bash",
      'source ./completion; COMP_WORDS=(pump-station st); COMP_CWORD=1; _pump_station; printf "%s\\n" "${COMPREPLY[@]}"',
    );
    expect(words).toEqual(["status"]);
  });

  // Not every machine has it; CI does.
  it.skipIf(spawnSync("zsh", ["--version"]).error)("zsh completes a type at Tab", () => {
    const words = shell(
      "zsh",
      'compdef() { }; compadd() { shift; print -l -- "$@" }; source ./completion; words=(pump-station show bme28); CURRENT=3; _pump_station',
    );
    expect(words).toEqual(["bme280"]);
  });
});
