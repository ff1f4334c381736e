import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MESSAGE_BYTES_TARGET } from "../limits.ts";
import { createDatabases } from "../linux/sqlite.ts";
import type { AlarmTransition, ChannelValue } from "../reading.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { decodeAlarms } from "../wire/alarms.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import { ALARM_STREAM, type LedgerMessage, type Range, type StreamRanges } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Lane } from "../wire/topics.ts";
import { type Database, DatabaseError, type DatabaseFailure, type Databases } from "../world.ts";
import type { Offer, SampleBuffer } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const schemaOf = (stream: string, channels = 3): StreamSchema => ({
  stream,
  channels: Array.from({ length: channels }, (_, index) => ({
    name: `c${index}`,
    kind: "gauge",
    unit: "V",
    resolution: 0.01,
  })),
});
const PUMP = schemaOf("pump");
const CLIMATE = schemaOf("climate", 2);
const ALARM: AlarmTransition = {
  device: "pump",
  alarm: "too-hot",
  severity: "critical",
  active: true,
  bootMs: 5_000,
  because: "temperature above 85 °C: 86.1",
};

/** Numbers from a seed (Park-Miller), so that a failing run can be run again. */
const randomFrom = (seed: number) => () => {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
};

let folder = "";
let path = "";
let time = createSimulatedTime();
let epochs = 0;
const events: string[] = [];
const databases = createDatabases();

beforeEach(() => {
  folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "buffer-"));
  path = join(folder, "buffer.db");
  time = createSimulatedTime();
  events.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const chance = {
  fraction: () => 0.5,
  bytes: (count: number) => {
    epochs += 1;
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(count - 4, epochs);
    return bytes;
  },
};

interface Options {
  readonly bytesMax?: number;
  readonly databases?: Databases;
  readonly path?: string;
  readonly body?: "trends" | "tight" | "deflated";
}
const openBuffer = (options: Options = {}): SampleBuffer => {
  const deps = {
    databases: options.databases ?? databases,
    clock: time.clock,
    chance,
    log: (_: string, event: string) => void events.push(event),
  };
  const buffer = createSqliteBuffer(deps, { path, ...options });
  buffer.declare(PUMP);
  buffer.declare(CLIMATE);
  return buffer;
};

/** A cloud that keeps what it is sent, once each, and looks at every promise that is made to it. */
function createCloud() {
  const schemas = new Map<string, StreamSchema>();
  const values = new Map<string, string>();
  const times = new Map<string, number>();
  const dropped = new Map<string, readonly Range[]>();
  const dropReasons = new Set<string>();
  const closed = new Map<string, number>();
  const clocks = new Map<string, number>();
  let duplicates = 0;
  const keep = (epoch: string, stream: string, sequence: number, value: unknown, at: number) => {
    const key = `${epoch}/${stream}/${sequence}`;
    const text = JSON.stringify(value);
    if (values.has(key)) {
      duplicates += 1;
      expect(text).toBe(values.get(key));
    }
    values.set(key, text);
    times.set(key, at);
  };
  const ledger = (message: LedgerMessage) => {
    if (message.kind === "schema") schemas.set(schemaHash(message.schema), message.schema);
    if (message.kind === "clock") clocks.set(message.bootId, message.offsetMs);
    if (message.kind === "epoch-closed") {
      for (const { stream, last } of message.counts) closed.set(`${message.epoch}/${stream}`, last);
    }
    if (message.kind === "dropped") {
      dropReasons.add(message.reason);
      for (const { epoch, stream, ranges } of message.dropped) {
        dropped.set(`${epoch}/${stream}`, union(dropped.get(`${epoch}/${stream}`) ?? [], ranges));
      }
    }
  };
  const take = (offer: Offer) => {
    if (offer.kind === "batch") {
      const batch = decodeBatch(offer.payload, (hash) => schemas.get(hash));
      for (const block of batch.blocks) {
        block.rows.forEach((row, index) =>
          keep(batch.epoch, block.stream, block.sequence + index, row, block.times[index] ?? -1),
        );
      }
      return batch;
    }
    if (offer.kind === "alarms") {
      for (const alarm of decodeAlarms(offer.payload))
        keep(alarm.epoch, ALARM_STREAM, alarm.sequence, alarm.alarm, alarm.time);
    } else ledger(decodeLedger(offer.payload));
    return undefined;
  };
  const storedRanges = (): StreamRanges[] => {
    const found = new Map<string, number[]>();
    for (const key of values.keys()) {
      const at = key.lastIndexOf("/");
      const sequences = found.get(key.slice(0, at)) ?? [];
      sequences.push(Number(key.slice(at + 1)));
      found.set(key.slice(0, at), sequences);
    }
    return [...found].map(([key, sequences]) => {
      const [epoch = "", stream = ""] = key.split("/");
      return {
        epoch,
        stream,
        ranges: union(
          sequences.map((sequence) => ({ first: sequence, last: sequence })),
          [],
        ),
      };
    });
  };
  return {
    take,
    values,
    times,
    dropped,
    dropReasons,
    closed,
    clocks,
    schemas,
    storedRanges,
    duplicates: () => duplicates,
  };
}

type Cloud = ReturnType<typeof createCloud>;
const LANES: readonly Lane[] = ["urgent", "normal", "late"];

/** Sends all that waits. */
function drain(buffer: SampleBuffer, cloud: Cloud, lanes = LANES): Offer[] {
  const sent: Offer[] = [];
  for (const lane of lanes) {
    for (let offer = buffer.offer(lane, "now"); offer; offer = buffer.offer(lane, "now")) {
      cloud.take(offer);
      buffer.accept(offer);
      sent.push(offer);
    }
  }
  return sent;
}

