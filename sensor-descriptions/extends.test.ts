import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeDevice, describeType } from "./documents/documents.ts";
import { runExamples } from "./examples.ts";
import { type LoadedType, loadDeviceType, loadStation, type SourceFile } from "./load.ts";

const ROOT = import.meta.dirname;
const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`),
);
const finder =
  (own: Readonly<Record<string, string>> = {}) =>
  (type: string): SourceFile | undefined => {
    const text = own[type];
    if (text !== undefined) return { path: `devices/${type}.yaml`, text };
    const path = catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
    return path === undefined ? undefined : { path, text: readFileSync(join(ROOT, path), "utf8") };
  };
const extending = (type: string, base: string, lines = ""): string =>
  `format: 1\ntype: ${type}\nextends: ${base}\n${lines}`;
const load = (name: string, text: string, own: Readonly<Record<string, string>> = {}): LoadedType =>
  loadDeviceType({ path: `devices/${name}.yaml`, text }, finder({ ...own, [name]: text }));
const told = ({ problems }: LoadedType): string[] =>
  problems.map(({ path, line, code, message }) => `${path}:${line} ${code} ${message}`);
const good = (loaded: LoadedType) => {
  expect(told(loaded)).toEqual([]);
  if (!loaded.type) throw new Error("not loaded");
  return loaded.type;
};
const base = (name: string) => good(loadDeviceType(finder()(name) as SourceFile, finder()));

test("a file that only extends another is that other under a new name, its examples included", () => {
  for (const name of ["bme280", "pump-mk2", "pump-modbus", "tipping-bucket", "door-contact", "relay"]) {
    const [type, other] = [good(load("copy", extending("copy", name))), base(name)];
    expect(type.name).toBe("copy");
    expect(type.channels).toEqual(other.channels);
    expect(JSON.stringify(type.settings)).toEqual(JSON.stringify(other.settings));
    expect(type.alarms.length).toBe(other.alarms.length);
    expect([...type.needs]).toEqual([...other.needs]);
    expect(type.everyMs).toBe(other.everyMs);
    expect(JSON.stringify(type.spec(new Map()))).toEqual(JSON.stringify(other.spec(new Map())));
    expect(type.examples.map((example) => example.name)).toEqual(other.examples.map((example) => example.name));
    expect(runExamples(type).flatMap(({ failures }) => failures)).toEqual([]);
    expect(type.files.map(({ path }) => path)).toEqual(["devices/copy.yaml", other.file.path]);
  }
});

test("single keys of a channel, defaults of needs, times and alarms are replaced, and all else stays", () => {
  const lines = `every: 5min
needs: { address: { default: 7 } }
timing: { retries: 4 }
reads: { status: { channels: { pressure: { range: 0 to 900, unit: hPa } } } }
alarms: { too-hot: { when: temperature above 80 °C }, fault: none, low: { when: pressure below 100 hPa, severity: info } }
settings: { target: { range: 300 to 800 mbar } }
commands: { stop: none }
`;
  const type = good(load("pump-b", extending("pump-b", "pump-mk2", lines)));
  const other = base("pump-mk2");
  const pressure = type.channels.find(({ name }) => name === "pressure");
  expect(pressure).toMatchObject({ unit: "hPa", range: { low: 0, high: 900 }, resolution: 0.1 });
  expect(type.channels.filter(({ name }) => name !== "pressure")).toEqual(
    other.channels.filter(({ name }) => name !== "pressure"),
  );
  expect(type.needs.get("address")).toMatchObject({ default: 7, range: { low: 1, high: 247 } });
  expect(type.everyMs).toBe(300_000);
  expect(type.settings[0]?.range).toEqual({ low: 300, high: 800 });
  expect(type.commands.map(({ name }) => name)).toEqual(
    other.commands.map(({ name }) => name).filter((name) => name !== "stop"),
  );
  expect(type.alarms.map(({ name }) => name)).toEqual(
    [...other.alarms.map(({ name }) => name), "low"].filter((name) => name !== "fault"),
  );
  expect(type.alarms.find(({ name }) => name === "too-hot")).toMatchObject({ forMs: 10_000, severity: "critical" });
  expect(type.spec(new Map())).toMatchObject({ timing: { retries: 4, answerWithinMs: 100 } });
});

test("a channel that is taken away isn't read, and the base's examples are held to those that are left", () => {
  const type = good(load("dry", extending("dry", "bme280", "channels: { humidity: none }\n")));
  expect(type.channels.map(({ name }) => name)).toEqual(["temperature", "pressure"]);
  expect(type.examples.map(({ gives }) => [...gives.keys()])).toEqual([
    ["temperature", "pressure"],
    ["temperature", "pressure"],
  ]);
  expect(type.examples[0]?.inheritedFrom).toMatch(/^sensors\/bme280\.yaml:\d+$/);
});

test("an example of the base goes when the file changes the conversation that it shows", () => {
  const examplesOf = (lines: string) => good(load("other", extending("other", "pump-mk2", lines))).examples.length;
  const all = base("pump-mk2").examples.length;
  expect(examplesOf("")).toBe(all);
  const loaded = load("other", extending("other", "pump-mk2", 'reads: { status: { send: "02" } }\n'));
  expect(loaded.type?.examples.every(({ shows }) => shows.kind !== "read")).toBe(true);
  const framed = load("other", extending("other", "pump-mk2", "byte-order: little-endian\n"));
  expect(told(framed)).toEqual(["devices/other.yaml:1 D605 0 of at least 2 examples"]);
});

const PAGES = `format: 1
type: pages
source: "a test"
every: 1s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
frame:
  - { part: start, bytes: "55" }
  - { part: length, as: u8, counts: body }
  - { part: body }
