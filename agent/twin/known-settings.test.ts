/** The station's own settings: each one's range, its default, its way into what runs, and back to the file. */
import { STEP_NUMBERS } from "@pump-station/sensor-descriptions/step-numbers.ts";
import { describe, expect, it } from "vitest";
import { TWIN_BYTES_MAX } from "../limits.ts";
import { TUNED_PUMP } from "../testing/tuned-pump.ts";
import { createTwinBench, deviceOf, stationOf } from "../testing/twin-bench.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { textFromWindows, windowsFromText } from "../wire/upload-windows.ts";
import { declaredSettings } from "./declared-settings.ts";
import { bytesOf } from "./fitting.ts";
import { DEVICE_SETTINGS, UPLOAD_SETTINGS } from "./known-settings.ts";
import { readDesired } from "./settings.ts";

const pump = TUNED_PUMP;
const station = stationOf(pump);
const desiredPump = (values: JsonObject): JsonObject => ({ devices: { pump: values } });
const step = (channel: string, name: string, value: number) => ({
  steps: new Map([[channel, new Map([[name, value]])]]),
});
const limit = (alarm: string, part: "when" | "until", at: number, value: number) => ({
  alarms: new Map([[alarm, { [part]: new Map([[at, value]]) }]]),
});

describe("settings of a device", () => {
  it("are those that its description declares, each with the file's value and a range that has it", () => {
    const declared = [...declaredSettings(pump).values()];
    expect(declared.map(({ key, own }) => [key, own])).toEqual([
      ["every", 30],
      ["faster", 1],
      ["heartbeat", 900],
      ["window", 600],
      ["window-at-least", 50],
      ["small-change-target", 0.5],
      ["median-target", 180],
      ["average-target", 300],
      ["exponential-average-target", 120],
      ["clamp-low-target", 0],
      ["clamp-high-target", 1_200],
      ["round-target", 0.1],
      ["skip-jumps-target", 50],
      ["skip-jumps-within-target", 90],
      ["throttle-target", 60],
      ["timeout-target", 300],
      ["debounce-state", 40],
      ["rate-over-trend", 10_800],
      ["alarm-too-hot-temperature-above", 85],
      ["alarm-odd-target-at-least", 1_400],
      ["alarm-odd-target-at-most", 3],
      ["alarm-too-hot-until-temperature-below", 75],
      ["alarm-too-hot-for", 10],
      ["alarm-odd-for", 0],
    ]);
    for (const { own, shape, key } of declared) {
      expect(own, key).toBeGreaterThanOrEqual(shape.low);
      expect(own, key).toBeLessThanOrEqual(shape.high);
    }
    expect([...declaredSettings(deviceOf("bare")).keys()]).toEqual(["every"]);
  });

  it.each<[string, number, object]>([
    ["every", 60, { everyMs: 60_000 }],
    ["faster", 0.5, { fasterMs: 500 }],
    ["heartbeat", 3_600, { heartbeatMs: 3_600_000 }],
    ["window", 300, { windowMs: 300_000 }],
    ["small-change-target", 2, { smallChange: new Map([["target", 2]]) }],
    ["window-at-least", 80, { windowAtLeast: 0.8 }],
    ["median-target", 120, step("target", "median", 120_000)],
    ["average-target", 120, step("target", "average", 120_000)],
    ["exponential-average-target", 30, step("target", "exponential-average", 30_000)],
    ["clamp-low-target", 100, step("target", "clamp-low", 100)],
    ["clamp-high-target", 900.5, step("target", "clamp-high", 900.5)],
    ["round-target", 0.5, step("target", "round", 0.5)],
    ["skip-jumps-target", 20, step("target", "skip-jumps", 20)],
    ["skip-jumps-within-target", 300, step("target", "skip-jumps-within", 300_000)],
    ["throttle-target", 10, step("target", "throttle", 10_000)],
    ["timeout-target", 120, step("target", "timeout", 120_000)],
    ["debounce-state", 60, step("state", "debounce", 60_000)],
    ["rate-over-trend", 3_600, { rateOverMs: new Map([["trend", 3_600_000]]) }],
    ["alarm-too-hot-temperature-above", 80, limit("too-hot", "when", 0, 80)],
    ["alarm-too-hot-until-temperature-below", 70, limit("too-hot", "until", 0, 70)],
    ["alarm-too-hot-for", 0, { alarms: new Map([["too-hot", { forMs: 0 }]]) }],
    ["alarm-odd-target-at-most", 5, limit("odd", "when", 1, 5)],
  ])("%s runs as desired, is answered, and falls back to the file with null", async (key, value, tuning) => {
    const { start, advance, far, pump: at, reported } = createTwinBench(station);
    const { connect, twin } = start();
    await connect();
    far.setDesired(desiredPump({ [key]: value }));
    await advance(2_000);
    expect(at.tunings.get("pump")).toEqual(tuning);
    expect(reported(`devices/pump/${key}`)).toEqual({ value, ac: 200, av: 2, ad: "" });
    far.setDesired(desiredPump({ [key]: null }));
    await advance(2_000);
    expect(at.tunings.get("pump")).toEqual({});
    const { own } = twin.status().find(({ path }) => path === `devices/pump/${key}`) ?? {};
    expect(own).not.toBe(value);
    expect(reported(`devices/pump/${key}`)?.["ac"]).toBe(key === "every" ? 203 : undefined);
  });

  it.each<[string, unknown, string]>([
    ["faster", 0, "0 is outside of 0.1 to 86400 s"],
    ["heartbeat", "often", "not a number"],
    ["small-change-target", -1, "-1 is outside of 0 to 1000000000 mbar"],
    ["small-change-state", 1, "no such setting; did you mean small-change-target?"],
    ["limit", 1, "no such setting; there are target, every, faster"],
    ["correct-target", 1, "corrections are the station file's alone"],
    ["median-target", "5s", "not a number"],
    ["median-target", 86_400, "would keep 86400 readings; at most 4000"],
    ["clamp-low-target", 1_200, "clamp-low 1200 has to be below clamp-high 1200"],
    ["clamp-high-target", 1_501, "1501 is outside of 0 to 1500 mbar"],
    ["round-target", 0.01, "0.01 is outside of 0.1 to 1000000000 mbar"],
    ["debounce-state", 0.5, "there is a reading only every 1 s: this can't work"],
    ["alarm-too-hot-temperature-above", 200, "200 is outside of -40 to 125 °C"],
    [
      "alarm-too-hot-temperature-above",
      70,
      '"temperature below 75" would end it where "temperature above 70 Cel" begins',
    ],
    ["alarm-too-hot-until-temperature-below", 85.5, "would end it where"],
    ["alarm-too-hot-for", -1, "-1 is outside of 0 to 86400 s"],
    ["alarm-too-hot-temperature-below", 1, "no such setting; did you mean alarm-too-hot-temperature-above?"],
    ["throttle-", 1, "no such setting"],
    ["small-change", 1, "no such setting"],
  ])("%s of %s is refused with the reason while the rest applies", async (key, value, reason) => {
    const { start, advance, far, pump: at, reported } = createTwinBench(station);
    await start().connect();
    far.setDesired(desiredPump({ [key]: value as never, every: 5 }));
    await advance(2_000);
    expect(reported(`devices/pump/${key}`)).toMatchObject({ ac: 400, av: 2, ad: expect.stringContaining(reason) });
    expect(at.tunings.get("pump")).toEqual({ everyMs: 5_000 });
  });

  it("that have to fit each other are judged as they would run together, and refused together", () => {
    const [low, high] = ["alarm-too-hot-until-temperature-below", "alarm-too-hot-temperature-above"];
    const both = (until: number, when: number) => readDesired(station, desiredPump({ [low]: until, [high]: when }));
    expect(both(95, 100).refused).toEqual([]);
    expect(both(95, 100).wanted).toHaveLength(2);
    const { wanted, refused } = both(100, 95);
    expect(wanted).toEqual([]);
    expect(refused.map(({ path }) => path)).toEqual([`devices/pump/${low}`, `devices/pump/${high}`]);
    // The window is judged by how often there would be a reading.
    const asked = (every: number) => readDesired(station, desiredPump({ "median-target": 120, every, faster: every }));
    expect(asked(60).refused).toEqual([]);
    expect(asked(300).refused.map(({ path }) => path)).toEqual(["devices/pump/median-target"]);
  });

  it("outlive the process, and are judged anew when another one starts", async () => {
    const { start, advance, far, pump: at, reported, disk } = createTwinBench(station);
    const first = start();
    await first.connect();
    far.setDesired(desiredPump({ "alarm-too-hot-for": 30, "median-target": 90 }));
    await advance(2_000);
    await first.stop();
    expect(JSON.stringify(disk.document)).toContain("alarm-too-hot-for");
    const second = start();
    await advance(2_000);
    expect(at.tunings.get("pump")).toEqual({
      ...step("target", "median", 90_000),
      alarms: new Map([["too-hot", { forMs: 30_000 }]]),
    });
    const status = second.twin.status().find(({ path }) => path === "devices/pump/alarm-too-hot-for");
    expect(status).toMatchObject({ own: 10, desired: 30, running: 30, ac: 200, converged: true });
    await second.connect();
    await advance(2_000);
    expect(reported("devices/pump/median-target")).toMatchObject({ value: 90, ac: 200 });
  });

  it("of fifty devices fit the twin, those that are refused with their reason", async () => {
    const names = Array.from({ length: 50 }, (_, n) => `pump-${n + 1}`);
    const { start, advance, far } = createTwinBench(stationOf(...names.map((name) => ({ ...pump, name }))));
    await start().connect();
    const values = { "alarm-too-hot-for": 60, "median-target": 90, "clamp-low-target": 5 };
    far.setDesired({ devices: Object.fromEntries(names.map((name) => [name, values])) });
    far.setDesired({ devices: { "pump-50": { "clamp-low-target": 9_000 } } });
    await advance(30_000);
    const { reported } = far.twin.documents();
    expect(bytesOf(reported)).toBeLessThan(TWIN_BYTES_MAX);
    expect(reported["devices"]).toMatchObject({ "pump-50": { "clamp-low-target": { ac: 400 } } });
    expect(reported["twin"]).toMatchObject({ open: 1 });
  });

  it("a key that would be an object's prototype is refused by name", () => {
    const { refused } = readDesired(stationOf(deviceOf("pump")), JSON.parse('{"__proto__": {"ac": 1}}') as JsonObject);
    expect(refused).toEqual([{ path: "__proto__", reason: "no such key", isListed: true }]);
  });

  it("a device without windows or filters refuses what only they know", () => {
    const { refused } = readDesired(
      stationOf(deviceOf("pump")),
      desiredPump({ window: 60, "throttle-target": 5, faster: 1 }),
    );
    expect(refused.map(({ path }) => path)).toEqual([
      "devices/pump/window",
      "devices/pump/throttle-target",
      "devices/pump/faster",
    ]);
  });
});

