import { describe, expect, it } from "vitest";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createLive } from "./live.ts";

const MINUTE = 60_000;

function standUp() {
  const time = createSimulatedTime();
  const budget = { obstacle: undefined as string | undefined };
  const seen: (number | undefined)[] = [];
  const live = createLive({ ...time, obstacle: () => budget.obstacle, onChange: () => seen.push(live.everyMs()) });
  const until = (minutes: number) => ({ everyMs: 2_000, untilMs: time.clock.wallMs() + minutes * MINUTE });
  return { ...time, live, budget, seen, until };
}

describe("watching live", () => {
  it("runs until it is over, and ends by itself", async () => {
    const { live, advance, seen, until } = standUp();
    expect(live.set(until(10))).toEqual({ state: "runs", forMs: 10 * MINUTE });
    await advance(10 * MINUTE - 1);
    expect(live.everyMs()).toBe(2_000);
    await advance(1);
    expect(seen).toEqual([2_000, undefined]);
  });

  it("lasts half an hour at most, whatever was asked for, also when the clock is set back meanwhile", async () => {
    const { live, advance, clock, until } = standUp();
    expect(live.set(until(31))).toMatchObject({ state: "runs", forMs: 30 * MINUTE });
    clock.stepWall(-60 * MINUTE);
    await advance(30 * MINUTE);
    expect(live.everyMs()).toBeUndefined();
    expect(live.set(until(32))).toMatchObject({ state: "refused" });
    expect(live.set(until(0))).toEqual({ state: "over" });
  });

  it("waits while the budget is short or no clock can be trusted, and ends when the budget becomes short", () => {
    const { live, budget, clock, until } = standUp();
    budget.obstacle = "the month's budget is short";
    expect(live.set(until(10))).toEqual({ state: "waits", reason: "the month's budget is short" });
    budget.obstacle = undefined;
    clock.trusted = false;
    expect(live.set(until(10))).toMatchObject({ state: "waits" });
    clock.trusted = true;
    live.set(until(10));
    live.end();
    expect(live.everyMs()).toBeUndefined();
  });

  it("is replaced by another, and ends when nobody wants it any more", async () => {
    const { live, advance, until } = standUp();
    live.set(until(5));
    live.set({ ...until(20), everyMs: 5_000 });
    await advance(6 * MINUTE);
    expect(live.everyMs()).toBe(5_000);
    live.set(undefined);
    expect(live.everyMs()).toBeUndefined();
  });
});
