/**
 * Derived meteorological quantities. Temperatures in °C, humidity in % over water, pressures in hPa, altitude in m,
 * directions in degrees clockwise from north, where the wind comes from.
 *
 * Sources: WMO-No. 8, Guide to Instruments and Methods of Observation, volume I: annex 4.B (vapour pressure, after
 * Sonntag 1990; over water from -45 to 60 °C, over ice from -65 to 0 °C), 3.7 (reduction of pressure to sea level),
 * chapter 5 (wind). The factor of moist air's departure from an ideal gas, 0.5 % and less, is left out.
 */

const ZERO_K = 273.15;

/** Saturation vapour pressure over water in hPa. */
const overWater = (t: number): number => 6.112 * Math.exp((17.62 * t) / (243.12 + t));

/** Vapour pressure in hPa. Air without any vapour has no dew point, and less than none is a fault: NaN. */
const vapour = (t: number, humidity: number): number =>
  humidity > 0 && t > -243 ? (humidity / 100) * overWater(t) : Number.NaN;

/** The temperature in °C at which this air is saturated over water. */
export function dewPoint(t: number, humidity: number): number {
  const x = Math.log(vapour(t, humidity) / 6.112);
  return (243.12 * x) / (17.62 - x);
}

/** The same over ice. */
export function frostPoint(t: number, humidity: number): number {
  const x = Math.log(vapour(t, humidity) / 6.112);
  return (272.62 * x) / (22.46 - x);
}

/** Gas constant of water vapour in J/(kg·K): 8.314 46 J/(mol·K) over 18.015 28 g/mol. */
const VAPOUR_GAS_CONSTANT = 461.52;

/** Grams of water in a cubic metre: the vapour's pressure over its gas constant and temperature. */
export const absoluteHumidity = (t: number, humidity: number): number =>
  humidity === 0 ? 0 : (vapour(t, humidity) * 100 * 1_000) / (VAPOUR_GAS_CONSTANT * (t + ZERO_K));

/**
 * Pressure reduced to mean sea level in hPa: log10(p0 / p) = 0.014 827 5 · H / (T + 0.0065 · H / 2 + 0.12 · e), with
 * the vapour pressure e in hPa, 0 when the humidity isn't known. For stations below 750 m.
 */
export function seaLevelPressure(pressure: number, altitude: number, t: number, humidity = 0): number {
  const moist = humidity === 0 ? 0 : 0.12 * vapour(t, humidity);
  return pressure * 10 ** ((0.014_827_5 * altitude) / (t + ZERO_K + (0.0065 * altitude) / 2 + moist));
}

const RADIANS = Math.PI / 180;
export const radians = (degrees: number): number => degrees * RADIANS;
export const degrees = (angle: number): number => angle / RADIANS;

/** To the east; wind from the west is positive. */
export const windEast = (speed: number, from: number): number => -speed * Math.sin(radians(from));
/** To the north; wind from the south is positive. */
export const windNorth = (speed: number, from: number): number => -speed * Math.cos(radians(from));
/** Where a wind of these components comes from: 0 up to, not including, 360; 0 when there is none. */
export function windDirection(east: number, north: number): number {
  const from = east === 0 && north === 0 ? 0 : degrees(Math.atan2(-east, -north));
  return from < 0 ? (from + 360) % 360 : from;
}
