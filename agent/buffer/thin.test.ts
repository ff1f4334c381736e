import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { type ChannelValue, missing } from "../reading.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { averagedSchema, isAveraged } from "../wire/averaged.ts";
import { decodeBatch } from "../wire/batch.ts";
import { decodeLedger } from "../wire/ledger.ts";
import type { Range } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Database, Databases } from "../world.ts";
import type { SampleBuffer } from "./buffer.ts";
import { countIn, subtract, union, upTo } from "./ranges.ts";
import { createSqliteBuffer } from "./sqlite-buffer.ts";

const NOISE = 12;
/** Noise fills the file with few rows; a state and a counter beside it. */
const schema = (stream: string): StreamSchema => ({
  stream,
  channels: [
    { name: "state", kind: "state", unit: "", resolution: 1, states: [[0, "off"]] },
    { name: "cycles", kind: "counter", unit: "1", resolution: 1 },
    ...Array.from({ length: NOISE }, (_, at) => ({
      name: `c${at}`,
      kind: "gauge" as const,
      unit: "V",
      resolution: 0.01,
    })),
  ],
});
const RAW = ["fast", "slow"].map(schema);
const averaged = (one: StreamSchema): StreamSchema => averagedSchema(one) ?? one;
const SCHEMAS = new Map([...RAW, ...RAW.map(averaged)].map((one) => [schemaHash(one), one]));
/** What is sent keeps the boot's own time, by which it is found again. */
const UNSYNCHRONISED = { ...createSimulatedTime().clock, isWallTrusted: () => false };
const EVERY_MS = 10_000;
const PER_ROW = 6;

interface Sent {
  readonly sequence: number;
  readonly time: number;
  readonly values: readonly ChannelValue[];
  readonly samples: number;
  readonly windowS: number | undefined;
}

function createStation(databases: Databases = createDatabases()) {
  const produced = new Map<
    string,
    { readonly epoch: string; readonly time: number; readonly values: ChannelValue[] }[]
  >();
  const sent = new Map<string, Sent[]>();
  const dropped = new Map<string, Range[]>();
  let opened = 0;
  let sample = 0;
  let seed = 1;
  const noise = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return Math.round((seed / 2_147_483_647) * 100_000) / 100;
  };
  const keyOf = (epoch: string, stream: string) => `${epoch}/${stream}`;
  const into = <T>(map: Map<string, T[]>, key: string, ...items: T[]) => {
    const known = map.get(key);
    if (known) known.push(...items);
    else map.set(key, items);
  };
  const open = (): SampleBuffer => {
    const bytes = (count: number) => new Uint8Array(count).fill(++opened);
    const deps = {
      databases,
      clock: UNSYNCHRONISED,
      chance: { fraction: () => 0.5, bytes },
      log: () => {},
    };
    // 100 pages: some 150 rows.
    const buffer = createSqliteBuffer(deps, {
      path: ":memory:",
      bytesMax: 500 * 1_024,
      whenFull: "thin-out",
      body: "deflated",
    });
    for (const one of RAW)
      buffer.declare(
        one,
        one.channels.map(({ name, kind }) => ({ by: kind === "gauge" ? (FOLDS[name] ?? "mean") : "last" })),
      );
    return buffer;
  };
  const append = (buffer: SampleBuffer, device: string, values: ChannelValue[]) => {
    const time = sample * EVERY_MS;
    buffer.append({ device, bootMs: time, values });
    into(produced, keyOf(buffer.epoch, device), { epoch: buffer.epoch, time, values });
  };
  return {
    produced,
    sent,
    dropped,
    open,
    keyOf,
    fill: (buffer: SampleBuffer, rows: number, valuesAt?: (sample: number) => ChannelValue[]) => {
      for (let row = 0; row < rows; row++) {
        for (let at = 0; at < PER_ROW; at++) {
          sample += 1;
          const values = () => valuesAt?.(sample) ?? [sample % 3, sample, ...Array.from({ length: NOISE }, noise)];
          append(buffer, "fast", values());
          if (sample % 20 === 0) append(buffer, "slow", values());
        }
        buffer.commit();
      }
    },
    drain: (buffer: SampleBuffer, messages = Number.POSITIVE_INFINITY) => {
      for (let at = 0; at < messages; at++) {
        const offer = buffer.offer("normal", "now") ?? buffer.offer("late", "now");
        if (!offer) return;
        if (offer.kind === "batch") {
          const { epoch, blocks } = decodeBatch(offer.payload, (hash) => SCHEMAS.get(hash));
          for (const { stream, schemaHash: hash, sequence, times, rows } of blocks) {
            const isOne = isAveraged(SCHEMAS.get(hash) ?? schema(""));
            const toSent = (row: readonly ChannelValue[], index: number): Sent => ({
              sequence: sequence + index,
              time: times[index] ?? 0,
              values: isOne ? row.slice(0, -2) : row,
              samples: isOne ? Number(row.at(-2)) : 1,
              windowS: isOne ? Number(row.at(-1)) : undefined,
            });
            into(sent, keyOf(epoch, stream), ...rows.map(toSent));
          }
        } else {
          const message = decodeLedger(offer.payload);
          // What was accepted and never confirmed has arrived here.
          if (message.kind === "dropped" && message.reason === "full")
            for (const { epoch, stream, ranges } of message.dropped) into(dropped, keyOf(epoch, stream), ...ranges);
        }
        buffer.accept(offer);
      }
    },
  };
}
type Station = ReturnType<typeof createStation>;
const FOLDS: Readonly<Record<string, "min" | "max">> = { c0: "min", c1: "max" };

