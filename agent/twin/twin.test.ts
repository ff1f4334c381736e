import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CloudConnection } from "../cloud/cloud.ts";
import { createTwinBench as createBench, deviceOf, OWN_UPLOAD, stationOf } from "../testing/twin-bench.ts";
import { type JsonObject, mergePatch } from "../wire/twin-document.ts";
import { patchBetween } from "./patch-between.ts";
import { ownValues } from "./reported.ts";

const target = (value: number | null): JsonObject => ({ devices: { pump: { target: value } } });

describe("the twin", () => {
  it("brings a desired setting to the device and reports what was read back with its acknowledgement", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { twin, connect } = start();
    await connect();
    await advance(2_000);
    far.setDesired(target(900));
    await advance(2_000);
    expect(pump.target).toBe(900);
    expect(reported("devices/pump/target")).toEqual({ value: 900, ac: 200, av: 2, ad: "" });
    expect(twin.status()).toContainEqual(
      expect.objectContaining({ path: "devices/pump/target", desired: 900, running: 900, converged: true }),
    );
  });

  it("applies what was desired while the station was away, from the full document", async () => {
    const { start, advance, far, pump, reported } = createBench();
    far.setDesired({ devices: { pump: { target: 700, every: 60 } }, upload: { interval: 120 } });
    const { connect } = start();
    await connect();
    await advance(2_000);
    expect(pump).toMatchObject({ target: 700, every: 60_000, uploadMs: 120_000 });
    expect(reported("devices/pump/every")).toEqual({ value: 60, ac: 200, av: 2, ad: "" });
    expect(reported("upload/interval")).toEqual({ value: 120, ac: 200, av: 2, ad: "" });
  });

  it.each<[string, JsonObject, string, string]>([
    ["out of range", target(1500), "devices/pump/target", "1500 is outside of 200 to 1000 mbar"],
    ["not in steps", target(905), "devices/pump/target", "905 is not in steps of 10 from 200 mbar"],
    ["no number", { devices: { pump: { target: "high" } } }, "devices/pump/target", "not a number"],
    ["an unknown device", { devices: { pumpp: { target: 900 } } }, "devices/pumpp", "no such device; there are pump"],
    [
      "an unknown setting",
      { devices: { pump: { taget: 900 } } },
      "devices/pump/taget",
      "no such setting; did you mean target?",
    ],
    [
      "an impossible cadence",
      { devices: { pump: { every: 0 } } },
      "devices/pump/every",
      "0 is outside of 0.1 to 86400 s",
    ],
    ["an unknown key", { lights: true }, "lights", "no such key"],
  ])("refuses %s with 400 and the reason, and leaves the device alone", async (_, patch, path, reason) => {
    const { start, advance, far, pump, reported } = createBench();
    const { connect } = start();
    await connect();
    await advance(2_000);
    far.setDesired(patch);
    await advance(2_000);
    // What ran before still does, where there is such a thing.
    const runs = path === "devices/pump/every" ? { value: 30 } : {};
    expect(reported(path)).toEqual({ ac: 400, av: 2, ad: reason, ...runs });
    expect(pump.sets).toEqual([]);
    expect(reported("devices/pump/health")).toBe("good");
  });

  it("answers a refused name beyond ASCII in its place", async () => {
    const { start, advance, far, reported } = createBench();
    await start().connect();
    far.setDesired({ größe: 1, devices: { pump: { "максимум+#%41": 2 }, 泵: { every: 1 } } });
    await advance(8_000);
    expect(reported("größe")).toEqual({ ac: 400, av: 2, ad: "no such key" });
    expect(reported("devices/pump/максимум+#%41")).toMatchObject({ ac: 400, av: 2 });
    expect(reported("devices/泵")).toMatchObject({ ac: 400, av: 2, ad: "no such device; there are pump" });
    expect(reported("twin")).not.toHaveProperty("refusals");
  });

  it.each<[string, JsonObject, string, string]>([
    ["a space", { devices: { pump: { "max speed": 3 } } }, "devices/pump/max speed", "no such setting; there are"],
    ["a dot", { "a.b": 1 }, "a.b", "no such key"],
    ["a dollar", { devices: { pump: { $target: 3, t$: 1 } } }, "devices/pump/$target", "no such setting; did you mean"],
    ["a slash", { "devices/pump/target": 1500 }, "devices~1pump~1target", "no such key"],
    [
      "what can't be seen",
      { devices: { "a\u0007\u202e\ud800": {} } },
      "devices/a\\u0007\\u202e\\ud800",
      "no such device",
    ],
    ["nothing", { upload: { "": 1 } }, "upload/", "no such setting; there are"],
    ["too many letters", { ["x".repeat(65)]: 1 }, "x".repeat(65), "no such key"],
    ["far too many letters", { ["x".repeat(2_000)]: 1 }, `${"x".repeat(79)}…`, "no such key"],
    ["the station's own word", { agent: { version: "2" } }, "agent", "no such key"],
    ["a device's own word", { devices: { pump: { health: "good" } } }, "devices/pump/health", "no such setting"],
  ])("lists a refused name with %s, with its reason, and the rest applies", async (_, patch, at, reason) => {
    const { start, advance, far, pump, reported } = createBench();
    far.setDesired(mergePatch(target(900), patch) as JsonObject);
    await start().connect();
    await advance(8_000);
    const { refusals } = reported("twin") as unknown as { refusals: JsonObject[] };
    expect(refusals).toContainEqual({ at, ac: 400, av: 2, ad: expect.stringContaining(reason) as string });
    expect(reported("devices/pump/target")).toMatchObject({ value: 900, ac: 200 });
    expect(pump.target).toBe(900);
    far.setDesired(Object.fromEntries(Object.keys(patch).map((key) => [key, null])));
    await advance(8_000);
    expect(reported("twin")).not.toHaveProperty("refusals");
  });

  it("of more refusals than fit names some, counts the others, and stays within a twin", async () => {
    const { start, advance, far, reported } = createBench();
    await start().connect();
    far.setDesired(Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`no key ${n}`, n])));
    await advance(8_000);
    const twin = reported("twin") as unknown as Record<string, unknown> & { refusals: JsonObject[] };
    expect(twin.refusals.length).toBe(12);
    expect(twin).toMatchObject({ open: 400, "left-out": 388 });
  });

  it("live is answered when it begins, while it waits, and when it is over; a new one begins it again", async () => {
    const { far, pump, start, advance, reported } = createBench();
    await start().connect();
    await advance(1_000);
    const until = (minutes: number) => Date.UTC(2026, 4, 2, 8) + minutes * 60_000;
    pump.liveOutcome = { state: "waits", reason: "the month's budget is short" };
    far.setDesired({ live: { every: 5, until: until(10) } });
    await advance(12_000);
    expect(reported("live")).toEqual({ ac: 202, av: 2, ad: "the month's budget is short" });
    pump.liveOutcome = { state: "runs", forMs: 600_000 };
    await advance(12_000);
    expect(reported("live")).toEqual({ value: 5, ac: 200, av: 2, ad: "" });
    const asked = pump.live.length;
    pump.liveOutcome = { state: "over" };
    await advance(601_000);
    expect(reported("live")).toEqual({ ac: 200, av: 2, ad: "is over" });
    expect(pump.live).toHaveLength(asked + 1);
    far.setDesired({ live: { until: new Date(until(40)).toISOString() } });
    await advance(12_000);
    expect(pump.live).toHaveLength(asked + 2);
    far.setDesired({ live: null });
    await advance(12_000);
    expect(pump.live.at(-1)).toBeUndefined();
  });

  it.each<[string, JsonObject]>([
    ["until is no time", { every: 5, until: "soon" }],
    ["until is no time", { every: 5 }],
    ["every: 0 is outside of 1 to 600 s", { every: 0, until: 1 }],
    ["no such key evrey; there are every and until", { evrey: 5, until: 1 }],
  ])("live is refused with a reason: %s", async (reason, live) => {
    const { far, pump, start, advance, reported } = createBench();
    await start().connect();
    await advance(1_000);
    far.setDesired({ live });
    await advance(12_000);
    expect(reported("live")).toMatchObject({ ac: 400, ad: reason });
    expect(pump.live).toEqual([]);
  });

  it("a document of nonsense is answered briefly and hurts nobody", async () => {
    const { start, advance, far, reported, errors } = createBench();
    const { connect } = start();
    await connect();
    const nonsense = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key-${n}`, n]));
    far.setDesired({ ...nonsense, agent: 5, devices: 7, upload: [], "a.b": 1 });
    await advance(2_000);
    expect(JSON.stringify(far.twin.documents().reported).length).toBeLessThan(6_500);
    expect(reported("agent/version")).toBe("1");
    expect(reported("devices/pump/health")).toBe("good");
    expect(errors).toEqual([]);
  });

  it("an interlocked setting waits with 202 and its reason, and becomes 200 when the condition holds", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { connect } = start();
    await connect();
    await advance(2_000);
    pump.interlock = "state is pumping, must be idle";
    far.setDesired(target(900));
    await advance(2_000);
    expect(reported("devices/pump/target")).toEqual({
      value: 500,
      ac: 202,
      av: 2,
      ad: "state is pumping, must be idle",
    });
    await advance(60_000);
    pump.interlock = undefined;
    await advance(12_000);
    expect(reported("devices/pump/target")).toEqual({ value: 900, ac: 200, av: 2, ad: "" });
    expect(pump.writes).toEqual([900]);
  });

  it("takes a state by its name or its number, and reports it in the words in which it was asked for", async () => {
    const states = new Map([
      [0, "off"],
      [1, "on"],
    ]);
    const relay = deviceOf("pump", {
      channels: [{ name: "relay", kind: "state", unit: "", resolution: 1, states }],
      settings: [{ name: "relay", readBack: "relay", unit: "", range: { low: 0, high: 1 }, step: 1 }],
    });
    const station = stationOf(relay);
    const own = ownValues({ station, readBack: () => 0, upload: OWN_UPLOAD });
    expect(own).toContainEqual({ path: "devices/pump/relay", value: "off", isTold: true });
    const { start, advance, far, pump, reported } = createBench(station);
    pump.target = 0;
    const { connect } = start();
    await connect();
    await advance(2_000);
    const answerTo = async (value: number | string): Promise<JsonObject | undefined> => {
      far.setDesired({ devices: { pump: { relay: value } } });
      await advance(3_000);
      return reported("devices/pump/relay");
    };
    expect(await answerTo("on")).toMatchObject({ value: "on", ac: 200 });
    expect(pump.target).toBe(1);
    expect(await answerTo(1)).toMatchObject({ value: 1, ac: 200 });
    pump.interlock = "door is open";
    expect(await answerTo("off")).toMatchObject({ value: "on", ac: 202, ad: "door is open" });
    expect(await answerTo("open")).toMatchObject({ ac: 400, ad: "no such state; there are off, on" });
  });

  it("says 500 when nobody knows whether the write happened, and finds out", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { connect } = start();
    await connect();
    pump.outcome = () => ({ done: "unknown", reason: "no answer to the write, nor to reading back" });
    far.setDesired(target(900));
    await advance(2_000);
    expect(reported("devices/pump/target")).toMatchObject({ ac: 500, ad: expect.stringContaining("no answer") });
    pump.outcome = undefined;
    await advance(17_000);
    expect(reported("devices/pump/target")).toEqual({ value: 900, ac: 200, av: 2, ad: "" });
  });

  it("a value that reads back as another is a failure, not a success", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { connect } = start();
    await connect();
    pump.outcome = () => ({ done: "applied", value: 890 });
    far.setDesired(target(900));
    await advance(2_000);
    expect(reported("devices/pump/target")).toEqual({
      value: 890,
      ac: 500,
      av: 2,
      ad: "set to 900, reads back 890",
    });
  });

  it("a paused device isn't told anything; its setting waits with the pause's reason", async () => {
    const bench = createBench(stationOf(deviceOf("pump", { paused: "spare part ordered" })));
    await bench.start().connect();
    bench.far.setDesired(target(900));
    await bench.advance(2_000);
    expect(bench.reported("devices/pump/target")).toMatchObject({ ac: 202, ad: "paused: spare part ordered" });
    expect(bench.pump.sets).toEqual([]);
  });

  it("a missed patch is noticed by the version of the next one, and the whole document is fetched", async () => {
    const { start, advance, far, pump } = createBench();
    const { connect } = start();
    await connect();
    await advance(2_000);
    far.setDesiredUnheard(target(900));
    await advance(60_000);
    expect(pump.target).toBe(500);
    far.setDesired({ devices: { pump: { every: 60 } } });
    await advance(2_000);
    expect(pump).toMatchObject({ target: 900, every: 60_000 });
  });

  it("a missed patch that nothing follows is noticed within a day, on a connection that stands", async () => {
    const { start, advance, far, pump } = createBench();
    await start().connect();
    await advance(2_000);
    far.setDesiredUnheard(target(900));
    await advance(12 * 3_600_000);
    expect(pump.target).toBe(500);
    await advance(12 * 3_600_000);
    expect(pump.target).toBe(900);
  });

  it("versions that begin again (a twin made anew) are taken whole", async () => {
    const { start, advance, far, pump, reported, memory } = createBench();
    const { connect } = start();
    await connect();
    for (const value of [600, 700, 800]) far.setDesired(target(value));
    far.setDesired({ devices: { pump: { every: 60 } } });
    await advance(2_000);
    far.twin.recreate(target(900));
    memory.cut();
    await connect();
    await advance(2_000);
    expect(pump).toMatchObject({ target: 900, every: undefined });
    expect(reported("devices/pump/target")).toEqual({ value: 900, ac: 200, av: 1, ad: "" });
    far.setDesired(target(600));
    await advance(2_000);
    expect(pump.target).toBe(600);
  });

  it("a patch that overtakes the answer to the GET isn't lost", async () => {
    const { start, advance, far, pump } = createBench();
    const { connect, twin } = start();
    const connection = await connect();
    await advance(2_000);
    let answer: () => void = () => undefined;
    const slow: CloudConnection = {
      ...connection,
      getTwin: async () => {
        const stale = far.twin.documents();
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
        return stale;
      },
    };
    twin.onConnection(slow);
    await advance(100);
    far.setDesired(target(900));
    await advance(100);
    const first = answer;
    first();
    await advance(100);
    answer();
    await advance(2_000);
    expect(pump.target).toBe(900);
  });

  it("null falls back: the file's cadence and interval again, the device's setting stays as it is", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { connect } = start();
    await connect();
    far.setDesired({ devices: { pump: { target: 900, every: 60 } }, upload: { interval: 60 } });
    await advance(2_000);
    expect(pump).toMatchObject({ every: 60_000, uploadMs: 60_000 });
    far.setDesired({ devices: { pump: { target: null, every: null } }, upload: null });
    await advance(2_000);
    expect(pump).toMatchObject({ target: 900, every: undefined, uploadMs: undefined });
    expect(reported("devices/pump/target")).toBeUndefined();
    expect(reported("devices/pump/every")).toEqual({ value: 30, ac: 203, av: 0, ad: "" });
    expect(reported("upload/interval")).toEqual({ value: 900, ac: 203, av: 0, ad: "" });
  });

  it("what was desired runs again after a restart, without any cloud, and is written only where it differs", async () => {
    const { start, advance, far, pump } = createBench();
    const first = start();
    await first.connect();
    far.setDesired({ devices: { pump: { target: 900, every: 60 } } });
    await advance(2_000);
    await first.stop();
    start();
    await advance(1);
    expect(pump).toMatchObject({ target: 900, every: 60_000, writes: [900] });
    expect(pump.sets).toEqual([900, 900]);
  });

  it("what was desired runs again on another description, whose devices know nothing of it yet", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const { twin, connect } = start();
    await connect();
    far.setDesired({ devices: { pump: { target: 700, every: 60 } }, upload: { interval: 120 } });
    await advance(2_000);
    pump.every = undefined;
    pump.target = 500;
    twin.stationChanged();
    await advance(2_000);
    expect(pump).toMatchObject({ every: 60_000, target: 700 });
    expect(reported("devices/pump/every")).toMatchObject({ value: 60, ac: 200 });
  });

  it("a full disk keeps nobody from applying, and the process goes on", async () => {
    const { start, advance, far, disk, errors, reported } = createBench();
    const { connect, stop } = start();
    await connect();
    disk.isFull = true;
    far.setDesired(target(900));
    await advance(2_000);
    expect(reported("devices/pump/target")).toMatchObject({ value: 900, ac: 200 });
    await stop();
    expect(errors).toEqual([]);
  });

  it("a device that lost its settings gets them back when it reappears, and at the latest after ten minutes", async () => {
    const { start, advance, far, pump } = createBench();
    const { connect, twin } = start();
    await connect();
    far.setDesired(target(900));
    await advance(2_000);
    pump.target = 500;
    twin.deviceReappeared("other");
    await advance(20_000);
    expect(pump.target).toBe(500);
    twin.deviceReappeared("pump");
    await advance(1);
    expect(pump.target).toBe(900);
    pump.target = 500;
    await advance(600_000);
    expect(pump.target).toBe(900);
  });

  it("a version that ends the process is refused by the next one with 500, and the last good one runs", async () => {
    const { start, advance, far, pump, reported } = createBench();
    const first = start();
    await first.connect();
    far.setDesired({ devices: { pump: { target: 600, every: 60 } } });
    await advance(2_000);
    pump.hangs = true;
    far.setDesired({ devices: { pump: { target: 900, every: 90 } } });
    await advance(2_000);
    first.kill();
    pump.hangs = false;
    pump.target = 500;
    for (let restart = 0; restart < 2; restart++) {
      const next = start();
      await next.connect();
      await advance(6_000);
      expect(pump).toMatchObject({ target: 600, every: 60_000 });
      expect(reported("devices/pump/target")).toEqual({
        value: 600,
        ac: 500,
        av: 3,
        ad: "the agent ended while version 3 was applied; version 2 runs",
      });
      next.kill();
    }
    const last = start();
    await last.connect();
    far.setDesired(target(700));
    await advance(6_000);
    expect(pump).toMatchObject({ target: 700, every: 90_000 });
    expect(reported("devices/pump/target")).toEqual({ value: 700, ac: 200, av: 4, ad: "" });
  });

  it("an orderly stop in the middle of applying is no crash", async () => {
    const { start, advance, far, pump, disk } = createBench();
    const first = start();
    await first.connect();
    pump.hangs = true;
    far.setDesired(target(900));
    await advance(2_000);
    expect(disk.document?.["trying"]).toBe(2);
    void first.stop();
    await advance(1);
    expect(disk.document?.["trying"]).toBeUndefined();
    first.kill();
    pump.hangs = false;
    start();
    await advance(1);
    expect(pump.target).toBe(900);
  });

  it("is on disk before it is applied", async () => {
    const { start, advance, far, pump, disk } = createBench();
    await start().connect();
    pump.outcome = () => {
      expect(disk.document).toMatchObject({ current: { version: 2, desired: target(900) }, trying: 2 });
      return { done: "applied", value: 900 };
    };
    far.setDesired(target(900));
    await advance(1);
    expect(pump.sets).toEqual([900]);
    expect(disk.document).toMatchObject({ lastGood: { version: 2 } });
    expect(disk.document).not.toHaveProperty("trying");
  });

  it("a report whose answer was lost isn't guessed about: the twin is fetched and the rest is reported", async () => {
    const { start, advance, far, faults, reported } = createBench();
    const { connect } = start();
    await connect();
    await advance(2_000);
    faults.loseReportAnswers = true;
    far.setDesired(target(900));
    await advance(61_000);
    faults.loseReportAnswers = false;
    const before = far.reports.length;
    await advance(10_000);
    expect(reported("devices/pump/target")).toMatchObject({ value: 900, ac: 200 });
    expect(far.reports).toHaveLength(before);
  });

  it("a bridge that doesn't answer delays no setting that is on disk, and is asked again", async () => {
    const { start, advance, far, pump } = createBench();
    far.silent = true;
    const { connect } = start();
    await connect();
    await advance(30_000);
    far.setDesiredUnheard(target(900));
    far.silent = false;
    await advance(40_000);
    expect(pump.target).toBe(900);
  });

  it("a reconnect with nothing new reports nothing", async () => {
    const { start, advance, far, memory } = createBench();
    const { connect } = start();
    await connect();
    far.setDesired(target(900));
    await advance(5_000);
    const reports = far.reports.length;
    memory.cut();
    await connect();
    await advance(5_000);
    expect(far.reports).toHaveLength(reports);
  });

  it("reports states at once, only the differences, and creeping levels at most once an hour beyond their band", async () => {
    const { start, advance, far, facts } = createBench();
    facts.current = { devices: { pump: { health: "good" } }, buffer: { waiting: 1000 } };
    const { twin, connect } = start();
    await connect();
    await advance(5_000);
    expect(far.reports).toHaveLength(1);
    facts.current = { devices: { pump: { health: "timeout" } }, buffer: { waiting: 1050 } };
    twin.changed();
    await advance(1_000);
    expect(far.reports.at(-1)).toEqual({ devices: { pump: { health: "timeout" } } });
    facts.current = { devices: { pump: { health: "timeout" } }, buffer: { waiting: 1050 } };
    await advance(7_200_000);
    expect(far.reports).toHaveLength(2);
    const waits = (waiting: number, hours: number) => {
      facts.current = { devices: { pump: { health: "timeout" } }, buffer: { waiting, "waiting-hours": hours } };
    };
    waits(5000, 3);
    await advance(20_000);
    waits(9000, 6);
    await advance(3_000_000);
    expect(far.reports.slice(2)).toEqual([{ buffer: { waiting: 5000, "waiting-hours": 3 } }]);
    await advance(700_000);
    expect(far.reports.slice(3)).toEqual([{ buffer: { waiting: 9000, "waiting-hours": 6 } }]);
    waits(20_000, 7);
    await advance(7_200_000);
    expect(far.reports).toHaveLength(4);
  });

  it("reports a state among the levels that creep at once", async () => {
    const { start, advance, far, facts } = createBench();
    facts.current = { buffer: { waiting: 1000, flash: "good" } };
    const { twin, connect } = start();
    await connect();
    await advance(5_000);
    facts.current = { buffer: { waiting: 1001, flash: "failing" } };
    twin.changed();
    await advance(2_000);
    expect(far.reports.at(-1)).toEqual({ buffer: { flash: "failing" } });
  });

  it("a device that flaps is told a dozen times in an hour, then every ten minutes; acknowledgements go at once", async () => {
    const { start, advance, far, facts } = createBench();
    const { twin, connect } = start();
    await connect();
    const flap = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 2) {
        facts.current = { devices: { pump: { health: second % 4 === 0 ? "timeout" : "good" } } };
        twin.changed();
        await advance(2_000);
      }
    };
    await flap(60);
    expect(far.reports.length).toBeLessThanOrEqual(13);
    expect(far.reports.length).toBeGreaterThanOrEqual(12);
    const before = far.reports.length;
    far.setDesired(target(900));
    await advance(2_000);
    expect(far.reports.slice(before)).toMatchObject([{ devices: { pump: { target: { value: 900, ac: 200 } } } }]);
    await flap(3_000);
    expect(far.reports.length - before - 1).toBeLessThanOrEqual(5);
    expect(far.reports.length - before - 1).toBeGreaterThanOrEqual(4);
    await advance(3_600_000);
    const later = far.reports.length;
    facts.current = { devices: { pump: { health: "stuck" } } };
    twin.changed();
    await advance(2_000);
    expect(far.reports).toHaveLength(later + 1);
  });

  it("a report that the cloud refuses isn't repeated soon, but another one goes", async () => {
    const { start, advance, far, facts, reported } = createBench();
    far.refuseReports = "too large";
    const { connect } = start();
    await connect();
    await advance(20_000);
    far.refuseReports = undefined;
    await advance(20_000);
    expect(far.reports).toEqual([]);
    facts.current = { agent: { version: "2" } };
    await advance(20_000);
    expect(reported("agent/version")).toBe("2");
  });

  it("a document that would be too large leaves out schemas first", async () => {
    const { start, advance, reported, facts } = createBench();
    const hashes = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`device-${n}`, "0123456789abcdef"]));
    facts.current = { agent: { version: "1" }, schemas: hashes };
    await start().connect();
    await advance(2_000);
    expect(reported("agent/version")).toBe("1");
    expect(reported("schemas")).toBeUndefined();
  });

  it("a bug in applying passes through, with the mark still set", async () => {
    const { start, advance, far, pump, disk, errors } = createBench();
    await start().connect();
    pump.outcome = () => {
      throw new TypeError("bug");
    };
    far.setDesired(target(900));
    await advance(1);
    expect(errors).toEqual([new TypeError("bug")]);
    expect(disk.document).toMatchObject({ trying: 2 });
  });
});

describe("merge patches", () => {
  const documents = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.string({ maxLength: 3 }),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 3 }),
      tie("object"),
    ),
    object: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value")) as fc.Arbitrary<JsonObject>,
  })).object;

  it("between two documents lead from one to the other, and there is none between equal ones", () => {
    fc.assert(
      fc.property(documents, documents, (from, to) => {
        expect(mergePatch(from, patchBetween(from, to) ?? {})).toEqual(to);
        expect(patchBetween(from, structuredClone(from))).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("whatever happens", () => {
  type Step =
    | { do: "desire"; target: number | null; every: number | null; heard: boolean }
    | { do: "cut" | "restart" | "kill" | "interlock" | "free" | "power-cycle" }
    | { do: "wait"; ms: number };
  const value = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 4 });
  const steps = fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("desire" as const),
          // 205 and 2000 will be refused.
          target: value(fc.constantFrom(200, 300, 400, 500, 205, 2000)),
          every: value(fc.constantFrom(1, 5, 60, 0, 1e9)),
          heard: fc.boolean(),
        }),
      },
      {
        weight: 3,
        arbitrary: fc
          .constantFrom("cut", "restart", "kill", "interlock", "free", "power-cycle")
          .map((what) => ({ do: what })),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 900, 15_000) }) },
    ),
    { maxLength: 25 },
  );

  it("random patches, disconnects, power cuts and restarts end with desired = running = reported", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(600, 700, 800), async (script, last) => {
        const bench = createBench();
        const { far, pump, advance } = bench;
        let process = bench.start();
        const act = async (step: Step): Promise<void> => {
          switch (step.do) {
            case "desire": {
              const patch = { devices: { pump: { target: step.target, every: step.every } } };
              return step.heard ? far.setDesired(patch) : far.setDesiredUnheard(patch);
            }
            case "cut":
              bench.memory.cut();
              await process.connect();
              return;
            case "restart":
              await process.stop();
              process = bench.start();
              await process.connect();
              return;
            case "kill":
              process.kill();
              process = bench.start();
              await process.connect();
              return;
            case "interlock":
              pump.interlock = "pumping";
              return;
            case "free":
              pump.interlock = undefined;
              return;
            case "power-cycle":
              pump.target = 500;
              process.twin.deviceReappeared("pump");
              return;
            case "wait":
              return advance(step.ms);
          }
        };
        await process.connect();
        for (const step of script) await act(step);
        pump.interlock = undefined;
        far.setDesired(target(last));
        await act({ do: "cut" });
        await advance(30_000);

        const { desired } = far.twin.documents();
        const wantedEvery = (desired["devices"] as { pump?: { every?: number } } | undefined)?.pump?.every;
        const isUsable = wantedEvery !== undefined && wantedEvery >= 0.1 && wantedEvery <= 86_400;
        expect(pump.target).toBe(last);
        expect(pump.every).toBe(isUsable ? wantedEvery * 1000 : undefined);
        expect(bench.reported("devices/pump/target")).toEqual({ value: last, ac: 200, av: desired.$version, ad: "" });
        expect(bench.reported("devices/pump/every")).toMatchObject(
          isUsable
            ? { value: wantedEvery, ac: 200, av: desired.$version }
            : { ac: wantedEvery === undefined ? 203 : 400 },
        );
        expect(bench.errors).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });
});
