import { readFileSync } from "node:fs";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import { expect, test } from "vitest";
import { wiredStation } from "./station-file.ts";

const descriptions = new URL("../../sensor-descriptions/", import.meta.url);
const textOf = (path: string) => readFileSync(new URL(path, descriptions), "utf8");
const typeOf = (type: string) => {
  const path = `${type === "pump-mk2" ? "boards" : "sensors"}/${type}.yaml`;
  return { path, text: textOf(path) };
};
const original = textOf("stations/demo-lake.yaml");
const wired = wiredStation(original, { terminals: "/tmp/a b/ports", simulator: "/tmp/a b/ports.sock" });

test("the demonstration's station loads without a problem, with its ports at ours", () => {
  const { station, problems } = loadStation({ path: "station.yaml", text: wired }, typeOf);
  expect(problems).toEqual([]);
  expect([...(station?.ports.values() ?? [])]).toEqual([
    { name: "baseboard", kind: "serial", path: "/tmp/a b/ports/baseboard" },
    { name: "mast", kind: "i2c", path: "/dev/i2c-1", simulator: "/tmp/a b/ports.sock" },
    { name: "pins", kind: "gpio", path: "pinctrl-bcm2711", simulator: "/tmp/a b/ports.sock" },
  ]);
});

test("its devices are read within seconds, and nothing else is changed", () => {
  const { station } = loadStation({ path: "station.yaml", text: wired }, typeOf);
  expect(station?.devices.map(({ name, everyMs }) => [name, everyMs])).toEqual([
    ["pump", 5_000],
    ["climate", 10_000],
    ["cabinet", 10_000],
    ["rain", 10_000],
  ]);
  const comments = (text: string) => text.split("\n").filter((line) => line.startsWith("#"));
  expect(comments(wired)).toEqual(comments(original));
});
