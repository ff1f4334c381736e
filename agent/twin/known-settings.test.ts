/** The station's own settings: each one's range, its default, its way into what runs, and back to the file. */
import { describe, expect, it } from "vitest";
import { createTwinBench, deviceOf, stationOf } from "../testing/twin-bench.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { textFromWindows, windowsFromText } from "../wire/upload-windows.ts";
import { DEVICE_SETTINGS, deviceKeys, UPLOAD_SETTINGS } from "./known-settings.ts";
import { readDesired } from "./settings.ts";

/** Declares all that can be tuned. */
const pump = deviceOf("pump", {
  faster: { when: { text: "state is pumping", channels: ["state"], test: () => true }, everyMs: 1_000 },
  smallChange: new Map([["target", 0.5]]),
  filters: new Map([
    [
      "target",
      [
        { do: "round", step: 0.1 },
        { do: "throttle", everyMs: 60_000 },
      ],
    ],
  ]),
  aggregate: { everyMs: 600_000, by: new Map() },
});
const station = stationOf(pump);
const desiredPump = (values: JsonObject): JsonObject => ({ devices: { pump: values } });

describe("settings of a device", () => {
  it("are those that its description declares, each with the file's value", () => {
    expect(deviceKeys(pump)).toEqual([
      "every",
      "faster",
      "heartbeat",
      "window",
      "small-change-target",
      "throttle-target",
    ]);
    expect(deviceKeys(deviceOf("bare"))).toEqual(["every"]);
  });

  it.each<[string, number, object]>([
    ["every", 60, { everyMs: 60_000 }],
    ["faster", 0.5, { fasterMs: 500 }],
    ["heartbeat", 3_600, { heartbeatMs: 3_600_000 }],
    ["window", 300, { windowMs: 300_000 }],
    ["small-change-target", 2, { smallChange: new Map([["target", 2]]) }],
    ["throttle-target", 10, { throttleMs: new Map([["target", 10_000]]) }],
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
    ["small-change-target", -1, "-1 is outside of 0 to 1000000000"],
    ["small-change-state", 1, "no such setting; there are target, every, faster"],
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
    const all = [...UPLOAD_SETTINGS, ...DEVICE_SETTINGS];
    expect(new Set(all.map(({ of, name }) => `${of} ${name}`)).size).toBe(all.length);
    for (const { name, describe: words } of all) {
      expect(name).toMatch(/^[a-z][a-z-]*$/);
      expect(words.length, name).toBeGreaterThan(15);
    }
  });
});
