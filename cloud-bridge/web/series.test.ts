import fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamChannel } from "../api/contract.ts";
import { axisRange, latestOf, plotOf, ROWS_MAX, type Row, stateRuns, withRows } from "./series.ts";

const gauge = (name: string): StreamChannel => ({ name, kind: "gauge", unit: "mbar", resolution: 0.1 });
const CHANNELS = [gauge("pressure")];
const seriesOf = (rows: readonly Row[], channels = CHANNELS) => withRows(undefined, "pump", channels, rows, 0);
/** One sample a second. */
const cells = (...values: (number | string)[]) =>
  seriesOf(values.map((value, index) => [index * 1000, index + 1, value]));

test("rows end up sorted and each once, however they were delivered", () => {
  const row = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 5 })).map(([t, s]): Row => [t, s, t]);
  fc.assert(
    fc.property(fc.array(fc.array(row)), (deliveries) => {
      let series = seriesOf([]);
      for (const rows of deliveries) series = withRows(series, "pump", CHANNELS, rows, 0);
      const keys = [...new Set(deliveries.flat().map(([t, s]) => t * 10 + s))].sort((a, b) => a - b);
      expect(series.rows.map(([t, s]) => t * 10 + s)).toEqual(keys);
    }),
  );
});

test("rows before the shown time are forgotten", () => {
  const series = withRows(cells(1, 2, 3), "pump", CHANNELS, [], 2000);
  expect(series.rows.map((row) => row[0])).toEqual([2000]);
});

test("more rows than a chart draws are cut at the old end, and the series says so", () => {
  const rows = Array.from({ length: ROWS_MAX + 1 }, (_, index): Row => [index, index, 0]);
  const series = seriesOf(rows);
  expect(series.rows.length).toBe(ROWS_MAX);
  expect(series.rows[0]?.[0]).toBe(1);
  expect(series.isCut).toBe(true);
});

test("when a device's channels change, known rows keep their values under their names", () => {
  const before = seriesOf([[0, 1, 5, 7]], [gauge("a"), gauge("b")]);
  const after = withRows(before, "pump", [gauge("b"), gauge("c")], [[1000, 2, 8, 9]], 0);
  expect(after.rows).toEqual([
    [0, 1, 7, null],
    [1000, 2, 8, 9],
  ]);
});

test("an unchanged value holds, a missing one breaks the line with its reason", () => {
  const plot = plotOf(cells(10, "unchanged", "timeout", "timeout", 12), 0);
  expect(plot.values).toEqual([10, 10, null, null, 12]);
  expect(plot.gaps).toEqual([{ from: 2000, to: 4000, reason: "timeout" }]);
});

test("samples from before a channel was declared are no gap", () => {
  const plot = plotOf(cells("undeclared", "undeclared", 12), 0);
  expect(plot.values).toEqual([null, null, 12]);
  expect(plot.gaps).toEqual([]);
  expect(latestOf(cells("undeclared"), 0)).toEqual({});
});

test("another reason is another gap, and a gap at the end lasts to the last sample", () => {
  const plot = plotOf(cells(10, "timeout", "no-sensor", "no-sensor"), 0);
  expect(plot.gaps).toEqual([
    { from: 1000, to: 2000, reason: "timeout" },
    { from: 2000, to: 3000, reason: "no-sensor" },
  ]);
});

test("unchanged after a gap does not bring the old value back", () => {
  expect(plotOf(cells(10, "timeout", "unchanged"), 0).values).toEqual([10, null, null]);
});

test("a long silence breaks the line, a slower cadence does not", () => {
  const rows: Row[] = [0, 1, 2, 3, 33, 63, 93, 2000].map((s, index) => [s * 1000, index + 1, 5]);
  const plot = plotOf(seriesOf(rows), 0);
  expect(plot.values.filter((value) => value === null)).toHaveLength(1);
  expect(plot.gaps).toEqual([{ from: 93_001, to: 2_000_000, reason: "silence" }]);
  expect(plotOf(seriesOf(rows.slice(0, -1)), 0).gaps).toEqual([]);
});

test("the newest value keeps its own time when newer samples have none", () => {
  expect(latestOf(cells(10, 11), 0)).toEqual({ value: 11, at: 1000 });
  expect(latestOf(cells(10, "timeout"), 0)).toEqual({ value: 10, at: 0, reason: "timeout", reasonAt: 1000 });
  expect(latestOf(cells(10, "unchanged", "unchanged"), 0)).toEqual({ value: 10, at: 0, confirmedAt: 2000 });
  expect(latestOf(cells("timeout"), 0)).toEqual({ reason: "timeout", reasonAt: 0 });
  expect(latestOf(cells(), 0)).toEqual({});
});

test("state runs end where the next one begins, and at a gap", () => {
  expect(stateRuns(plotOf(cells(1, 1, 2, "timeout", 1), 0))).toEqual([
    { from: 0, to: 2000, state: 1 },
    { from: 2000, to: 3000, state: 2 },
    { from: 4000, to: 4000, state: 1 },
  ]);
});

test("an axis is wider than the noise of a resolution step, and not negative for what never was", () => {
  expect(axisRange(null, null, 0.1)).toEqual([0, 1]);
  const [low, high] = axisRange(850, 850, 0.1);
  expect(high - low).toBeCloseTo(1.44, 6);
  expect(axisRange(0, 100, 0.1)[0]).toBe(0);
  expect(axisRange(-10, 100, 0.1)[0]).toBeLessThan(-10);
});

test("what a filter of the station left out is neither a point nor a gap, nor the newest value", () => {
  const series = cells(1, "left-out", "left-out", 2, "left-out");
  const plot = plotOf(series, 0);
  expect([plot.values, plot.gaps]).toEqual([[1, 2], []]);
  expect(latestOf(series, 0)).toEqual({ value: 2, at: 3000 });
});
