/** MLX90614: words of RAM behind a command, least significant byte first, each with SMBus's check byte. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ChipModel, createChipBench } from "../testing/chip-bench.ts";

/** SMBus 2.0, 5.4, bit by bit. */
function pec(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes)
    for (let bit = 7; bit >= 0; bit--) {
      const out = (crc >> 7) ^ ((byte >> bit) & 1);
      crc = ((crc << 1) & 0xff) ^ (out ? 0x07 : 0);
    }
  return crc;
}

/** Application note 390119061402, page 14: RAM 06 and 07 in steps of 0.02 K; the highest bit is an error flag. */
function mlx90614(address: number, kelvin: ReadonlyMap<number, number>, isFailing = false): ChipModel {
  return {
    transfer: ([command = 0, ...more], readLength) => {
      // Reading takes one byte of a command in front of the repeated start.
      if (more.length > 0) return undefined;
      const steps = Math.round((kelvin.get(command) ?? 0) / 0.02);
      const word = steps | (isFailing ? 0x8000 : 0);
      const data = [word & 0xff, word >> 8];
      return Uint8Array.of(...data, pec([address * 2, command, address * 2 + 1, ...data])).slice(0, readLength);
    },
  };
}

test("an MLX90614 gives both temperatures at any of its addresses, and none that it couldn't measure", () => {
  const benches = [0x5a, 0x5c, 0x5f].map((address) => ({ address, bench: createChipBench("mlx90614", { address }) }));
  const celsius = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...benches), celsius(-69, 381), celsius(-39, 124), (at, object, ambient) => {
      const kelvin = new Map([[6, ambient + 273.15], [7, object + 273.15]]); // biome-ignore format: a table
      const values = at.bench.read(mlx90614(at.address, kelvin));
      expect(Math.abs((values.get("object") as number) - object)).toBeLessThanOrEqual(0.010_001);
      expect(Math.abs((values.get("ambient") as number) - ambient)).toBeLessThanOrEqual(0.010_001);
      expect(at.bench.read(mlx90614(at.address, kelvin, true)).get("object")).toBe("malformed");
      expect(() => at.bench.read(mlx90614(at.address ^ 1, kelvin))).toThrow(/packet error check/);
    }),
    { numRuns: 1_000 },
  );
});
