import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeDevice } from "./documents/documents.ts";
import { keptChannels } from "./kept-channels.ts";
import { loadDeviceType, loadStation } from "./load.ts";
import { formatProblems } from "./problems.ts";

const ROOT = import.meta.dirname;
const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => `${folder}/${file}`),
);
const fileAt = (path: string) => ({ path, text: readFileSync(join(ROOT, path), "utf8") });
const findType = (type: string) => {
  const path = catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
  return path === undefined ? undefined : fileAt(path);
};
const shown = (problems: Parameters<typeof formatProblems>[0]) =>
  formatProblems(problems, (path) => fileAt(path).text, { colour: false });

test.each(catalogue)("%s has no problem and its examples come out", (path) => {
  const { type, problems } = loadDeviceType(fileAt(path));
  expect(shown(problems)).toBe("");
  expect(type?.examples.length).toBeGreaterThanOrEqual(2);
});

const demo = fileAt("stations/demo-lake.yaml");
const deviceOf = (text: string, name: string) => {
  const { station, problems, origins } = loadStation({ path: demo.path, text }, findType);
  expect(shown(problems)).toBe("");
  const device = station?.devices.find((candidate) => candidate.name === name);
  if (!device) throw new Error(`no device ${name}`);
  return { device, origins: origins.get(name) ?? new Map() };
};

test("the demo station is what its file says, with what the device files add", () => {
  const { station, problems } = loadStation(demo, findType);
  expect(shown(problems)).toBe("");
  expect(station).toMatchObject({
    name: "demo-lake",
    label: "Demo lake, north jetty",
    altitudeM: 584,
    timeZone: "Europe/Berlin",
  });
  expect([...(station?.ports.values() ?? [])]).toEqual([
    { name: "baseboard", kind: "serial", path: "/dev/pump-station/baseboard" },
    { name: "mast", kind: "i2c", path: "/dev/i2c-1" },
    { name: "pins", kind: "gpio", path: "pinctrl-bcm2711" },
  ]);
  expect(
    station?.devices.map(({ name, address, pin, everyMs, heartbeatMs }) => [name, address, pin, everyMs, heartbeatMs]),
  ).toEqual([
    ["pump", 1, undefined, 30_000, 900_000],
    ["climate", 0x76, undefined, 60_000, 900_000],
    ["cabinet", 0x44, undefined, 60_000, 900_000],
    ["rain", undefined, 17, 60_000, 900_000],
  ]);
});

test("a device has its type's channels, settings, commands and alarms", () => {
  const { device } = deviceOf(demo.text, "pump");
  expect(device.channels.map(({ name, kind, unit, resolution }) => [name, kind, unit, resolution])).toEqual([
    ["state", "state", "", 1],
    ["pressure", "gauge", "mbar", 0.1],
    ["current", "gauge", "A", 0.01],
    ["temperature", "gauge", "Cel", 0.1],
    ["cycles", "counter", "", 1],
    ["target", "gauge", "mbar", 0.1],
  ]);
  expect(device.settings).toMatchObject([
    { name: "target", readBack: "target", unit: "mbar", range: { low: 200, high: 1000 }, step: 10 },
  ]);
  expect(device.settings[0]?.onlyWhen?.test(() => 0)).toBe(true);
  expect(device.settings[0]?.onlyWhen?.test(() => 1)).toBe(false);
  expect(device.commands).toMatchObject([{ name: "stop", withinMs: 2000 }]);
  expect(device.alarms).toMatchObject([
    { name: "too-hot", forMs: 10_000, severity: "critical" },
    { name: "fault", forMs: 0 },
  ]);
  expect(device.faster).toMatchObject({ everyMs: 1000 });
  expect(device.protocol).toMatchObject({
    kind: "serial",
    timing: { answerWithinMs: 100, pauseBeforeNextMs: 5, lateMs: 200, retries: 1 },
  });
});

