import { describe, expect, it } from "vitest";
import { Forecast } from "./forecast.ts";
import { Predictor } from "./predictors.ts";

const VALUES = 120;
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};
const columnOf = (from: (at: number) => number) =>
  Float64Array.from({ length: VALUES }, (_, at) => Math.round(from(at)));
const hasTrends = (column: Float64Array, knowsTrends = true) =>
  new Forecast(new Predictor(), knowsTrends).column(column).hasTrends;

describe("a forecast of a column", () => {
  const random = randomFrom(7);
  const rising = columnOf((at) => 7.3 * at + 8 * random());

  it("takes trends where a value rises or falls under noise, a counter counts unevenly, or a slope is less than a step", () => {
    for (const column of [
      rising,
      columnOf((at) => 5_000 - 23 * at + 6 * random()),
      columnOf((at) => 200 * Math.sin(at / 90) + 20 * random()),
      columnOf((at) => 50 * at + 15 * random()),
      columnOf((at) => 0.3 * at),
    ]) {
      expect(hasTrends(column)).toBe(true);
    }
  });

  it("takes none where the value stands, hops, counts evenly or is noise, where they would only take time", () => {
    for (const column of [
      columnOf(() => 200 * random()),
      columnOf((at) => 40 * Math.floor(at / 40)),
      columnOf((at) => (at % 50 < 25 ? 0 : 1)),
      columnOf((at) => 3 * at),
      columnOf((at) => (at === 60 ? 2 ** 50 : 7)),
    ]) {
      expect(hasTrends(column)).toBe(false);
    }
  });

  it("takes none for a version that doesn't know them", () => expect(hasTrends(rising, false)).toBe(false));

  it("says for each value what a decoder's predictor says there", () => {
    const { offsets } = new Forecast(new Predictor(), true).column(rising);
    const predictor = new Predictor();
    predictor.begin(true);
    for (let n = 1; n < VALUES; n++) {
      expect(offsets[n]).toBe(predictor.offset);
      predictor.learn((rising[n] ?? 0) - (rising[n - 1] ?? 0));
    }
  });
});