const sampleAt = (bootMs: number, value: number) => ({
  device: "pump",
  bootMs,
  values: [value, value + 0.01, value + 0.02],
});
const fill = (buffer: SampleBuffer, count: number, samplesPerRow = 1) => {
  const random = randomFrom(7);
  for (let index = 1; index <= count; index++) {
    const values = [random, random, random].map((next) => Math.round(next() * 1e6) / 100);
    buffer.append({ device: "pump", bootMs: index * 10_000, values });
    if (index % samplesPerRow === 0) buffer.commit();
  }
};
const sequencesOf = (cloud: Cloud, epoch: string, stream = "pump") =>
  cloud.storedRanges().find((found) => found.epoch === epoch && found.stream === stream)?.ranges ?? [];

describe("a message", () => {
  it("carries every committed sample once, in order, after its schema", () => {
    const buffer = openBuffer();
    buffer.append(sampleAt(1_000, 1));
    buffer.append({ device: "climate", bootMs: 1_001.4, values: [20.5, { missing: "timeout" }] });
    buffer.append(sampleAt(2_000, 2));
    buffer.commit();
    const cloud = createCloud();
    const sent = drain(buffer, cloud);
    expect(sent.map(({ kind }) => kind)).toEqual(["schema", "schema", "batch"]);
    expect(sent[2]?.properties).toEqual({ kind: "batch", v: "3", n: "3" });
    expect(sent[2]).toMatchObject({ samples: 3, readings: 8 });
    expect(cloud.values.get(`${buffer.epoch}/pump/2`)).toBe("[2,2.01,2.02]");
    expect(cloud.values.get(`${buffer.epoch}/climate/1`)).toBe('[20.5,{"missing":"timeout"}]');
    expect(cloud.times.get(`${buffer.epoch}/climate/1`)).toBe(Date.UTC(2026, 4, 2, 8) + 1);
    expect(buffer.status()).toMatchObject({ produced: 3, accepted: 3, waiting: 0, dropped: 0 });
  });

  it("is the same again until it is accepted, whatever is appended meanwhile", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    fill(buffer, 5);
    const first = buffer.offer("normal", "now");
    fill(buffer, 5);
    expect(buffer.offer("normal", "now")).toEqual(first);
    buffer.accept(first!);
    buffer.accept(first!);
    expect(buffer.offer("normal", "now")?.samples).toBe(5);
    expect(buffer.status()).toMatchObject({ accepted: 5, waiting: 5 });
  });

  it("that was sealed keeps its body when another one is set, and tells which it has", () => {
    const buffer = openBuffer({ body: "deflated" });
    drain(buffer, createCloud());
    fill(buffer, 9);
    const before = buffer.offer("normal", "now");
    expect(before?.properties["v"]).toBe("1");
    const after = openBuffer({ body: "trends" });
    fill(after, 9);
    expect(after.offer("normal", "now")).toEqual(before);
    const cloud = createCloud();
    for (const schema of [PUMP, CLIMATE]) cloud.schemas.set(schemaHash(schema), schema);
    expect(drain(after, cloud).map(({ properties }) => properties["v"])).toEqual(["1", "1", "3"]);
  });

  it("that an earlier program sealed before it knew trends keeps its bytes and its version", () => {
    const buffer = openBuffer({ body: "tight" });
    drain(buffer, createCloud());
    fill(buffer, 60);
    const before = buffer.offer("normal", "now");
    expect(before?.properties["v"]).toBe("2");
    expect(openBuffer({ body: "trends" }).offer("normal", "now")).toEqual(before);
  });

  it("has the open body where what it carries repeats itself, and the tight one where it doesn't", () => {
    const random = randomFrom(3);
    const day = Array.from({ length: 60 }, () => Math.round(random() * 1e6) / 100);
    const buffer = openBuffer();
    drain(buffer, createCloud());
    for (let index = 0; index < 600; index++) {
      const value = day[index % day.length] ?? 0;
      buffer.append({ device: "pump", bootMs: index * 10_000, values: [value, value, value] });
    }
    buffer.commit();
    const cloud = createCloud();
    cloud.schemas.set(schemaHash(PUMP), PUMP);
    const repeating = drain(buffer, cloud).map(({ properties }) => properties["v"]);
    expect(new Set(repeating)).toEqual(new Set(["1"]));
    const noise = () => 20 + Math.round(random() * 10 + random() * 10) / 100;
    for (let index = 0; index < 100; index++)
      buffer.append({ device: "pump", bootMs: index * 10_000, values: [noise(), noise(), noise()] });
    buffer.commit();
    const wandering = buffer.offer("normal", "now");
    expect(wandering?.properties).toEqual({ kind: "batch", v: "3", n: "100" });
    expect(openBuffer().offer("normal", "now")).toEqual(wandering);
  });

  it("of an older release's file, which has no column for the body, keeps its bytes as well", () => {
    const buffer = openBuffer({ body: "deflated" });
    drain(buffer, createCloud());
    fill(buffer, 9);
    const before = buffer.offer("normal", "now");
    buffer.close();
    const file = databases.open(path);
    file.exec("ALTER TABLE sealed DROP COLUMN form");
    file.close();
    expect(openBuffer().offer("normal", "now")).toEqual(before);
  });

  it("has the same bytes after a crash, although the clock was set in between", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    fill(buffer, 9);
    const before = buffer.offer("normal", "now");
    time.clock.stepWall(3_600_000);
    const after = openBuffer();
    fill(after, 3);
    expect(after.offer("normal", "now")).toEqual(before);
  });

  it("closes near 3.5 KB and not before when only full ones are asked for", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    fill(buffer, 100);
    expect(buffer.offer("normal", "if-full")).toBeUndefined();
    fill(buffer, 900);
    const cloud = createCloud();
    for (const schema of [PUMP, CLIMATE]) cloud.schemas.set(schemaHash(schema), schema);
    const sizes: number[] = [];
    for (let offer = buffer.offer("normal", "if-full"); offer; offer = buffer.offer("normal", "if-full")) {
      cloud.take(offer);
      sizes.push(offer.payload.length);
      buffer.accept(offer);
    }
    expect(sizes.length).toBeGreaterThan(0);
    for (const size of sizes) expect(size).toBeGreaterThan(0.85 * MESSAGE_BYTES_TARGET);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(MESSAGE_BYTES_TARGET);
    drain(buffer, cloud);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 1_000 }]);
  });

  it("of alarms leaves at once and by its own lane", () => {
    const buffer = openBuffer();
    buffer.appendAlarm(ALARM);
    buffer.appendAlarm({ ...ALARM, active: false });
    const offer = buffer.offer("urgent", "now");
    expect(offer).toMatchObject({ kind: "alarms", lane: "urgent", samples: 2 });
    const [first, second] = decodeAlarms(offer!.payload);
    expect(first).toMatchObject({ sequence: 1, active: true, basis: { kind: "wall" }, because: ALARM.because });
    expect(second).toMatchObject({ sequence: 2, active: false });
    buffer.accept(offer!);
    expect(buffer.offer("urgent", "now")).toBeUndefined();
  });

  it("that the cloud refuses for good is reported as dropped", () => {
    const buffer = openBuffer();
    const cloud = createCloud();
    drain(buffer, cloud);
    fill(buffer, 4);
    buffer.refuse(buffer.offer("normal", "now")!, "too large");
    drain(buffer, cloud);
    expect(cloud.dropped.get(`${buffer.epoch}/pump`)).toEqual([{ first: 1, last: 4 }]);
    expect(buffer.status()).toMatchObject({ produced: 4, dropped: 4, accepted: 0, waiting: 0 });
  });
});

