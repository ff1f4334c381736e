/** Whole lines of devices over hours of station time: who keeps whose polls. */
import { describe, expect, it } from "vitest";
import { PROBE_EVERY_MAX_MS } from "../limits.ts";
import type { Sample } from "../reading.ts";
import { createSerialPort } from "../source/serial-port.ts";
import { createSerialSource } from "../source/serial-source.ts";
import { createScriptedSerial } from "../testing/scripted-serial.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice, createSmallDeviceSide, createSmallProtocol } from "../testing/small-protocol.ts";
import type { Ports } from "../world.ts";
import { createCadence } from "./cadence.ts";

const HOUR_MS = 3_600_000;
/** An hour of station time takes a few seconds, more on a machine that is busy. */
const PATIENCE = { timeout: 60_000 };

/**
 * Five slaves as they are usually wired: 9600 Bd, 3.5 characters (4 ms) of silence, answers after 20 to 60 ms of
 * thinking and the line time of their bytes, half a second of patience and one retry, two requests a poll.
 */
function createLine(everyMs: number, isDead: (address: number, nowMs: number) => boolean) {
  const time = createSimulatedTime({ bootMs: 0 });
  const sides = [1, 2, 3, 4, 5].map((address) => createSmallDeviceSide(address));
  const lineMs = (bytes: number): number => (bytes * 10_000) / 9_600;
  const serial = createScriptedSerial(time, (request) => {
    const address = request[1]!;
    const bytes = isDead(address, time.clock.bootMs()) ? undefined : sides[address - 1]?.hear(request);
    if (!bytes) return [];
    return [{ afterMs: lineMs(request.length) + 10 + 10 * address + lineMs(bytes.length), bytes }];
  });
  const deps = { ports: { serial } as unknown as Ports, clock: time.clock, timers: time.timers, log: () => {} };
  const port = createSerialPort(deps, { name: "line", path: "/dev/ttyTest" });
  const protocol = createSmallProtocol(
    { answerWithinMs: 500, lateMs: 200, pauseBeforeNextMs: 10, quietBeforeMs: 4, retries: 1 },
    { baudRate: 9_600 },
  );
  const devices = sides.map((_, at) =>
    createSmallDevice({ name: `slave-${at + 1}`, address: at + 1, everyMs, protocol }),
  );
  const sources = new Map(devices.map((device) => [device.name, createSerialSource(deps, device, port)]));
  const samples: Sample[] = [];
  const cadence = createCadence(deps, devices, sources, (_, sample) => samples.push(sample));
  const whole = (address: number): Sample[] =>
    samples.filter(
      ({ device, values }) => device === `slave-${address}` && values.every((value) => typeof value === "number"),
    );
  return { time, cadence, whole, serial };
}

describe("five slaves on one line", PATIENCE, () => {
  it.each([
    { dead: [3], everyMs: 2_000 },
    { dead: [3], everyMs: 1_000 },
    { dead: [2, 5], everyMs: 5_000 },
    { dead: [2, 5], everyMs: 2_000 },
  ])("of which $dead are dead keep at least 95 % of their polls, asked every $everyMs ms for an hour", async ({
    dead,
    everyMs,
  }) => {
    const { time, cadence, whole } = createLine(everyMs, (address) => dead.includes(address));
    await time.advance(HOUR_MS);
    const living = [1, 2, 3, 4, 5].filter((address) => !dead.includes(address));
    for (const address of living) {
      const share = whole(address).length / (HOUR_MS / everyMs);
      expect(share, `slave ${address}`).toBeGreaterThanOrEqual(0.95);
    }
    for (const address of dead) expect(cadence.running(`slave-${address}`).isProbed).toBe(true);
  });

  it("get a dead one back within the time between two probes, and then all its polls", async () => {
    const backMs = HOUR_MS / 2 + 12_345;
    const { time, cadence, whole } = createLine(5_000, (address, nowMs) => address === 3 && nowMs < backMs);
    await time.advance(HOUR_MS);
    const [first] = whole(3);
    expect(first!.bootMs).toBeGreaterThanOrEqual(backMs);
    expect(first!.bootMs - backMs).toBeLessThanOrEqual(PROBE_EVERY_MAX_MS + 2_000);
    expect(cadence.running("slave-3").isProbed).toBe(false);
    const slots = (HOUR_MS - first!.bootMs) / 5_000;
    expect(whole(3).length).toBeGreaterThanOrEqual(Math.floor(slots));
  });

  it("of which one comes and goes cost the others nothing either", async () => {
    // Three minutes there, three minutes not.
    const isAway = (nowMs: number): boolean => Math.floor(nowMs / 180_000) % 2 === 1;
    const { time, whole } = createLine(2_000, (address, nowMs) => address === 3 && isAway(nowMs));
    await time.advance(HOUR_MS);
    for (const address of [1, 2, 4, 5])
      expect(whole(address).length / (HOUR_MS / 2_000), `slave ${address}`).toBeGreaterThanOrEqual(0.95);
  });
});
