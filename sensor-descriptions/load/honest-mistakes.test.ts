/** Slips of whoever writes a device file: each has a message of its own, at its own line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";

const FOLDER = join(import.meta.dirname, "..");
const text = (path: string): string => readFileSync(join(FOLDER, path), "utf8");
const SOURCES = {
  "pump-mk2": text("boards/pump-mk2.yaml"),
  "header-check": text("testing/devices/header-check.yaml"),
  "fixed-length": text("testing/devices/fixed-length.yaml"),
  "valid-modbus": text("testing/devices/valid-modbus.yaml"),
} as const;
const meter = `format: 1
type: meter
source: "own"
protocol: pulses
every: 60s
needs:
  per-pulse: { kind: quantity, unit: L, range: 0.001 to 1000 L }
pulses: { edge: falling, debounce: 10ms }
channels:
  flow: { formula: "seconds > 0 ? since * per_pulse / seconds : 0", unit: L/s, resolution: 0.1 }
`;

const told = (name: string, file: string): readonly string[] =>
  loadDeviceType({ path: `${name}.yaml`, text: file }).problems.map(
    ({ code, line }) => `${code}: ${file.split("\n")[line - 1]?.trim() ?? ""}`,
  );

describe("a slip in a device file", () => {
  it("of a mark without bytes is told at the mark", () => {
    const file = SOURCES["pump-mk2"].replace('bytes: "55 AA"', 'bytes: ""');
    expect(told("pump-mk2", file)[0]).toMatch(/^D217: - \{ part: start/);
  });

  it("of a state without names is told at its kind", () => {
    const file = meter.replace("resolution: 0.1", "resolution: 0.1, kind: state");
    expect(told("meter", file)[0]).toMatch(/^D218: flow:/);
  });

  it("of a formula without quotes between braces says that it needs them", () => {
    const file = meter.replace(/"(seconds.*0)"/, "$1");
    expect(told("meter", file).join("\n")).toMatch(/^D126: flow:/m);
  });

  it("of a need that nothing uses is a warning at its name", () => {
    expect(told("meter", meter).join("\n")).not.toMatch(/D219/);
    expect(told("meter", meter.replace("per_pulse", "2")).join("\n")).toMatch(/^D219: per-pulse:/m);
  });

  it("that only the compiler sees is told at the read that it is about, or at the frame", () => {
    const long = SOURCES["fixed-length"].replace(/byte: \d+/, "byte: 900");
    expect(told("fixed-length", long)[0]).toMatch(/^D433: [a-z-]+:$/);
    const length = /^.*part: length.*$/m.exec(SOURCES["pump-mk2"])?.[0] ?? "";
    const turned = SOURCES["pump-mk2"].replace(`${length}\n`, "").replace(/^.*part: check.*$/m, `${length}\n$&`);
    expect(told("pump-mk2", turned).join("\n")).toMatch(/^D433: frame:/m);
  });
});

it("a check has the file's byte order unless it says another", () => {
  const file = SOURCES["pump-mk2"].replace("byte-order: big-endian", "byte-order: little-endian");
  const check = /^.*part: check.*$/m.exec(file)?.[0] ?? "";
  const orderOf = (text: string): unknown => {
    const { problems, type } = loadDeviceType({ path: "pump-mk2.yaml", text: text.replace(/^examples:.*$/ms, "") });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const spec = type?.spec(new Map([["address", 1]]));
    return spec?.protocol === "framed" && spec.frame.find(({ part }) => part === "check");
  };
  expect(orderOf(file.replace(check, check.replace(", byte-order: little-endian", "")))).toMatchObject({
    byteOrder: "little-endian",
  });
  expect(orderOf(file.replace(check, check.replace("little-endian", "big-endian")))).toMatchObject({
    byteOrder: "big-endian",
  });
});

it("the step of a setting without a unit is in its channel's, as the range beside it", () => {
  const file = SOURCES["pump-mk2"].replace(/step: [^\s,}]+(?: [^\s,}]+)?/, "step: 5");
  expect(file).not.toBe(SOURCES["pump-mk2"]);
  const { type, problems } = loadDeviceType({ path: "pump-mk2.yaml", text: file });
  expect(problems).toEqual([]);
  expect(type?.settings.map(({ step }) => step)).toContain(5);
});
