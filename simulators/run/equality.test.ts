import { expect, test } from "vitest";
import { longestMatch } from "./equality.ts";

const channels = [
  { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
  { name: "temperature", kind: "gauge", unit: "Cel", resolution: 0.1 },
] as const;
const answers = [1, 2, 3, 4].map((second) => ({
  atMs: second * 1_000,
  did: "answered" as const,
  values: { pressure: Number((second * 100.1).toFixed(1)), temperature: second === 3 ? "no-sensor" : 20 },
}));
const row = (sequence: number, values: (number | string)[], time = sequence * 1_000 + 3) =>
  [time, 0, sequence, ...values] as [number, number, number, ...(number | string)[]];

test("consecutive rows that equal consecutive answers are counted", () => {
  const rows = [row(2, [200.2, 20]), row(3, [300.30000000000001, "no-sensor"]), row(4, [400.4, 20])];
  expect(longestMatch({ rows, channels }, answers).rows).toBe(3);
});

test("a value that is off by one step ends the run and is named", () => {
  const rows = [row(2, [200.2, 20]), row(3, [300.4, "no-sensor"])];
  expect(longestMatch({ rows, channels }, answers)).toEqual({
    rows: 1,
    difference: "sequence 3: pressure is 300.4, sent was 300.3",
  });
});

test("a gap in the sequence, a skipped answer and another time each end the run", () => {
  expect(longestMatch({ rows: [row(2, [200.2, 20]), row(4, [400.4, 20])], channels }, answers).rows).toBe(1);
  const skipped = [row(2, [200.2, 20]), row(3, [400.4, 20], 4_003)];
  expect(longestMatch({ rows: skipped, channels }, answers).rows).toBe(1);
  expect(longestMatch({ rows: [row(2, [200.2, 20], 60_000)], channels }, answers).rows).toBe(0);
});
