/**
 * What the month's bytes come to, counted at the network interface: everything that the SIM card pays for, our messages
 * and a technician's ssh alike. Pure.
 */
import type { Month } from "./month.ts";

/** What the kernel's counters showed, and when. */
export interface CounterReading {
  readonly bootId: string;
  readonly bootMs: number;
  readonly interface: string;
  readonly rx: number;
  readonly tx: number;
}

export interface MonthUse {
  /** "" before any clock could be trusted. */
  readonly month: string;
  readonly bytes: number;
  /** Of the newest hours, the pace of which a forecast is made. */
  readonly bytesPerHour: number;
  readonly measuredHours: number;
  readonly newest?: CounterReading | undefined;
}

export const NO_USE: MonthUse = { month: "", bytes: 0, bytesPerHour: 0, measuredHours: 0 };

/** A forecast is made of so many hours: a day's ups and downs count, an update of last week doesn't. */
const PACE_HOURS = 24;
const HOUR_MS = 3_600_000;

/**
 * Counters begin at 0 with each boot, and with each interface that is made anew (a modem that was plugged in again):
 * what they show then was all used since. `month` undefined: no clock can be trusted, and the month stays what it was.
 */
export function withReading(use: MonthUse, reading: CounterReading, month: string | undefined): MonthUse {
  const { newest } = use;
  const isSameBoot = newest?.bootId === reading.bootId;
  const isGoingOn =
    isSameBoot && newest.interface === reading.interface && reading.rx >= newest.rx && reading.tx >= newest.tx;
  const total = reading.rx + reading.tx;
  // Nobody knows in which month the bytes went that were counted before we looked for the first time.
  const bytes = newest === undefined ? 0 : isGoingOn ? total - newest.rx - newest.tx : total;
  const counted = inMonth(use, month);
  const hours = isSameBoot ? (reading.bootMs - newest.bootMs) / HOUR_MS : 0;
  return { ...withPace(counted, bytes, hours), bytes: counted.bytes + bytes, newest: reading };
}

function inMonth(use: MonthUse, month: string | undefined): MonthUse {
  if (month === undefined || month === use.month) return use;
  // What was used before a clock could be trusted belongs to the month that it then shows.
  return { ...use, month, bytes: use.month === "" ? use.bytes : 0 };
}

function withPace(use: MonthUse, bytes: number, hours: number): MonthUse {
  if (hours <= 0) return use;
  const before = Math.min(use.measuredHours, PACE_HOURS);
  return {
    ...use,
    bytesPerHour: (use.bytesPerHour * before + bytes) / (before + hours),
    measuredHours: before + hours,
  };
}

/** Bytes at the month's end, if it goes on at this pace. */
export const forecastBytes = (use: MonthUse, month: Month, wallMs: number, bytesPerHour = use.bytesPerHour): number =>
  Math.round(use.bytes + bytesPerHour * hoursLeft(month, wallMs));

export const hoursLeft = ({ endMs }: Month, wallMs: number): number => Math.max(0, endMs - wallMs) / HOUR_MS;