test("a key switch has its condition, and eight hours when the file doesn't say how long", () => {
  const withKey = (key: string) => demo.text.replace("    correct:", `    on-site: { ${key} }\n    correct:`);
  const { device } = deviceOf(withKey("when: temperature above 30 °C"), "climate");
  expect(device.onSite).toMatchObject({ atMostMs: 8 * 3_600_000 });
  expect([29, 31].map((value) => device.onSite?.when.test(() => value))).toEqual([false, true]);
  const short = deviceOf(withKey("when: temperature above 30 °C, at-most: 90min"), "climate");
  expect(short.device.onSite?.atMostMs).toBe(5_400_000);
});

test("corrections, small changes and aggregates come in the channels' units", () => {
  const text = demo.text.replace(
    "    correct:",
    "    small-change:\n      pressure: 50 Pa\n      temperature: 0.2 K\n    heartbeat: 1h\n    aggregate:\n      every: 10min\n      temperature: mean\n      humidity: max\n    correct:",
  );
  const { device, origins } = deviceOf(text, "climate");
  expect(Object.fromEntries(device.correct)).toEqual({ temperature: -0.4 });
  expect(Object.fromEntries(device.smallChange)).toEqual({ pressure: 0.5, temperature: 0.2 });
  expect(device.aggregate?.everyMs).toBe(600_000);
  expect(Object.fromEntries(device.aggregate?.by ?? [])).toEqual({
    temperature: { by: "mean", of: "temperature" },
    humidity: { by: "max", of: "humidity" },
  });
  const rows = describeDevice(device, origins).map(({ label, value, from }) => `${label} = ${value} (${from})`);
  expect(rows).toContain("every = 1min (stations/demo-lake.yaml:30)");
  expect(rows).toContain(
    `correct temperature = -0.4 °C (stations/demo-lake.yaml:${text.slice(0, text.indexOf("      temperature: -0.4")).split("\n").length})`,
  );
});

test("what readings go through comes in the channels' units, in the order of the file, and show tells where it stands", () => {
  const text = demo.text.replace(
    "    correct:                       # added to what the sensor says\n      temperature: -0.4 °C",
    `    correct:
      temperature:
        - 100 °C is really 99.5 °C
        - 0 °C is really 32 °F
      humidity:
        polynomial: [0.5, 1.02]
    filter:
      pressure:
        - skip-jumps: 0.05 bar within 5min
        - median: 5min
        - clamp: 90 kPa to 110 kPa
        - round: 50 Pa
    rate-of-change:
      trend: pressure per h over 3h
      cooling: temperature per 1min over 10min
    aggregate:
      every: 10min
      at-least: 50 %
      pressure: mean
      highest: max of temperature
      steepest: max of trend`,
  );
  const { device, origins } = deviceOf(text, "climate");
  expect(Object.fromEntries(device.correct)).toEqual({
    temperature: { points: [{ read: 0, really: 0 }, { read: 100, really: 99.5 }] },
    humidity: { polynomial: [0.5, 1.02] },
  }); // biome-ignore format: a table
  expect(device.filters?.get("pressure")).toEqual([
    { do: "skip-jumps", by: 50, withinMs: 300_000 },
    { do: "median", overMs: 300_000 },
    { do: "clamp", low: 900, high: 1100 },
    { do: "round", step: 0.5 },
  ]);
  expect(keptChannels(device).map(({ name, unit, resolution }) => [name, unit, resolution])).toEqual([
    ["temperature", "Cel", 0.01],
    ["pressure", "hPa", 0.5],
    ["humidity", "%", 0.01],
    ["trend", "hPa/h", 0.002],
    ["cooling", "K/min", 0.001],
    ["highest", "Cel", 0.01],
    ["steepest", "hPa/h", 0.002],
  ]);
  expect(device.aggregate).toMatchObject({ everyMs: 600_000, atLeast: 0.5 });
  const rows = describeDevice(device, origins).map(({ label, value }) => `${label} = ${value}`);
  expect(rows).toContain("correct temperature = 0 °C is really 0 °C, 100 °C is really 99.5 °C");
  expect(rows).toContain(
    "filter pressure = skip-jumps 50 hPa within 5min, then median 5min, then clamp 900 to 1100 hPa, then round 0.5 hPa",
  );
  expect(rows).toContain(
    "aggregate = every 10min, of at least 50 % of the time: mean of pressure, highest is max of temperature, steepest is max of trend",
  );
});