describe("time", () => {
  it("is the boot's own until the clock is trusted, and then the boot is re-dated", () => {
    time.clock.trusted = false;
    const buffer = openBuffer();
    const cloud = createCloud();
    drain(buffer, cloud);
    buffer.append(sampleAt(2_000, 1));
    buffer.commit();
    const batch = cloud.take(buffer.offer("normal", "now")!);
    expect(batch?.basis).toEqual({ kind: "boot", bootId: time.clock.bootId });
    expect(batch?.blocks[0]?.times).toEqual([2_000]);
    drain(buffer, cloud);
    expect(cloud.clocks.size).toBe(0);
    time.clock.trusted = true;
    buffer.append(sampleAt(3_000, 2));
    buffer.commit();
    drain(buffer, cloud);
    expect(cloud.clocks.get(time.clock.bootId)).toBe(Date.UTC(2026, 4, 2, 8) - 1_000);
    expect(cloud.times.get(`${buffer.epoch}/pump/2`)).toBe(Date.UTC(2026, 4, 2, 8) + 2_000);
    expect(drain(buffer, cloud)).toEqual([]);
  });

  it("of another boot is known if its clock was once trusted, else it stays the boot's own", () => {
    time.clock.trusted = false;
    openBuffer().append(sampleAt(1, 0));
    const never = openBuffer();
    never.append(sampleAt(7_000, 1));
    never.commit();
    time = createSimulatedTime({ bootId: "second", bootMs: 500, wallMs: 1_800_000_000_000 });
    const dated = openBuffer();
    dated.append(sampleAt(8_000, 2));
    dated.commit();
    time = createSimulatedTime({ bootId: "third" });
    time.clock.trusted = false;
    const third = openBuffer();
    const cloud = createCloud();
    drain(third, cloud);
    expect(cloud.times.get(`${never.epoch}/pump/1`)).toBe(7_000);
    expect(cloud.times.get(`${dated.epoch}/pump/1`)).toBe(1_800_000_000_000 + 7_500);
  });
});

describe("a crash", () => {
  it("loses nothing committed, and the epoch is closed with its counts", () => {
    const buffer = openBuffer();
    fill(buffer, 20);
    buffer.appendAlarm(ALARM);
    buffer.append(sampleAt(1, 1));
    const after = openBuffer();
    const cloud = createCloud();
    drain(after, cloud);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 20 }]);
    expect(cloud.closed.get(`${buffer.epoch}/pump`)).toBe(20);
    expect(cloud.closed.get(`${buffer.epoch}/${ALARM_STREAM}`)).toBe(1);
    expect(after.epoch).not.toBe(buffer.epoch);
  });

  it("after a lost acknowledgement sends the same samples again and no others", () => {
    const buffer = openBuffer();
    fill(buffer, 30);
    const cloud = createCloud();
    drain(buffer, cloud, []);
    for (let round = 0; round < 3; round++) {
      const offer = openBuffer().offer("normal", "now");
      if (offer?.kind !== "batch") expect(offer?.kind).toBe("schema");
      cloud.take(offer!);
    }
    drain(openBuffer(), cloud);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 30 }]);
  });

  it("of an epoch that produced nothing leaves no trace to report", () => {
    for (let boot = 0; boot < 5; boot++) openBuffer();
    const cloud = createCloud();
    expect(drain(openBuffer(), cloud).map(({ kind }) => kind)).toEqual(["schema", "schema"]);
  });

  it("offers what former processes left before its own, epoch by epoch", () => {
    const epochsInOrder = [1, 2, 3].map(() => {
      const buffer = openBuffer();
      fill(buffer, 3);
      return buffer.epoch;
    });
    const cloud = createCloud();
    const batches: string[] = [];
    const last = openBuffer();
    fill(last, 2);
    for (let offer = last.offer("normal", "now"); offer; offer = last.offer("normal", "now")) {
      const batch = cloud.take(offer);
      if (batch) batches.push(batch.epoch);
      last.accept(offer);
    }
    expect(batches).toEqual([...epochsInOrder, last.epoch]);
  });
});

