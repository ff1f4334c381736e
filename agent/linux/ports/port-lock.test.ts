import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createScriptedGpio } from "../../testing/scripted-gpio.ts";
import { createScriptedI2c } from "../../testing/scripted-i2c.ts";
import { createScriptedSerial } from "../../testing/scripted-serial.ts";
import { createSimulatedTime } from "../../testing/simulated-time.ts";
import { createLockedPorts, lockPort } from "./port-lock.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "port-lock-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const lockedPorts = () => {
  const serial = createScriptedSerial(createSimulatedTime(), () => []);
  return createLockedPorts({ serial, i2c: () => createScriptedI2c(), gpio: () => createScriptedGpio() }, "an agent");
};

it("a bus that is open is nobody else's, by whatever name, and free again when it is closed", async () => {
  const [path, other] = [join(folder, "i2c-1"), join(folder, "by-name")];
  writeFileSync(path, "");
  symlinkSync(path, other);
  const bus = await lockedPorts().i2c(undefined).open(path);
  expect(await lockPort(other, "a scan")).toEqual({ by: expect.stringContaining(`an agent, process ${process.pid}`) });
  await expect(lockedPorts().i2c(undefined).open(other)).rejects.toMatchObject({
    failure: "busy",
    message: expect.stringContaining("an agent, process"),
  });
  await bus.close();
  const scan = await lockPort(other, "a scan");
  expect(scan).toHaveProperty("release");
  if ("release" in scan) scan.release();
});

it("a serial line is held until it is closed, also by being unplugged, and a port that can't be opened isn't", async () => {
  const path = join(folder, "tty");
  const settings = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;
  const line = await lockedPorts().serial.open(path, settings);
  expect(await lockPort(path, "a scan")).toHaveProperty("by");
  await line.close();
  const second = await lockedPorts().serial.open(path, settings);
  await second.close();
  const broken = createLockedPorts(
    {
      serial: { open: () => Promise.reject(new Error("no such device")) },
      i2c: () => createScriptedI2c(),
      gpio: () => createScriptedGpio(),
    },
    "an agent",
  );
  await expect(broken.serial.open(path, settings)).rejects.toThrow("no such device");
  const free = await lockPort(path, "a scan");
  expect(free).toHaveProperty("release");
  if ("release" in free) free.release();
});
