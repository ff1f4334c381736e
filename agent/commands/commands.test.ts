import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import {
  ANSWERS_KEPT,
  AUDIT_FILE_ENTRIES,
  AUDIT_TEXT_MAX,
  COMMAND_LATE_MS,
  COMMANDS_IN_LINE_MAX,
  COMMANDS_READING_MAX,
} from "../limits.ts";
import type { CommandOutcome } from "../outcome.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import type { JsonObject } from "../wire/twin-document.ts";
import { type AuditEntry, createAudit } from "./audit.ts";
import { createCommands } from "./commands.ts";
import { createPlan, type StationRuns } from "./plan.ts";

const STATION: Station = {
  name: "demo-lake",
  label: "",
  timeZone: "UTC",
  ports: new Map(),
  devices: [{ ...createSmallDevice(), name: "pump" }],
  hash: "abc",
};
const CALL: CommandCall = { id: "c1", device: "pump", command: "stop" };
const CONFIRMED: CommandOutcome = { done: "confirmed", reason: "" };

/** A station whose pump is told to stop; disk and pump outlive processes. */
function createBench() {
  const time = createSimulatedTime();
  const disk = { documents: new Map<string, string>(), isFull: false };
  const pump = {
    told: 0,
    end: [] as ((outcome: CommandOutcome) => void)[],
    hangs: false,
    outcome: CONFIRMED as CommandOutcome | Error,
  };
  const reads = { end: [] as (() => void)[], count: 0, hang: false, body: undefined as unknown };
  const site = { obstacle: undefined as string | undefined };
  const station = { now: STATION };
  const told: AuditEntry[] = [];

  const start = () => {
    let alive = true;
    const audit = createAudit({
      clock: time.clock,
      log: () => undefined,
      file: (name) => ({
        load: () => (JSON.parse(disk.documents.get(name) ?? "null") as unknown) ?? undefined,
        save: (document: JsonObject) => {
          if (!alive) return;
          if (disk.isFull) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
          disk.documents.set(name, JSON.stringify(document));
        },
      }),
    });
    const nothing = { run: async (): Promise<CommandAnswer> => ({ status: 200, text: "done" }) };
    const runs = {
      "upload-now": nothing,
      explain: nothing,
      settings: { run: async () => ({ status: 200, text: "", body: "x".repeat(100_000) }) },
      restart: nothing,
      diagnostics: nothing,
      "on-site": nothing,
      "read-now": {
        run: async ({ device }) => {
          reads.count++;
          if (reads.hang) await new Promise<void>((resolve) => reads.end.push(resolve));
          return { status: 200, text: "read", body: { of: device ?? "all" } };
        },
        known: () => ({ of: "what was read before" }),
      },
    } satisfies StationRuns;
    const plan = createPlan({
      station: () => station.now,
      runs,
      device: () => {
        pump.told++;
        if (pump.hangs) return new Promise((resolve) => pump.end.push(resolve));
        const { outcome } = pump;
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
      },
      obstacle: () => site.obstacle,
    });
    const call = createCommands({ ...time, log: () => undefined, audit, plan, onEnded: (entry) => told.push(entry) });
    return { call, audit, kill: () => (alive = false) };
  };
  /** What it is answered within so many ms. */
  const within = async (ms: number, answer: Promise<CommandAnswer>): Promise<CommandAnswer | undefined> => {
    let given: CommandAnswer | undefined;
    void answer.then((one) => (given = one));
    await time.advance(ms);
    return given;
  };
  return { ...time, disk, pump, reads, site, station, told, start, within };
}