describe("a full buffer", () => {
  it("drops the oldest waiting rows and reports their ranges", () => {
    const buffer = openBuffer({ bytesMax: 1_000_000 });
    const cloud = createCloud();
    drain(buffer, cloud);
    fill(buffer, 40_000, 20);
    const { dropped, waiting, produced, bytes, bytesMax } = buffer.status();
    expect(produced).toBe(40_000);
    expect(dropped).toBeGreaterThan(0);
    expect(dropped + waiting).toBe(40_000);
    expect(bytes).toBeLessThanOrEqual(bytesMax);
    drain(buffer, cloud);
    expect(cloud.dropped.get(`${buffer.epoch}/pump`)).toEqual([{ first: 1, last: dropped }]);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: dropped + 1, last: 40_000 }]);
    expect(buffer.status().accepted).toBe(40_000 - dropped);
  });

  it("lets receipted rows go silently, and says so of accepted ones that nobody confirmed", () => {
    const buffer = openBuffer({ bytesMax: 1_000_000 });
    const cloud = createCloud();
    for (let part = 0; part < 8; part++) {
      fill(buffer, 4_000, 20);
      drain(buffer, cloud);
      if (part < 6) buffer.onLedger({ kind: "receipt", stored: cloud.storedRanges() });
    }
    const { dropped, receipted, accepted } = buffer.status();
    expect({ dropped, receipted, accepted }).toEqual({ dropped: 0, receipted: 24_000, accepted: 32_000 });
    expect(cloud.dropped.size).toBe(0);
    expect(buffer.pending()).toEqual([
      { epoch: buffer.epoch, stream: "pump", ranges: [{ first: 24_001, last: 32_000 }] },
    ]);
    fill(buffer, 12_000, 20);
    drain(buffer, cloud);
    fill(buffer, 16_000, 20);
    drain(buffer, cloud);
    expect(events).toContain("buffer-evicted-unreceipted");
    expect([...cloud.dropReasons]).toEqual(["unconfirmed"]);
    expect(cloud.dropped.get(`${buffer.epoch}/pump`)?.[0]?.first).toBe(24_001);
  });

  it("never cuts a sealed message: it goes whole or stays", () => {
    const buffer = openBuffer({ bytesMax: 1_000_000 });
    drain(buffer, createCloud());
    fill(buffer, 2_000, 20);
    const before = buffer.offer("normal", "now");
    fill(buffer, 40_000, 20);
    expect(buffer.status().dropped).toBeGreaterThan(0);
    expect(openBuffer({ bytesMax: 1_000_000 }).offer("normal", "now")).toEqual(before);
  });
});

describe("the status", () => {
  it("says for how many days there is room at the rate of the last hours, and how old the oldest waiting sample is", async () => {
    const buffer = openBuffer({ bytesMax: 10_000_000 });
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(buffer.status()).toMatchObject({ waitingHours: 0 });
    expect(buffer.status()).not.toHaveProperty("roomDays");
    for (let row = 0; row < 3 * 360; row++) {
      await time.advance(10_000);
      buffer.append(sampleAt(time.clock.bootMs(), row));
      buffer.commit();
    }
    const { bytes, bytesPerDay = 0, roomDays = 0, waitingHours, oldestWaitingAt } = buffer.status();
    // Three hours have taken an eighth of a day's bytes; the log and a reserve are no room.
    expect(bytesPerDay / 8 / bytes).toBeGreaterThan(0.7);
    expect(bytesPerDay / 8 / bytes).toBeLessThan(1.1);
    expect(roomDays * bytesPerDay).toBeGreaterThan(9_200_000);
    expect(roomDays * bytesPerDay).toBeLessThan(9_600_000);
    expect(waitingHours).toBeCloseTo(3, 1);
    expect(oldestWaitingAt).toBe(Date.UTC(2026, 4, 2, 8) + 10_000);
    drain(buffer, cloud);
    expect(buffer.status().roomDays).toBeGreaterThan(roomDays);
    expect(buffer.status()).not.toHaveProperty("oldestWaitingAt");
  });

  it("knows the age of what an earlier boot has left, when its time is known", () => {
    fill(openBuffer(), 1);
    time = createSimulatedTime({ bootId: "second", bootMs: 500, wallMs: Date.UTC(2026, 4, 3, 8) });
    const { waitingHours, oldestWaitingAt } = openBuffer().status();
    expect(oldestWaitingAt).toBe(Date.UTC(2026, 4, 2, 8) + 9_000);
    expect(waitingHours).toBeCloseTo(24, 1);
    time.clock.trusted = false;
    expect(openBuffer().status().waitingHours).toBe(0);
  });
});

