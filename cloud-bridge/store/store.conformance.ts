/** What every store does, whatever lies below it. Run it with a maker of empty stores; `reopen` plays a restart. */
import { createHash } from "node:crypto";
import { type ChannelValue, missing } from "@pump-station/agent/reading.ts";
import { averagedSchema } from "@pump-station/agent/wire/averaged.ts";
import { type AlarmMessage, type Basis, STATION_EVENTS, type StreamBlock } from "@pump-station/agent/wire/messages.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import { mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WaitingCommand } from "../api/contract.ts";
import {
  ASIDE_PER_STATION_MAX,
  FILES_PER_STATION_MAX,
  RANGES_PER_LEDGER_MAX,
  SCHEMAS_PER_STATION_MAX,
  STREAMS_PER_STATION_MAX,
} from "../limits.ts";
import type { ReadingsQuery, Store, StoreEntry } from "./store.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** The same data after a restart of the process. */
  reopen(): Promise<Store>;
  remove(): Promise<void>;
}

const EPOCH = "00000000000000e1";
const WALL: Basis = { kind: "wall" };
const T0 = 1_777_000_000_000;
const PUMP: StreamSchema = {
  stream: "pump",
  channels: [
    { name: "state", kind: "state", unit: "", resolution: 1, states: [[0, "idle"], [1, "pumping"]] },
    { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
  ],
}; // biome-ignore format: a table
const HASH = "aaaaaaaaaaaaaaaa";

const row = (sequence: number): ChannelValue[] => [sequence % 2, 800 + sequence / 10];
const block = (first: number, last: number, rowOf = row, firstTime = T0): StreamBlock => {
  const sequences = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  return {
    stream: "pump",
    schemaHash: HASH,
    sequence: first,
    times: sequences.map((sequence) => firstTime + sequence * 1_000),
    rows: sequences.map(rowOf),
  };
};
const schema: StoreEntry = { station: "lake", atMs: T0, kind: "schema", hash: HASH, schema: PUMP };
const batch = (
  blocks: readonly StreamBlock[],
  more: { epoch?: string; basis?: Basis; atMs?: number } = {},
): StoreEntry => ({
  station: "lake",
  atMs: more.atMs ?? T0,
  kind: "batch",
  batch: { epoch: more.epoch ?? EPOCH, basis: more.basis ?? WALL, blocks },
});
const all: ReadingsQuery = {
  station: "lake",
  device: "pump",
  fromMs: 0,
  toMs: Number.MAX_SAFE_INTEGER,
  limit: 100_000,
  order: "asc",
};
const sequencesOf = async (store: Store, query: Partial<ReadingsQuery> = {}): Promise<number[]> =>
  (await store.readings({ ...all, ...query }))?.rows.map(([, , sequence]) => sequence) ?? [];
const alarm = (sequence: number, active: boolean, more: Partial<AlarmMessage> = {}): AlarmMessage => ({
  epoch: EPOCH,
  sequence,
  basis: WALL,
  time: T0 + sequence * 1_000,
  device: "pump",
  alarm: "too-hot",
  severity: "critical",
  active,
  because: "temperature 86 above 85",
  ...more,
});

export function storeConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let under: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      under = await make();
      store = under.store;
      await store.addStation("lake", "credential", T0);
    });
    afterEach(() => under.remove());

    test("stored samples come back with their times, sequences and values", async () => {
      const values = (sequence: number): ChannelValue[] =>
        sequence === 2 ? [1, missing("refused", 2)] : row(sequence);
      await store.write([schema, batch([block(1, 3, values)])]);
      const readings = await store.readings(all);
      expect(readings?.channels).toEqual([
        { name: "state", kind: "state", unit: "", resolution: 1, states: { "0": "idle", "1": "pumping" } },
        { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
      ]);
      expect(readings?.rows).toEqual([
        [T0 + 1_000, 0, 1, 1, 800.1],
        [T0 + 2_000, 0, 2, 1, "refused(2)"],
        [T0 + 3_000, 0, 3, 1, 800.3],
      ]);
      expect(readings?.epochs).toEqual([EPOCH]);
      expect((await store.readings({ ...all, channel: "pressure" }))?.rows[0]).toEqual([T0 + 1_000, 0, 1, 800.1]);
      expect(await store.readings({ ...all, channel: "colour" })).toBeUndefined();
      expect(await store.readings({ ...all, device: "boat" })).toBeUndefined();
    });

    test("a batch that comes twice is stored once, and says so", async () => {
      const [, first] = await store.write([schema, batch([block(1, 5)])]);
      const [second] = await store.write([batch([block(1, 5)])]);
      expect(first?.samples[0]?.rows.length).toBe(5);
      expect(second).toMatchObject({ samples: [], duplicates: 5, conflicts: [] });
      expect(await sequencesOf(store)).toEqual([1, 2, 3, 4, 5]);
      expect((await store.station("lake"))?.samples).toBe(5);
      expect((await store.station("lake"))?.readings).toBe(10);
    });

    test("of a batch cut differently only the sequences that lack are stored", async () => {
      await store.write([schema, batch([block(4, 6)])]);
      const [written] = await store.write([batch([block(2, 8)])]);
      expect(written?.samples.map(({ sequence, rows }) => [sequence, rows.length])).toEqual([
        [2, 2],
        [7, 2],
      ]);
      expect(written?.duplicates).toBe(3);
      expect(await sequencesOf(store)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    });

    test("the same sequence with another value is a conflict, and the first value stays", async () => {
      await store.write([schema, batch([block(1, 3)])]);
      const other = (sequence: number): ChannelValue[] => (sequence === 2 ? [0, 999] : row(sequence));
      const [written] = await store.write([batch([block(1, 4, other)])]);
      expect(written?.conflicts).toEqual([{ epoch: EPOCH, stream: "pump", sequence: 2 }]);
      expect((await store.readings(all))?.rows[1]).toEqual([T0 + 2_000, 0, 2, 0, 800.2]);
      expect(await sequencesOf(store)).toEqual([1, 2, 3, 4]);
    });

    test("deliveries in any cut, order and repetition give each sample once", async () => {
      const part = fc
        .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 20 }))
        .map(([first, more]) => ({ first, last: Math.min(40, first + more) }));
      let epoch = 0;
      await store.write([schema]);
      await fc.assert(
        fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 10 }), async (parts) => {
          const name = (++epoch).toString(16).padStart(16, "0");
          const entries = parts.map(({ first, last }) => batch([block(first, last)], { epoch: name }));
          const written = await store.write(entries);
          const sent = new Set(parts.flatMap(({ first, last }) => block(first, last).rows.map((_, at) => first + at)));
          const fresh = written.flatMap(({ samples }) =>
            samples.flatMap((s) => s.rows.map((_, at) => s.sequence + at)),
          );
          expect(fresh.toSorted((a, b) => a - b)).toEqual([...sent].toSorted((a, b) => a - b));
          const ledger = (await store.ledger({ station: "lake" })).find((entry) => entry.epoch === name);
          const counted = ledger?.stored.reduce((sum, [first, last]) => sum + last - first + 1, 0);
          expect(counted).toBe(sent.size);
        }),
        { numRuns: 60 },
      );
    });

    test("the ledger accounts for every sequence: stored, dropped or a gap up to the closing count", async () => {
      await store.write([schema, batch([block(3, 4)])]);
      await store.write([
        {
          station: "lake",
          atMs: T0,
          kind: "dropped",
          dropped: [{ epoch: EPOCH, stream: "pump", ranges: [{ first: 1, last: 3 }] }],
        },
        {
          station: "lake",
          atMs: T0,
          kind: "epoch-closed",
          epoch: EPOCH,
          counts: [
            { stream: "pump", last: 6 },
            { stream: "rain", last: 0 },
          ],
        },
      ]);
      expect(await store.ledger({ station: "lake" })).toEqual([
        { epoch: EPOCH, stream: "pump", stored: [[3, 4]], dropped: [[1, 2]], gaps: [[5, 6]], closedAt: 6 },
        { epoch: EPOCH, stream: "rain", stored: [], dropped: [], gaps: [], closedAt: 0 },
      ]);
      expect(await store.ledger({ station: "lake", gapSinceBeforeMs: T0 })).toEqual([]);
      expect((await store.ledger({ station: "lake", gapSinceBeforeMs: T0 + 1 })).length).toBe(1);
      expect(await store.ledger({ station: "lake", changedSinceMs: T0 + 1 })).toEqual([]);
    });

    test("what arrives after it was reported dropped is stored, and no longer counts as dropped", async () => {
      const dropped = { epoch: EPOCH, stream: "pump", ranges: [{ first: 1, last: 6 }] };
      await store.write([schema, { station: "lake", atMs: T0, kind: "dropped", dropped: [dropped] }]);
      await store.write([batch([block(3, 4)])]);
      const [entry] = await store.ledger({ station: "lake" });
      expect(entry).toMatchObject({
        stored: [[3, 4]],
        dropped: [
          [1, 2],
          [5, 6],
        ],
        gaps: [],
      });
    });

    test("a ledger in too many fragments is refused, from whichever message", async () => {
      const ranges = Array.from({ length: RANGES_PER_LEDGER_MAX }, (_, at) => ({
        first: 2 * at + 1,
        last: 2 * at + 1,
      }));
      const beyond = [{ first: 100_000, last: 100_000 }];
      const drop = (more: typeof ranges): StoreEntry => ({
        station: "lake",
        atMs: T0,
        kind: "dropped",
        dropped: [{ epoch: EPOCH, stream: "pump", ranges: more }],
      });
      const [fine, refused] = await store.write([drop(ranges), drop(beyond)]);
      expect(fine?.refused).toBeNull();
      expect(refused?.refused).toMatch(/ranges/);
      expect((await store.ledger({ station: "lake" }))[0]?.dropped.length).toBe(RANGES_PER_LEDGER_MAX);
    });

    test("a station that declares schemas or streams without end is refused", async () => {
      const declare = (at: number, stream: string): StoreEntry => ({
        station: "lake",
        atMs: T0,
        kind: "schema",
        hash: at.toString(16).padStart(16, "0"),
        schema: { ...PUMP, stream },
      });
      const schemas = Array.from({ length: SCHEMAS_PER_STATION_MAX }, (_, at) => declare(at, "pump"));
      await store.write(schemas);
      const [again, further] = await store.write([declare(0, "pump"), declare(9_999, "pump")]);
      expect(again?.refused).toBeNull();
      expect(further?.refused).toMatch(/schemas/);
      const counts = Array.from({ length: STREAMS_PER_STATION_MAX }, (_, at) => ({ stream: `d${at}`, last: 0 }));
      const [closed] = await store.write([{ station: "lake", atMs: T0, kind: "epoch-closed", epoch: EPOCH, counts }]);
      expect(closed?.refused).toMatch(/streams/);
    });

    test("samples of a boot without wall time are estimated from their arrival and dated anew by a clock message", async () => {
      const basis: Basis = { kind: "boot", bootId: "boot-1" };
      await store.write([schema, batch([block(1, 2, row, 0)], { basis, atMs: T0 + 9_000 })]);
      expect((await store.readings(all))?.rows.map(([time]) => time)).toEqual([T0 + 8_000, T0 + 9_000]);
      // A later message that waited less bounds the offset better.
      await store.write([batch([block(3, 3, row, 0)], { basis, atMs: T0 + 4_000 })]);
      expect((await store.readings(all))?.rows.map(([time]) => time)).toEqual([T0 + 2_000, T0 + 3_000, T0 + 4_000]);
      await store.write([
        { station: "lake", atMs: T0, kind: "alarms", alarms: [alarm(1, true, { basis, time: 1_500 })] },
        { station: "lake", atMs: T0, kind: "clock", bootId: "boot-1", offsetMs: T0 },
      ]);
      await store.write([batch([block(4, 4, row, 0)], { basis, atMs: T0 + 99_000 })]);
      expect((await store.readings({ ...all, fromMs: T0 + 2_000 }))?.rows.map(([time]) => time)).toEqual([
        T0 + 2_000,
        T0 + 3_000,
        T0 + 4_000,
      ]);
      expect((await store.alarms("lake", 9))[0]?.time).toBe(T0 + 1_500);
      expect((await store.streams("lake"))[0]).toMatchObject({ first: T0 + 1_000, last: T0 + 4_000 });
    });

    test("times that a station couldn't know are marked as estimates, until it tells more", async () => {
      const basis: Basis = { kind: "boot", bootId: "boot-1" };
      const own = { basis, epoch: "00000000000000e2" };
      const [, , live] = await store.write([
        schema,
        batch([block(1, 1)]),
        batch([block(1, 2, row, 0)], { ...own, atMs: T0 + 9_000 }),
        { station: "lake", atMs: T0 + 9_000, kind: "alarms", alarms: [alarm(1, true, { basis, time: 1_500 })] },
      ]);
      expect(live?.samples.map(({ uncertain }) => uncertain)).toEqual([null]);
      expect((await store.readings(all))?.uncertain).toEqual({ [own.epoch]: null });
      expect((await store.alarms("lake", 9))[0]?.uncertain).toBeNull();
      expect((await store.readings({ ...all, toMs: T0 + 2_000 }))?.uncertain).toBeUndefined();

      // It arrived by T0 + 9 s, which bounds it better than the beginning of the next boot an hour later.
      const clock = { station: "lake", atMs: T0, kind: "clock", bootId: "boot-1" } as const;
      await store.write([{ ...clock, offsetMs: T0 + 3_600_000, earlierMs: 3_600_000 + 60_000 }]);
      expect((await store.readings(all))?.uncertain).toEqual({ [own.epoch]: 7_000 + 60_000 });
      expect((await store.alarms("lake", 9))[0]).toMatchObject({ time: T0 + 8_500, uncertain: 67_000 });
      // What comes later and would bound it below the earliest that is possible doesn't.
      const [late] = await store.write([batch([block(3, 3, row, 0)], { ...own, atMs: T0 - 999_000 })]);
      expect(late?.samples[0]).toMatchObject({ times: [T0 - 60_000 + 3_000], uncertain: 0 });

      await store.write([{ ...clock, offsetMs: T0 }]);
      const dated = await store.readings(all);
      expect(dated?.uncertain).toBeUndefined();
      expect(dated?.rows.filter(([, epoch]) => epoch === 1).map(([time]) => time)).toEqual(
        [1, 2, 3].map((s) => T0 + 1_000 * s),
      );
      expect((await store.alarms("lake", 9))[0]).not.toHaveProperty("uncertain");
      // A neighbour's guess comes too late.
      await store.write([{ ...clock, offsetMs: T0 + 3_600_000, earlierMs: 3_600_000 }]);
      expect((await store.readings(all))?.uncertain).toBeUndefined();
    });

    test("pages of any size, in either direction, join to the whole", async () => {
      await store.write([schema]);
      // Two epochs that overlap in time, with equal times in both.
      for (const epoch of [EPOCH, "00000000000000e2"])
        for (const [first, last] of [
          [1, 7],
          [8, 9],
          [10, 30],
        ] as const)
          await store.write([batch([block(first, last)], { epoch })]);
      const whole = (await store.readings(all))?.rows.map(([time, epoch, sequence]) => `${time} ${epoch} ${sequence}`);
      expect(whole?.length).toBe(60);
      for (const limit of [1, 2, 3, 7, 59, 60]) {
        for (const order of ["asc", "desc"] as const) {
          const seen: string[] = [];
          const query = { ...all, limit, order };
          for (let next: number | null = 0; next !== null; ) {
            const page = await store.readings(query);
            seen.push(
              ...(page?.rows.map(
                ([time, at, sequence]) =>
                  `${time} ${[EPOCH, "00000000000000e2"].indexOf(page.epochs[at]!)} ${sequence}`,
              ) ?? []),
            );
            next = page?.next ?? null;
            if (next !== null) Object.assign(query, order === "asc" ? { fromMs: next } : { toMs: next });
          }
          expect(order === "asc" ? seen : seen.toReversed()).toEqual(whole);
        }
      }
    });

    test("a range of time takes its first and leaves its last instant, also from a block that begins before", async () => {
      await store.write([schema, batch([block(1, 20)]), batch([block(21, 21)])]);
      expect(await sequencesOf(store, { fromMs: T0 + 18_000, toMs: T0 + 21_000 })).toEqual([18, 19, 20]);
    });

    test("a stream whose schema changed answers by channel name", async () => {
      const wider: StreamSchema = {
        stream: "pump",
        channels: [PUMP.channels[1]!, { ...PUMP.channels[1]!, name: "flow" }],
      };
      await store.write([
        schema,
        batch([block(1, 1)]),
        { station: "lake", atMs: T0, kind: "schema", hash: "bbbbbbbbbbbbbbbb", schema: wider },
        batch([{ ...block(2, 2, () => [801, 5]), schemaHash: "bbbbbbbbbbbbbbbb" }]),
      ]);
      const readings = await store.readings(all);
      expect(readings?.channels.map((channel) => channel.name)).toEqual(["pressure", "flow"]);
      expect(readings?.rows.map(([, , , ...values]) => values)).toEqual([
        [800.1, "undeclared"],
        [801, 5],
      ]);
    });

    test("averages are rows like others, and what they stand for is said of the row, not by channels", async () => {
      const averages = averagedSchema(PUMP)!;
      await store.write([
        schema,
        batch([block(1, 2)]),
        { station: "lake", atMs: T0, kind: "schema", hash: "bbbbbbbbbbbbbbbb", schema: averages },
        batch([{ ...block(63, 63, () => [1, 806.3, 61, 600]), schemaHash: "bbbbbbbbbbbbbbbb" }]),
      ]);
      const readings = await store.readings(all);
      expect(readings?.channels.map((channel) => channel.name)).toEqual(["state", "pressure"]);
      expect(readings?.rows.map(([, , , ...values]) => values)).toEqual([
        [1, 800.1],
        [0, 800.2],
        [1, 806.3],
      ]);
      expect(readings?.averaged).toEqual([[2, 61, 600]]);
      expect((await store.streams("lake"))[0]?.channels.map((channel) => channel.name)).toEqual(["state", "pressure"]);
      expect(await store.readings({ ...all, channel: "_samples" })).toBeUndefined();
      expect((await store.readings({ ...all, toMs: T0 + 3_000 }))?.averaged).toBeUndefined();
    });

    test("alarms are stored once, counted while active, and listed newest first", async () => {
      const send = (alarms: readonly AlarmMessage[]) =>
        store.write([{ station: "lake", atMs: T0, kind: "alarms", alarms }]);
      await send([alarm(1, true), alarm(2, true, { alarm: "fault" })]);
      expect((await store.station("lake"))?.activeAlarms).toBe(2);
      const [again] = await send([alarm(1, true), alarm(3, false)]);
      expect(again).toMatchObject({ duplicates: 1, conflicts: [], alarms: [{ alarm: "too-hot", active: false }] });
      expect((await store.station("lake"))?.activeAlarms).toBe(1);
      expect((await store.alarms("lake", 2)).map((entry) => [entry.alarm, entry.active])).toEqual([
        ["too-hot", false],
        ["fault", true],
      ]);
      const [different] = await send([alarm(3, true)]);
      expect(different?.conflicts.length).toBe(1);
      expect((await store.ledger({ station: "lake" }))[0]?.stored).toEqual([[1, 3]]);
    });

    test("alarms while somebody was on site are marked; what happens to the station itself is its journal", async () => {
      const event = { device: STATION_EVENTS, severity: "info", because: "until 15:30, by here" } as const;
      const [written] = await store.write([
        {
          station: "lake",
          atMs: T0,
          kind: "alarms",
          alarms: [alarm(1, true, { ...event, alarm: "on-site" }), alarm(2, true, { onSite: true })],
        },
      ]);
      expect(written?.alarms.map(({ device, onSite }) => [device, onSite])).toEqual([
        [STATION_EVENTS, undefined],
        ["pump", true],
      ]);
      expect((await store.station("lake"))?.activeAlarms).toBe(1);
      expect((await store.alarms("lake", 9)).map((entry) => [entry.alarm, entry.onSite])).toEqual([["too-hot", true]]);
      const [{ time, ...entry } = { time: 0 }, ...others] = await store.journal("lake", 9);
      expect(entry).toEqual({ station: "lake", what: "on-site", active: true, because: "until 15:30, by here" });
      expect([Number.isFinite(time), others]).toEqual([true, []]);
    });

    test("a file is whole when all its parts are there, in any order and however often, and only with its SHA-256", async () => {
      const whole = Uint8Array.from({ length: 9 }, (_, at) => at);
      const sha256 = createHash("sha256").update(whole).digest("hex");
      const part = (at: number, more: object = {}): StoreEntry => ({
        station: "lake",
        atMs: T0,
        kind: "file-part",
        part: { sha256, name: "a.tar.gz", part: at, parts: 3, body: whole.subarray(3 * at - 3, 3 * at), ...more },
      });
      await store.write([part(3), part(1), part(1)]);
      expect(await store.files("lake")).toEqual([]);
      await store.write([part(2)]);
      await store.write([part(2)]);
      const id = sha256.slice(0, 16);
      expect(await store.files("lake")).toEqual([{ id, name: "a.tar.gz", time: T0, bytes: 9, sha256 }]);
      expect([...((await store.file("lake", id)) ?? [])]).toEqual([...whole]);
      expect(await store.file("lake", "0000000000000000")).toBeUndefined();
      const [refused] = await store.write([part(1, { sha256: "0".repeat(64), parts: 1 })]);
      expect(refused?.refused).toMatch(/SHA-256/);
      expect(await store.files("lake")).toHaveLength(1);
    });

    test("a file that was cut anew before it was whole is put together from the newer parts", async () => {
      const whole = Uint8Array.from({ length: 12 }, (_, at) => at);
      const sha256 = createHash("sha256").update(whole).digest("hex");
      const part = (at: number, parts: number): StoreEntry => {
        const bytes = whole.length / parts;
        const body = whole.subarray(bytes * (at - 1), bytes * at);
        return {
          station: "lake",
          atMs: T0,
          kind: "file-part",
          part: { sha256, name: "a.tar.gz", part: at, parts, body },
        };
      };
      await store.write([part(1, 2)]);
      await store.write([1, 2, 3, 4].map((at) => part(at, 4)));
      expect([...((await store.file("lake", sha256.slice(0, 16))) ?? [])]).toEqual([...whole]);
    });

    test("of a station's files the newest stay, and of parts that never become whole, too", async () => {
      const file = (at: number, parts = 1): StoreEntry => {
        const body = Uint8Array.of(at);
        const sha256 = createHash("sha256").update(body).digest("hex");
        return {
          station: "lake",
          atMs: T0 + at,
          kind: "file-part",
          part: { sha256, name: "a.tar.gz", part: 1, parts, body },
        };
      };
      for (let at = 0; at < 2 * FILES_PER_STATION_MAX; at++) await store.write([file(at)]);
      const times = (await store.files("lake")).map(({ time }) => time - T0);
      expect(times).toEqual(
        Array.from({ length: FILES_PER_STATION_MAX }, (_, at) => 2 * FILES_PER_STATION_MAX - 1 - at),
      );
      for (let at = 0; at < 200; at++) await store.write([file(at + 50, 2)]);
      expect(await store.files("lake")).toHaveLength(FILES_PER_STATION_MAX);
    });

    test("descriptions that a station handed over are counted apart from other files; one that comes again is the newest", async () => {
      const file = (name: string, at: number): StoreEntry => {
        const body = new TextEncoder().encode(name);
        const sha256 = createHash("sha256").update(body).digest("hex");
        return { station: "lake", atMs: T0 + at, kind: "file-part", part: { sha256, name, part: 1, parts: 1, body } };
      };
      const nameOf = (at: number) => `description-${String(at).padStart(16, "0")}.tar.gz`;
      for (let at = 0; at < 6; at++) await store.write([file(nameOf(at), at)]);
      for (let at = 0; at < 2 * FILES_PER_STATION_MAX; at++) await store.write([file(`d-${at}.tar.gz`, 10 + at)]);
      await store.write([file(nameOf(3), 50)]);
      const kept = await store.descriptions("lake");
      expect(kept.map(({ hash }) => Number(hash))).toEqual([3, 5, 4, 2]);
      expect(new TextDecoder().decode(kept[0]?.body)).toBe(nameOf(3));
      expect(await store.files("lake")).toHaveLength(FILES_PER_STATION_MAX + 4);
    });

    test("parts of a file that never became whole are forgotten after a while", async () => {
      const body = Uint8Array.of(1);
      const sha256 = createHash("sha256").update(Uint8Array.of(1, 1)).digest("hex");
      const part = (at: number, days: number): StoreEntry => ({
        ...{ station: "lake", atMs: T0 + days * 86_400_000, kind: "file-part" },
        part: { sha256, name: "a.tar.gz", part: at, parts: 2, body },
      });
      await store.write([part(1, 0)]);
      await store.write([part(2, 8)]);
      expect(await store.files("lake")).toEqual([]);
      await store.write([part(1, 9)]);
      expect(await store.files("lake")).toHaveLength(1);
    });

    test("a certificate that worked supersedes those before it, and replaces them when the station comes with it", async () => {
      const { identities } = store;
      const add = (serial: string) =>
        identities.addCertificate({
          ...{ station: "lake", serial, keyHash: serial, pem: serial, untilMs: T0, atMs: T0 },
          ...{ askedBy: null, isAdoption: false },
        });
      const state = async (serial: string) => {
        const { supersededMs, isReplaced } = (await identities.certificate(serial)) ?? {};
        return [supersededMs, isReplaced];
      };
      for (const serial of ["s1", "s2", "s3"]) {
        await identities.putToken("lake", { hash: "h", untilMs: T0 });
        await add(serial);
        if (serial !== "s3") await identities.used(serial, T0 + Number(serial.slice(1)), "enrolling");
      }
      expect([await state("s1"), await state("s2"), await state("s3")]).toEqual([
        [T0 + 2, false],
        [null, false],
        [null, false],
      ]);
      await identities.used("s2", T0 + 5, "station");
      await identities.used("s1", T0 + 6, "station");
      expect([await state("s1"), await state("s2"), await state("s3")]).toEqual([
        [T0 + 2, true],
        [null, false],
        [null, false],
      ]);
    });

    test("commands for stations that are away outlive a restart, in their order, as they are now", async () => {
      const command = (id: string, more: object = {}): WaitingCommand => ({
        ...{ id, command: "stop", device: "pump", by: "anna", asked: T0, expires: T0 + 1_000, state: "waits" },
        ...more,
      });
      for (const id of ["a", "b", "c"]) await store.putCommand("lake", command(id));
      const answered = command("a", { state: "answered", answer: { status: 200, text: "stopped", body: [1] } });
      await store.putCommand("lake", answered);
      await store.dropCommand("lake", "b");
      store = await under.reopen();
      expect(await store.commands()).toEqual([
        { station: "lake", command: answered },
        { station: "lake", command: command("c") },
      ]);
      await store.putCommand("lake", command("d", { asked: T0 + 2 * 86_400_000, expires: T0 + 3 * 86_400_000 }));
      expect((await store.commands()).map(({ command: { id } }) => id)).toEqual(["d"]);
    });

    test("what can't be read is kept with its bytes, the newest of it, and found by the schema it waits for", async () => {
      const aside = (wantsSchema: string | null, payload: number): StoreEntry => ({
        station: "lake",
        atMs: T0,
        kind: "aside",
        topic: "t",
        payload: Uint8Array.of(payload),
        reason: "why",
        wantsSchema,
      });
      const [poison] = await store.write([aside(null, 1), aside(HASH, 2)]);
      expect(poison?.aside).toMatchObject({ station: "lake", bytes: 1, reason: "why" });
      expect(await store.schemasWanted("lake")).toEqual([HASH]);
      const waiting = await store.waitingForSchema("lake", HASH);
      expect(waiting.map(({ payload }) => [...payload])).toEqual([[2]]);
      await store.write([{ station: "lake", atMs: T0, kind: "aside-resolved", id: waiting[0]!.id }]);
      expect(await store.schemasWanted("lake")).toEqual([]);
      expect((await store.quarantine("lake", 9)).length).toBe(1);
      expect((await store.figures()).quarantined).toBe(1);
      await store.write(Array.from({ length: ASIDE_PER_STATION_MAX + 5 }, () => aside(null, 3)));
      expect((await store.quarantine(undefined, 9_999)).length).toBe(ASIDE_PER_STATION_MAX);
      expect((await store.station("lake"))?.quarantined).toBe(ASIDE_PER_STATION_MAX + 6);
    });

    test("a group is stored whole or not at all, and the next group is none the worse", async () => {
      const unknownSchema = batch([{ ...block(3, 3), schemaHash: "cccccccccccccccc" }]);
      await store.write([schema]);
      await expect(store.write([batch([block(1, 2)]), unknownSchema])).rejects.toThrow(/cccccccccccccccc/);
      expect(await sequencesOf(store)).toEqual([]);
      const [written] = await store.write([batch([block(1, 2)])]);
      expect(written?.duplicates).toBe(0);
      expect(await sequencesOf(store)).toEqual([1, 2]);
    });

    test("a station that names too many streams is refused, its other messages are stored", async () => {
      const many = Array.from({ length: STREAMS_PER_STATION_MAX + 1 }, (_, at) => ({
        ...block(1, 1),
        stream: `d${at}`,
      }));
      const [, refused, fine] = await store.write([schema, batch(many), batch([block(1, 1)])]);
      expect(refused?.refused).toMatch(/streams/);
      expect(fine?.samples.length).toBe(1);
    });

    test("a twin change that throws leaves the twin as it was", async () => {
      await store.changeTwin("lake", (twin) => ({ ...twin, reported: { $version: 2, a: 1 } }));
      const broken = store.changeTwin("lake", () => {
        throw new Error("too large");
      });
      await expect(broken).rejects.toThrow("too large");
      expect((await store.twin("lake")).reported).toEqual({ $version: 2, a: 1 });
    });

    test("certificates, tokens and who was thrown out are there after a restart, in the order in which it happened", async () => {
      const { identities } = store;
      const certificate = (serial: string, keyHash: string) => ({
        ...{
          station: "pond",
          serial,
          keyHash,
          pem: serial,
          untilMs: T0 + 9,
          atMs: T0,
          askedBy: null,
          isAdoption: false,
        },
      });
      expect(await identities.addStation("lake", { hash: "h", untilMs: T0 }, T0)).toBe(false);
      expect(await identities.addStation("pond", { hash: "h", untilMs: T0 }, T0)).toBe(true);
      expect(await identities.putToken("sea", { hash: "h", untilMs: T0 })).toBe(false);
      expect(await identities.addCertificate(certificate("a1", "key-a"))).toBe(true);
      // The token is that key's now; what was never used goes when there is another.
      expect(await identities.addCertificate(certificate("b1", "key-b"))).toBe(false);
      expect(await identities.addCertificate(certificate("a2", "key-a"))).toBe(true);
      expect(await identities.certificate("a1")).toBeUndefined();
      expect(await identities.token("pond")).toEqual({ hash: "h", untilMs: T0, keyHash: "key-a" });
      await identities.used("a2", T0 + 1, "enrolling");
      await identities.used("a2", T0 + 2, "enrolling");
      expect(await identities.token("pond")).toBeUndefined();
      expect(await identities.addCertificate({ ...certificate("a3", "key-c"), askedBy: "a2" })).toBe(true);
      const before = await identities.lastRevocation();
      expect(await identities.revoke("pond", T0 + 3)).toBe(true);
      expect(await identities.revoke("sea", T0 + 3)).toBe(false);
      expect(await identities.addCertificate({ ...certificate("a4", "key-d"), askedBy: "a2" })).toBe(false);
      const { identities: again } = await under.reopen();
      expect(await again.certificates("pond")).toMatchObject([
        { serial: "a3", usedMs: null, revokedMs: T0 + 3 },
        { serial: "a2", usedMs: T0 + 1, revokedMs: T0 + 3 },
      ]);
      const revoked = (await again.revocationsAfter(before)).map(({ station, serial }) => [station, serial]);
      expect(new Set(revoked.map(String))).toEqual(new Set(["pond,a2", "pond,a3", "pond,"]));
      expect(await again.revocationsAfter(await again.lastRevocation())).toEqual([]);
    });

    test("after a restart everything is there", async () => {
      await store.write([
        schema,
        { station: "lake", atMs: T0 + 7, kind: "message", bytes: 300 },
        batch([block(1, 3)]),
        batch([block(5, 5)]),
        { station: "lake", atMs: T0, kind: "alarms", alarms: [alarm(1, true)] },
        {
          station: "lake",
          atMs: T0,
          kind: "aside",
          topic: "t",
          payload: Uint8Array.of(9),
          reason: "why",
          wantsSchema: null,
        },
      ]);
      await store.changeTwin("lake", (twin) => ({
        desired: { ...(mergePatch(twin.desired, { devices: { pump: { target: 900 } } }) as object), $version: 2 },
        reported: twin.reported,
        versions: { "devices/pump/target": 2 },
      }));
      expect(await store.addStation("lake", "another", T0)).toBe(false);
      const look = async (from: Store) => ({
        station: await from.station("lake"),
        stations: await from.stations(),
        credential: await from.credentialOf("lake"),
        readings: await from.readings(all),
        streams: await from.streams("lake"),
        ledger: await from.ledger({ station: "lake" }),
        alarms: await from.alarms("lake", 9),
        quarantine: await from.quarantine(undefined, 9),
        schemas: await from.schemasOf("lake"),
        twin: await from.twin("lake"),
      });
      const before = await look(store);
      const reopened = await under.reopen();
      expect(await look(reopened)).toEqual(before);
      expect(before.station).toEqual({
        station: "lake",
        identity: { by: "password", certificateUntil: null, tokenUntil: null },
        lastSeen: T0 + 7,
        samples: 4,
        readings: 8,
        messages: 1,
        bytes: 300,
        activeAlarms: 1,
        quarantined: 1,
      });
      const [again] = await reopened.write([batch([block(1, 6)])]);
      expect(again?.duplicates).toBe(4);
      expect(await sequencesOf(reopened)).toEqual([1, 2, 3, 4, 5, 6]);
    });
  });
}