describe("settings of uploads", () => {
  it.each<[string, number | string, object]>([
    ["interval", 60, { intervalMs: 60_000 }],
    [
      "windows",
      "sat sun 02:30-05:00; 12:00-13:00",
      {
        windows: [
          { days: ["sun", "sat"], from: "02:30", to: "05:00" },
          { from: "12:00", to: "13:00" },
        ],
      },
    ],
    ["windows", "always", { windows: [] }],
    ["budget", 50, { budgetBytes: 50e6 }],
    ["keep-alive", 300, { keepAlive: 300_000 }],
    ["keep-alive", "learn", { keepAlive: "learn" }],
    ["keep-alive", "300", { keepAlive: 300_000 }],
    ["connection", "standing", { connection: "standing" }],
    ["commit-interval", 60, { commitIntervalMs: 60_000 }],
  ])("%s: %s runs, and falls back to agent.yaml with null", async (name, value, policy) => {
    const { start, advance, far, pump: at, reported } = createTwinBench();
    await start().connect();
    far.setDesired({ upload: { [name]: value } });
    await advance(2_000);
    expect(at.policy).toEqual(policy);
    expect(reported(`upload/${name}`)).toMatchObject({ value, av: 2 });
    far.setDesired({ upload: { [name]: null } });
    await advance(2_000);
    expect(at.policy).toEqual({});
  });

  it.each<[string, unknown, string]>([
    ["windows", "sat 25:00-05:00", "write it like"],
    ["windows", "", "write it like"],
    ["windows", 5, "write it like"],
    ["budget", 0.5, "0.5 is outside of 1 to 1000000 MB/month"],
    ["keep-alive", 10, "10 is outside of 30 to 1177 s"],
    ["keep-alive", "guess", "not a number, nor learn"],
    ["connection", "sometimes", "not one of by-cost, standing"],
    ["speed", 1, "no such setting; there are interval, windows, budget, keep-alive, connection, commit-interval"],
  ])("%s: %s is refused with the reason, and the rest applies", async (name, value, reason) => {
    const { start, advance, far, pump: at, reported } = createTwinBench();
    await start().connect();
    far.setDesired({ upload: { [name]: value as never, interval: 77 } });
    await advance(2_000);
    expect(reported(`upload/${name}`)).toMatchObject({ ac: 400, ad: expect.stringContaining(reason) });
    expect(at.policy).toEqual({ intervalMs: 77_000 });
  });

  it("windows are the same in both directions", () => {
    for (const text of ["always", "02:30-05:00", "sun sat 22:00-02:00; mon 12:00-13:00"]) {
      expect(textFromWindows(windowsFromText(text) ?? [])).toBe(text);
    }
    for (const text of ["sat", "02:30", "2:30-5:00", "day 02:00-03:00", "02:00-03:00;", "x".repeat(500)]) {
      expect(windowsFromText(text), text).toBeUndefined();
    }
  });
});

describe("the table", () => {
  it("names each setting once, with words for whoever sets it", () => {
    const all = [...UPLOAD_SETTINGS.map(({ name }) => name), ...DEVICE_SETTINGS.map(({ name }) => name)];
    expect(new Set(all).size).toBe(all.length);
    for (const { name, describe: words, file } of [...UPLOAD_SETTINGS, ...DEVICE_SETTINGS]) {
      expect(name).toMatch(/^([a-z]+|CHANNEL|ALARM|RATE)(-([a-z]+|CHANNEL|ALARM|RATE))*$/);
      expect(words.length, name).toBeGreaterThan(15);
      expect(file.length, name).toBeGreaterThan(3);
    }
    for (const { name } of STEP_NUMBERS) expect(all).toContain(`${name}-CHANNEL`);
  });
});