describe("a command runs at most once", () => {
  it("a redelivered id gets the same answer, also from the next process", async () => {
    const { start, pump } = createBench();
    const first = start();
    expect(await first.call(CALL)).toEqual({ status: 200, text: "confirmed" });
    expect(await first.call(CALL)).toEqual({ status: 200, text: "confirmed" });
    first.kill();
    expect(await start().call(CALL)).toEqual({ status: 200, text: "confirmed" });
    expect(pump.told).toBe(1);
  });

  it("one that is under way is joined by its redelivery", async () => {
    const { start, pump, within } = createBench();
    pump.hangs = true;
    const { call } = start();
    const both = Promise.all([call(CALL), call(CALL)]);
    expect(
      await within(
        1_000,
        both.then(([one]) => one),
      ),
    ).toBeUndefined();
    pump.end[0]?.(CONFIRMED);
    expect(await both).toEqual([
      { status: 200, text: "confirmed" },
      { status: 200, text: "confirmed" },
    ]);
    expect(pump.told).toBe(1);
  });

  it("one that was under way when the process was killed isn't run again", async () => {
    const { start, pump, advance } = createBench();
    pump.hangs = true;
    const first = start();
    void first.call(CALL);
    await advance(1);
    first.kill();
    pump.hangs = false;
    expect(await start().call(CALL)).toMatchObject({ status: 500, text: expect.stringContaining("nobody knows") });
    expect(pump.told).toBe(1);
  });

  it("one that was refused stays refused, whatever has changed since", async () => {
    const { start, pump, site } = createBench();
    const { call } = start();
    site.obstacle = "on-site until 15:30";
    expect(await call(CALL)).toEqual({ status: 409, text: "on-site until 15:30" });
    site.obstacle = undefined;
    expect(await call(CALL)).toEqual({ status: 409, text: "on-site until 15:30" });
    expect(await call({ ...CALL, id: "c2" })).toMatchObject({ status: 200 });
    expect(pump.told).toBe(1);
  });

  it("a refusal is remembered for as long as answers are, and is no refusal for ever", async () => {
    const { start, pump, site } = createBench();
    const { call } = start();
    site.obstacle = "on-site";
    for (let at = 0; at <= ANSWERS_KEPT; at++) await call({ ...CALL, id: `c${at}` });
    site.obstacle = undefined;
    expect(await call({ ...CALL, id: "c1" })).toMatchObject({ status: 409 });
    expect(await call({ ...CALL, id: "c0" })).toMatchObject({ status: 200 });
    expect(pump.told).toBe(1);
  });

  it("one that throws is answered and noted, and those after it run", async () => {
    const { start, pump } = createBench();
    const { call, audit } = start();
    pump.outcome = new Error("a bug");
    expect(await call(CALL)).toEqual({ status: 500, text: "failed, and may or may not have run" });
    expect(audit.find("c1")).toMatchObject({ status: 500, text: "failed, and may or may not have run" });
    pump.outcome = CONFIRMED;
    expect(await call({ ...CALL, id: "c2" })).toMatchObject({ status: 200 });
  });

  it("nothing that changes something runs when that can't be noted; what only reads does", async () => {
    const { start, pump, disk } = createBench();
    const { call } = start();
    disk.isFull = true;
    expect(await call(CALL)).toMatchObject({ status: 503 });
    expect(pump.told).toBe(0);
    expect(await call({ id: "r1", command: "read-now" })).toMatchObject({ status: 200 });
  });
});

describe("a command has a life", () => {
  it("it doesn't run after its expiry; without a clock only what reads runs", async () => {
    const { start, pump, clock } = createBench();
    const { call } = start();
    const expiresMs = clock.wallMs() - 1;
    expect(await call({ ...CALL, expiresMs })).toEqual({ status: 410, text: "expired" });
    clock.trusted = false;
    expect(await call({ ...CALL, id: "c2", expiresMs: expiresMs + 60_000 })).toMatchObject({ status: 503 });
    expect(pump.told).toBe(0);
    expect(await call({ id: "r1", command: "read-now", expiresMs })).toMatchObject({ status: 200 });
  });

  it("one that waits in line is answered when its life ends, and never runs", async () => {
    const { start, pump, clock, within } = createBench();
    pump.hangs = true;
    const { call } = start();
    void call(CALL);
    const second = call({ ...CALL, id: "c2", expiresMs: clock.wallMs() + 5_000 });
    expect(await within(4_000, second)).toBeUndefined();
    expect(await within(1_500, second)).toMatchObject({ status: 410, text: expect.stringContaining("expired") });
    pump.end[0]?.(CONFIRMED);
    await within(1_000, second);
    expect(pump.told).toBe(1);
  });

  it("one that waited is judged again when its turn comes", async () => {
    const { start, pump, site, within } = createBench();
    pump.hangs = true;
    const { call } = start();
    void call(CALL);
    const second = call({ ...CALL, id: "c2" });
    await within(1, second);
    site.obstacle = "on-site";
    pump.end[0]?.(CONFIRMED);
    expect(await within(1, second)).toEqual({ status: 409, text: "on-site" });
    expect(pump.told).toBe(1);
  });
});

