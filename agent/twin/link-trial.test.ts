/** Settings that can cut the link: kept once the cloud has heard the station with them, else rolled back. */
import { describe, expect, it } from "vitest";
import { LINK_TRIAL_MS, LINK_TRIAL_STARTS_MAX } from "../limits.ts";
import { createTwinBench } from "../testing/twin-bench.ts";

const ON_TRIAL = expect.stringContaining("on trial");
const ROLLED_BACK = expect.stringContaining("rolled back");
const HOUR_MS = 3_600_000;
const keepAlive = (value: number | string | null) => ({ upload: { "keep-alive": value } });

/** One process, connected; the link is made anew when the twin asks for it, as the uplink does. */
async function createBench() {
  const bench = createTwinBench();
  const { memory, pump, advance, link } = bench;
  let process = bench.start();
  await process.connect();
  await advance(2_000);
  let served = 0;
  return {
    ...bench,
    /** The link stands, and a message is acknowledged now and then. */
    stand: async (hours: number, everyMs = HOUR_MS / 4) => {
      for (let ms = 0; ms < hours * HOUR_MS; ms += everyMs) {
        await advance(everyMs);
        link.acknowledged++;
      }
      await advance(11_000);
    },
    /** A connection of its own, on which a message is acknowledged. */
    hear: async () => {
      served = pump.proofs;
      memory.cut();
      await process.connect();
      await advance(1_000);
      link.acknowledged++;
      await advance(11_000);
    },
    isAsked: () => pump.proofs > served,
    restart: async (how: "kill" | "stop") => {
      if (how === "kill") process.kill();
      else await process.stop();
      link.acknowledged = 0;
      process = bench.start();
      await advance(2_000);
    },
    cut: () => memory.cut(),
    connect: () => process.connect(),
    process: () => process,
  };
}

describe("a setting that can cut the link", () => {
  it("runs on trial, asks for a connection of its own, and is kept once the cloud has heard the station on it", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    expect(bench.isAsked()).toBe(true);
    expect(bench.reported("upload/keep-alive")).toEqual({ value: 300, ac: 202, av: 2, ad: ON_TRIAL });
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toEqual({ value: 300, ac: 200, av: 2, ad: "" });
    await bench.advance(2 * LINK_TRIAL_MS);
    expect(bench.reported("upload/keep-alive")).toMatchObject({ ac: 200 });
  });

  it("isn't on trial where it can't cut anything", async () => {
    const bench = await createBench();
    bench.far.setDesired({ upload: { interval: 60 } });
    await bench.advance(2_000);
    expect(bench.reported("upload/interval")).toMatchObject({ ac: 200 });
    expect(bench.isAsked()).toBe(false);
  });

  it("needs both: a message that was acknowledged, and a twin fetched on a connection made since", async () => {
    const messageOnly = await createBench();
    messageOnly.far.setDesired(keepAlive(300));
    await messageOnly.advance(2_000);
    messageOnly.link.acknowledged++;
    await messageOnly.advance(60_000);
    expect(messageOnly.reported("upload/keep-alive")).toMatchObject({ ac: 202 });

    const twinOnly = await createBench();
    twinOnly.far.setDesired(keepAlive(300));
    await twinOnly.advance(2_000);
    twinOnly.cut();
    await twinOnly.connect();
    await twinOnly.advance(60_000);
    expect(twinOnly.reported("upload/keep-alive")).toMatchObject({ ac: 202 });
    // Nothing to send: there is nothing that could be acknowledged.
    twinOnly.link.isNothingWaiting = true;
    await twinOnly.advance(12_000);
    expect(twinOnly.reported("upload/keep-alive")).toMatchObject({ ac: 200 });
  });

  it("is rolled back after the stated time to what was heard last, answered 500, and not tried again at once", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    await bench.hear();
    bench.far.setDesired({ ...keepAlive(1_000), devices: { pump: { target: 600 } } });
    await bench.advance(2_000);
    bench.cut();
    await bench.advance(LINK_TRIAL_MS - 60_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 1_000_000 });
    await bench.advance(120_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    expect(bench.isAsked()).toBe(true);
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toEqual({ value: 300, ac: 500, av: 3, ad: ROLLED_BACK });
    expect(bench.pump.target).toBe(600);
    // The same value in a newer version, and after a restart: known to be bad.
    bench.far.setDesired({ ...keepAlive(1_000), devices: { pump: { target: 700 } } });
    await bench.advance(2_000);
    await bench.restart("stop");
    await bench.connect();
    await bench.advance(2_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    expect(bench.reported("upload/keep-alive")).toMatchObject({ value: 300, ac: 500, av: 4 });
    // Another value is another trial.
    bench.far.setDesired(keepAlive(600));
    await bench.advance(2_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 600_000 });
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toMatchObject({ value: 600, ac: 200, av: 5 });
  });

  it("that is taken back is on trial as well, and what was heard stays where the file's isn't", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    await bench.hear();
    bench.far.setDesired(keepAlive(null));
    await bench.advance(2_000);
    expect(bench.pump.policy).toEqual({});
    bench.cut();
    await bench.advance(LINK_TRIAL_MS + 60_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toMatchObject({ value: 300, ac: 500, ad: ROLLED_BACK });
  });

  it("leaves others alone: of two, the one that was heard stays, and a third applies", async () => {
    const bench = await createBench();
    bench.far.setDesired({ upload: { budget: 50 } });
    await bench.advance(2_000);
    await bench.hear();
    bench.far.setDesired({ upload: { connection: "standing", interval: 60 } });
    await bench.advance(2_000);
    bench.cut();
    await bench.advance(LINK_TRIAL_MS + 60_000);
    await bench.hear();
    expect(bench.pump.policy).toEqual({ budgetBytes: 50e6, intervalMs: 60_000 });
    expect(bench.reported("upload/budget")).toMatchObject({ ac: 200 });
    expect(bench.reported("upload/connection")).toMatchObject({ value: "by-cost", ac: 500 });
  });

  it("counts only hours at which messages may go: a window that opens at night isn't judged by day", async () => {
    const bench = await createBench();
    bench.link.isOpen = false;
    bench.far.setDesired({ upload: { windows: "02:30-05:00" } });
    await bench.advance(6 * LINK_TRIAL_MS);
    expect(bench.reported("upload/windows")).toMatchObject({ value: "02:30-05:00", ac: 202 });
    bench.link.isOpen = true;
    await bench.hear();
    expect(bench.reported("upload/windows")).toMatchObject({ ac: 200 });
  });

  it.each(["kill", "stop"] as const)("stays on trial over a restart in the middle (%s)", async (how) => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    await bench.restart(how);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    await bench.advance(LINK_TRIAL_MS + 60_000);
    expect(bench.pump.policy).toEqual({});
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toMatchObject({ value: "learn", ac: 500, ad: ROLLED_BACK });
  });

  it("is rolled back by a station that starts again and again", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    for (let starts = 0; starts < LINK_TRIAL_STARTS_MAX; starts++) await bench.restart("stop");
    expect(bench.pump.policy).toEqual({});
  });

  it("is tried again when the good ones weren't heard either, since that was the network; but not for ever", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    bench.cut();
    for (let trial = 1; trial <= 3; trial++) {
      await bench.advance(2 * LINK_TRIAL_MS + 120_000);
      expect(bench.pump.policy, `trial ${trial}`).toEqual({});
      await bench.hear();
      bench.cut();
      expect(bench.pump.policy, `trial ${trial}`).toEqual(trial < 3 ? { keepAlive: 300_000 } : {});
    }
    await bench.connect();
    await bench.advance(12_000);
    expect(bench.reported("upload/keep-alive")).toMatchObject({ ac: 500, ad: ROLLED_BACK });
  });

  it("…and is kept after an outage that wasn't its fault", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    bench.cut();
    await bench.advance(2 * LINK_TRIAL_MS + 120_000);
    await bench.hear();
    await bench.hear();
    expect(bench.reported("upload/keep-alive")).toEqual({ value: 300, ac: 200, av: 2, ad: "" });
  });
});

