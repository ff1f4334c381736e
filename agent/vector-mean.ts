/** The mean of directions: 350° and 10° make 0°, not 180°. */
import { type ChannelValue, missing } from "./reading.ts";

export interface VectorMean {
  /** Degrees, and how much this direction counts (≥ 0). */
  add(degrees: number, weight: number): void;
  /** "calm" when nothing weighs anything or all cancels out. */
  result(): ChannelValue;
}

const DEGREE = Math.PI / 180;
/** A resultant this short against the sum of weights is rounding: the directions cancel out. */
const LENGTH_MIN = 1e-9;

/**
 * The direction of Σ weight · (cos, sin), as WMO-No. 8 (part I, 5.8.2) has it for wind; from 0 to below 360, or around
 * 0 when `isAroundZero`. What would round to a full circle at `resolution` is 0.
 */
export function createVectorMean(resolution: number, isAroundZero: boolean): VectorMean {
  let [x, y, total] = [0, 0, 0];
  return {
    add: (degrees, weight) => {
      x += weight * Math.cos(degrees * DEGREE);
      y += weight * Math.sin(degrees * DEGREE);
      total += weight;
    },
    result: () => {
      if (!(total > 0) || Math.hypot(x, y) < total * LENGTH_MIN) return missing("calm");
      const degrees = Math.atan2(y, x) / DEGREE;
      if (isAroundZero || degrees >= 0) return degrees;
      return -degrees < resolution / 2 ? 0 : degrees + 360;
    },
  };
}
