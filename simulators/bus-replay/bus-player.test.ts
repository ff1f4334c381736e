import { parseBusRecording } from "@pump-station/agent/tap/recording.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { expect, it } from "vitest";
import { createPortService } from "../hardware/port-service.ts";
import { createBusPlayer } from "./bus-player.ts";
import { pinsIn, playPins } from "./pin-player.ts";

const recording = (kind: string, path: string, ...lines: string[]) => {
  const head = `{"format":"pump-station-bus","version":1,"station":"d","port":{"name":"b","kind":"${kind}","path":"${path}"},"started":"2026-05-02T08:00:00.000Z","by":"agent"}`;
  return parseBusRecording([head, ...lines, ""].join("\n"));
};

it("a bus gives each transfer what the same one got, turn by turn, and acknowledges nothing else", () => {
  const bus = createBusPlayer(
    recording(
      "i2c",
      "/dev/i2c-1",
      '{"ms":1,"took":1,"address":"0x48","write":"00","read":2,"got":"19 00"}',
      '{"ms":2,"took":1,"address":"0x48","write":"00","read":2,"failed":"nack"}',
      '{"ms":3,"took":1,"address":"0x48","write":"00","read":2,"got":"1A 00"}',
    ),
  );
  const ask = (address: number, length = 2) => bus.transfer(address, Uint8Array.of(0), length);
  expect([ask(0x48), ask(0x48), ask(0x48), ask(0x48)]).toEqual([
    Uint8Array.of(0x19, 0),
    undefined,
    Uint8Array.of(0x1a, 0),
    Uint8Array.of(0x19, 0),
  ]);
  expect([ask(0x49), ask(0x48, 1)]).toEqual([undefined, undefined]);
  expect(bus.counted).toEqual({ answered: 3, failed: 1, unknown: 2 });
});

it("pins pulse and change at their times", async () => {
  const { clock, timers, advance } = createSimulatedTime();
  const recorded = recording(
    "gpio",
    "pins",
    '{"ms":100,"pin":17,"edge":"falling"}',
    '{"ms":300,"pin":4,"edge":"both"}',
    '{"ms":400,"pin":4,"edge":"both"}',
  );
  const ports = createPortService({ buses: new Map(), pins: new Map([["pins", pinsIn(recorded)]]) });
  const told: string[] = [];
  let hear: (line: string) => void = () => {};
  ports.serve({
    send: (line) => void told.push(`${clock.bootMs()} ${line}`),
    onLine: (listener) => (hear = listener),
    onClosed: () => {},
    close: () => {},
  });
  hear('{"id":1,"chip":"pins","watch":{"pin":17,"edge":"falling"}}');
  hear('{"id":2,"chip":"pins","watch":{"pin":4,"edge":"both"}}');
  const startedMs = clock.bootMs();
  void playPins({ clock, timers, ports }, recorded, false, new AbortController().signal);
  await advance(350);
  expect(ports.level("pins", 4)).toBe(1);
  await advance(1_000);
  expect(ports.level("pins", 4)).toBe(0);
  const times = told.filter((line) => line.includes("edge")).map((line) => Number(line.split(" ")[0]) - startedMs);
  expect(times).toEqual([100, 300, 400]);
});
