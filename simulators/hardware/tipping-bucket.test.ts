import { expect, test } from "vitest";
import { createTippingBucket } from "./tipping-bucket.ts";

test("tips once per measure of rain, whatever the portions in which it falls", () => {
  const whole = createTippingBucket({ mmPerTip: 0.2794 });
  whole.rain(0, 3_600_000, 10);
  const parts = createTippingBucket({ mmPerTip: 0.2794 });
  for (let minute = 0; minute < 60; minute++) parts.rain(minute * 60_000, (minute + 1) * 60_000, 10);
  expect(whole.tips).toBe(Math.floor(10 / 0.2794));
  expect(parts.tips).toBe(whole.tips);
});

test("a tip comes when the bucket is full, chatters, and lets the line rise again", () => {
  const bucket = createTippingBucket({ mmPerTip: 0.2, filledMm: 0.1 });
  const edges = bucket.rain(1_000, 5_000, 180);
  expect(edges.map(({ edge }) => edge)).toEqual(["falling", "rising", "falling", "rising"]);
  expect(edges[0]?.atMs).toBeCloseTo(1_000 + 2_000, 6);
  expect(edges[3]?.atMs).toBeCloseTo(3_100, 6);
});

test("no rain, no tip", () => expect(createTippingBucket({ mmPerTip: 0.2 }).rain(0, 1e9, 0)).toEqual([]));
