/** Settings that end the process, and processes that end for other reasons. */
import { describe, expect, it } from "vitest";
import { REFUSED_RETRY_MS, SETTLED_AFTER_MS } from "../limits.ts";
import { createTwinBench, deviceOf, stationOf } from "../testing/twin-bench.ts";

const every = (value: number) => ({ devices: { pump: { every: value } } });
const BECAUSE = "the agent ended 3 times within 10 min of version 3; version 2 runs";

/** A station on which version 2 has settled, and version 3 was applied from beginning to end. */
async function createBench() {
  const bench = createTwinBench(stationOf(deviceOf("pump")));
  let process = bench.start();
  await process.connect();
  bench.far.setDesired(every(60));
  await bench.advance(SETTLED_AFTER_MS + 20_000);
  bench.far.setDesired(every(1));
  await bench.advance(12_000);
  const { clock } = bench;
  const sinceStart = clock.bootMs;
  /** Its time begins anew, half a minute before the agent starts. */
  const boot = (bootId: string): void => {
    const origin = sinceStart() - 30_000;
    Object.assign(clock, { bootId, bootMs: () => sinceStart() - origin });
  };
  return {
    ...bench,
    restart: async (how: "kill" | "stop", livedMs: number, bootId?: string) => {
      await bench.advance(livedMs);
      if (how === "kill") process.kill();
      else await process.stop();
      if (bootId !== undefined) boot(bootId);
      process = bench.start();
      await process.connect();
      await bench.advance(6_000);
    },
  };
}

describe("three ends out of order within ten minutes", () => {
  it("start the last settings with which a process lived for ten minutes; that is told for each and for the whole", async () => {
    const { restart, pump, reported } = await createBench();
    await restart("kill", 60_000);
    await restart("kill", 60_000);
    expect(pump.every).toBe(1_000);
    await restart("kill", 60_000);
    expect(pump.every).toBe(60_000);
    expect(reported("devices/pump/every")).toEqual({ value: 60, ac: 500, av: 3, ad: BECAUSE });
    expect(reported("twin")).toMatchObject({ version: 3, open: 1, crashes: 3 });
    await restart("kill", 60_000);
    expect(pump.every).toBe(60_000);
  });

  it("are not three when they come more slowly, nor when one of them was in order", async () => {
    const slow = await createBench();
    for (let times = 0; times < 5; times++) await slow.restart("kill", 300_000);
    expect(slow.pump.every).toBe(1_000);
    const orderly = await createBench();
    for (const how of ["kill", "stop", "kill", "stop", "stop", "stop"] as const) await orderly.restart(how, 10_000);
    expect(orderly.pump.every).toBe(1_000);
  });

  it("blame nothing when the settings that run are those that settled: it is something else, and it is told", async () => {
    const { restart, advance, pump, reported } = await createBench();
    await advance(SETTLED_AFTER_MS);
    for (let times = 0; times < 4; times++) await restart("kill", 10_000);
    expect(pump.every).toBe(1_000);
    expect(reported("devices/pump/every")).toMatchObject({ ac: 200 });
    expect(reported("twin")).toMatchObject({ crashes: 3 });
    await advance(SETTLED_AFTER_MS + 20_000);
    expect(reported("twin")).not.toHaveProperty("crashes");
  });

  it("count reboots, but not the one that ends a long life: a power cut says nothing about settings", async () => {
    const loop = await createBench();
    // The first of them ends a process that had settled.
    for (const boot of ["b", "c", "d", "e"]) await loop.restart("kill", 60_000, boot);
    expect(loop.pump.every).toBe(60_000);
    const cuts = await createBench();
    // An hour of life between them, which nobody notes but by having settled.
    for (const boot of ["b", "c", "d", "e"]) await cuts.restart("kill", 3_600_000, boot);
    expect(cuts.pump.every).toBe(1_000);
    expect(cuts.reported("devices/pump/every")).toMatchObject({ ac: 200 });
  });

  it("let the version be tried once more after half an hour of quiet; it stays when it settles", async () => {
    const { restart, advance, pump, reported } = await createBench();
    for (let times = 0; times < 3; times++) await restart("kill", 10_000);
    expect(pump.every).toBe(60_000);
    await advance(REFUSED_RETRY_MS + 20_000);
    expect(pump.every).toBe(1_000);
    expect(reported("devices/pump/every")).toEqual({ value: 1, ac: 200, av: 3, ad: "" });
    await advance(SETTLED_AFTER_MS + 20_000);
    for (let times = 0; times < 3; times++) await restart("kill", 10_000);
    expect(pump.every).toBe(1_000);
  });

  it("…and never again once it has ended processes a second time, until it changes", async () => {
    const { restart, advance, pump, far } = await createBench();
    for (let times = 0; times < 3; times++) await restart("kill", 10_000);
    await advance(REFUSED_RETRY_MS + 20_000);
    expect(pump.every).toBe(1_000);
    for (let times = 0; times < 3; times++) await restart("kill", 10_000);
    expect(pump.every).toBe(60_000);
    await advance(10 * REFUSED_RETRY_MS);
    expect(pump.every).toBe(60_000);
    far.setDesired(every(2));
    await advance(12_000);
    expect(pump.every).toBe(2_000);
  });

  it("run what the files say where no settings have ever been good", async () => {
    const bench = createTwinBench();
    bench.far.setDesired(every(1));
    for (let starts = 0; starts < 4; starts++) {
      const process = bench.start();
      await process.connect();
      await bench.advance(10_000);
      if (starts < 3) process.kill();
    }
    expect(bench.pump.every).toBeUndefined();
    expect(bench.reported("devices/pump/every")).toMatchObject({
      value: 30,
      ac: 500,
      ad: expect.stringContaining("what the files say runs"),
    });
  });
});

