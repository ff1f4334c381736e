import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSerialPorts } from "@pump-station/agent/linux/ports/serial.ts";
import { createTimers } from "@pump-station/agent/linux/timers.ts";
import { afterEach, expect, test } from "vitest";
import { openTerminal } from "./pty.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const serialPorts = createSerialPorts({ timers: createTimers(), log: () => {} });
const SETTINGS = { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 } as const;
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function terminalAt(link: string) {
  const terminal = openTerminal(link);
  cleanups.push(() => terminal.close());
  return terminal;
}

/** Resolves with the bytes once there are so many. */
const heard = (source: { onBytes(listener: (bytes: Uint8Array) => void): void }, count: number) =>
  new Promise<Uint8Array>((resolve) => {
    const all: number[] = [];
    source.onBytes((bytes) => {
      all.push(...bytes);
      if (all.length >= count) resolve(Uint8Array.from(all));
    });
  });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ps-pty-"));
  cleanups.push(() => rmSync(path, { recursive: true }));
  return path;
}

test("every byte passes both ways unchanged and is counted", async () => {
  const link = join(folder(), "ports", "baseboard");
  const terminal = terminalAt(link);
  const line = await serialPorts.open(link, SETTINGS);
  cleanups.push(() => line.close());

  const asked = heard(terminal, 256);
  await line.write(EVERY_BYTE, 1_000);
  expect(await asked).toEqual(EVERY_BYTE);

  const answered = heard(line, 256);
  terminal.write(EVERY_BYTE);
  expect(await answered).toEqual(EVERY_BYTE);
  expect(terminal.counted).toEqual({ in: 256, out: 256 });
});

test("a program that closes the port and opens it again finds it working", async () => {
  const link = join(folder(), "baseboard");
  const terminal = terminalAt(link);
  terminal.onBytes((bytes) => terminal.write(bytes));
  for (let round = 0; round < 2; round++) {
    const line = await serialPorts.open(link, SETTINGS);
    const echoed = heard(line, 4);
    await line.write(Uint8Array.of(1, 2, 3, 4), 1_000);
    expect(await echoed).toEqual(Uint8Array.of(1, 2, 3, 4));
    await line.close();
  }
});

test("a new terminal takes over the link, and the old one leaves it alone when it closes", async () => {
  const link = join(folder(), "baseboard");
  const first = openTerminal(link);
  const second = terminalAt(link);
  first.close();
  const line = await serialPorts.open(link, SETTINGS);
  cleanups.push(() => line.close());
  const asked = heard(second, 2);
  await line.write(Uint8Array.of(5, 6), 1_000);
  expect(await asked).toEqual(Uint8Array.of(5, 6));
});

test("a file that is no link is not replaced", () => {
  const path = join(folder(), "baseboard");
  writeFileSync(path, "precious");
  expect(() => openTerminal(path)).toThrow("something else is there");
});
