/** `scan` without a port: what ports there are at all. */
import type { ListedChip, ListedPort } from "../../world.ts";
import type { Machine } from "../command.ts";
import { table } from "../table.ts";

export interface MachinePorts {
  readonly serial: readonly ListedPort[];
  readonly i2c: readonly ListedPort[];
  readonly gpio: readonly ListedChip[];
  /** Why a kind couldn't be looked up. */
  readonly notes: readonly string[];
}

export async function listPorts({ listing }: Machine): Promise<MachinePorts> {
  const notes: string[] = [];
  const gpio = await listing.gpio().catch((error: unknown) => {
    notes.push(error instanceof Error ? error.message : String(error));
    return [];
  });
  return { serial: await listing.serial(), i2c: await listing.i2c(), gpio, notes };
}

export function portsText({ serial, i2c, gpio, notes }: MachinePorts): string {
  const rows = [
    ...serial.map(({ path, also, what }) => ["  serial", path, [what, ...also].filter(Boolean).join(", ")]),
    ...i2c.map(({ path, what }) => ["  i2c", path, what]),
    ...gpio.map(({ label, name, lines }) => ["  gpio", label, `${name}, ${lines.length} lines`]),
  ];
  const ports =
    rows.length > 0
      ? `Ports of this machine, as a station file names them:\n${table(rows)}\n\nWho is there: pump-station scan PORT`
      : "No serial port, no I2C bus, no GPIO chip. I2C is switched on with raspi-config or the device tree;\nan adapter that was just plugged in shows in: dmesg | tail";
  return [ports, ...notes].join("\n");
}
