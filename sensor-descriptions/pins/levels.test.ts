import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { runExamples } from "../examples.ts";
import { loadDeviceType, loadStation } from "../load.ts";
import { levelOf, lineAt } from "./levels.ts";

const fileOf = (type: string) => {
  const path = `sensors/${type}.yaml`;
  return { path, text: readFileSync(new URL(`../${path}`, import.meta.url), "utf8") };
};
const load = (type: string, change: (text: string) => string = (text) => text) => {
  const file = fileOf(type);
  return loadDeviceType({ ...file, text: change(file.text) });
};
const station = (devices: string, ports = "  pins:\n    gpio: chip\n") =>
  loadStation(
    { path: "station.yaml", text: `format: 1\nstation: lake\nports:\n${ports}devices:\n${devices}` },
    fileOf,
    ["door-contact", "relay", "tipping-bucket"],
  );

it.each(["door-contact", "relay"])("the examples of %s hold", (type) => {
  const loaded = load(type);
  expect(loaded.problems).toEqual([]);
  expect(loaded.type && runExamples(loaded.type).map(({ failures }) => failures)).toEqual(
    loaded.type?.examples.map(() => []),
  );
});

it("an example that says the wrong wire fails", () => {
  const { problems } = load("relay", (text) =>
    text.replace("set: { relay: on }\n    line: high", "set: { relay: on }\n    line: low"),
  );
  expect(problems.map(({ message }) => message)).toEqual(["the example doesn't come out: the wire is high"]);
});

it("what counts as 1 is what the file says is active", () => {
  expect([lineAt(1, "low"), lineAt(0, "low"), lineAt(1, "high"), lineAt(0, "high")]).toEqual([
    "low",
    "high",
    "high",
    "low",
  ]);
  for (const active of ["high", "low"] as const)
    for (const level of [0, 1] as const) expect(levelOf(lineAt(level, active), active)).toBe(level);
});

it("a level says how its pin is watched, and what each level is called", () => {
  const protocol = load("door-contact").type?.protocol(new Map());
  if (protocol?.kind !== "levels") throw new Error("no levels");
  expect(protocol).toMatchObject({ active: "low", pull: "up", debounceMs: 50 });
  expect(protocol.values(1).get("door")).toBe(1);
});

it("an output has a safe state, a longest time, settings and commands with a time of their own", () => {
  const { type } = load("relay");
  const protocol = type?.protocol(new Map());
  if (protocol?.kind !== "outputs") throw new Error("no outputs");
  expect(protocol).toMatchObject({ active: "high", safe: 0, atMostMs: 1_800_000 });
  expect([...protocol.sets]).toEqual([
    ["blink", { level: 1, forMs: 5_000 }],
    ["release", { level: 0 }],
  ]);
  expect(type?.settings).toMatchObject([{ name: "relay", readBack: "relay", range: { low: 0, high: 1 }, step: 1 }]);
  expect(type?.commands.map(({ onlyWhen }) => onlyWhen?.text)).toEqual(["relay is off", undefined]);
});

it("a pin is a number or a name", () => {
  const pinOf = (pin: string) =>
    station(`  door:\n    type: door-contact\n    port: pins\n    pin: ${pin}\n`).station?.devices[0]?.pin;
  expect([pinOf("17"), pinOf("0x11"), pinOf("GPIO17"), pinOf('"PA 3"')]).toEqual([17, 17, "GPIO17", "PA 3"]);
  expect([pinOf("1024"), pinOf("1.5"), pinOf("O7"), pinOf("yes")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it("pulses may be counted by the kernel, on a port of their own and without a pin", () => {
  const { station: loaded, problems } = station(
    "  rain:\n    type: tipping-bucket\n    port: bucket\n    per-pulse: 0.2 mm\n",
    "  bucket:\n    counter: counter-0\n",
  );
  expect(problems).toEqual([]);
  expect(loaded?.ports.get("bucket")).toEqual({ name: "bucket", kind: "counter", path: "counter-0" });
  expect(loaded?.devices[0]).not.toHaveProperty("pin");
});

it("a plausible rate is read in Hz, and has to fit the debounce", () => {
  const withRate = (rate: string) =>
    load("tipping-bucket", (text) => text.replace("debounce: 10ms", `debounce: 10ms\n  rate: ${rate}`));
  const protocol = withRate("0 to 60 /min").type?.protocol(new Map([["per-pulse", 0.2]]));
  expect(protocol).toMatchObject({ rate: { low: 0, high: 1 } });
  expect(withRate("0 to 200 Hz").problems.map(({ code }) => code)).toEqual(["D496"]);
  expect(withRate("0 to 5 mm").problems.map(({ code }) => code)).toEqual(["D304"]);
});