describe("a document that is no twin", () => {
  it.each<[string, object, string]>([
    ["larger than 8 KB", { a: "x".repeat(9_000) }, "bytes, at most 8192"],
    ["nested too deeply", { a: { b: { c: { d: { e: { f: 1 } } } } } }, "nested deeper than 5"],
    ["of arrays in arrays", { a: [[[[[[1]]]]]] }, "nested deeper than 5"],
  ])("(%s) is refused as a whole, what runs goes on, also after a restart; the next good one applies", async (_, patch, reason) => {
    const { far, advance, restart, pump, reported, errors } = await createBench();
    const digest = reported("twin")?.["digest"];
    far.setDesired({ ...patch, ...every(5) });
    await advance(12_000);
    expect(pump.every).toBe(1_000);
    expect(reported("twin")).toMatchObject({ version: 4, refused: expect.stringContaining(reason), digest });
    expect(reported("devices/pump/every")).toMatchObject({ value: 1, ac: 200 });
    await restart("stop", 1_000);
    expect(pump.every).toBe(1_000);
    expect(reported("twin")).toMatchObject({ version: 4, refused: expect.stringContaining(reason) });
    far.setDesired({ a: null, ...every(7) });
    await advance(12_000);
    expect(pump.every).toBe(7_000);
    expect(reported("twin")).not.toHaveProperty("refused");
    expect(errors).toEqual([]);
  });

  it("that is nested a hundred thousand times ends nothing", async () => {
    const { problemOfWhole } = await import("./whole-document.ts");
    let deep: object = {};
    for (let level = 0; level < 100_000; level++) deep = { deep };
    expect(problemOfWhole(deep as never)).toBe("nested deeper than 5");
  });
});

describe("a twin whose versions go backwards", () => {
  it("is taken whole, also where an older version of that number was refused", async () => {
    const { restart, far, memory, advance, pump, reported, start } = await createBench();
    for (let times = 0; times < 3; times++) await restart("kill", 10_000);
    expect(reported("devices/pump/every")).toMatchObject({ ac: 500 });
    // Failover to a hub that knows version 1 only, and then comes to number 3 by another way.
    far.twin.recreate(every(5));
    memory.cut();
    const process = start();
    await process.connect();
    await advance(6_000);
    expect(pump.every).toBe(5_000);
    far.setDesired(every(6));
    far.setDesired(every(8));
    await advance(6_000);
    expect(far.twin.documents().desired.$version).toBe(3);
    expect(pump.every).toBe(8_000);
    expect(reported("devices/pump/every")).toMatchObject({ value: 8, ac: 200, av: 3 });
  });

  it("…and a patch of a number that is known with other words isn't taken for known", async () => {
    const { createMirror } = await import("./mirror.ts");
    const mirror = createMirror({ version: 5, desired: { a: 1, b: 2 } });
    expect(mirror.merge({ $version: 5, a: 1 })).toBe("known");
    expect(mirror.merge({ $version: 5, a: 3 })).toBe("gap");
    expect(mirror.merge({ $version: 5, b: null })).toBe("gap");
    expect(mirror.merge({ $version: 4, a: 1 })).toBe("gap");
    expect(mirror.merge({ $version: 6, a: 3 })).toBe("merged");
  });
});
