/** A station over several boots, processes and misfortunes of its clock; the truth is kept beside it. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime, type SimulatedTime } from "../testing/simulated-time.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { LedgerMessage } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { SampleBuffer } from "./buffer.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The truth when the first boot began. */
const T0 = Date.UTC(2027, 4, 2, 8);
const SCHEMA: StreamSchema = {
  stream: "pump",
  channels: [{ name: "made", kind: "gauge", unit: "ms", resolution: 1 }],
};
type ClockMessage = Extract<LedgerMessage, { kind: "clock" }>;

let folder: string;
/** ms since 1970, really. */
let truth: number;
let time: SimulatedTime;
let buffer: SampleBuffer;
/** Each sample's value is the true time since T0 at which it was made, so that its own time can be judged. */
let sent: { readonly basis: string; readonly offByMs: number; readonly bootId: string | undefined }[];
let clocks: ClockMessage[];
let epochs = 0;

beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "dating-"));
  truth = T0;
  sent = [];
  clocks = [];
});
afterEach(() => {
  buffer.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Powered on; what the wall clock shows is `wrongBy` from the truth. */
function boot(bootId: string, { trusted = false, wrongBy = 0 } = {}): void {
  time = createSimulatedTime({ bootId, bootMs: 0, wallMs: truth + wrongBy });
  time.clock.trusted = trusted;
  startAgain();
}
function startAgain(): void {
  const bytes = (count: number) => {
    const id = new Uint8Array(count);
    id[count - 1] = ++epochs;
    return id;
  };
  const deps = { databases: createDatabases(), clock: time.clock, chance: { fraction: () => 0, bytes }, log: () => {} };
  buffer = createSqliteBuffer(deps, { path: join(folder, "buffer.db") });
  buffer.declare(SCHEMA);
}
async function pass(ms: number): Promise<void> {
  truth += ms;
  await time.advance(ms);
}
/** A sample each `everyMs`, committed. */
async function run(samples: number, everyMs = 10_000): Promise<void> {
  for (let count = 0; count < samples; count++) {
    await pass(everyMs);
    buffer.append({ device: "pump", bootMs: time.clock.bootMs(), values: [truth - T0] });
    buffer.commit();
  }
}
async function powerOff(ms: number): Promise<void> {
  buffer.close();
  await pass(ms);
}
function send(): void {
  for (let offer = buffer.offer("normal", "now"); offer; offer = buffer.offer("normal", "now")) {
    if (offer.kind === "clock") clocks.push(decodeLedger(offer.payload) as ClockMessage);
    if (offer.kind === "batch") {
      const { basis, blocks } = decodeBatch(offer.payload, (hash) =>
        hash === schemaHash(SCHEMA) ? SCHEMA : undefined,
      );
      const bootId = basis.kind === "boot" ? basis.bootId : undefined;
      for (const { times, rows } of blocks)
        for (const [at, row] of rows.entries())
          sent.push({ basis: basis.kind, bootId, offByMs: (times[at] ?? 0) - T0 - Number(row[0]) });
    }
    buffer.accept(offer);
  }
}
const worst = () => Math.max(...sent.map(({ offByMs }) => Math.abs(offByMs)));
/** With the offset that a clock message gives its boot. */
const worstAfter = ({ bootId, offsetMs }: ClockMessage) =>
  Math.max(...sent.filter((sample) => sample.bootId === bootId).map(({ offByMs }) => Math.abs(offByMs + offsetMs)));

describe("readings of a boot that began in 1970", () => {
  it("leave on the boot's own time, and are dated by one message when the clock is set", async () => {
    boot("a", { wrongBy: -T0 });
    await run(5);
    send();
    expect(sent.every(({ basis }) => basis === "boot")).toBe(true);
    expect(clocks).toEqual([]);
    time.clock.stepWall(T0);
    time.clock.trusted = true;
    await run(5);
    send();
    expect(clocks).toEqual([{ kind: "clock", bootId: "a", offsetMs: T0 }]);
    expect(clocks.map(worstAfter)).toEqual([0]);
    expect(sent.slice(5).map(({ basis, offByMs }) => [basis, offByMs])).toEqual(Array(5).fill(["wall", 0]));
    send();
    expect(clocks).toHaveLength(1);
  });

  it("that weren't sent before the clock was set leave with the right time", async () => {
    boot("a", { wrongBy: -T0 });
    await run(5);
    time.clock.stepWall(T0);
    time.clock.trusted = true;
    await run(1);
    send();
    expect(sent.map(({ basis, offByMs }) => [basis, offByMs])).toEqual(Array(6).fill(["wall", 0]));
  });

  it("are dated by a later process of that boot, also those that a former one sent", async () => {
    boot("a", { wrongBy: -T0 });
    await run(3);
    send();
    await run(2);
    buffer.close();
    startAgain();
    time.clock.stepWall(T0);
    time.clock.trusted = true;
    await run(1);
    send();
    expect(clocks).toEqual([{ kind: "clock", bootId: "a", offsetMs: T0 }]);
    expect(clocks.map(worstAfter)).toEqual([0]);
    expect(sent.filter(({ basis }) => basis === "wall").map(({ offByMs }) => offByMs)).toEqual([0, 0, 0]);
  });

  it("keep what a former process was told when nobody vouches for the clock any more", async () => {
    boot("a", { trusted: true });
    await run(3);
    buffer.close();
    time.clock.trusted = false;
    time.clock.stepWall(-DAY);
    startAgain();
    await run(3);
    send();
    expect(sent.map(({ basis, offByMs }) => [basis, offByMs])).toEqual(Array(6).fill(["wall", 0]));
  });
});

describe("readings of a boot whose clock was never set", () => {
  it("are told to lie between the boots beside it, once, and the truth lies in there", async () => {
    boot("a", { trusted: true });
    await run(6);
    await powerOff(HOUR);
    const began = truth;
    boot("b", { wrongBy: -T0 });
    await run(6);
    send();
    expect(clocks).toEqual([]);
    await powerOff(2 * HOUR);
    boot("c", { trusted: true });
    await run(1);
    send();
    const [bracket] = clocks;
    expect(clocks).toHaveLength(1);
    // Before c's beginning, after a's last reading: an hour of darkness on this side, two on that.
    expect(bracket).toEqual({ kind: "clock", bootId: "b", offsetMs: began + 2 * HOUR, earlierMs: 3 * HOUR });
    const all = sent.filter(({ bootId }) => bootId === "b");
    expect(all).toHaveLength(6);
    expect(new Set(all.map(({ offByMs }) => offByMs))).toEqual(new Set([-began]));
    await run(3);
    send();
    buffer.close();
    startAgain();
    await run(1);
    send();
    expect(clocks).toHaveLength(1);
  });

  it("and that are sent only by the next boot are told to lie there too", async () => {
    boot("b", { wrongBy: -T0 });
    await run(3);
    await powerOff(HOUR);
    boot("c", { wrongBy: -T0 });
    await run(3);
    await powerOff(HOUR);
    boot("d", { trusted: true });
    await run(1);
    send();
    expect(clocks.map(({ bootId }) => bootId)).toEqual(["b", "c"]);
    for (const { bootId, offsetMs, earlierMs = 0 } of clocks) {
      const trueOffset = bootId === "b" ? T0 : T0 + 30_000 + HOUR;
      expect(offsetMs).toBeGreaterThanOrEqual(trueOffset);
      // No boot before them: since this program was built.
      expect(offsetMs - earlierMs).toBeLessThanOrEqual(trueOffset);
    }
    expect(sent.filter(({ basis }) => basis === "wall").map(({ offByMs }) => offByMs)).toEqual([0]);
  });
});

describe("readings before and after", () => {
  it("a suspend are both right", async () => {
    boot("a", { trusted: true });
    await run(5);
    truth += 8 * HOUR;
    time.suspend(8 * HOUR);
    await run(5);
    send();
    expect(sent).toHaveLength(10);
    expect(worst()).toBe(0);
  });

  it("a smeared leap second are within the smear, however long they waited", async () => {
    boot("a", { trusted: true });
    const steps = 100;
    for (let step = 0; step < steps; step++) {
      await run(1, DAY / steps);
      // The truth is the smeared time, as every clock around shows it.
      truth -= 10;
      time.clock.stepWall(-10);
    }
    send();
    expect(sent).toHaveLength(steps);
    // By the newest offset the oldest would be a second off.
    expect(worst()).toBeLessThanOrEqual(260);
  });

  it("a month without NTP, at whose end the clock is set 30 s back, lie on the line between", async () => {
    boot("a", { trusted: true });
    const days = 30;
    for (let day = 0; day < days; day++) {
      await run(1, DAY);
      truth -= 1_000;
    }
    time.clock.stepWall(-1_000 * days);
    await run(1);
    send();
    expect(sent).toHaveLength(days + 1);
    expect(worst()).toBeLessThanOrEqual(1_000);
  });

  it.each([
    HOUR,
    -HOUR,
    DAY,
    -DAY,
  ])("a vouched correction by %i ms are all right, where they hadn't left", async (by) => {
    boot("a", { trusted: true, wrongBy: -by });
    await run(5);
    time.clock.stepWall(by);
    await run(5);
    send();
    expect(sent).toHaveLength(10);
    expect(worst()).toBe(0);
  });

  it("a vouched correction: those that were dated by the wrong one from afar are dated again", async () => {
    boot("a", { wrongBy: -T0 });
    await run(3);
    send();
    time.clock.stepWall(T0 + HOUR);
    time.clock.trusted = true;
    await run(1);
    send();
    time.clock.stepWall(-HOUR);
    await run(1);
    send();
    expect(clocks.map(({ offsetMs }) => offsetMs)).toEqual([T0 + HOUR, T0]);
  });
});

it("neither the counts of an epoch, nor receipts, nor what goes first ask the wall clock", async () => {
  boot("a", { wrongBy: -T0 });
  await run(5);
  send();
  const { epoch } = buffer;
  buffer.onLedger({ kind: "receipt", stored: [{ epoch, stream: "pump", ranges: [{ first: 1, last: 5 }] }] });
  expect(buffer.status()).toMatchObject({ receipted: 5, waiting: 0, dropped: 0 });
  time.clock.stepWall(50_000 * DAY);
  await run(1);
  buffer.close();
  startAgain();
  const closed: LedgerMessage[] = [];
  for (let offer = buffer.offer("normal", "now"); offer; offer = buffer.offer("normal", "now")) {
    if (offer.kind === "epoch-closed") closed.push(decodeLedger(offer.payload));
    buffer.accept(offer);
  }
  expect(closed).toEqual([{ kind: "epoch-closed", epoch, counts: [{ stream: "pump", last: 6 }] }]);
});
