/** What clocks do to the times of uploads. */
import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
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
