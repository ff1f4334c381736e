/**
 * What a chip on an I2C bus does with a transfer. The models below know their datasheets and nothing of our
 * descriptions, so that a wrong description can't be confirmed by a model made from it.
 */

export interface I2cChip {
  /** Start, write, repeated start, read `readLength` bytes, stop. undefined: the chip didn't acknowledge (NACK). */
  transfer(write: Uint8Array, readLength: number): Uint8Array | undefined;
}

/** What surrounds the sensors, in the units of their datasheets. */
export interface Air {
  readonly temperatureC: number;
  readonly humidityPercent: number;
  readonly pressurePa: number;
}

/** Something a chip did, for whoever wants to prove that it was asked. */
export interface ChipEvent {
  readonly did: "trigger" | "read";
  readonly air: Air;
}

export interface ChipDeps {
  /** Milliseconds of monotonic time. */
  readonly nowMs: () => number;
  readonly air: () => Air;
  readonly onEvent?: (event: ChipEvent) => void;
}

export interface I2cChips {
  transfer(address: number, write: Uint8Array, readLength: number): Uint8Array | undefined;
}

/** A bus: nobody at an address is a NACK too. */
export const createChipBus = (chips: ReadonlyMap<number, I2cChip>): I2cChips => ({
  transfer: (address, write, readLength) => chips.get(address)?.transfer(write, readLength),
});
