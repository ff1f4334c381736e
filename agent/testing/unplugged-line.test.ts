import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createClock } from "../linux/clock.ts";
import { createPorts } from "../linux/ports/ports.ts";
import { createTimers } from "../linux/timers.ts";
import { missing } from "../reading.ts";
import { createSerialPort } from "../source/serial-port.ts";
import { createSerialSource } from "../source/serial-source.ts";
import { plugIn } from "./pseudo-terminal.ts";
import { createSmallDevice, createSmallDeviceSide } from "./small-protocol.ts";

it("a device on a line that was unplugged is missing by name, and read again after the line came back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "unplugged-"));
  const path = join(folder, "tty");
  const device = createSmallDeviceSide();
  const plug = () => {
    const far = plugIn(path);
    far.onBytes((request) => far.write(device.hear(request)!));
    return far;
  };
  const events: string[] = [];
  const world = { clock: createClock(), timers: createTimers(), log: (_: string, event: string) => events.push(event) };
  const deps = { ...world, ports: createPorts(world) };
  const port = createSerialPort(deps, { name: "line", path });
  const source = createSerialSource(deps, createSmallDevice(), port);

  const first = plug();
  // On a busy machine the first opening of a fresh pseudo-terminal may fail; it is tried again like any port.
  await expect.poll(async () => (await source.poll()).values, { timeout: 10_000 }).toEqual([50, 0, 100]);
  first.unplug();
  await expect.poll(async () => (await source.poll()).values[0]).toEqual(missing("port-absent"));
  const second = plug();
  await expect.poll(async () => (await source.poll()).values, { timeout: 10_000 }).toEqual([50, 0, 100]);
  expect(events.filter((event) => event === "port-opened")).toHaveLength(2);

  await port.close();
  second.unplug();
  rmSync(folder, { recursive: true });
});
