import { randomBytes } from "node:crypto";
import type { Chance } from "../world.ts";

/** The kernel's random numbers. */
export function createChance(): Chance {
  return {
    // 48 bits are exact in a double, and always below 1.
    fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
    bytes: (count) => new Uint8Array(randomBytes(count)),
  };
}