reads:
  page:
    send: "01 {row}"
    answer: "81"
    channels:
      row: { byte: 1, as: u8 }
      level: { byte: 3, as: u8, unit: mm }
examples:
  - { name: one, read: page, sent: "55 02 01 00", answer: "55 04 81 07 00 09", gives: { row: 7, level: 9 } }
  - { name: two, read: page, answer: "55 04 81 00 00 00", gives: { row: 0, level: 0 } }
`;

test("an example of the base that should still come out and doesn't is told at the line of extends", () => {
  const own = { pages: PAGES };
  expect(good(load("wide", extending("wide", "pages"), own)).examples).toHaveLength(2);
  const wide = "reads: { page: { channels: { row: { as: u16, byte-order: little-endian } } } }\n";
  expect(told(load("wide", extending("wide", "pages", wide), own))).toEqual([
    'devices/wide.yaml:3 D555 with what this file changes, the example "one" of devices/pages.yaml:19 doesn\'t come out any more: sent is 55 03 01 00 00, not 55 02 01 00',
  ]);
});

test("a list is taken as a whole: what the base's entries say counts no more", () => {
  const measure = `measure:
  - { write: "FD" }
  - { wait: 9ms }
  - read: 6
    crc8: { name: CRC-8/NRSC-5, every: 2 }
    fields: { raw_t: { byte: 0 }, raw_h: { byte: 2, as: u16 } }
`;
  expect(told(load("slow", extending("slow", "sht4x", measure)))).toEqual([
    'devices/slow.yaml:9 D425 a channel read from bytes needs "as:"',
  ]);
  const whole = load("slow", extending("slow", "sht4x", measure.replace("byte: 0", "byte: 0, as: u16")));
  expect(told(whole)).toEqual(["devices/slow.yaml:1 D605 0 of at least 2 examples"]);
});

test("a meter without one of its channels plans other requests, and isn't held to those of its base", () => {
  const [first] = base("sdm120").channels;
  const loaded = load("less", extending("less", "sdm120", `channels: { ${first?.name}: none }\n`));
  expect(loaded.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(loaded.type?.channels).toHaveLength(base("sdm120").channels.length - 1);
});

test("many consequences of one change are one message", () => {
  expect(told(load("bare", extending("bare", "bme280", "constants: none\n")))).toEqual([
    expect.stringMatching(
      /^devices\/bare\.yaml:\d D551 with this, sensors\/bme280\.yaml:\d+ doesn't fit any more: nothing is called "\w+" here; nor do \d+ more of its lines$/,
    ),
  ]);
});

test("own examples are added, and run against the merged file", () => {
  const example = (answer: string) =>
    `examples:\n  - { name: again, read: status, answer: "55 AA 01 0E 81 00 00 04 00 00 7F FF 00 00 4F C1 27 10 70 AA", gives: { pressure: ${answer} } }\n`;
  const type = good(load("more", extending("more", "pump-mk2", example("0.4"))));
  expect(type.examples.length).toBe(base("pump-mk2").examples.length + 1);
  expect(told(load("more", extending("more", "pump-mk2", example("0.7"))))).toEqual([
    "devices/more.yaml:5 D602 the example doesn't come out: pressure is 0.4, not 0.7",
  ]);
});

test("what no longer fits the base's lines is told where this file changes it, once", () => {
  const removed = load(
    "dry",
    extending("dry", "pump-mk2", "reads:\n  status:\n    channels:\n      temperature: none\n"),
  );
  expect(told(removed).map((line) => line.replace(/:\d+ doesn't/, ":N doesn't"))).toEqual([
    'devices/dry.yaml:7 D551 with this, boards/pump-mk2.yaml:N doesn\'t fit any more: condition: unknown channel "temperature"; nor does 1 more of its lines',
  ]);
  const own = load("bad", extending("bad", "pump-mk2", "reads: { status: { channels: { pressure: { as: u17 } } } }\n"));
  expect(told(own)).toEqual(['devices/bad.yaml:4 D207 "u17" is not possible here']);
});

test("a warning about a line of the base is not repeated for each file that extends it", () => {
  const odd = (finder()("sht4x") as SourceFile).text
    .replace("type: sht4x", "type: odd")
    .replace("unit: °C", "unit: Foo");
  const loaded = load("again", extending("again", "odd"), { odd });
  expect(loaded.type).toBeDefined();
  expect(told(loaded)).toEqual([]);
});

test("bases may extend others, eight in all; the nearest word counts", () => {
  const own = Object.fromEntries(
    Array.from({ length: 9 }, (_, i) => [
      `t${i}`,
      extending(`t${i}`, i === 0 ? "sht4x" : `t${i - 1}`, `every: ${i + 1}s\n`),
    ]),
  );
  const type = good(load("t7", own["t7"] ?? "", own));
  expect(type.everyMs).toBe(8_000);
  expect(type.files).toHaveLength(9);
  expect(type.examples.every(({ inheritedFrom }) => inheritedFrom?.startsWith("sensors/sht4x.yaml:"))).toBe(true);
  expect(told(load("t8", own["t8"] ?? "", own))[0]).toMatch(/^devices\/t8\.yaml:3 D552 more than 8 files/);
});

test("a circle, an unknown or broken base, and another protocol are told at their line", () => {
  const circle = { a: extending("a", "b"), b: extending("b", "c"), c: extending("c", "a") };
  expect(told(load("a", circle.a, circle))).toEqual(["devices/a.yaml:3 D550 this file extends itself: a → b → c → a"]);
  expect(told(load("bme280", extending("bme280", "bme280")))).toEqual([
    "devices/bme280.yaml:3 D550 this file extends itself",
  ]);
  const outside = { d: extending("d", "a"), ...circle };
  expect(told(load("d", outside.d, outside))[0]).toBe(
    'devices/d.yaml:3 D517 the device file of "a" has problems, see there',
  );
  expect(told(load("e", extending("e", "bme208")))).toEqual([
    'devices/e.yaml:3 D501 no device file is called "bme208"',
  ]);
  expect(told(load("f", extending("f", "bme280", "protocol: pulses\n")))).toEqual([
    'devices/f.yaml:4 D553 "bme280" is a device with "protocol: i2c", which "protocol: pulses" can\'t extend',
  ]);
  expect(told(load("g", extending("g", "bme280", "channels: { humidty: none }\n")))).toEqual([
    'devices/g.yaml:4 D554 "humidty: none" takes nothing away: bme280.yaml has no "humidty" here',
  ]);
});

const STATION = `format: 1
station: s
ports: { mast: { i2c: /dev/i2c-1 } }
devices:
  one: { type: box, port: mast, address: 0x76 }
  two: { type: bme280, port: mast, address: 0x77 }