/** Everything was sent or told to be dropped, once; and what was sent is what was measured, or the average of it. */
function check({ produced, sent, dropped }: Station): void {
  for (const [key, samples] of produced) {
    const arrived = sent.get(key) ?? [];
    const gone = union(dropped.get(key) ?? [], []);
    const numbers = arrived.map(({ sequence }) => sequence);
    expect(new Set(numbers).size).toBe(numbers.length);
    const stored = union(
      numbers.map((one) => ({ first: one, last: one })),
      [],
    );
    expect(subtract(upTo(samples.length), union(stored, gone))).toEqual([]);
    expect(countIn(stored) + countIn(gone)).toBe(samples.length);
    const placeOf = new Map(samples.map(({ time }, at) => [time, at]));
    for (const one of arrived) {
      const at = placeOf.get(one.time) ?? -1;
      const members = at < 0 ? [] : samples.slice(at + 1 - one.samples, at + 1).map(({ values }) => values);
      expectAverage(one, members);
    }
  }
}

/** One assertion a sample, since there are thousands. */
function expectAverage({ values, samples, windowS }: Sent, members: readonly (readonly ChannelValue[])[]): void {
  const wrong = values.flatMap((value, channel) => {
    const numbers = members.map((member) => Number(member[channel]));
    const [least, greatest] = [Math.min(...numbers), Math.max(...numbers)];
    const mean = numbers.reduce((sum, number) => sum + number, 0) / samples;
    const expected = channel < 2 ? numbers.at(-1) : channel === 2 ? least : channel === 3 ? greatest : mean;
    const isClose = Math.abs(Number(value) - Number(expected)) < (channel < 4 ? 1e-9 : 0.03);
    const isWithin = Number(value) >= least && Number(value) <= greatest;
    return isClose && isWithin && (windowS !== undefined || value === numbers[0]) ? [] : [{ channel, value, expected }];
  });
  expect(wrong).toEqual([]);
}