describe("the bridge's ledger", () => {
  it("gets wanted ranges again in the late lane, whole rows, and nothing that still waits", () => {
    const buffer = openBuffer();
    fill(buffer, 300);
    drain(buffer, createCloud());
    fill(buffer, 50);
    const cloud = createCloud();
    for (const schema of [PUMP, CLIMATE]) cloud.schemas.set(schemaHash(schema), schema);
    const ranges = [
      { first: 40, last: 45 },
      { first: 200, last: 200 },
      { first: 299, last: 320 },
    ];
    buffer.onLedger({ kind: "ranges-wanted", wanted: [{ epoch: buffer.epoch, stream: "pump", ranges }] });
    const sent = drain(buffer, cloud, ["late"]);
    expect(sent.every(({ lane, kind }) => lane === "late" && kind === "batch")).toBe(true);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([
      { first: 40, last: 45 },
      { first: 200, last: 200 },
      { first: 299, last: 300 },
    ]);
    expect(buffer.status()).toMatchObject({ accepted: 300, waiting: 50 });
  });

  it("hears again of an epoch of which everything was acknowledged and nothing stored, its counts too", () => {
    const swallowed = openBuffer();
    fill(swallowed, 30);
    const { epoch } = swallowed;
    drain(swallowed, createCloud());
    // Killed: the next process closes the epoch, and that is swallowed as well.
    const buffer = openBuffer();
    const told = drain(buffer, createCloud());
    expect(told.map(({ kind }) => kind)).toContain("epoch-closed");
    const cloud = createCloud();
    cloud.schemas.set(schemaHash(PUMP), PUMP);
    fill(buffer, 5);
    drain(buffer, cloud);
    expect(cloud.closed.size).toBe(0);
    buffer.onLedger({
      kind: "receipt",
      stored: [{ epoch: buffer.epoch, stream: "pump", ranges: [{ first: 1, last: 5 }] }],
    });
    drain(buffer, cloud);
    expect(cloud.closed).toEqual(new Map([[`${epoch}/pump`, 30]]));
    expect(events).toContain("buffer-unconfirmed");
  });

  it("hears it once an hour until all is confirmed, and not while former epochs still wait", async () => {
    const swallowed = openBuffer();
    fill(swallowed, 30);
    const receipt = (last: number): LedgerMessage => ({
      kind: "receipt",
      stored: [{ epoch: swallowed.epoch, stream: "pump", ranges: [{ first: 1, last }] }],
    });
    const buffer = openBuffer();
    const kindsAfter = (last: number) => {
      buffer.onLedger(receipt(last));
      return drain(buffer, createCloud()).map(({ kind }) => kind);
    };
    expect(kindsAfter(10).filter((kind) => kind === "epoch-closed")).toHaveLength(1);
    expect(kindsAfter(20)).toEqual(["epoch-closed"]);
    expect(kindsAfter(29)).toEqual([]);
    await time.advance(3_600_000);
    expect(kindsAfter(29)).toContain("epoch-closed");
    await time.advance(3_600_000);
    expect(kindsAfter(30)).not.toContain("epoch-closed");
  });

  it("gets the alarms again that it wants", () => {
    const buffer = openBuffer();
    for (let index = 0; index < 5; index++) buffer.appendAlarm(ALARM);
    drain(buffer, createCloud());
    buffer.onLedger({
      kind: "ranges-wanted",
      wanted: [{ epoch: buffer.epoch, stream: ALARM_STREAM, ranges: [{ first: 2, last: 3 }] }],
    });
    const [again] = drain(buffer, createCloud(), ["late"]);
    expect(decodeAlarms(again!.payload).map(({ sequence }) => sequence)).toEqual([2, 3]);
  });

  it("is told once more that wanted ranges were dropped, also of epochs long forgotten", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    fill(buffer, 4);
    buffer.refuse(buffer.offer("normal", "now")!, "no");
    drain(buffer, createCloud());
    const cloud = createCloud();
    const forgotten = "00000000deadbeef";
    buffer.onLedger({
      kind: "ranges-wanted",
      wanted: [
        { epoch: buffer.epoch, stream: "pump", ranges: [{ first: 2, last: 3 }] },
        { epoch: forgotten, stream: "pump", ranges: [{ first: 5, last: 6 }] },
      ],
    });
    drain(buffer, cloud);
    expect(subtract([{ first: 2, last: 3 }], cloud.dropped.get(`${buffer.epoch}/pump`) ?? [])).toEqual([]);
    expect(cloud.dropped.get(`${forgotten}/pump`)).toEqual([{ first: 5, last: 6 }]);
  });

  it("gets a wanted schema again, and each after a week", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    buffer.onLedger({ kind: "schema-wanted", hashes: [schemaHash(PUMP), "ffffffffffffffff"] });
    expect(drain(buffer, createCloud()).map(({ kind }) => kind)).toEqual(["schema"]);
    buffer.declare(PUMP);
    expect(drain(buffer, createCloud())).toEqual([]);
    return time.advance(7 * 24 * 3_600_000 + 1).then(() => {
      expect(drain(buffer, createCloud()).map(({ kind }) => kind)).toEqual(["schema", "schema"]);
      expect(drain(openBuffer(), createCloud())).toEqual([]);
    });
  });

  it("gets a schema once that it asks for a thousand times", () => {
    const buffer = openBuffer();
    drain(buffer, createCloud());
    buffer.onLedger({ kind: "schema-wanted", hashes: Array.from({ length: 1_000 }, () => schemaHash(PUMP)) });
    expect(drain(buffer, createCloud()).map(({ kind }) => kind)).toEqual(["schema"]);
  });

  it("may ask for more ranges than can be looked for at once: the first are sent", () => {
    const buffer = openBuffer();
    fill(buffer, 1_000);
    drain(buffer, createCloud());
    const cloud = createCloud();
    for (const schema of [PUMP, CLIMATE]) cloud.schemas.set(schemaHash(schema), schema);
    const ranges = Array.from({ length: 500 }, (_, index) => ({ first: 2 * index + 1, last: 2 * index + 1 }));
    buffer.onLedger({ kind: "ranges-wanted", wanted: [{ epoch: buffer.epoch, stream: "pump", ranges }] });
    drain(buffer, cloud, ["late"]);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual(ranges.slice(0, 256));
  });

  it("asking for epochs long forgotten leaves nothing behind once it was told", () => {
    const buffer = openBuffer();
    const wanted = [{ epoch: "00000000deadbeef", stream: "pump", ranges: [{ first: 5, last: 6 }] }];
    buffer.onLedger({ kind: "ranges-wanted", wanted });
    drain(buffer, createCloud());
    buffer.close();
    openBuffer().close();
    expect(databases.open(path).prepare("SELECT * FROM fates").all()).toEqual([]);
  });

  it("costs as little to obey when a stream fell silent long ago", () => {
    let asked = 0;
    const counting: Databases = {
      setAside: databases.setAside,
      open: (where) => {
        const database = databases.open(where);
        const prepare = (sql: string) => {
          const statement = database.prepare(sql);
          return {
            ...statement,
            get: (...values: Parameters<typeof statement.get>) => (asked++, statement.get(...values)),
          };
        };
        return { ...database, prepare };
      },
    };
    const buffer = openBuffer({ databases: counting });
    buffer.append({ device: "climate", bootMs: 1, values: [1, 2] });
    buffer.appendAlarm(ALARM);
    fill(buffer, 500);
    asked = 0;
    const stored = [{ epoch: buffer.epoch, stream: "pump", ranges: [{ first: 1, last: 500 }] }];
    buffer.onLedger({ kind: "receipt", stored });
    expect(buffer.status().receipted).toBe(500);
    expect(asked).toBeLessThan(20);
    const lasts = new Map([
      ["pump", 500],
      ["climate", 1],
      [ALARM_STREAM, 1],
    ]);
    const formerEpoch = buffer.epoch;
    buffer.close();
    const cloud = createCloud();
    drain(openBuffer(), cloud);
    for (const [stream, last] of lasts) expect(cloud.closed.get(`${formerEpoch}/${stream}`)).toBe(last);
  });

  it("costs as much to obey as it has epochs, not their square", () => {
    let rowsRead = 0;
    const counting: Databases = {
      setAside: databases.setAside,
      open: (where) => {
        const database = databases.open(where);
        const prepare = (sql: string) => {
          const statement = database.prepare(sql);
          const all = (...values: Parameters<typeof statement.all>) => {
            const rows = statement.all(...values);
            rowsRead += rows.length;
            return rows;
          };
          return { ...statement, all };
        };
        return { ...database, prepare };
      },
    };
    const stored: StreamRanges[] = [];
    let buffer = openBuffer();
    const epochsInAll = 60;
    for (let count = 1; count <= epochsInAll; count++) {
      buffer.close();
      buffer = openBuffer({ databases: counting });
      fill(buffer, 2);
      stored.push({ epoch: buffer.epoch, stream: "pump", ranges: [{ first: 1, last: 2 }] });
    }
    drain(buffer, createCloud());
    rowsRead = 0;
    buffer.onLedger({ kind: "receipt", stored });
    expect(buffer.status().receipted).toBe(2 * epochsInAll);
    expect(buffer.pending()).toEqual([]);
    rowsRead = 0;
    buffer.onLedger({ kind: "receipt", stored });
    expect(rowsRead).toBeLessThan(10 * epochsInAll);
  });

  it("can't confirm what was never produced", () => {
    const buffer = openBuffer();
    fill(buffer, 3);
    const stored = [
      { epoch: buffer.epoch, stream: "pump", ranges: [{ first: 1, last: 1_000_000 }] },
      { epoch: "aaaaaaaaaaaaaaaa", stream: "pump", ranges: [{ first: 1, last: 2 }] },
    ];
    buffer.onLedger({ kind: "receipt", stored });
    expect(buffer.status().receipted).toBe(3);
    fill(buffer, 1);
    expect(buffer.pending()).toEqual([{ epoch: buffer.epoch, stream: "pump", ranges: [{ first: 4, last: 4 }] }]);
  });
});