`;
const stationWith = (own: Readonly<Record<string, string>>, change = (text: string) => text) =>
  loadStation({ path: "station.yaml", text: STATION }, (type) => {
    const found = finder(own)(type);
    return found && type === "bme280" ? { ...found, text: change(found.text) } : found;
  });

test("a station's hash covers the files that are extended, and says the base's problems once", () => {
  const own = { box: extending("box", "bme280", "every: 5min\n") };
  const { station, problems } = stationWith(own);
  expect(problems).toEqual([]);
  expect(station?.devices.map(({ everyMs }) => everyMs)).toEqual([300_000, 60_000]);
  expect(stationWith(own, (text) => `${text}\n# measured again`).station?.hash).not.toBe(station?.hash);
  const broken = stationWith(own, (text) => text.replace("unit: hPa", "unite: hPa")).problems;
  expect(broken.filter(({ path }) => path.startsWith("sensors/"))).toHaveLength(1);
  expect(broken.filter(({ code }) => code === "D517")).toHaveLength(3);
});

test("show says of each value which line of which file it is from", () => {
  const own = { box: extending("box", "bme280", "channels:\n  humidity: none\n  pressure: { range: 800 to 1100 }\n") };
  const { station, origins } = stationWith(own);
  const [device] = station?.devices ?? [];
  if (!device) throw new Error("no device");
  const rows = new Map(describeDevice(device, origins.get("one") ?? new Map()).map(({ label, from }) => [label, from]));
  expect(rows.get("address")).toBe("station.yaml:5");
  expect(rows.get("every")).toBe("sensors/bme280.yaml:6");
  expect(rows.get("channel pressure")).toMatch(/^devices\/box\.yaml:6, rest sensors\/bme280\.yaml:\d+$/);
  expect(rows.get("channel temperature")).toMatch(/^sensors\/bme280\.yaml:\d+$/);
  expect([...rows.values()].filter((from) => !/:\d+$/.test(from) && from !== "default")).toEqual([]);
});

test("show of a type says its wiring, needs and examples, each with its line", () => {
  for (const name of ["pump-mk2", "bme280", "tipping-bucket", "relay"]) {
    const rows = describeType(base(name));
    expect(rows.filter(({ from }) => !/\.yaml:\d+$/.test(from))).toEqual([]);
    expect(rows.map(({ label }) => label)).toEqual(expect.arrayContaining(["source", "protocol", "every", "example"]));
  }
  const pump = new Map(describeType(base("pump-mk2")).map(({ label, value }) => [label, value]));
  expect(pump.get("serial")).toBe("115200 8N1");
  expect(pump.get("needs address")).toBe("1 to 247; else 1");
  const bucket = new Map(describeType(base("tipping-bucket")).map(({ label, value }) => [label, value]));
  expect(bucket.get("needs per-pulse")).toContain("has to be said");
});