test("a device file's filter is its channel's, until the station file has another for it", () => {
  const type = fileAt("boards/pump-mk2.yaml");
  const filtered = type.text.replace(
    /^( +)(pressure: +\{ .*) \}$/m,
    "$1$2, filter: [{ median: 5min }, { round: 5 mbar }] }",
  );
  expect(filtered).not.toBe(type.text);
  const lineOf = (text: string, word: string): number => text.slice(0, text.indexOf(word)).split("\n").length;
  const pumpOf = (text: string) => {
    const loaded = loadStation({ path: demo.path, text }, (name) =>
      name === "pump-mk2" ? { ...type, text: filtered } : findType(name),
    );
    expect(loaded.problems).toEqual([]);
    const device = loaded.station?.devices[0];
    return {
      steps: device?.filters?.get("pressure")?.map((step) => step.do),
      from: loaded.origins.get("pump")?.get("filter pressure"),
    };
  };
  expect(pumpOf(demo.text)).toEqual({
    steps: ["median", "round"],
    from: `boards/pump-mk2.yaml:${lineOf(filtered, "filter:")}`,
  });
  const own = demo.text.replace(
    "    address: 1\n",
    "    address: 1\n    filter:\n      pressure:\n        - clamp: 0 to 1 bar\n",
  );
  expect(pumpOf(own)).toEqual({ steps: ["clamp"], from: `stations/demo-lake.yaml:${lineOf(own, "filter:") + 1}` });
});

test("a device without its own cadence takes its type's, and says so", () => {
  const { device, origins } = deviceOf(demo.text.replace("    every: 30s\n", ""), "pump");
  expect(device.everyMs).toBe(10_000);
  expect(origins.get("every")).toBe("boards/pump-mk2.yaml:5");
  expect(origins.get("heartbeat")).toBe("default");
});

test("the rain of a bucket is what the station file says a tip is", () => {
  const { device } = deviceOf(demo.text.replace("0.2794 mm", "0.01 in"), "rain");
  if (device.protocol.kind !== "pulses") throw new Error("no pulses");
  expect(device.protocol.values({ total: 10, since: 2, sinceMs: 60_000 }).get("rain")).toBeCloseTo(2.54, 9);
});

test("the hash names the texts: it changes with each of them and not with their folder", () => {
  const hash = (text: string, change = (file: string) => file, path = demo.path) =>
    loadStation({ path, text }, (type) => {
      const file = findType(type);
      return file && { ...file, text: change(file.text) };
    }).station?.hash;
  expect(hash(demo.text)).toMatch(/^[0-9a-f]{64}$/);
  expect(hash(demo.text, undefined, "/etc/elsewhere.yaml")).toBe(hash(demo.text));
  expect(hash(`${demo.text}#\n`)).not.toBe(hash(demo.text));
  expect(hash(demo.text, (file) => `${file}#\n`)).not.toBe(hash(demo.text));
});

test("a channel of an I2C field whose name has a hyphen is that field, not a difference", () => {
  const text = `format: 1
type: hyphen
protocol: i2c
source: "made for this test"
every: 10s
needs:
  address: { kind: whole-number, default: 0x40 }
measure:
  - write: "00"
    read: 2
    fields:
      raw-count: { byte: 0, as: u16 }
channels:
  count: { field: raw-count }
`;
  const { type, problems } = loadDeviceType({ path: "hyphen.yaml", text });
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const protocol = type?.protocol(new Map([["address", 0x40]]));
  if (protocol?.kind !== "i2c") throw new Error("not I2C");
  const measuring = protocol.measure(new Map());
  let step = measuring.next();
  while (!step.done)
    step = measuring.next(
      step.value.do === "transfer" && step.value.readLength > 0 ? Uint8Array.of(1, 2) : new Uint8Array(),
    );
  expect(step.value.get("count")).toBe(258);
});