describe("a link setting whose trial met an outage of just that time", () => {
  /** Rolled back, and heard with the values before it: as guilty as can be. */
  async function rolledBack(value: number | string = 300) {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(value));
    await bench.advance(2_000);
    bench.cut();
    await bench.advance(LINK_TRIAL_MS + 60_000);
    await bench.hear();
    return bench;
  }
  const answered = ({ reported }: Awaited<ReturnType<typeof createBench>>) => reported("upload/keep-alive");

  it("is tried again once the link has stood for two hours, and kept; until then it is said what it waits for", async () => {
    const bench = await rolledBack();
    const waits = expect.stringMatching(/^rolled back: .*; tried again once the link has stood for 2 h$/);
    expect(answered(bench)).toEqual({ value: "learn", ac: 500, av: 2, ad: waits });
    await bench.stand(1.75);
    expect(bench.pump.policy).toEqual({});
    await bench.stand(0.5);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
    expect(bench.isAsked()).toBe(true);
    expect(answered(bench)).toMatchObject({ ac: 202, ad: ON_TRIAL });
    await bench.hear();
    expect(answered(bench)).toEqual({ value: 300, ac: 200, av: 2, ad: "" });
  });

  it("…and when it does cut the link, it is rolled back again and waits four times as long", async () => {
    const bench = await rolledBack();
    await bench.stand(2.25);
    bench.cut();
    await bench.advance(LINK_TRIAL_MS + 60_000);
    await bench.hear();
    expect(bench.pump.policy).toEqual({});
    expect(answered(bench)).toMatchObject({ ac: 500, ad: expect.stringContaining("stood for 8 h") });
    await bench.stand(2.25);
    expect(bench.pump.policy).toEqual({});
  });

  it("waits on after a restart", async () => {
    const bench = await rolledBack();
    await bench.stand(1.25);
    await bench.restart("kill");
    await bench.connect();
    await bench.stand(0.75);
    expect(answered(bench)).toMatchObject({ ac: 500, ad: ROLLED_BACK });
    await bench.stand(0.5);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
  });

  it("waits no more when it is taken back, and is new when it comes again", async () => {
    const bench = await rolledBack();
    bench.far.setDesired(keepAlive(null));
    await bench.stand(2.25);
    expect(bench.pump.policy).toEqual({});
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
  });

  it("is read from the state file of an earlier release, which knew no second chance", async () => {
    const bench = await rolledBack();
    const { link } = bench.disk.document as { link: { blamed: Record<string, Record<string, unknown>> } };
    for (const one of Object.values(link.blamed)) for (const name of ["rests", "restedMs"]) delete one[name];
    await bench.restart("kill");
    await bench.connect();
    await bench.stand(2.25);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
  });

  it("after three outages longer than two trials it waits, too", async () => {
    const bench = await createBench();
    bench.far.setDesired(keepAlive(300));
    await bench.advance(2_000);
    for (let outage = 0; outage < 3; outage++) {
      bench.cut();
      await bench.advance(2 * LINK_TRIAL_MS + 120_000);
      await bench.hear();
    }
    expect(bench.pump.policy).toEqual({});
    expect(answered(bench)).toMatchObject({ ac: 500, ad: expect.stringContaining("stood for 2 h") });
    await bench.stand(2.25);
    expect(bench.pump.policy).toEqual({ keepAlive: 300_000 });
  });
});