describe("several commands", () => {
  it("those that change something wait for each other; one that reads overtakes them", async () => {
    const { start, pump, within } = createBench();
    pump.hangs = true;
    const { call } = start();
    const first = call(CALL);
    const second = call({ ...CALL, id: "c2" });
    expect(await within(1, call({ id: "r1", command: "read-now" }))).toMatchObject({ status: 200 });
    expect(pump.told).toBe(1);
    pump.end[0]?.(CONFIRMED);
    expect(await within(1, first)).toMatchObject({ status: 200 });
    expect(pump.told).toBe(2);
    pump.end[1]?.(CONFIRMED);
    expect(await within(1, second)).toMatchObject({ status: 200 });
  });

  it("a flood is answered 429, and what was in line runs all the same", async () => {
    const { start, pump, reads, advance } = createBench();
    pump.hangs = reads.hang = true;
    const { call } = start();
    const answers: (CommandAnswer | undefined)[] = [];
    for (let at = 0; at < COMMANDS_IN_LINE_MAX + 3; at++)
      void call({ ...CALL, id: `w${at}` }).then((answer) => (answers[at] = answer));
    await advance(1);
    expect(answers.map((answer) => answer?.status)).toEqual([...Array(COMMANDS_IN_LINE_MAX + 1), 429, 429]);
    const statuses: number[] = [];
    for (let at = 0; at < 6; at++)
      void call({ id: `r${at}`, command: "read-now" }).then(({ status }) => statuses.push(status));
    await advance(1);
    expect(statuses).toEqual([429, 429]);
    for (let at = 0; at <= COMMANDS_IN_LINE_MAX; at++) {
      pump.end[at]?.(CONFIRMED);
      await advance(1);
    }
    expect(pump.told).toBe(COMMANDS_IN_LINE_MAX + 1);
  });

  it("those that read leave room for the next when they have ended", async () => {
    const { start } = createBench();
    const { call } = start();
    for (let at = 0; at <= COMMANDS_READING_MAX; at++)
      expect(await call({ id: `r${at}`, command: "read-now" })).toMatchObject({ status: 200 });
  });

  it("one that never ends is given up some time after its time limit, so that the next ones run", async () => {
    const { start, pump, advance, within } = createBench();
    pump.hangs = true;
    const { call, audit } = start();
    void call(CALL);
    await advance(30_000 + COMMAND_LATE_MS);
    expect(audit.find("c1")).toMatchObject({
      status: 504,
      text: expect.stringContaining("given up 10 min after") as string,
    });
    pump.hangs = false;
    expect(await within(1, call({ ...CALL, id: "c2" }))).toMatchObject({ status: 200 });
    pump.end[0]?.(CONFIRMED);
    await advance(1);
    expect(audit.find("c1")).toMatchObject({ status: 504 });
  });

  it("one that takes too long is answered 504 with what is known, keeps its turn, and its end is noted", async () => {
    const { start, pump, reads, within, advance } = createBench();
    pump.hangs = reads.hang = true;
    const { call, audit } = start();
    const read = call({ id: "r1", command: "read-now" });
    expect(await within(20_000, read)).toMatchObject({ status: 504, body: { of: "what was read before" } });
    const stop = call(CALL);
    expect(await within(30_000, stop)).toMatchObject({
      status: 504,
      text: expect.stringContaining("may still be done"),
    });
    const waiting = call({ ...CALL, id: "c2" });
    await advance(1);
    expect(pump.told).toBe(1);
    expect(audit.find("c1")).toMatchObject({ status: 504 });
    pump.end[0]?.(CONFIRMED);
    await advance(1);
    expect(audit.find("c1")).toMatchObject({ status: 200, text: "confirmed (after its time limit)" });
    expect(pump.told).toBe(2);
    pump.end[1]?.(CONFIRMED);
    expect(await within(1, waiting)).toMatchObject({ status: 200 });
  });
});