describe("thinning out", () => {
  it("makes averages of the older half, each of which says how many samples of how long a window it stands for", () => {
    const station = createStation();
    const buffer = station.open();
    station.fill(buffer, 600);
    const status = buffer.status();
    expect(status.averaged).toBeGreaterThan(1_500);
    expect(status.dropped).toBe(status.averaged);
    expect(status.produced).toBe(status.dropped + status.waiting);
    const { epoch } = buffer;
    station.drain(buffer);
    check(station);
    const fast = (station.sent.get(station.keyOf(epoch, "fast")) ?? []).sort((one, other) => one.time - other.time);
    // Nothing of the whole time is gone: what averages stand for, and what is as it was measured, is all there was.
    expect(fast.reduce((sum, { samples }) => sum + samples, 0)).toBe(3_600);
    expect(new Set(fast.map(({ windowS }) => windowS))).toEqual(new Set([600, 3_600, undefined]));
    expect(fast[0]?.windowS).toBe(3_600);
    expect(fast.slice(-100).every(({ windowS }) => windowS === undefined)).toBe(true);
  });

  it("takes one range of the books, and one block of a message, for many windows", () => {
    const station = createStation();
    const buffer = station.open();
    station.fill(buffer, 400);
    const { epoch } = buffer;
    station.drain(buffer);
    check(station);
    const averages =
      station.sent.get(station.keyOf(epoch, "fast"))?.filter(({ windowS }) => windowS !== undefined) ?? [];
    const ranges = union(station.dropped.get(station.keyOf(epoch, "fast")) ?? [], []);
    expect(averages.length).toBeGreaterThan(10);
    expect(ranges.length).toBeLessThanOrEqual(averages.length / 2);
  });

  it("says the value where the sample after an average said that it is unchanged", () => {
    const station = createStation();
    const buffer = station.open();
    const unchanged = missing("unchanged");
    // Every fifth sample says something; the others, that it holds.
    const said = (sample: number): number => Math.floor(sample / 5) % 1_000;
    const noisy = (sample: number) =>
      Array.from({ length: NOISE - 1 }, (_, at) => ((sample * (at + 7) * 7_919) % 9_973) / 100);
    station.fill(buffer, 400, (sample) => [
      0,
      sample,
      sample % 5 === 0 || sample === 1 ? said(sample) : unchanged,
      ...noisy(sample),
    ]);
    const { epoch } = buffer;
    expect(buffer.status().averaged).toBeGreaterThan(500);
    station.drain(buffer);
    const fast = (station.sent.get(station.keyOf(epoch, "fast")) ?? []).sort((one, other) => one.time - other.time);
    let [held, averages] = [Number.NaN, 0];
    for (const { time, values, windowS } of fast) {
      const value = values[2];
      if (typeof value === "number") held = value;
      if (windowS === undefined) expect(held).toBe(said(time / EVERY_MS));
      else averages += 1;
    }
    expect(averages).toBeGreaterThan(5);
  });

  it("adds up over any history of filling, sending and restarts", () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ rows: fc.integer({ min: 1, max: 150 }) }) },
      { weight: 2, arbitrary: fc.record({ messages: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 1, arbitrary: fc.constant("restart" as const) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 10 }), (steps) => {
        const [databases, keep] = keptDatabases();
        const station = createStation(databases);
        let buffer = station.open();
        for (const one of steps) {
          if (one === "restart") {
            buffer.close();
            buffer = station.open();
          } else if ("rows" in one) station.fill(buffer, one.rows);
          else station.drain(buffer, one.messages);
        }
        station.drain(buffer);
        check(station);
        buffer.close();
        keep.close();
      }),
      { numRuns: 6, seed: 7 },
    );
  }, 60_000);

  it("leaves all as it was when the process is killed in the middle of it", () => {
    for (const after of [0, 1, 3, 40, 200]) {
      const [databases, keep] = keptDatabases();
      let left = Number.POSITIVE_INFINITY;
      const killing = withStatements(databases, (sql) => {
        if (/averaging|DELETE FROM rows|fates|schemas/.test(sql) && --left < 0) throw new Killed();
      });
      const station = createStation(killing);
      const buffer = station.open();
      station.fill(buffer, 130);
      left = after;
      let isKilled = false;
      try {
        station.fill(buffer, 200);
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        isKilled = true;
      }
      expect(isKilled).toBe(true);
      left = Number.POSITIVE_INFINITY;
      // What was never committed was never promised.
      for (const stream of ["fast", "slow"]) {
        const key = station.keyOf(buffer.epoch, stream);
        station.produced.set(key, (station.produced.get(key) ?? []).slice(0, buffer.place(stream).committed));
      }
      const next = station.open();
      station.fill(next, 100);
      station.drain(next);
      check(station);
      keep.close();
    }
  });
});

class Killed extends Error {}

/** One database in memory that closing leaves open, for whoever opens it next. */
function keptDatabases(): [Databases, Database] {
  const real = createDatabases();
  const database = real.open(":memory:");
  const kept: Database = {
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => database.exec(sql),
    transaction: (work) => database.transaction(work),
    sync: () => database.sync(),
    reserve: (log, spare) => database.reserve(log, spare),
    releaseSpare: () => database.releaseSpare(),
    close: () => {},
  };
  return [{ ...real, open: () => kept }, database];
}

const withStatements = (databases: Databases, onRun: (sql: string) => void): Databases => ({
  ...databases,
  open: (path) => {
    const database = databases.open(path);
    return {
      ...database,
      prepare: (sql) => {
        const statement = database.prepare(sql);
        return {
          ...statement,
          run: (...values) => {
            onRun(sql);
            return statement.run(...values);
          },
        };
      },
    };
  },
});
