/**
 * The language's own speed: frames decoded per second, formulas computed per second, `check` of a station of 20 devices
 * as a cold process of the built program, and what 50 described devices add to an agent's memory.
 *
 *   npm run bench -- descriptions [--only decode|formula|check|memory]
 *   npm run bench -- descriptions --only fuzz [--runs N] [--seed N]     mutated frames and I2C answers, no figure but a verdict
 *   npm run bench -- descriptions --only fuzz-files [--runs N] [--seed N]     mutated description files
 *   npm run bench -- descriptions --only hostile     files that are meant to hurt, in 100 MB
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createSources } from "@pump-station/agent/source/sources.ts";
import { parseFormula } from "@pump-station/sensor-descriptions/formula/formula.ts";
import { loadDeviceType, loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type { I2cConversation, I2cProtocol, SerialProtocol, Values } from "@pump-station/sensor-descriptions/model.ts";
import { fuzzSerialFrames } from "@pump-station/sensor-descriptions/testing/fuzz-frames.ts";
import { fuzzI2cAnswers } from "@pump-station/sensor-descriptions/testing/fuzz-i2c.ts";
import { provesFiles } from "./rig/hostile.ts";
import { perSecond, ROUNDS } from "./rig/per-second.ts";
import { median, nowMs, programs } from "./rig/rig.ts";

export async function run(args: readonly string[]): Promise<void> {
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] : undefined;
  if (only === "fuzz") return fuzz(option(args, "--runs", 500_000), option(args, "--seed", 1));
  const [runs, seed] = [option(args, "--runs", 100_000), option(args, "--seed", 1)];
  if (provesFiles(only, { catalogue: programs.catalogue, bundle: import.meta.url, runs, seed, nowMs })) return;
  const measures = { decode, formula, check: checkTime, memory };
  for (const [name, measure] of Object.entries(measures)) if (only === undefined || only === name) measure();
}

function option(args: readonly string[], name: string, fallback: number): number {
  const at = args.indexOf(name);
  return at < 0 ? fallback : Number(args[at + 1]);
}

/**
 * Every I2C chip of the catalogue in turn, then every framing: `runs` of each. Throws with the seed of the run that went
 * wrong.
 */
function fuzz(runs: number, seed: number): void {
  const chips = typesIn(join(programs.catalogue, "sensors"));
  const framings = [
    ...typesIn(join(programs.catalogue, "boards")),
    ...typesIn(join(programs.catalogue, "../../sensor-descriptions/testing/devices")),
  ];
  verdict(`conversations with mutated I2C answers, seed ${seed}`, () => fuzzI2cAnswers(chips, runs, seed));
  verdict(`serial lines with mutated frames, seed ${seed}`, () =>
    fuzzSerialFrames([...chips, ...framings], runs, seed),
  );
}

const typesIn = (folder: string) =>
  readdirSync(folder).map((name) => typeOf(name.replace(/\.yaml$/, ""), readFileSync(join(folder, name), "utf8")));