/** A medium that can be told to fail. */
function faultyDatabases() {
  const fault: { failure: DatabaseFailure | undefined } = { failure: undefined };
  const check = () => {
    if (fault.failure) throw new DatabaseError(fault.failure, "the medium fails");
  };
  const wrap = (database: Database): Database => ({
    exec: (sql) => (check(), database.exec(sql)),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => (check(), statement.run(...values)),
        get: (...values) => (check(), statement.get(...values)),
        all: (...values) => (check(), statement.all(...values)),
      };
    },
    transaction: (work) => database.transaction(() => (check(), work())),
    sync: () => (check(), database.sync()),
    reserve: (logBytes, spareBytes) => database.reserve(logBytes, spareBytes),
    releaseSpare: () => database.releaseSpare(),
    close: () => database.close(),
  });
  const faulty: Databases = {
    open: (where) => (check(), wrap(databases.open(where))),
    setAside: (where, suffix) => databases.setAside(where, suffix),
  };
  return { faulty, fault };
}

describe("a medium that fails", () => {
  it("loses nothing: samples wait in RAM and are stored in a new epoch when it works again", async () => {
    const { faulty, fault } = faultyDatabases();
    const buffer = openBuffer({ databases: faulty });
    fill(buffer, 3);
    const first = buffer.epoch;
    fault.failure = "failed";
    for (let index = 0; index < 10; index++) {
      buffer.append(sampleAt(index, index));
      buffer.commit();
    }
    expect(buffer.offer("normal", "now")).toBeUndefined();
    expect(buffer.status()).toMatchObject({ produced: 13, waiting: 10, committedRows: 3 });
    expect(buffer.epoch).not.toBe(first);
    const { medium } = buffer.status();
    expect(medium).toMatchObject({ state: "failing", failures: 1, inRam: 10 });
    expect(medium.lastFailure).toContain("the medium fails");
    fault.failure = undefined;
    await time.advance(120_000);
    buffer.commit();
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(sequencesOf(cloud, first)).toEqual([{ first: 1, last: 3 }]);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 10 }]);
    expect(cloud.closed.get(`${first}/pump`)).toBe(3);
    expect(buffer.status()).toMatchObject({ produced: 13, accepted: 13, waiting: 0, dropped: 0 });
    expect(buffer.status().medium).toMatchObject({ state: "good", inRam: 0 });
  });

  it("takes samples of a replaced schema along into a file that never saw it", async () => {
    const { faulty, fault } = faultyDatabases();
    fault.failure = "failed";
    const buffer = openBuffer({ databases: faulty });
    buffer.append(sampleAt(1, 1));
    buffer.declare(schemaOf("pump", 2));
    buffer.append({ device: "pump", bootMs: 2, values: [2, 2.01] });
    fault.failure = undefined;
    await time.advance(120_000);
    buffer.commit();
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 2 }]);
    expect(events).not.toContain("buffer-rescued");
  });

  it("makes the ring of samples in RAM drop its oldest, counted, numbered and reported", async () => {
    const { faulty, fault } = faultyDatabases();
    fault.failure = "failed";
    const buffer = openBuffer({ databases: faulty, bytesMax: 1_000_000 });
    for (let index = 0; index < 2_600; index++) buffer.append(sampleAt(index, index));
    fault.failure = undefined;
    await time.advance(120_000);
    buffer.commit();
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(cloud.dropped.get(`${buffer.epoch}/pump`)).toEqual([{ first: 1, last: 100 }]);
    expect(cloud.values.get(`${buffer.epoch}/pump/101`)).toBe("[100,100.01,100.02]");
    expect(buffer.status()).toMatchObject({ produced: 2_600, dropped: 100, accepted: 2_500, waiting: 0 });
  });

  it.each([
    "transaction",
    "sync",
  ])("which had stored a commit that it reported as failed doesn't make its samples come twice (%s)", async (failure) => {
    let failing = "";
    const lying: Databases = {
      setAside: (where, suffix) => databases.setAside(where, suffix),
      open: (where) => {
        const database = databases.open(where);
        const transaction = <T>(work: () => T): T => {
          const result = database.transaction(work);
          if (failing === "transaction") throw new DatabaseError("failed", "fsync: EIO");
          return result;
        };
        const sync = () => {
          if (failing === "sync") throw new DatabaseError("failed", "fdatasync: EIO");
          database.sync();
        };
        return { ...database, transaction, sync };
      },
    };
    const buffer = openBuffer({ databases: lying });
    const first = buffer.epoch;
    fill(buffer, 2);
    failing = failure;
    fill(buffer, 1);
    failing = "";
    await time.advance(120_000);
    fill(buffer, 1);
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(sequencesOf(cloud, first)).toEqual([{ first: 1, last: 2 }]);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 2 }]);
  });
});

