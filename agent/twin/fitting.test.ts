/** What is reported of many settings, and how seldom. */
import { describe, expect, it } from "vitest";
import { TWIN_BYTES_MAX } from "../limits.ts";
import { createTwinBench, deviceOf, stationOf } from "../testing/twin-bench.ts";
import { twinDigest } from "../wire/twin-digest.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { bytesOf, fitting } from "./fitting.ts";

const DEVICES = 50;
const SETTINGS = 6;
const named = (count: number, name: string): string[] => Array.from({ length: count }, (_, n) => `${name}-${n + 1}`);

/** Fifty pumps with six settings each, all of them desired. */
function manyPumps() {
  const settings = named(SETTINGS, "level").map((name) => ({
    name,
    readBack: "target",
    unit: "mbar",
    range: { low: 0, high: 1000 },
  }));
  const station = stationOf(...named(DEVICES, "pump").map((name) => deviceOf(name, { settings })));
  const values = Object.fromEntries(named(SETTINGS, "level").map((name, n) => [name, 100 + n]));
  const desired: JsonObject = { devices: Object.fromEntries(named(DEVICES, "pump").map((name) => [name, values])) };
  const health = Object.fromEntries(named(DEVICES, "pump").map((name) => [name, { health: "good" }]));
  const schemas = Object.fromEntries(named(DEVICES, "pump").map((name) => [name, "0123456789abcdef"]));
  return { station, desired, facts: { agent: { version: "1" }, devices: health, schemas } as JsonObject };
}

describe("fifty devices with six settings each", () => {
  it("fit a twin: what runs collapses into the digest, which says that all of it runs", async () => {
    const { station, desired, facts } = manyPumps();
    const { start, far, advance, facts: said, pump } = createTwinBench(station);
    said.current = facts;
    pump.outcome = () => ({ done: "applied", value: 0 });
    pump.readsBack = true;
    await start().connect();
    far.setDesired(desired);
    await advance(30_000);
    const { reported } = far.twin.documents();
    expect(bytesOf(reported)).toBeLessThan(TWIN_BYTES_MAX);
    expect(reported["twin"]).toMatchObject({
      version: 2,
      digest: twinDigest(desired),
      "left-out": DEVICES * (SETTINGS + 1) + 1,
    });
    expect(Object.keys(reported["devices"] as JsonObject)).toHaveLength(DEVICES);
  });

  it("show in full what doesn't run as desired, beside what does", async () => {
    const { station, desired, facts } = manyPumps();
    const { start, far, advance, facts: said, pump, reported } = createTwinBench(station);
    said.current = facts;
    pump.readsBack = true;
    await start().connect();
    const wrong = { devices: { "pump-7": { "level-2": 5_000 } } };
    far.setDesired(desired);
    far.setDesired(wrong);
    await advance(30_000);
    expect(reported("devices/pump-7")).toEqual({
      health: "good",
      "level-2": { ac: 400, av: 3, ad: expect.stringContaining("outside") },
    });
    expect(reported("twin")).toMatchObject({ open: 1 });
    expect(reported("twin")?.["digest"]).not.toBe(twinDigest(far.twin.documents().desired));
    expect(bytesOf(far.twin.documents().reported)).toBeLessThan(TWIN_BYTES_MAX);
  });

  it("fit although none of them runs: the first are told, and how many are not", () => {
    const ack = { value: 1, ac: 500, av: 3, ad: "x".repeat(200) };
    const devices = Object.fromEntries(
      named(DEVICES, "pump").map((name) => [
        name,
        { health: "timeout", ...Object.fromEntries(named(SETTINGS, "level").map((one) => [one, ack])) },
      ]),
    );
    const document = fitting({ agent: { version: "1" }, twin: { version: 3, digest: "0" }, devices });
    expect(bytesOf(document)).toBeLessThan(TWIN_BYTES_MAX);
    const told = Object.keys(document["devices"] as JsonObject).length;
    expect(told).toBeGreaterThan(5);
    expect(document["twin"]).toEqual({ version: 3, digest: "0", "left-out": (DEVICES - told) * SETTINGS });
  });

  it("that fit anyway are told in full", () => {
    const document = { twin: { version: 1 }, devices: { pump: { every: { value: 1, ac: 203, av: 0, ad: "" } } } };
    expect(fitting(document)).toEqual(document);
  });
});

