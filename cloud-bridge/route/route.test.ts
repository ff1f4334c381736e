import { createSimulatedTime, type SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { averagedSchema } from "@pump-station/agent/wire/averaged.ts";
import { decodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { LedgerMessage } from "@pump-station/agent/wire/messages.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { createDatabases } from "../host/sqlite.ts";
import { ASK_AGAIN_MS, COMMAND_DEADLINE_MS, COMMANDS_KEPT_PER_STATION, GAP_AGE_MS } from "../limits.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import type { Store, StoreEntry } from "../store/store.ts";
import type { Clock } from "../world.ts";
import { createCommands } from "./commands.ts";
import { createLive, type LiveEvent } from "./live.ts";
import { createReceipts } from "./receipts.ts";

const EPOCH = "00000000000000e1";
const HASH = "aaaaaaaaaaaaaaaa";
let time: SimulatedTime;
let clock: Clock;
let store: Store;
let sent: { readonly topic: string; readonly payload: Uint8Array }[];
const send = async (topic: string, payload: Uint8Array): Promise<void> => void sent.push({ topic, payload });
const log = (): void => undefined;

beforeEach(async () => {
  time = createSimulatedTime();
  clock = { wallMs: () => time.clock.wallMs(), monotonicMs: () => time.clock.bootMs() };
  store = createSqliteStore({ database: createDatabases().open(":memory:") });
  await store.addStation("lake", "credential", 0);
  sent = [];
});
const ledgerSent = (): LedgerMessage[] => sent.splice(0).map(({ payload }) => decodeLedger(payload));
const receipts = (everyMs: number, askAfterMs = GAP_AGE_MS) =>
  createReceipts({ store, clock, timers: time.timers, log, everyMs, askAfterMs, send });
const stored = (first: number, last: number) => ({
  kind: "receipt" as const,
  stored: [{ epoch: EPOCH, stream: "pump", ranges: [{ first, last }] }],
});

async function store1(first: number, last: number): Promise<void> {
  const sequences = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const at = { station: "lake", atMs: clock.wallMs() };
  const schema = { stream: "pump", channels: [{ name: "a", kind: "gauge", unit: "", resolution: 1 }] } as const;
  const block = { stream: "pump", schemaHash: HASH, sequence: first, times: sequences, rows: sequences.map(() => [1]) };
  const entries: StoreEntry[] = [
    { ...at, kind: "schema", hash: HASH, schema },
    { ...at, kind: "batch", batch: { epoch: EPOCH, basis: { kind: "wall" }, blocks: [block] } },
  ];
  await store.write(entries);
}

test("a station that connects is told what is stored, and gets no word while nothing changes", async () => {
  await store1(1, 3);
  await time.advance(86_400_000);
  const desk = receipts(5_000);
  desk.greet("lake");
  await time.advance(60_000);
  expect(ledgerSent()).toEqual([stored(1, 3)]);
});

test("what is stored is confirmed once per interval, however many messages there were", async () => {
  const desk = receipts(5_000);
  desk.greet("lake");
  await time.advance(20_000);
  for (let sequence = 1; sequence <= 4; sequence++) {
    await store1(sequence, sequence);
    desk.touch("lake");
  }
  await time.advance(1_000);
  expect(ledgerSent()).toEqual([stored(1, 4)]);
  await store1(5, 5);
  desk.touch("lake");
  await time.advance(4_000);
  expect(ledgerSent()).toEqual([]);
  await time.advance(1_000);
  expect(ledgerSent()).toEqual([stored(1, 5)]);
});

test("a gap is asked for when it has stood for minutes, again later, and no more once it is filled", async () => {
  await store1(1, 2);
  await store1(5, 6);
  const desk = receipts(86_400_000);
  desk.greet("lake");
  await time.advance(0);
  const wanted = { kind: "ranges-wanted", wanted: [{ epoch: EPOCH, stream: "pump", ranges: [{ first: 3, last: 4 }] }] };
  expect(ledgerSent().map(({ kind }) => kind)).toEqual(["receipt"]);
  await time.advance(ASK_AGAIN_MS);
  expect(ASK_AGAIN_MS).toBeGreaterThan(GAP_AGE_MS);
  expect(ledgerSent()).toEqual([wanted]);
  desk.greet("lake");
  await time.advance(0);
  expect(ledgerSent()).toContainEqual(wanted);
  await store1(3, 4);
  await time.advance(ASK_AGAIN_MS);
  expect(ledgerSent()).toEqual([]);
});

test("a schema is asked for once, again after minutes and at the next connect", async () => {
  const desk = receipts(86_400_000);
  desk.greet("lake");
  const wanted = { kind: "schema-wanted", hashes: [HASH] };
  for (let message = 0; message < 5; message++) desk.wantSchema("lake", HASH);
  await time.advance(0);
  expect(ledgerSent()).toEqual([wanted]);
  const aside = { topic: "t", payload: Uint8Array.of(1), reason: "schema-wanted", wantsSchema: HASH };
  await store.write([{ station: "lake", atMs: clock.wallMs(), kind: "aside", ...aside }]);
  await time.advance(ASK_AGAIN_MS);
  expect(ledgerSent()).toEqual([wanted]);
  desk.greet("lake");
  await time.advance(0);
  expect(ledgerSent()).toEqual([wanted]);
});

test("a station that has left gets nothing, and leaves no timer behind", async () => {
  const desk = receipts(5_000);
  desk.greet("lake");
  await store1(1, 1);
  desk.touch("lake");
  desk.leave("lake");
  desk.touch("lake");
  await time.advance(ASK_AGAIN_MS);
  expect(ledgerSent()).toEqual([]);
  expect(time.waiting).toBe(0);
});

test("a command that isn't answered in time is unknown, and its late answer is dropped", async () => {
  const commands = await createCommands({
    clock,
    timers: time.timers,
    chance: { bytes: (count) => new Uint8Array(count) },
    log,
    store,
    isOnline: () => true,
    send,
  });
  const outcome = commands.call("lake", { device: "pump", command: "stop" });
  await time.advance(0);
  const call = JSON.parse(new TextDecoder().decode(sent[0]?.payload)) as { expiresMs: number };
  expect(call.expiresMs).toBe(clock.wallMs() + COMMAND_DEADLINE_MS);
  const id = sent[0]?.topic.replace(topicsOf("lake").commandCall(""), "") ?? "";
  commands.onAnswer("lake", id, new TextEncoder().encode("rubbish"));
  await time.advance(COMMAND_DEADLINE_MS);
  expect(await outcome).toEqual({ done: "unanswered" });
  commands.onAnswer("lake", id, new TextEncoder().encode('{"status":200,"text":"late"}'));
  expect(time.waiting).toBe(0);
});

test("an average is a row of the device's own channels, and says beside what it stands for", () => {
  const events: LiveEvent[] = [];
  const live = createLive({ timers: time.timers, log, summaryOf: async () => undefined });
  live.listen("lake", (event) => events.push(event));
  const own = { stream: "pump", channels: [{ name: "a", kind: "gauge", unit: "", resolution: 1 }] } as const;
  const schema = averagedSchema(own) ?? own;
  live.samples("lake", [
    {
      epoch: EPOCH,
      stream: "pump",
      schema,
      sequence: 60,
      times: [600_000, 1_200_000],
      rows: [
        [7, 60, 600],
        [8, 59, 600],
      ],
    },
  ]);
  expect(events.map(({ data }) => data)).toMatchObject([
    {
      channels: [{ name: "a" }],
      rows: [
        [600_000, 60, 7],
        [1_200_000, 61, 8],
      ],
      averaged: [
        [0, 60, 600],
        [1, 59, 600],
      ],
    },
  ]);
});

test("a station's summary follows its messages at most twice a second, and only while somebody listens", async () => {
  let asked = 0;
  const summaryOf = async (station: string) => {
    asked++;
    const stored = await store.station(station);
    return stored && { ...stored, online: true };
  };
  const live = createLive({ timers: time.timers, log, summaryOf });
  live.touch("lake");
  await time.advance(1_000);
  expect(asked).toBe(0);
  const events: LiveEvent[] = [];
  const unlisten = live.listen("lake", (event) => events.push(event));
  for (let message = 0; message < 10; message++) {
    live.touch("lake");
    await time.advance(100);
  }
  expect(asked).toBe(2);
  expect(events.map(({ event }) => event)).toEqual(["station", "station"]);
  unlisten();
  live.touch("lake");
  await time.advance(1_000);
  expect(asked).toBe(2);
});

describe("a command for a station that is away", () => {
  const away = async (line = { isOnline: false, count: 0 }) => {
    const commands = await createCommands({
      clock,
      timers: time.timers,
      chance: { bytes: (count) => new Uint8Array(count).fill(++line.count) },
      log,
      store,
      isOnline: () => line.isOnline,
      send,
    });
    const ask = async (expiresInMs: number) => {
      const outcome = await commands.call("lake", { command: "restart", by: "anna" }, clock.wallMs() + expiresInMs);
      return outcome.done === "waits" ? outcome.waiting.id : outcome.done;
    };
    const states = () => commands.waiting("lake").map(({ state }) => state);
    return { line, commands, ask, states };
  };

  test("waits until it listens, is sent once with its own expiry, and its answer can be looked up", async () => {
    const { line, commands, ask, states } = await away();
    const id = await ask(600_000);
    const expiresMs = clock.wallMs() + 600_000;
    await time.advance(60_000);
    expect([states(), sent]).toEqual([["waits"], []]);
    line.isOnline = true;
    commands.greet("lake");
    commands.greet("lake");
    await time.advance(0);
    expect(sent.map(({ topic }) => topic)).toEqual([topicsOf("lake").commandCall(id)]);
    expect(JSON.parse(new TextDecoder().decode(sent[0]?.payload))).toEqual({
      command: "restart",
      by: "anna",
      expiresMs,
    });
    expect(states()).toEqual(["sent"]);
    commands.onAnswer("lake", id, new TextEncoder().encode('{"status":200,"text":"restarts"}'));
    await time.advance(0);
    expect(commands.waiting("lake")[0]).toMatchObject({ id, state: "answered", answer: { status: 200 } });
  });

  test("is never sent after its life, nor once it is cancelled", async () => {
    const { line, commands, ask, states } = await away();
    await ask(5_000);
    const id = await ask(60_000);
    await time.advance(5_000);
    expect(states()).toEqual(["waits", "expired"]);
    expect([await commands.cancel("lake", id), await commands.cancel("lake", id)]).toEqual([true, false]);
    line.isOnline = true;
    commands.greet("lake");
    await time.advance(0);
    expect([states(), sent, time.waiting]).toEqual([["cancelled", "expired"], [], 0]);
  });

  test("outlives a restart of the bridge; one that was sent is sent once more with its id, one that was cancelled never", async () => {
    const first = await away();
    const ids = [await first.ask(600_000), await first.ask(600_000), await first.ask(60_000)];
    expect(await first.commands.cancel("lake", ids[1] ?? "")).toBe(true);
    first.commands.close();
    await time.advance(120_000);
    const second = await away({ ...first.line, isOnline: true });
    expect(second.states()).toEqual(["expired", "cancelled", "waits"]);
    second.commands.greet("lake");
    await time.advance(0);
    expect(sent.map(({ topic }) => topic)).toEqual([topicsOf("lake").commandCall(ids[0] ?? "")]);
    // It ends before the answer.
    second.commands.close();
    const third = await away(second.line);
    expect(third.states()).toEqual(["expired", "cancelled", "sent"]);
    expect(await third.commands.cancel("lake", ids[0] ?? "")).toBe(false);
    third.commands.greet("lake");
    third.commands.greet("lake");
    await time.advance(0);
    expect(sent).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
    third.commands.onAnswer("lake", ids[0] ?? "", new TextEncoder().encode('{"status":200,"text":"restarts"}'));
    await time.advance(0);
    const fourth = await away(third.line);
    expect(fourth.commands.waiting("lake")[2]).toMatchObject({ state: "answered", answer: { text: "restarts" } });
  });

  test("that was sent before a restart and whose life is over is unknown", async () => {
    const first = await away();
    await first.ask(60_000);
    first.line.isOnline = true;
    first.commands.greet("lake");
    await time.advance(0);
    first.commands.close();
    store.putCommand = () => Promise.reject(new Error("the disk is full"));
    await time.advance(120_000);
    const second = await away();
    expect(second.commands.waiting("lake")[0]).toMatchObject({ state: "answered", answer: { status: 504 } });
  });

  test("is not sent while the store can't say that it was, nor kept when it can't be stored", async () => {
    const { line, commands, ask, states } = await away();
    await ask(60_000);
    const { putCommand } = store;
    store.putCommand = () => Promise.reject(new Error("the disk is full"));
    line.isOnline = true;
    commands.greet("lake");
    await time.advance(0);
    expect(sent).toEqual([]);
    line.isOnline = false;
    await expect(ask(60_000)).rejects.toThrow(/full/);
    expect(states()[0]).toBe("cancelled");
    store.putCommand = putCommand;
    commands.greet("lake");
    await time.advance(0);
    expect(sent).toHaveLength(1);
  });

  test("is refused when too many wait, and those that ended make room", async () => {
    const { ask } = await away();
    for (let at = 0; at < COMMANDS_KEPT_PER_STATION; at++) await ask(at === 0 ? 1_000 : 60_000);
    expect(await ask(60_000)).toBe("too-many");
    await time.advance(1_000);
    expect(await ask(60_000)).toHaveLength(16);
  });
});
