/** The air at a lake in spring: a day's curve, slow drifts, and showers. Times are ms of the simulated weather. */
import type { Air } from "../hardware/i2c-chip.ts";
import { drift, type Noise } from "./noise.ts";

export interface Weather {
  air(timeMs: number): Air;
  rainMmPerHour(timeMs: number): number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Standard atmosphere at 584 m. */
const PRESSURE_PA = 94_500;
const SHOWER_SLOT = 3 * HOUR;
/** How many slots in ten bring a shower. */
const SHOWERY = 0.3;

export const createWeather = (noise: Noise): Weather => ({
  air: (timeMs) => {
    const warmth = Math.sin((2 * Math.PI * (timeMs - 9 * HOUR)) / DAY);
    const temperatureC =
      13 + 6 * warmth + 1.5 * drift(noise, 1, timeMs, 2 * HOUR) + 0.2 * drift(noise, 2, timeMs, 60_000);
    const humidityPercent = 68 - 17 * warmth + 6 * drift(noise, 3, timeMs, HOUR) + drift(noise, 4, timeMs, 90_000);
    const pressurePa = PRESSURE_PA + 900 * drift(noise, 5, timeMs, DAY) + 12 * drift(noise, 6, timeMs, 120_000);
    return { temperatureC, humidityPercent: Math.min(99.5, Math.max(20, humidityPercent)), pressurePa };
  },
  rainMmPerHour: (timeMs) => {
    const slot = Math.floor(timeMs / SHOWER_SLOT);
    if (noise(7, slot) >= SHOWERY) return 0;
    const lengthMs = (0.3 + noise(8, slot)) * HOUR;
    const into = (timeMs - slot * SHOWER_SLOT - noise(9, slot) * HOUR) / lengthMs;
    if (into < 0 || into > 1) return 0;
    // A shower swells and fades.
    return (5 + 45 * noise(10, slot) ** 2) * Math.sin(Math.PI * into);
  },
});