describe("the time since when it is so", () => {
  it("is told with the digest, and doesn't change with the clock by which it is told", async () => {
    const { start, far, advance, clock, reported, memory } = createTwinBench();
    const process = start();
    await process.connect();
    far.setDesired({ devices: { pump: { every: 60 } } });
    await advance(20_000);
    expect(reported("twin")).toEqual({
      version: 2,
      digest: twinDigest({ devices: { pump: { every: 60 } } }),
      since: "2026-05-02T08:00Z",
    });
    const { length } = far.reports;
    clock.stepWall(7_200_000);
    memory.cut();
    await process.connect();
    await advance(7_200_000);
    expect(far.reports).toHaveLength(length);
  });

  it("is left out while nobody vouches for the clock", async () => {
    const { start, far, advance, clock, reported } = createTwinBench();
    clock.trusted = false;
    await start().connect();
    far.setDesired({ devices: { pump: { every: 60 } } });
    await advance(20_000);
    expect(reported("twin")).not.toHaveProperty("since");
  });
});

describe("levels that creep", () => {
  it("cost no report in a usual day: uploads come and go, megabytes add up", async () => {
    const { start, far, advance, facts } = createTwinBench();
    const at = (minute: number): JsonObject => ({
      buffer: {
        waiting: (minute % 15) * 24,
        "waiting-hours": 0.1 * (minute % 3),
        dropped: 0,
        "room-days": 33 + (minute % 60) / 30,
        flash: "good",
      },
      budget: { month: "2026-05", "used-mb": Math.round(minute / 120) / 10, "forecast-mb": 3.5 + (minute % 100) / 100 },
    });
    facts.current = at(0);
    await start().connect();
    await advance(10_000);
    const { length } = far.reports;
    for (let minute = 1; minute <= 24 * 60; minute++) {
      facts.current = at(minute);
      await advance(60_000);
    }
    expect(far.reports.length - length).toBeLessThanOrEqual(1);
  });

  it("errors are told by name with the hour, again when they have doubled, and at most five kinds", async () => {
    const { createLastErrors } = await import("../last-errors.ts");
    const { clock, start, far, advance, facts, reported } = createTwinBench();
    const logged: string[] = [];
    const { log, facts: errors } = createLastErrors({ clock, log: (_, event) => void logged.push(event) });
    await start().connect();
    await advance(5_000);
    log("warn", "uplink-away");
    log("error", "buffer-failed");
    facts.current = { errors: errors() };
    await advance(3_700_000);
    expect(reported("errors")).toEqual({ "buffer-failed": { at: "2026-05-02T08:00Z", n: 1 } });
    for (let n = 0; n < 3; n++) log("error", "buffer-failed");
    facts.current = { errors: errors() };
    await advance(3_700_000);
    expect(reported("errors/buffer-failed")).toMatchObject({ n: 4 });
    const { length } = far.reports;
    log("error", "buffer-failed");
    facts.current = { errors: errors() };
    await advance(3_700_000);
    expect(far.reports).toHaveLength(length);
    for (let kind = 0; kind < 9; kind++) log("error", `kind-${kind}`);
    expect(Object.keys(errors())).toEqual([4, 5, 6, 7, 8].map((kind) => `kind-${kind}`));
    expect(logged).toContain("uplink-away");
  });
});

describe("a document of values that nobody knows", () => {
  const nonsense = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`nonsense-${n}`, n]));

  it("is answered value by value with the reason, and the rest applies", async () => {
    const { start, far, advance, reported } = createTwinBench();
    await start().connect();
    far.setDesired({ ...nonsense, upload: { interval: 120 } });
    await advance(30_000);
    for (const key of Object.keys(nonsense)) expect(reported(key)).toEqual({ ac: 400, av: 2, ad: "no such key" });
    expect(reported("upload/interval")).toMatchObject({ value: 120, ac: 200 });
  });

  it("leaves its answers out before it leaves out devices, and says of how many", () => {
    const ack = { ac: 400, av: 2, ad: "no such key" };
    const document = {
      ...Object.fromEntries(Object.keys(nonsense).map((key) => [key, ack])),
      live: ack,
      devices: { pump: { health: "stuck" } },
      twin: { digest: "e3b0c44298fc" },
    };
    const left = fitting(document, 1_700);
    expect(bytesOf(left)).toBeLessThan(1_700);
    expect(left).toMatchObject({ live: ack, devices: { pump: { health: "stuck" } }, "nonsense-0": ack });
    const leftOut = Object.keys(nonsense).filter((key) => !(key in left)).length;
    expect(left["twin"]).toEqual({ digest: "e3b0c44298fc", "left-out": leftOut });
  });
});
