/**
 * Recordings of kinds that no constant of the format was fitted on, from seeds: what stations meet beside pumps and
 * weather. Values are whole steps of a decimal resolution.
 */
export interface HeldOut {
  readonly name: string;
  /** ms since 1970 */
  readonly times: readonly number[];
  readonly resolutions: readonly number[];
  /** values[row][channel]; null: missing */
  readonly values: readonly (readonly (number | null)[])[];
}

type Chance = () => number;
/** The steps of one channel, row by row. */
type Course = (chance: Chance) => (row: number) => number | null;

interface Kind {
  readonly decimals: number;
  readonly course: Course;
  /** ms from one row to the next; 10 s when not given */
  readonly pause?: (chance: Chance) => number;
}

const normal = (chance: Chance): number => chance() + chance() + chance() + chance() - 2;
const between = (chance: Chance, low: number, high: number): number => low + Math.floor(chance() * (high - low + 1));

/** A value that moves by `step` around where it was. */
const walk = (chance: Chance, start: number, step: number) => {
  let at = start;
  return () => Math.round((at += step * normal(chance)));
};

const KINDS: Readonly<Record<string, Kind>> = {
  "tank level": {
    decimals: 3,
    course: (chance) => {
      let [level, isFilling] = [between(chance, 600, 1_800), false];
      return () => {
        if (level > 2_000) isFilling = false;
        else if (level < 500) isFilling = true;
        level += isFilling ? 37 : -4;
        return Math.round(level + 2 * normal(chance));
      };
    },
  },
  "battery charge": {
    decimals: 1,
    course: (chance) => {
      let charge = 900;
      const rate = 0.1 + chance() / 2;
      return (row) =>
        Math.round((charge = Math.max(0, Math.min(1_000, charge + (row % 200 < 120 ? -rate : 1.6 * rate)))));
    },
    pause: () => 60_000,
  },
  "sun and clouds": {
    decimals: 1,
    course: (chance) => {
      let cloud = 1;
      return (row) => {
        if (chance() < 0.05) cloud = 0.2 + 0.8 * chance();
        return Math.max(0, Math.round(9_000 * Math.sin((row % 1_440) / 229) * cloud + 20 * normal(chance)));
      };
    },
    pause: () => 60_000,
  },
  "rain tips": {
    decimals: 1,
    course: (chance) => {
      let tips = between(chance, 0, 4_000);
      return () => (chance() < 0.03 ? (tips += 2 * between(chance, 1, 3)) : tips);
    },
    pause: () => 300_000,
  },
  position: {
    decimals: 6,
    course: (chance) => {
      const drift = walk(chance, between(chance, 8_000_000, 52_000_000), 3);
      return () => drift();
    },
  },
  "on and off": {
    decimals: 0,
    course: (chance) => {
      let state = 0;
      return () => (chance() < 0.04 ? (state = 1 - state) : state);
    },
  },
  constant: {
    decimals: 2,
    course: (chance) =>
      (
        (value) => () =>
          value
      )(between(chance, -900, 90_000)),
  },
  vibration: { decimals: 3, course: (chance) => () => Math.round(4_000 * normal(chance)), pause: () => 100 },
  dropouts: {
    decimals: 2,
    course: (chance) => {
      const drift = walk(chance, 2_150, 3);
      let left = 0;
      return () => {
        if (chance() < 0.02) left = between(chance, 1, 30);
        return left-- > 0 ? null : drift();
      };
    },
  },
  "irregular times": {
    decimals: 2,
    course: (chance) => walk(chance, 7_000, 25),
    pause: (chance) => Math.round(-8_000 * Math.log(1 - chance())),
  },
  "scheduler's jitter": {
    decimals: 1,
    course: (chance) => walk(chance, 215, 0.6),
    pause: (chance) => 1_000 + between(chance, -3, 12),
  },
  "energy meter": {
    decimals: 0,
    course: (chance) => {
      let energy = between(chance, 10 ** 8, 10 ** 9);
      return () => (energy += between(chance, 40, 55));
    },
  },
  "coarse converter": {
    decimals: 2,
    course: (chance) =>
      (
        (noise) => () =>
          163 * Math.round(noise() / 40)
      )(walk(chance, 300, 35)),
  },
  "all bits": { decimals: 0, course: (chance) => () => between(chance, -(2 ** 31), 2 ** 31 - 1) },
};

export const HELD_OUT_KINDS: readonly string[] = Object.keys(KINDS);
const START_MS = 1_790_000_000_000;
const PAUSE_MS = 10_000;

/** Throws RangeError for a kind that isn't in HELD_OUT_KINDS. */
export function heldOut(name: string, seed: number, rows: number, channels: number): HeldOut {
  const kind = KINDS[name];
  if (!kind) throw new RangeError(`make a recording: no kind "${name}"`);
  const chance = chanceFrom(seed);
  const step = 10 ** kind.decimals;
  const courses = Array.from({ length: channels }, () => kind.course(chance));
  const times: number[] = [];
  const values = Array.from({ length: rows }, (_, row) => {
    times.push(row === 0 ? START_MS : (times[row - 1] ?? 0) + (kind.pause?.(chance) ?? PAUSE_MS));
    return courses.map((valueAt) => {
      const steps = valueAt(row);
      return steps === null ? null : (steps + 0) / step;
    });
  });
  return { name, times, resolutions: courses.map(() => Number(`1e-${kind.decimals}`)), values };
}

/** mulberry32: uniform in 0…1. */
function chanceFrom(seed: number): Chance {
  let state = (seed * 0x9e37_79b1) | 0;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