function verdict(what: string, fuzzed: () => { runs: number; outcomes: Readonly<Record<string, number>> }): void {
  const from = nowMs();
  const { runs, outcomes } = fuzzed();
  const counted = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${thousands(count)}`);
  print(
    `${thousands(runs)} ${what}`,
    `no crash, no hang, no value with a wrong check (${counted.join(", ")}; ${Math.round((nowMs() - from) / 1_000)} s)`,
  );
}

const print = (what: string, figure: string): void => console.log(`${what}: ${figure}`);
const thousands = (value: number): string => Math.round(value).toLocaleString("en-US");

const CHANNELS = 20;

/** A frame as baseboards send it: start bytes, address, length, 20 scaled u16, CRC-16. */
function twentyFields(): SerialProtocol {
  const channels = Array.from(
    { length: CHANNELS },
    (_, i) => `      field-${i}: { byte: ${1 + 2 * i}, as: u16, scale: 0.1, unit: mbar }`,
  );
  const text = `format: 1
type: twenty
source: "bench"
every: 1s
serial: { speed: 115200, mode: 8N1 }
timing: { answer-within: 100ms }
byte-order: big-endian
frame:
  - { part: start,   bytes: "55 AA" }
  - { part: address, as: u8 }
  - { part: length,  as: u8, counts: body }
  - { part: body }
  - { part: check,   crc: CRC-16/MODBUS, over: address to body, byte-order: little-endian }
reads:
  all:
    send: "01"
    answer: "81"
    channels:
${channels.join("\n")}
`;
  return typeOf("twenty", text).protocol(new Map([["address", 1]])) as SerialProtocol;
}

function typeOf(name: string, text: string) {
  const { type, problems } = loadDeviceType({ path: `${name}.yaml`, text });
  if (!type) throw new Error(problems.map(({ message }) => message).join("\n"));
  return type;
}

function decode(): void {
  const protocol = twentyFields();
  const values: Values = new Map(Array.from({ length: CHANNELS }, (_, i) => [`field-${i}`, i * 321.5]));
  const [request] = protocol.deviceSide(1).push(protocol.read(1, "all", () => undefined).request);
  if (request?.kind !== "read") throw new Error("the device's side doesn't know the request");
  const frame = request.answer(values);
  const exchange = protocol.read(1, "all", () => undefined);
  let sum = 0;
  const rate = perSecond(() => {
    const outcome = exchange.recognise().push(frame);
    if (outcome?.kind !== "answer") throw new Error("the frame isn't recognised");
    sum += outcome.values.get("field-7") as number;
  }, 1_000);
  if (!(sum > 0)) throw new Error("nothing was decoded");
  print(
    `frames decoded/s (${CHANNELS} scaled u16, ${frame.length} bytes, CRC-16; found, checked, decoded; one core)`,
    `${thousands(rate)} (median of ${ROUNDS}; aim ≥ 300,000)`,
  );
}

function formula(): void {
  const parsed = parseFormula("clamp(-6 + 125 * raw / 65535, 0, 100)");
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  const { evaluate } = parsed.ok;
  let raw = 0;
  let sum = 0;
  const valueOf = (): number => raw;
  const rate = perSecond(() => {
    raw = (raw + 1) & 0xffff;
    sum += evaluate(valueOf);
  }, 10_000);
  if (!(sum > 0)) throw new Error("nothing was computed");
  print(
    "formulas/s (clamp(-6 + 125 * raw / 65535, 0, 100))",
    `${thousands(rate)} (median of ${ROUNDS}; aim ≥ 5,000,000)`,
  );
  bme280Chain();
}

/** The whole conversation but for the bus: 3 raw values out of 8 bytes, 12 `let` lines, 3 channels. */
function bme280Chain(): void {
  const path = join(programs.catalogue, "sensors/bme280.yaml");
  const type = typeOf("bme280", readFileSync(path, "utf8"));
  const [example] = type.examples;
  if (example?.shows.kind !== "transfers") throw new Error("bme280.yaml has no example with transfers");
  const protocol = type.protocol(example.given) as I2cProtocol;
  const reads = new Map(example.shows.transfers.map(({ write, read }) => [write[0], read]));
  reads.set(0xf3, Uint8Array.of(0));
  const constants = drive(protocol.prepare(), reads);
  let sum = 0;
  const rate = perSecond(() => {
    sum += drive(protocol.measure(constants), reads).get("pressure") as number;
  }, 1_000);
  if (!(sum > 0)) throw new Error("nothing was computed");
  const lines = type.file.text.match(/^let:[^]*?\n\n/m)?.[0].match(/^ {2}\w/gm)?.length ?? 0;
  print(
    "BME280 measurements computed/s (conversation, fields and all formulas)",
    `${thousands(rate)} (${thousands(rate * (lines + 3))} formulas/s; median of ${ROUNDS})`,
  );
}

function drive<T>(conversation: I2cConversation<T>, reads: ReadonlyMap<number | undefined, Uint8Array>): T {
  for (let state = conversation.next(); ; ) {
    if (state.done) return state.value;
    const step = state.value;
    const answer = step.do === "transfer" && step.readLength > 0 ? reads.get(step.write[0]) : undefined;
    state = conversation.next(answer ?? new Uint8Array());
  }
}

/** Pumps, chips and rain gauges in turn, on as many ports as their addresses need. */
function stationOf(count: number): string {
  const buses = Math.ceil(count / 4);
  const lines = [
    "format: 1",
    "station: bench",
    "place: { altitude: 584 m, time-zone: Europe/Berlin }",
    "ports:",
    "  line: { serial: /dev/ttyBench }",
    "  pins: { gpio: pinctrl-bcm2711 }",
    ...Array.from({ length: buses }, (_, i) => `  bus-${i}: { i2c: /dev/i2c-${i} }`),
    "devices:",
  ];
  for (let i = 0; i < count; i++) lines.push(...deviceLines(i));
  return `${lines.join("\n")}\n`;
}

function deviceLines(i: number): string[] {
  const bus = Math.floor(i / 4);
  const kinds = [
    [`    type: pump-mk2`, `    port: line`, `    address: ${i + 1}`],
    [`    type: bme280`, `    port: bus-${bus}`, `    address: 0x76`],
    [`    type: sht4x`, `    port: bus-${bus}`, `    address: 0x44`],
    [`    type: tipping-bucket`, `    port: pins`, `    pin: ${i}`, `    per-pulse: 0.2794 mm`],
  ];
  return [`  device-${i}:`, ...(kinds[i % 4] ?? []), `    every: 30s`];
}

/** A cold process of the built program each time: start, load, run the examples, print. */
function checkTime(): void {
  // As a technician calls it.
  const launcher = join(dirname(programs.agent), "../bin/pump-station.cjs");
  const folder = mkdtempSync(join(tmpdir(), "pump-station-bench-"));
  try {
    const file = join(folder, "station.yaml");
    writeFileSync(file, stationOf(20));
    const times: number[] = [];
    for (let round = 0; round < 11; round++) {
      const from = nowMs();
      const { status, stdout, stderr } = spawnSync(process.execPath, [launcher, "check", file], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(`check: exit ${status}\n${stdout}${stderr}`);
      if (round > 0) times.push(nowMs() - from);
    }
    const bare = bareStartMs();
    print(
      "`check` of a station of 20 devices (4 types, their examples run; cold process)",
      `${Math.round(median(times))} ms (median of ${times.length}; aim ≤ 300 ms; of it ${Math.round(bare)} ms are Node's own start)`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function bareStartMs(): number {
  const times = Array.from({ length: 7 }, () => {
    const from = nowMs();
    spawnSync(process.execPath, ["-e", "0"]);
    return nowMs() - from;
  });
  return median(times);
}

/**
 * In this process: loads a station of 50 devices and makes its sources, ports not yet open, and compares the heap after
 * collection with before. What a running agent adds per device besides (its newest sample, its staged rows) isn't in it.
 */
function memory(): void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const used = (): number => {
    for (let i = 0; i < 4; i++) gc();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  const kept: unknown[] = [load(2)];
  const before = used();
  kept.push(load(50));
  const after = used();
  print(
    "memory of 50 described devices (heap after collection: station and sources, in-process, ports not open)",
    `${((after - before) / 2 ** 20).toFixed(2)} MB (${((after - before) / 50 / 1024).toFixed(1)} kB a device)`,
  );
  if (kept.length !== 2) throw new Error("nothing was kept");
}

function load(count: number): unknown {
  const files = new Map(
    ["sensors", "boards"].flatMap((folder) =>
      readdirSync(join(programs.catalogue, folder)).map(
        (name) => [name, join(programs.catalogue, folder, name)] as const,
      ),
    ),
  );
  const { station, problems } = loadStation({ path: "station.yaml", text: stationOf(count) }, (type) => {
    const path = files.get(`${type}.yaml`);
    return path === undefined ? undefined : { path, text: readFileSync(path, "utf8") };
  });
  if (!station) throw new Error(problems.map(({ message }) => message).join("\n"));
  const nothing = { on: () => () => {}, close: async () => {} };
  const deps = {
    ports: {
      serial: () => nothing,
      i2c: () => nothing,
      gpio: () => ({ open: async () => nothing, count: async () => nothing }),
    },
    clock: { bootMs: () => 0, wallMs: () => 0, isWallTrusted: () => true, bootId: "" },
    timers: { sleep: async () => {}, after: () => () => {} },
    log: () => {},
    totals: { loadTotal: () => 0, saveTotal: () => {} },
  } as unknown as Parameters<typeof createSources>[0];
  return [station, createSources(deps, station)];
}
