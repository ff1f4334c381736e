import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SerialPort } from "serialport";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { plugIn } from "../../testing/pseudo-terminal.ts";
import { createTimers } from "../timers.ts";
import { createSerialPorts } from "./serial.ts";

const settings = { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 } as const;
const ports = createSerialPorts({ timers: createTimers(), log: () => {} });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "serial-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a serial line on a real pseudo-terminal", () => {
  it("carries every byte value both ways", async () => {
    const far = plugIn(join(folder, "tty"));
    far.onBytes((bytes) => far.write(bytes));
    const line = await ports.open(join(folder, "tty"), settings);
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const echoed = new Promise<number[]>((resolve) => {
      const heard: number[] = [];
      line.onBytes((bytes) => {
        heard.push(...bytes);
        if (heard.length >= every.length) resolve(heard);
      });
    });
    await line.write(every, 1_000);
    expect(await echoed).toEqual([...every]);
    await line.close();
    far.unplug();
  });

  it("UART truth: hupcl is off, so that closing drops no DTR, which resets many baseboards", async () => {
    const far = plugIn(join(folder, "tty"));
    const flags = (): string => execFileSync("stty", ["-a", "-F", join(folder, "tty")], { encoding: "utf8" });
    // A pseudo-terminal forgets its flags when nobody has it open.
    const holder = openSync(join(folder, "tty"), constants.O_RDWR | constants.O_NOCTTY);
    execFileSync("stty", ["-F", join(folder, "tty"), "hupcl"]);
    expect(flags()).toMatch(/\shupcl/);
    const line = await ports.open(join(folder, "tty"), settings);
    expect(flags()).toMatch(/\s-hupcl/);
    await line.close();
    closeSync(holder);
    far.unplug();
  });

  it("is ours alone, and free again at once after it was closed", async () => {
    const far = plugIn(join(folder, "tty"));
    const line = await ports.open(join(folder, "tty"), settings);
    await expect(ports.open(join(folder, "tty"), settings)).rejects.toMatchObject({ failure: "busy" });
    await line.close();
    await (await ports.open(join(folder, "tty"), settings)).close();
    far.unplug();
  });

  it("says once that it was unplugged, and takes no more writes", async () => {
    const far = plugIn(join(folder, "tty"));
    const line = await ports.open(join(folder, "tty"), settings);
    const reasons: string[] = [];
    const closed = new Promise<void>((resolve) => {
      line.onClosed((reason) => {
        reasons.push(reason);
        resolve();
      });
    });
    far.unplug();
    await closed;
    await expect(line.write(Uint8Array.of(1), 100)).rejects.toMatchObject({ failure: "closed" });
    await line.close();
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain("unplugged");
  });

  it("gives up a write that is not taken, and closes", async () => {
    const far = plugIn(join(folder, "tty"));
    const line = await ports.open(join(folder, "tty"), settings);
    const closed = new Promise<string>((resolve) => line.onClosed(resolve));
    far.stopReading();
    await expect(line.write(new Uint8Array(1 << 20), 100)).rejects.toMatchObject({ failure: "stuck" });
    expect(await closed).toContain("stuck");
    far.unplug();
  });

  it("whose closing fails is closed all the same: nobody waits for it for ever", async () => {
    const far = plugIn(join(folder, "tty"));
    const line = await ports.open(join(folder, "tty"), settings);
    const failing = vi.spyOn(SerialPort.prototype, "close").mockImplementation((callback) => {
      callback?.(new Error("EIO: i/o error, close"));
    });
    await line.close();
    failing.mockRestore();
    await expect(line.write(Uint8Array.of(1), 100)).rejects.toMatchObject({ failure: "closed" });
    far.unplug();
  });

  it("that isn't there is absent, and what is no terminal, too", async () => {
    await expect(ports.open(join(folder, "nothing"), settings)).rejects.toMatchObject({ failure: "absent" });
    await expect(ports.open("/etc/hostname", settings)).rejects.toMatchObject({ failure: "absent" });
  });
});
