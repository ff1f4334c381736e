import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDeviceType, loadStation } from "./load.ts";
import { fuzzFiles, loadChecked } from "./testing/fuzz-files.ts";
import { DRY, endlessType, hostileFiles } from "./testing/hostile-files.ts";

const ROOT = import.meta.dirname;
const read = (path: string) => ({ path, text: readFileSync(join(ROOT, path), "utf8") });
const station = read("stations/demo-lake.yaml");
const devices = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => read(`${folder}/${file}`)),
);
const findType = (type: string) => devices.find(({ path }) => path.endsWith(`/${type}.yaml`));

test("files with random damage give problems or a description, at places that exist, and nothing is thrown", () => {
  const { usable, refused, codes } = fuzzFiles([station, ...devices], findType, 2_000, 1, () => 0);
  expect(usable).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(1_000);
  for (const code of ["D109", "D113", "D201", "D202", "D602"]) expect(codes.get(code), code).toBeGreaterThan(5);
}, 600_000);

const kinds = [
  "stations/demo-lake.yaml", "boards/pump-mk2.yaml", "boards/pump-modbus.yaml", "sensors/bme280.yaml", "sensors/tipping-bucket.yaml",
  "sensors/door-contact.yaml", "sensors/relay.yaml", "testing/devices/lines-asked.yaml",
].map(read); // biome-ignore format: a table
const dry = { path: "devices/dry.yaml", text: DRY };
const hostile = [...hostileFiles([...kinds, dry])];
const findAny = (type: string) => endlessType(type) ?? (type === "dry" ? dry : findType(type));

test("there are more than 200 hostile files, of each kind", () => {
  expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThanOrEqual(200);
  for (const { path } of [...kinds, dry]) {
    expect(hostile.filter((file) => file.path === path).length).toBeGreaterThan(20);
  }
});

test("each hostile file is refused or bounded, quickly, and nothing is thrown", () => {
  let slowest = { name: "", ms: 0 };
  for (const file of hostile) {
    const startedMs = performance.now();
    loadChecked(file, findAny, file.name);
    const ms = performance.now() - startedMs;
    if (ms > slowest.ms) slowest = { name: file.name, ms };
  }
  // Generous: the machine is shared. `npm run bench -- descriptions --only hostile` holds each to a second.
  expect(slowest.ms, slowest.name).toBeLessThan(20_000);
}, 600_000);

test("a file beyond 64 KiB is refused unread", () => {
  const { problems } = loadStation({ path: "large.yaml", text: `# ${"x".repeat(65_536)}` }, findType);
  expect(problems.map(({ code }) => code)).toEqual(["D101"]);
});

test("sections 101 deep are refused, 100 deep are read", () => {
  const deep = (depth: number) => `a: ${"[".repeat(depth - 1)}1${"]".repeat(depth - 1)}`;
  const codes = (depth: number) =>
    loadStation({ path: "deep.yaml", text: deep(depth) }, findType).problems.map(({ code }) => code);
  expect(codes(101)).toEqual(["D103"]);
  expect(codes(100)).not.toContain("D103");
});

test("__proto__ in a file changes no object", () => {
  loadStation(
    { path: "proto.yaml", text: "__proto__:\n  polluted: yes\ndevices:\n  __proto__: { polluted: yes }\n" },
    findType,
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("of a file with many mistakes the first 50 are told, and how many there are besides", () => {
  const keys = Array.from({ length: 400 }, (_, i) => `k${i}: 1`).join("\n");
  const { problems } = loadStation({ path: "many.yaml", text: `${station.text}\n${keys}\n` }, findType);
  expect(problems).toHaveLength(51);
  expect(problems.at(-1)).toMatchObject({
    code: "D121",
    severity: "error",
    message: "and 350 more problems from here on",
  });
});

test("257 states, channels or alarms are refused with their number, 256 states are not", () => {
  const states = (count: number) => `{ ${Array.from({ length: count }, (_, i) => `${i}: s${i}`).join(", ")} }`;
  const pump = read("boards/pump-mk2.yaml");
  const codes = (change: (text: string) => string) =>
    loadDeviceType({ path: pump.path, text: change(pump.text) }).problems.map(
      ({ code, message }) => `${code} ${message}`,
    );
  const withStates = (count: number) => (text: string) =>
    text.replace(/\{ 0: idle, .*?\}/, states(count)).replaceAll(/state is \w+/g, "state is s1");
  expect(codes(withStates(257))).toEqual(["D120 257 states are described here; at most 256 are possible"]);
  expect(codes(withStates(256)).filter((said) => said.startsWith("D120"))).toEqual([]);
  const channels = Array.from({ length: 256 }, (_, i) => `      c${i}: { byte: ${i}, as: u8 }`).join("\n");
  const more = `  more:\n    send: "02"\n    answer: "82"\n    channels:\n${channels}\n`;
  expect(codes((text) => text.replace("settings:", `${more}settings:`))).toEqual([
    expect.stringMatching(/^D120 26\d channels are described here; at most 256 are possible$/),
  ]);
  const alarms = Array.from({ length: 65 }, (_, i) => `  a${i}: { when: state is fault, severity: info }`).join("\n");
  expect(codes((text) => text.replace("alarms:", `alarms:\n${alarms}`))).toEqual([
    expect.stringMatching(/^D120 6\d alarms are described here; at most 64 are possible$/),
  ]);
});
