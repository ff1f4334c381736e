/** The chips on the I2C buses of a station, by the type that the station file names. */
import type { Clock } from "@pump-station/agent/world.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { createBme280 } from "../hardware/bme280.ts";
import { type ChipDeps, createChipBus, type I2cChip, type I2cChips } from "../hardware/i2c-chip.ts";
import { createSht4x } from "../hardware/sht4x.ts";
import { createTmp102 } from "../hardware/tmp102.ts";
import type { Evidence } from "./evidence.ts";
import type { Surroundings } from "./surroundings.ts";

/** A chip is added in one line. */
const CHIPS: Readonly<Record<string, (deps: ChipDeps) => I2cChip>> = {
  bme280: (deps) => createBme280(deps),
  sht4x: (deps) => createSht4x(deps),
  tmp102: (deps) => createTmp102(deps),
  "tmp102-alert": (deps) => createTmp102(deps),
};

export interface BusChips {
  /** By what the station file says after `i2c:`. */
  readonly buses: ReadonlyMap<string, I2cChips>;
  readonly counted: () => Evidence["chips"];
}

export function createBusChips(deps: {
  readonly station: Station;
  readonly clock: Clock;
  readonly surroundings: Surroundings;
}): BusChips {
  const counted = new Map<string, { triggers: number; reads: number }>();
  const chipsByBus = new Map<string, Map<number, I2cChip>>();
  for (const { kind, path } of deps.station.ports.values()) if (kind === "i2c") chipsByBus.set(path, new Map());
  for (const { name, type, port, address } of deps.station.devices) {
    const chips = chipsByBus.get(deps.station.ports.get(port)?.path ?? "");
    const create = CHIPS[type];
    // A chip without a model is one that nobody has soldered in: its address isn't acknowledged.
    if (!chips || !create || address === undefined) continue;
    const count = { triggers: 0, reads: 0 };
    counted.set(name, count);
    const chip = create({
      nowMs: () => deps.clock.bootMs(),
      air: () => deps.surroundings.air(deps.clock.bootMs()),
      onEvent: ({ did }) => void (did === "trigger" ? count.triggers++ : count.reads++),
    });
    chips.set(address, chip);
  }
  return {
    buses: new Map([...chipsByBus].map(([path, chips]) => [path, createChipBus(chips)])),
    counted: () => Object.fromEntries([...counted].map(([name, count]) => [name, { ...count }])),
  };
}
