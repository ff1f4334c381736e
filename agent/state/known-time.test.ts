import { beforeEach, describe, expect, it, vi } from "vitest";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createSimulatedTime, type SimulatedTime } from "../testing/simulated-time.ts";
import { type KnownTime, keepKnownTime } from "./known-time.ts";
import { createStateStore } from "./state-store.ts";

const HOUR = 3_600_000;
let time: SimulatedTime;
let saves: KnownTime[];
const log = vi.fn();
beforeEach(() => {
  time = createSimulatedTime();
  saves = [];
  log.mockClear();
});

const keep = (document = { load: () => undefined, save: (known: KnownTime) => void saves.push(known) }) =>
  keepKnownTime({ ...time, log, document });

describe("the time that is kept for the next boot", () => {
  it("is kept once it is vouched for, and once an hour from then on", async () => {
    time.clock.trusted = false;
    keep();
    await time.advance(HOUR);
    expect(saves).toEqual([]);
    time.clock.trusted = true;
    await time.advance(10_000);
    const { bootId } = time.clock;
    expect(saves).toEqual([
      { bootId, wallMs: time.clock.wallMs(), offsetMs: time.clock.wallMs() - time.clock.bootMs() },
    ]);
    await time.advance(10 * HOUR);
    expect(saves).toHaveLength(11);
    expect(log.mock.calls.map(([, event]: unknown[]) => event)).toEqual(["clock-not-set", "clock-trusted"]);
  });

  it("is kept at once, and told, when the clock was corrected", async () => {
    keep();
    time.clock.stepWall(-HOUR);
    await time.advance(10_000);
    expect(saves).toHaveLength(2);
    expect(log).toHaveBeenCalledWith("warn", "clock-corrected", { byMs: -HOUR });
  });

  it("isn't worth a station when the disk can't be written, and not looked for any more after the stop", async () => {
    const stop = keep({
      load: () => undefined,
      save: () => {
        throw new Error("read-only");
      },
    });
    await time.advance(10_000);
    expect(log).toHaveBeenCalledWith("error", "known-time-not-saved", expect.anything());
    stop();
    expect(time.waiting).toBe(0);
  });

  it("is read back as it was written", () => {
    const document = createStateStore({ files: createMemoryFiles(), log }, "/state").document<KnownTime>("clock");
    keepKnownTime({ ...time, log, document });
    expect(document.load()?.wallMs).toBe(time.clock.wallMs());
  });
});