describe("a schema", () => {
  it("that is more than a reader takes is refused, and doesn't make the file look damaged", () => {
    const buffer = openBuffer();
    expect(() => buffer.declare(schemaOf("meter", 257))).toThrow("257 channels");
    fill(buffer, 3);
    buffer.close();
    const cloud = createCloud();
    drain(openBuffer(), cloud);
    expect(cloud.values.size).toBe(3);
    expect(events).not.toContain("buffer-rescued");
  });
});

describe("a damaged file", () => {
  const flip = (random: () => number, from: number, count: number) => {
    const bytes = readFileSync(path);
    for (let index = 0; index < count; index++) {
      const at = from + Math.floor(random() * (bytes.length - from));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    writeFileSync(path, bytes);
  };

  it("never gives a wrong value: what can be read arrives, the rest is reported", () => {
    let rescues = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomFrom(seed * 7919);
      path = join(folder, `${seed}.db`);
      const buffer = openBuffer();
      const told = new Map<string, string>();
      for (let index = 1; index <= 200; index++) {
        const values: ChannelValue[] = [random, random, random].map((next) => Math.round(next() * 1e6) / 100);
        told.set(`${buffer.epoch}/pump/${index}`, JSON.stringify(values));
        buffer.append({ device: "pump", bootMs: index * 1_000, values });
        buffer.commit();
      }
      buffer.close();
      events.length = 0;
      flip(random, 0, 1 + Math.floor(random() * 4));
      const after = openBuffer();
      const cloud = createCloud();
      for (const schema of [PUMP, CLIMATE]) cloud.schemas.set(schemaHash(schema), schema);
      drain(after, cloud);
      for (const [key, value] of cloud.values) expect(value, `seed ${seed} ${key}`).toBe(told.get(key));
      // Book-keeping has no checksum of its own: a cursor that lies is found by the bridge, which misses what it was promised.
      const first = { epoch: buffer.epoch, stream: "pump" };
      const promised = cloud.closed.get(`${buffer.epoch}/pump`) ?? 0;
      const missing = subtract(upTo(promised), sequencesOf(cloud, buffer.epoch));
      after.onLedger({ kind: "ranges-wanted", wanted: [{ ...first, ranges: missing }] });
      drain(after, cloud);
      drain(after, cloud);
      const arrived = sequencesOf(cloud, buffer.epoch);
      const reported = cloud.dropped.get(`${buffer.epoch}/pump`) ?? [];
      const closedAt = cloud.closed.get(`${buffer.epoch}/pump`) ?? 0;
      // Without its first page nothing of a file can be read: then all it says is that it was damaged.
      if (closedAt === 0) expect(events, `seed ${seed}`).toContain("buffer-rescued");
      expect(subtract(upTo(closedAt), union(arrived, reported)), `seed ${seed}`).toEqual([]);
      if (events.includes("buffer-rescued")) rescues += 1;
      after.close();
    }
    expect(rescues).toBeGreaterThan(5);
  });

  it("that is no database at all is set aside, and the station goes on", () => {
    writeFileSync(path, "this was a database once".repeat(500));
    const buffer = openBuffer();
    fill(buffer, 2);
    const cloud = createCloud();
    drain(buffer, cloud);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 2 }]);
    expect(readFileSync(`${path}.corrupt`, "utf8")).toContain("this was a database once");
  });

  it("found while the process runs costs the damaged rows only, and names them", () => {
    const buffer = openBuffer();
    const cloud = createCloud();
    drain(buffer, cloud);
    fill(buffer, 60);
    const first = buffer.epoch;
    const other = databases.open(path);
    other.prepare("UPDATE rows SET body = zeroblob(length(body)) WHERE id IN (10, 60)").run();
    other.close();
    expect(buffer.offer("normal", "now")).toBeUndefined();
    fill(buffer, 1);
    drain(buffer, cloud);
    expect(events).toContain("buffer-rescued");
    expect(cloud.dropped.get(`${first}/pump`)).toEqual([
      { first: 10, last: 10 },
      { first: 60, last: 60 },
    ]);
    expect(countIn(sequencesOf(cloud, first))).toBe(58);
    expect(sequencesOf(cloud, buffer.epoch)).toEqual([{ first: 1, last: 1 }]);
  });

  it("of a newer release is set aside untouched", () => {
    const newer = databases.open(path);
    newer.exec("PRAGMA user_version = 99; CREATE TABLE future (x)");
    newer.close();
    fill(openBuffer(), 1);
    const aside = databases.open(`${path}.newer`);
    expect(aside.prepare("SELECT count(*) AS n FROM future").get()).toEqual({ n: 0 });
    aside.close();
  });
});

