/** What is around a simulated station at an instant of the clock: its weather, or a recording's columns. */
import type { Air } from "../hardware/i2c-chip.ts";
import type { Weather } from "./weather.ts";

export interface Surroundings {
  air(bootMs: number): Air;
  rainMmPerHour(bootMs: number): number;
}

/** A day of weather passes in 24 minutes, so that its curve is seen; rain keeps its pace, or buckets would spin. */
const DEMO_SPEED = 60;
/** It rains when a demonstration begins: at 90 mm/h a bucket tips every 11 s. */
const FIRST_SHOWER_MS = 240_000;
const FIRST_SHOWER_MM_PER_HOUR = 90;

export function createDemoSurroundings(weather: Weather, startBootMs: number, timeOfDayMs: number): Surroundings {
  const weatherMs = (bootMs: number) => timeOfDayMs + (bootMs - startBootMs) * DEMO_SPEED;
  return {
    air: (bootMs) => weather.air(weatherMs(bootMs)),
    rainMmPerHour: (bootMs) =>
      bootMs - startBootMs < FIRST_SHOWER_MS ? FIRST_SHOWER_MM_PER_HOUR : weather.rainMmPerHour(weatherMs(bootMs)),
  };
}

/** Where a column of a recording is the air's temperature (°C), humidity (%RH) or pressure (hPa), it wins. */
export type AirColumns = Readonly<Partial<Record<"temperature" | "humidity" | "pressure", () => number | undefined>>>;

export const withRecordedAir = (around: Surroundings, columns: AirColumns): Surroundings => ({
  rainMmPerHour: (bootMs) => around.rainMmPerHour(bootMs),
  air: (bootMs) => {
    const air = around.air(bootMs);
    const pressureHpa = columns.pressure?.();
    return {
      temperatureC: columns.temperature?.() ?? air.temperatureC,
      humidityPercent: columns.humidity?.() ?? air.humidityPercent,
      pressurePa: pressureHpa === undefined ? air.pressurePa : pressureHpa * 100,
    };
  },
});
