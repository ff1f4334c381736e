import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFormula } from "./formula.ts";

const value = (text: string): number => {
  const parsed = parseFormula(text);
  if ("problem" in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
  return parsed.ok.evaluate(() => Number.NaN);
};

/** Saturation vapour pressure over water in hPa, and water in saturated air in g/m³ (Smithsonian tables 94 and 108). */
const SATURATED = [
  { t: -20, e: 1.254, grams: 1.074 },
  { t: -10, e: 2.8627, grams: 2.358 },
  { t: 0, e: 6.1078, grams: 4.847 },
  { t: 10, e: 12.272, grams: 9.401 },
  { t: 20, e: 23.373, grams: 17.3 },
  { t: 30, e: 42.43, grams: 30.38 },
  { t: 40, e: 73.777, grams: 51.19 },
] as const;

describe("humidity", () => {
  it("has the dew points of the printed tables within 0.1 K", () => {
    for (const air of SATURATED) {
      for (const dew of SATURATED) {
        if (dew.t > air.t) continue;
        expect(Math.abs(value(`dew_point(${air.t}, ${(100 * dew.e) / air.e})`) - dew.t)).toBeLessThan(0.1);
      }
    }
  });

  it("is as heavy as the printed tables say", () => {
    for (const { t, grams } of SATURATED) {
      expect(value(`absolute_humidity(${t}, 100)`) / grams).toBeCloseTo(1, 2);
      expect(value(`absolute_humidity(${t}, 50)`) / grams).toBeCloseTo(0.5, 2);
    }
    expect(value("absolute_humidity(20, 0)")).toBe(0);
  });

  it("freezes at a higher temperature than it would condense: -10 °C over ice, about -11.2 °C over water", () => {
    // 2.597 hPa is saturation over ice at -10 °C (Smithsonian table 96).
    const humidity = (100 * 2.597) / 2.8627;
    expect(value(`frost_point(-10, ${humidity})`)).toBeCloseTo(-10, 1);
    expect(value(`dew_point(-10, ${humidity})`)).toBeLessThan(-11);
  });

  it("that is none, or less, has no dew point", () => {
    for (const text of ["dew_point(20, 0)", "dew_point(20, -1)", "dew_point(-300, 50)", "frost_point(20, 0)"])
      expect(value(text), text).toBeNaN();
  });

  it("saturated air is at its dew point, and drier air above it", () => {
    fc.assert(
      fc.property(fc.integer({ min: -450, max: 600 }), fc.integer({ min: 1, max: 99 }), (tenths, humidity) => {
        const t = tenths / 10;
        expect(value(`dew_point(${t}, 100)`)).toBeCloseTo(t, 9);
        expect(value(`dew_point(${t}, ${humidity})`)).toBeLessThan(t);
      }),
    );
  });
});

describe("pressure at sea level", () => {
  // ISO 2533, table 1: the standard atmosphere is 1013.25 hPa at 0 m, and cools by 6.5 K in 1000 m.
  it.each([
    [100, 14.35, 1001.29],
    [250, 13.375, 983.576],
    [500, 11.75, 954.608],
    [750, 10.125, 926.344],
  ])("of the standard atmosphere at %d m is 1013.25 hPa", (altitude, t, pressure) => {
    expect(Math.abs(value(`sea_level_pressure(${pressure}, ${altitude}, ${t})`) - 1013.25)).toBeLessThan(0.1);
  });

  it("is the pressure itself at 0 m, and less in moist air, which is lighter", () => {
    expect(value("sea_level_pressure(1000, 0, 15)")).toBe(1000);
    const dry = value("sea_level_pressure(950, 584, 20, 0)");
    const moist = value("sea_level_pressure(950, 584, 20, 100)");
    expect(dry).toBe(value("sea_level_pressure(950, 584, 20)"));
    expect(dry - moist).toBeGreaterThan(0.5);
    expect(dry - moist).toBeLessThan(1);
  });
});

describe("wind", () => {
  it("blows from where its direction says", () => {
    expect(value("wind_east(5, 270)")).toBeCloseTo(5, 12);
    expect(value("wind_north(5, 270)")).toBeCloseTo(0, 12);
    expect(value("wind_north(5, 180)")).toBeCloseTo(5, 12);
    expect(value("wind_direction(0, 0)")).toBe(0);
    expect(value("wind_direction(5, 0)")).toBe(270);
    expect(value("wind_direction(0, -3)")).toBe(0);
  });

  it("comes back from its components", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 0, max: 3599 }), (speed, tenths) => {
        const [v, from] = [speed / 10, tenths / 10];
        const text = `let e = wind_east(${v}, ${from}); let n = wind_north(${v}, ${from}); `;
        expect(value(`${text}hypot(e, n)`)).toBeCloseTo(v, 9);
        const turned = Math.abs(value(`${text}wind_direction(e, n)`) - from);
        expect(Math.min(turned, 360 - turned)).toBeLessThan(1e-9);
      }),
    );
  });

  it("in degrees says so: radians(90) is a right angle", () => {
    expect(value("sin(radians(90))")).toBe(1);
    expect(value("degrees(atan2(1, 1))")).toBeCloseTo(45, 12);
    expect(value("tan(radians(45)) + hypot(3, 4) + sign(-2)")).toBeCloseTo(5, 12);
  });
});
