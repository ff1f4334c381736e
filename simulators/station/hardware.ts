/** All hardware of one station, wired as a station file says. What the agent believes is another file's affair. */
import { createPortService, type PortService } from "../hardware/port-service.ts";
import { createBusChips } from "./bus-chips.ts";
import { createContacts } from "./contacts.ts";
import { createJournal, type Evidence, type Journal } from "./evidence.ts";
import { createRainGauges, pinsOf } from "./rain-gauges.ts";
import { createSerialDevices, type SerialDevicesDeps } from "./serial-devices.ts";

export type HardwareDeps = Omit<SerialDevicesDeps, "journal">;

export interface Hardware {
  readonly ports: PortService;
  readonly journal: Journal;
  evidence(): Evidence;
  /** Lets rain fall and contacts close until the signal comes. */
  run(signal: AbortSignal): Promise<void>;
  close(): void;
}

const TICK_MS = 50;

export function createHardware(deps: HardwareDeps): Hardware {
  const journal = createJournal();
  const serial = createSerialDevices({ ...deps, journal });
  const chips = createBusChips(deps);
  const ports = createPortService({ buses: chips.buses, pins: pinsOf(deps.station) });
  const gauges = createRainGauges({ ...deps, journal, ports });
  const contacts = createContacts({ ...deps, ports });
  const { replay } = deps;
  return {
    ports,
    journal,
    evidence: () => ({
      ...withContacts(serial.evidence(), contacts.now()),
      chips: chips.counted(),
      pulses: gauges.counted(),
      ...(replay && { replay: { rows: replay.rows, offered: replay.offered, isFinished: replay.isFinished } }),
    }),
    run: async (signal) => {
      while (!signal.aborted) {
        gauges.rain();
        contacts.move();
        await deps.timers.sleep(TICK_MS, signal).catch(() => undefined);
      }
    },
    close: () => serial.close(),
  };
}

const withContacts = <T extends Pick<Evidence, "now">>(evidence: T, now: Evidence["now"]): T => ({
  ...evidence,
  now: { ...evidence.now, ...now },
});