describe("what can't be done is said with what can", () => {
  it.each([
    [{ done: "confirmed", reason: "state is idle" }, 200, "confirmed: state is idle"],
    [{ done: "answered", reason: "" }, 200, "answered"],
    [{ done: "sent", reason: "nobody answers a broadcast" }, 202, "sent: nobody answers a broadcast"],
    [{ done: "interlocked", reason: "only when state is idle" }, 409, "interlocked: only when state is idle"],
    [{ done: "refused", reason: "code 3" }, 422, "refused: code 3"],
    [{ done: "unknown", reason: "no answer" }, 500, "unknown: no answer"],
  ] as const)("what became of it has a status of its own: %j → %i", async (outcome, status, text) => {
    const { start, pump } = createBench();
    pump.outcome = outcome;
    expect(await start().call(CALL)).toEqual({ status, text });
  });

  it("a device that is paused isn't told to do anything", async () => {
    const { start, station, pump } = createBench();
    station.now = {
      ...STATION,
      devices: STATION.devices.map((device) => ({ ...device, paused: "spare part ordered" })),
    };
    expect(await start().call(CALL)).toEqual({ status: 409, text: "paused: spare part ordered" });
    expect(pump.told).toBe(0);
  });

  it.each([
    [{ command: "explode" }, 404, "there are read-now, upload-now"],
    [{ command: "stop" }, 404, "it is a command of pump"],
    [{ device: "pumpp", command: "stop" }, 404, "there are pump"],
    [{ device: "pump", command: "explode" }, 404, "there is stop"],
    [{ device: "pump", command: "stop", arguments: { hard: true } }, 400, "takes no arguments"],
    [
      { command: "read-now", arguments: { devise: "pump" } },
      400,
      "there is no argument devise; there is device, channel",
    ],
    [{ command: "upload-now", arguments: { now: 1 } }, 400, "there are none"],
    [{ command: "on-site", arguments: { for: "2 hours" } }, 400, "write it like 30min or 2h"],
    [{ command: "on-site", arguments: { for: "25h" } }, 400, "1 min to 24 h"],
    [{ command: "on-site", arguments: { for: "1h", end: true } }, 400, "not both"],
    [{ command: "settings" }, 413, "ask for less"],
  ])("%j → %i %s", async (call, status, text) => {
    const { start, pump } = createBench();
    const answer = await start().call({ id: "c1", ...call });
    expect(answer).toMatchObject({ status, text: expect.stringContaining(text) });
    expect(answer.text.length).toBeLessThanOrEqual(400);
    expect(pump.told).toBe(0);
  });
});

describe("the audit", () => {
  it("says who asked what and how it ended, survives the process, and is told for what changes something", async () => {
    const { start, told, clock, advance } = createBench();
    const first = start();
    const began = clock.wallMs();
    await first.call({ ...CALL, by: "anna" });
    await advance(1_000);
    await first.call({ id: "r1", command: "read-now", arguments: { device: "pump" } });
    first.kill();
    expect(start().audit.list()).toEqual([
      {
        id: "r1",
        command: "read-now",
        arguments: '{"device":"pump"}',
        began: began + 1_000,
        ended: began + 1_000,
        status: 200,
        text: "read",
        body: { of: "pump" },
      },
      { id: "c1", device: "pump", command: "stop", by: "anna", began, ended: began, status: 200, text: "confirmed" },
    ]);
    expect(told.map(({ id }) => id)).toEqual(["c1"]);
  });

  it("goes on behind what was there before a restart, says of what it dates by a guess, and cuts what is long", async () => {
    const { start, clock } = createBench();
    const first = start();
    for (let at = 0; at < AUDIT_FILE_ENTRIES + 5; at++) await first.call({ ...CALL, id: `c${at}` });
    first.kill();
    clock.trusted = false;
    const second = start();
    await second.call({ id: "r1", command: "on-site", arguments: { for: `1.${"0".repeat(2 * AUDIT_TEXT_MAX)}h` } });
    const entries = second.audit.list();
    expect(entries).toHaveLength(AUDIT_FILE_ENTRIES + 6);
    expect(entries[0]).toMatchObject({ id: "r1", isClockUnset: true });
    expect(entries[0]?.arguments).toHaveLength(AUDIT_TEXT_MAX);
    expect(entries[1]).not.toHaveProperty("isClockUnset");
    expect(entries.at(-1)).toMatchObject({ id: "c0" });
  });

  it("is bounded: the oldest files go, the newest commands stay in order", async () => {
    const { start, disk } = createBench();
    const { call } = start();
    for (let at = 0; at < 260; at++) await call({ ...CALL, id: `c${at}` });
    const ids = start()
      .audit.list()
      .map(({ id }) => id);
    expect(ids.slice(0, 2)).toEqual(["c259", "c258"]);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(b.slice(1)) - Number(a.slice(1))));
    expect(ids.length).toBeGreaterThanOrEqual(175);
    expect(ids.length).toBeLessThanOrEqual(200);
    expect(Math.max(...[...disk.documents.values()].map(({ length }) => length))).toBeLessThan(8_000);
  });
});
