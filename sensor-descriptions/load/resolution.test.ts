import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadDeviceType, loadStation } from "../load.ts";

const SENSORS = join(import.meta.dirname, "../sensors");
const TYPE = `format: 1
type: level-probe
source: "this test"
protocol: i2c
every: 10s
needs:
  # how deep it goes
  depth: { kind: quantity, unit: m, range: 0 to 100 m, default: 5 m }
measure:
  - { write: "01", read: 2, fields: { raw: { byte: 0, as: u16 } } }
channels:
  level: { formula: raw * depth / 65536, unit: m, resolution: depth / 1000 }
`;
const station = (type: string, lines: string): string => `format: 1
station: demo-lake
ports:
  mast:
    i2c: /dev/i2c-1
devices:
  one:
    type: ${type}
    port: mast
    address: 0x40
${lines}`;
const loaded = (type: string, text: string, lines: string) =>
  loadStation({ path: "/station.yaml", text: station(type, lines) }, () => ({ path: `/${type}.yaml`, text }));
const stepsOf = (type: string, text: string, lines: string): (number | undefined)[] => {
  const { station: made, problems } = loaded(type, text, lines);
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  return made!.devices[0]!.channels.map(({ resolution }) => resolution);
};

describe("a step that depends on what the station file says", () => {
  it("is that of each device", () => {
    expect(stepsOf("level-probe", TYPE, "    depth: 20 m\n")).toEqual([0.02]);
    expect(stepsOf("level-probe", TYPE, "")).toEqual([0.005]);
    const ina = readFileSync(join(SENSORS, "ina219.yaml"), "utf8");
    expect(stepsOf("ina219", ina, "    shunt: 0.002 Ohm\n")).toEqual([0.01, 0.005, 0.5]);
    expect(stepsOf("ina219", ina, "")).toEqual([0.01, 0.0001, 0.01]);
  });

  it("that comes out as 0 is refused at the device, and nowhere else", () => {
    const { problems } = loaded("level-probe", TYPE, "    depth: 0 m\n");
    expect(problems.filter(({ severity }) => severity === "error")).toMatchObject([{ code: "D575", line: 7 }]);
  });

  it.each([
    ["resolution: depth / 1000", "resolution: dept / 1000", "D408"],
    ["resolution: depth / 1000", "resolution: raw / 1000", "D408"],
    ["resolution: depth / 1000", "resolution: depth / / 1000", "D321"],
    ["resolution: depth / 1000", "resolution: depth - depth", "D575"],
    ["resolution: depth / 1000", 'resolution: "0,01 m"', "D301"],
    ["resolution: depth / 1000", "resolution: 1 kg", "D304"],
  ])("%s → %s is said with its place: %s", (from, to, code) => {
    const { problems } = loadDeviceType({ path: "level-probe.yaml", text: TYPE.replace(from, to) });
    expect(problems.map((problem) => `${problem.code} ${problem.line}`)).toContain(`${code} 12`);
  });

  it("in a unit or plain stays a quantity", () => {
    for (const [written, step] of [
      ["5 mm", 0.005],
      ["0.01", 0.01],
      ["1 cm", 0.01],
    ] as const)
      expect(stepsOf("level-probe", TYPE.replace("depth / 1000", written), "")).toEqual([step]);
  });
});
