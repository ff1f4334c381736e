import { expect, it } from "vitest";
import { fuzzModbus } from "./modbus-fuzz.ts";

it("damaged frames and streams give no value with a wrong check, on either side, in RTU and ASCII", () => {
  const counts = fuzzModbus({ runs: 20_000, seed: 2_026 });
  expect(counts.streams).toBe(20_000);
  // The damage leaves enough whole, and damages enough, for the figures to mean something.
  expect(counts.answers).toBeGreaterThan(500);
  expect(counts.requests).toBeGreaterThan(2_000);
  expect(counts.bad).toBeGreaterThan(2_000);
}, 60_000);

it("the same seed gives the same streams", () => {
  expect(fuzzModbus({ runs: 500, seed: 7 })).toEqual(fuzzModbus({ runs: 500, seed: 7 }));
  expect(fuzzModbus({ runs: 500, seed: 8 })).not.toEqual(fuzzModbus({ runs: 500, seed: 7 }));
});
