/** One port scanned by the ways that its kind has. */
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { ModbusTable } from "@pump-station/sensor-descriptions/modbus/modbus-spec.ts";
import type { Port, SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import type { Timers } from "../../world.ts";
import type { Machine } from "../command.ts";
import { spokenDuration } from "../table.ts";
import type { Finding, Progress, Scanned } from "./finding.ts";
import { scanI2c } from "./i2c.ts";
import { listeningSettings, scanByListening } from "./listen.ts";
import {
  createAsker,
  lineText,
  modbusEstimateMs,
  modbusSettings,
  type SerialScanDeps,
  scanByAsking,
  scanModbus,
} from "./serial.ts";

export const WAYS = ["listen", "ask", "modbus"] as const;
export type Way = (typeof WAYS)[number];

export interface ScanPortOptions {
  readonly ping: boolean;
  /** On a serial line: only this way. */
  readonly only?: Way;
  /** Go on after something was found. */
  readonly all: boolean;
  /** Absent: the usual ones, and those of the types. */
  readonly speeds?: readonly number[];
  readonly modes?: readonly Omit<SerialSettings, "baudRate">[];
  readonly addresses: readonly number[];
  readonly tables: readonly ModbusTable[];
  readonly answerWithinMs: number;
  readonly listenMs: number;
}

export interface ScanPortDeps {
  readonly machine: Machine;
  readonly timers: Timers;
  readonly types: readonly DeviceType[];
  readonly progress: Progress;
  /** What somebody who waits should know before. */
  readonly say: (line: string) => void;
}

/** Throws PortError when the port can't be opened. */
export async function scanPort(deps: ScanPortDeps, port: Port, options: ScanPortOptions): Promise<Scanned> {
  if (port.kind === "serial") return scanSerial(deps, port, options);
  if (port.kind === "i2c") {
    const bus = await deps.machine.ports.i2c(port.simulator).open(port.path);
    try {
      return await scanI2c(bus, port, deps.types, options, deps.progress);
    } finally {
      await bus.close();
    }
  }
  return scanPins(deps, port);
}

async function scanSerial(
  { machine, timers, types, progress, say }: ScanPortDeps,
  port: Port,
  options: ScanPortOptions,
): Promise<Scanned> {
  const deps: SerialScanDeps = { ...machine, timers, progress };
  const findings: Finding[] = [];
  const notes: string[] = [];
  const isWanted = (way: Way): boolean =>
    !machine.interrupted.aborted && (options.only ? options.only === way : options.all || findings.length === 0);
  const take = (found: { readonly findings: readonly Finding[]; readonly notes?: readonly string[] }): void => {
    findings.push(...found.findings);
    notes.push(...(found.notes ?? []));
  };
  if (isWanted("listen")) {
    const settings = listeningSettings(types, options.speeds);
    say(`Listens at ${settings.length} speeds, ${spokenDuration(options.listenMs)} each: nothing is sent.`);
    take(await scanByListening(deps, port, types, { settings, eachMs: options.listenMs }));
  }
  const asker = createAsker(deps, port);
  try {
    if (isWanted("ask")) take({ findings: await scanByAsking(deps, asker, types) });
    if (isWanted("modbus")) {
      const settings = modbusSettings(types, options.speeds, options.modes);
      const modbus = { ...options, settings, isWhole: options.all };
      say(
        `Asks Modbus addresses at ${settings.map(lineText).join(", ")}: at most ${spokenDuration(modbusEstimateMs(modbus))}. Narrower: --address 1-20 --speed 9600`,
      );
      take(await scanModbus(deps, asker, types, modbus));
    }
  } finally {
    await asker.close();
  }
  return { port, findings, notes };
}

async function scanPins({ machine }: ScanPortDeps, port: Port): Promise<Scanned> {
  if (port.simulator !== undefined || port.kind === "counter")
    return { port, findings: [], notes: [`${port.path}: its lines can't be listed`] };
  const chips = await machine.listing.gpio();
  const chip = chips.find(({ label }) => label === port.path);
  if (!chip) {
    const there = chips.map(({ label }) => label).join(", ") || "none";
    throw new Error(`chip ${port.path}: there is no such chip; there are: ${there}`);
  }
  const findings = chip.lines.map(({ offset, name, usedBy }): Finding => {
    const because = usedBy === undefined ? "nobody uses it" : `used by ${usedBy || "somebody"}`;
    const where = `pin ${offset}${name === undefined ? "" : ` "${name}"`}`;
    return { where, sureness: usedBy === undefined ? "unknown" : "in use", because, types: [] };
  });
  return { port, findings, notes: ["what is wired to a pin can't be seen from here: follow the cable"] };
}
