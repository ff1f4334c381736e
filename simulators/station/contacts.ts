/** The pins of a station that are read or driven: doors that open now and then, relays that follow. */
import type { Clock } from "@pump-station/agent/world.ts";
import type { Device, Level, LevelProtocol, OutputProtocol, Station } from "@pump-station/sensor-descriptions/model.ts";
import { levelOf, lineAt } from "@pump-station/sensor-descriptions/pins/levels.ts";
import type { PortService } from "../hardware/port-service.ts";
import type { Evidence } from "./evidence.ts";

/** Somebody opens the door every two minutes, and is in for a quarter of that. */
const VISIT_EVERY_MS = 120_000;
const VISIT_MS = 30_000;

export interface Contacts {
  /** Puts every contact where it is now. */
  move(): void;
  /** What each pin is at, as its description reads it; for outputs what the agent drives. */
  now(): Evidence["now"];
}

export function createContacts(deps: {
  readonly station: Station;
  readonly clock: Clock;
  readonly ports: PortService;
}): Contacts {
  const { station, clock, ports } = deps;
  const pins = station.devices.flatMap((device) =>
    device.protocol.kind === "levels" || device.protocol.kind === "outputs"
      ? [{ device, protocol: device.protocol, chip: chipOf(station, device), pin: device.pin ?? 0 }]
      : [],
  );
  const startMs = clock.bootMs();
  const move = (): void => {
    const nowMs = clock.bootMs();
    // Closed (active) but for the visits, the first of which comes after a while.
    const isOpen = (nowMs - startMs) % VISIT_EVERY_MS >= VISIT_EVERY_MS - VISIT_MS;
    for (const { protocol, chip, pin } of pins)
      if (protocol.kind === "levels") ports.put(chip, pin, wireOf(protocol, isOpen ? 0 : 1), nowMs);
  };
  move();
  return {
    move,
    now: () =>
      Object.fromEntries(
        pins.map(({ device, protocol, chip, pin }) => [
          device.name,
          numbersOf(protocol.values(levelOf(ports.level(chip, pin) === 1 ? "high" : "low", protocol.active))),
        ]),
      ),
  };
}

const chipOf = (station: Station, { port }: Device): string => station.ports.get(port)?.path ?? "";

const wireOf = ({ active }: LevelProtocol, level: Level): Level => (lineAt(level, active) === "high" ? 1 : 0);

const numbersOf = (values: ReturnType<OutputProtocol["values"]>): Readonly<Record<string, number>> =>
  Object.fromEntries([...values].filter((entry): entry is [string, number] => typeof entry[1] === "number"));
