/** What clocks do to the times of uploads. */
import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { firstUploadAt, nextUploadAt } from "./phase.ts";
import { createSchedule } from "./schedule.ts";
import { createUploadWindows } from "./windows.ts";

const HOUR = 3_600_000;
const QUARTER = 900_000;
const NIGHT = createUploadWindows([{ from: "02:00", to: "04:00" }], "UTC");

describe("uploads", () => {
  it("may happen at any hour while nobody vouches for the clock: a window that can't be told must not keep data back", () => {
    const { clock } = createSimulatedTime({ wallMs: Date.UTC(1970, 0, 1, 12) });
    const schedule = createSchedule({ clock }, { station: "lake", intervalMs: QUARTER, windows: NIGHT });
    clock.trusted = false;
    expect(schedule.isOpen()).toBe(true);
    expect(schedule.takeDue()).toBe(true);
    clock.stepWall(Date.UTC(2026, 4, 2));
    clock.trusted = true;
    expect(schedule.isOpen()).toBe(false);
    clock.stepWall(-10 * HOUR);
    expect(schedule.isOpen()).toBe(true);
  });

  it.each([
    HOUR,
    -HOUR,
    24 * HOUR,
    -24 * HOUR,
  ])("are due by monotonic time, whatever step the wall clock takes (%i ms)", async (by) => {
    const { clock, advance } = createSimulatedTime();
    const schedule = createSchedule({ clock }, { station: "lake", intervalMs: QUARTER });
    expect(schedule.takeDue()).toBe(true);
    const dueMs = schedule.nextAt;
    clock.stepWall(by);
    expect(schedule.takeDue()).toBe(false);
    await advance(dueMs - clock.bootMs());
    expect(schedule.takeDue()).toBe(true);
    expect(schedule.nextAt).toBe(dueMs + QUARTER);
  });

  it("are due once after a suspend, not once for each interval that went by", () => {
    const { clock, suspend } = createSimulatedTime();
    const schedule = createSchedule({ clock }, { station: "lake", intervalMs: QUARTER });
    schedule.takeDue();
    suspend(8 * HOUR);
    expect([schedule.takeDue(), schedule.takeDue()]).toEqual([true, false]);
    expect(schedule.nextAt - clock.bootMs()).toBeLessThanOrEqual(QUARTER);
  });
});

describe("the first upload of a process", () => {
  const DAY = 24 * HOUR;
  const ofNew = { isNew: true, waitingHours: 0 };
  const ofOld = { isNew: false, waitingHours: 0.2 };

  it("of a new station comes within half a minute, so that whoever set it up sees it", () => {
    for (const station of ["lake", "jetty", "north"])
      for (const now of [0, 12_345, HOUR - 1])
        expect(firstUploadAt(now, HOUR, station, ofNew) - now).toBeLessThanOrEqual(30_000);
  });

  it("of a station that starts again is the one that it would have made anyway", () => {
    expect(firstUploadAt(5 * HOUR, HOUR, "lake", ofOld)).toBe(nextUploadAt(5 * HOUR, HOUR, "lake"));
    let uploads = 0;
    let at = nextUploadAt(0, HOUR, "lake") - HOUR;
    // A restart every 25 min of a day.
    for (let start = 0; start < DAY; start += HOUR / 2.4) {
      at = firstUploadAt(start, HOUR, "lake", ofOld);
      for (; at < Math.min(DAY, start + HOUR / 2.4); at = nextUploadAt(at, HOUR, "lake")) uploads++;
    }
    expect(uploads).toBe(24);
  });

  it("comes at once when what waits should have gone before, or when nobody wants a spread", () => {
    expect(firstUploadAt(7_000, HOUR, "lake", { isNew: false, waitingHours: 1.1 })).toBe(7_000);
    expect(firstUploadAt(7_000, 5_000, "lake", ofOld)).toBe(7_000);
  });
});