describe("whatever happens", () => {
  it.each(
    Array.from({ length: 25 }, (_, seed) => seed + 1),
  )("produced = accepted + dropped + waiting, and every sequence is stored, reported or pending (seed %i)", async (seed) => {
    const random = randomFrom(seed * 104_729);
    const pick = (count: number) => Math.floor(random() * count);
    const { faulty, fault } = faultyDatabases();
    const open = () => openBuffer({ bytesMax: 1_000_000, databases: faulty });
    let buffer = open();
    let carried = 0;
    const cloud = createCloud();
    const produced = new Map<string, number>();
    for (let step = 0; step < 250; step++) {
      const action = pick(20);
      if (action < 7) {
        for (let count = pick(60); count >= 0; count--) {
          const device = random() < 0.7 ? "pump" : "climate";
          const values = Array.from(
            { length: device === "pump" ? 3 : 2 },
            (): ChannelValue => (random() < 0.1 ? { missing: "timeout" } : Math.round(random() * 1e7) / 100),
          );
          buffer.append({ device, bootMs: time.clock.bootMs(), values });
          if (random() < 0.2) buffer.commit();
        }
      } else if (action < 9) buffer.appendAlarm({ ...ALARM, bootMs: time.clock.bootMs() });
      else if (action < 13) {
        const lane = LANES[pick(3)] ?? "normal";
        const offer = buffer.offer(lane, random() < 0.5 ? "now" : "if-full");
        if (offer) {
          const fate = random();
          if (fate < 0.9) cloud.take(offer);
          if (fate < 0.7) buffer.accept(offer);
          else if (fate > 0.97 && offer.kind === "batch") buffer.refuse(offer, "no");
        }
      } else if (action === 13) buffer.onLedger({ kind: "receipt", stored: cloud.storedRanges() });
      else if (action === 14) {
        const wanted = buffer.pending().map((entry) => ({ ...entry, ranges: entry.ranges.slice(0, 2) }));
        buffer.onLedger({ kind: "ranges-wanted", wanted });
      } else if (action === 15) fault.failure = random() < 0.5 ? "failed" : "full";
      else if (action === 16) fault.failure = undefined;
      else if (action === 17 && random() < 0.3) {
        fault.failure = undefined;
        await time.advance(61_000);
        buffer.commit();
        buffer = open();
        carried = buffer.status().waiting;
      } else if (action === 18) time.clock.trusted = random() < 0.5;
      else await time.advance(pick(60_000));
      const { produced: made, accepted, dropped, waiting } = buffer.status();
      if (!fault.failure) expect(made + carried).toBeGreaterThanOrEqual(accepted + dropped);
      produced.set(buffer.epoch, made);
      void waiting;
    }
    fault.failure = undefined;
    await time.advance(61_000);
    buffer.commit();
    const status = buffer.status();
    expect(status.produced + carried).toBe(status.accepted + status.dropped + status.waiting);
    drain(buffer, cloud);
    const next = openBuffer({ bytesMax: 1_000_000 });
    drain(next, cloud);
    const stored = cloud.storedRanges();
    for (const [key, last] of cloud.closed) {
      const [epoch = "", stream = ""] = key.split("/");
      const arrived = stored.find((found) => found.epoch === epoch && found.stream === stream)?.ranges ?? [];
      expect(subtract(upTo(last), union(arrived, cloud.dropped.get(key) ?? [])), key).toEqual([]);
    }
    expect(cloud.closed.size).toBeGreaterThan(0);
  });
});

describe("speed", () => {
  it("in RAM is far beyond what sensors deliver", () => {
    const buffer = openBuffer({ path: ":memory:" });
    const values = [1, 2, 3];
    for (let index = 0; index < 20_000; index++) buffer.append({ device: "pump", bootMs: index, values });
    buffer.commit();
    expect(buffer.status()).toMatchObject({ produced: 20_000, waiting: 20_000 });
  });
});
