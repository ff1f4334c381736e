import { expect, test } from "vitest";
import { createNoise } from "./noise.ts";
import { createPump, type PumpState } from "./pump.ts";
import { onGrid } from "./pump-behaviour.ts";
import { createWeather } from "./weather.ts";

const pumpOf = (seed: number) => createPump({ noise: createNoise(seed), startMs: 0, airC: () => 15 });
const until = (pump: ReturnType<typeof pumpOf>, state: PumpState, fromMs: number): number => {
  for (let at = fromMs; at < fromMs + 120_000; at += 100) if (pump.at(at).state === state) return at;
  throw new Error(`never ${state}`);
};

test("a cycle goes from pumping over cooling to idle and round again, and is counted", () => {
  const pump = pumpOf(1);
  const cooling = until(pump, "cooling", 0);
  expect(pump.at(cooling).pressureMbar).toBeGreaterThan(780);
  const idle = until(pump, "idle", cooling);
  const before = pump.at(idle).cycles;
  expect(pump.at(until(pump, "pumping", idle)).cycles).toBe(before + 1);
});

test("the course is the same however often it is asked, and another with another seed", () => {
  const [often, seldom, other] = [pumpOf(1), pumpOf(1), pumpOf(2)];
  for (let at = 0; at < 30_000; at += 70) often.at(at);
  expect(often.at(30_000)).toEqual(seldom.at(30_000));
  expect(other.at(30_000)).not.toEqual(seldom.at(30_000));
});

test("a target is taken only while idle, and pressed up to in the next cycle", () => {
  const pump = pumpOf(3);
  expect(pump.setTarget(1_000, 600)).toBe(false);
  const idle = until(pump, "idle", 0);
  expect(pump.setTarget(idle, 600)).toBe(true);
  expect(pump.at(until(pump, "cooling", idle)).pressureMbar).toBeCloseTo(600, -1);
});

test("stop ends pumping at once", () => {
  const pump = pumpOf(4);
  pump.stop(2_000);
  expect(pump.at(2_000).state).toBe("idle");
});

test("after months without anybody asking it answers without computing every step", () => {
  const pump = pumpOf(5);
  expect(pump.at(90 * 86_400_000).cycles).toBeLessThan(20_417 + 1_000);
});

test("a value on its grid is the nearest double to its decimals", () => {
  expect(onGrid(0.1 * 3, 0.1)).toBe(0.3);
  expect(onGrid(812.46, 0.1)).toBe(812.5);
  expect(onGrid(20_417, 1)).toBe(20_417);
});

test("the weather stays within what the sensors can say, has days, and rains now and then", () => {
  const weather = createWeather(createNoise(7));
  let rainy = 0;
  for (let hour = 0; hour < 24 * 30; hour++) {
    const air = weather.air(hour * 3_600_000);
    expect(air.temperatureC).toBeGreaterThan(-5);
    expect(air.temperatureC).toBeLessThan(35);
    expect(air.humidityPercent).toBeLessThan(100);
    if (weather.rainMmPerHour(hour * 3_600_000 + 1_800_000) > 0) rainy++;
  }
  expect(rainy).toBeGreaterThan(10);
  expect(rainy).toBeLessThan(300);
  expect(weather.air(15 * 3_600_000).temperatureC).toBeGreaterThan(weather.air(3 * 3_600_000).temperatureC + 6);
});
