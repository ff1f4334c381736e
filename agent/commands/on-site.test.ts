import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createOnSite } from "./on-site.ts";

const HOUR = 3_600_000;
const NINE = Date.UTC(2026, 4, 2, 9);

/** A boot of the board; the disk outlives it. */
function boot(disk: { text?: string; isFull?: boolean }, options: Parameters<typeof createSimulatedTime>[0] = {}) {
  const time = createSimulatedTime({ wallMs: NINE, ...options });
  const changes: [boolean, string][] = [];
  const onSite = createOnSite({
    ...time,
    log: () => undefined,
    file: {
      load: () => (disk.text === undefined ? undefined : (JSON.parse(disk.text) as unknown)),
      save: (document) => {
        if (disk.isFull) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
        disk.text = JSON.stringify(document);
      },
    },
    timeZone: () => "Europe/Berlin",
    onChange: (...change) => changes.push(change),
  });
  return { ...time, time, onSite, changes };
}

describe("on-site mode", () => {
  it("says until when in the station's own time, ends by itself, and tells both", async () => {
    const { onSite, advance, changes } = boot({});
    expect([onSite.now(), onSite.obstacle()]).toEqual([undefined, undefined]);
    expect(onSite.begin(2 * HOUR, "here", true)).toBe(true);
    expect(onSite.obstacle()).toBe("on-site until 13:00, ended by itself then");
    expect(onSite.now()).toEqual({ until: NINE + 2 * HOUR, leftMs: 2 * HOUR, by: "here", isOurs: true });
    await advance(2 * HOUR - 1);
    expect(onSite.now()?.leftMs).toBe(1);
    await advance(1);
    expect([onSite.now(), onSite.obstacle()]).toEqual([undefined, undefined]);
    expect(changes).toEqual([
      [true, "until 13:00, by here"],
      [false, "its time is over"],
    ]);
  });

  it("is counted on monotonic time: a clock that is set back doesn't make it longer", async () => {
    const { onSite, advance, clock } = boot({});
    onSite.begin(HOUR, "here", true);
    clock.stepWall(-5 * HOUR);
    await advance(HOUR);
    expect(onSite.now()).toBeUndefined();
  });

  it("is never longer than a day", () => {
    const { onSite } = boot({});
    onSite.begin(100 * HOUR, "here", true);
    expect(onSite.now()?.leftMs).toBe(24 * HOUR);
  });

  it("goes on to the same end after the agent's restart, also with the clock wrong", async () => {
    const disk = {};
    boot(disk).onSite.begin(2 * HOUR, "here", true);
    const again = boot(disk, { bootMs: 1_000 + HOUR });
    again.clock.stepWall(-9 * HOUR);
    again.onSite.resume();
    expect(again.onSite.now()?.leftMs).toBe(HOUR);
    await again.advance(HOUR);
    expect(again.changes).toEqual([[false, "its time is over"]]);
  });

  it("goes on to the same end by the wall clock after a reboot, and one that passed meanwhile is told as ended", () => {
    const disk = {};
    boot(disk).onSite.begin(2 * HOUR, "here", true);
    const rebooted = boot({ ...disk }, { bootId: "other", wallMs: NINE + 1.5 * HOUR });
    rebooted.onSite.resume();
    expect(rebooted.onSite.now()).toEqual({ until: NINE + 2 * HOUR, leftMs: 0.5 * HOUR, by: "here", isOurs: true });
    const late = boot({ ...disk }, { bootId: "other", wallMs: NINE + 3 * HOUR });
    late.onSite.resume();
    expect(late.onSite.now()).toBeUndefined();
    expect(late.changes).toEqual([[false, "its time is over"]]);
  });

  it("after a reboot without a clock errs on the short side, until the clock is set", async () => {
    const disk = {};
    boot(disk).onSite.begin(2 * HOUR, "here", true);
    const rebooted = boot(disk, { bootId: "other", wallMs: 0 });
    rebooted.clock.trusted = false;
    rebooted.onSite.resume();
    expect(rebooted.onSite.now()).toEqual({ leftMs: HOUR / 4, by: "here", isOurs: true, isUnsure: true });
    await rebooted.advance(HOUR / 12);
    rebooted.clock.stepWall(NINE + HOUR - rebooted.clock.wallMs());
    rebooted.clock.trusted = true;
    await rebooted.advance(10_000);
    expect(rebooted.onSite.now()).toMatchObject({ until: NINE + 2 * HOUR, leftMs: HOUR - 10_000 });
    expect(rebooted.onSite.now()).not.toHaveProperty("isUnsure");
  });

  it("never lasts longer over reboots without a clock than was asked for", async () => {
    const disk = {};
    boot(disk).onSite.begin(HOUR / 2, "here", true);
    const granted: number[] = [];
    for (let at = 0; at < 4; at++) {
      const rebooted = boot(disk, { bootId: `boot ${at}`, wallMs: 0 });
      rebooted.clock.trusted = false;
      rebooted.onSite.resume();
      granted.push(rebooted.onSite.now()?.leftMs ?? 0);
    }
    expect(granted).toEqual([HOUR / 4, HOUR / 4, 0, 0]);
  });

  it("is over after a reboot when even a clock that is behind says so", () => {
    const disk = {};
    boot(disk).onSite.begin(HOUR, "here", true);
    const rebooted = boot(disk, { bootId: "other", wallMs: NINE + 2 * HOUR });
    rebooted.clock.trusted = false;
    rebooted.onSite.resume();
    expect(rebooted.onSite.now()).toBeUndefined();
  });

  it("holds without a disk, and says that it couldn't be kept", () => {
    const { onSite } = boot({ isFull: true });
    expect(onSite.begin(HOUR, "here", true)).toBe(false);
    expect(onSite.now()?.leftMs).toBe(HOUR);
  });

  it.each([
    "null",
    "{}",
    '{"onSite":null}',
    '{"onSite":{}}',
    '{"onSite":{"bootId":"x","untilBootMs":"1e9"}}',
  ])("a file that says %s is nobody", (text) => {
    const { onSite } = boot({ text });
    onSite.resume();
    expect(onSite.now()).toBeUndefined();
  });

  it("its end leaves no timer behind", async () => {
    const { onSite, time, advance } = boot({});
    onSite.begin(HOUR, "here", true);
    onSite.end("ended at the station");
    onSite.end("once more");
    await advance(0);
    expect(time.waiting).toBe(0);
  });
});
