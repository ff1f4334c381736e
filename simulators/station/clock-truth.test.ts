/**
 * A station's buffer and the bridge's store over boots, processes, suspends, links that come and go and a clock that is
 * mostly wrong. Each reading's value is the true time at which it was made: what the store calls right must be right,
 * and what it calls an estimate must be no further off than it says.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Offer, SampleBuffer } from "@pump-station/agent/buffer/buffer.ts";
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createSimulatedTime, type SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { decodeAlarms } from "@pump-station/agent/wire/alarms.ts";
import { decodeBatch } from "@pump-station/agent/wire/batch.ts";
import { decodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { createDatabases as createBridgeDatabases } from "@pump-station/cloud-bridge/host/sqlite.ts";
import { createSqliteStore } from "@pump-station/cloud-bridge/store/sqlite-store.ts";
import type { Store, StoreEntry } from "@pump-station/cloud-bridge/store/store.ts";
import fc from "fast-check";
import { expect, test } from "vitest";

const T0 = Date.UTC(2027, 4, 2, 8);
const YEAR = 365 * 86_400_000;
const SCHEMA: StreamSchema = { stream: "pump", channels: [{ name: "made", kind: "gauge", unit: "ms", resolution: 1 }] };
const HASH = schemaHash(SCHEMA);

type Event =
  | { readonly what: "read" | "alarm" | "restart" | "send" | "send-unacknowledged" | "synchronise" }
  | { readonly what: "suspend" | "power-off" | "wait"; readonly ms: number; readonly wrongByMs: number };

const spans = fc.oneof(fc.integer({ min: 1, max: 600_000 }), fc.integer({ min: 1, max: 40 * 86_400_000 }));
const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ what: "read" } as const) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom("send", "synchronise") }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom("alarm", "restart", "send-unacknowledged") }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom("suspend", "power-off", "power-off", "wait"),
      ms: spans,
      wrongByMs: fc.integer({ min: -60 * YEAR, max: 10 * YEAR }),
    }),
  },
);

function createWorld(folder: string, store: Store) {
  let truth = T0;
  let boots = 0;
  let epochs = 0;
  let made = 0;
  let time: SimulatedTime = createSimulatedTime();
  let buffer: SampleBuffer | undefined;

  const start = (): SampleBuffer => {
    const bytes = (count: number) => {
      const id = new Uint8Array(count);
      new DataView(id.buffer).setUint16(count - 2, ++epochs);
      return id;
    };
    const deps = {
      databases: createDatabases(),
      clock: time.clock,
      chance: { fraction: () => 0, bytes },
      log: () => {},
    };
    const opened = createSqliteBuffer(deps, { path: join(folder, "readings.db") });
    opened.declare(SCHEMA);
    return opened;
  };
  const powerOn = (wrongByMs: number): void => {
    buffer?.close();
    time = createSimulatedTime({ bootId: `boot-${++boots}`, bootMs: 0, wallMs: truth + wrongByMs });
    time.clock.trusted = false;
    buffer = start();
  };
  const arrive = async (offer: Offer): Promise<void> => {
    // Over a slow link.
    await wait(2_000);
    const at = { station: "lake", atMs: truth } as const;
    await store.write([{ ...at, ...factOf(offer) } as StoreEntry]);
  };
  const wait = async (ms: number): Promise<void> => {
    truth += ms;
    await time.advance(ms);
  };
  const send = async (isAcknowledged: boolean): Promise<void> => {
    for (const lane of ["urgent", "normal"] as const)
      for (let offer = buffer?.offer(lane, "now"); offer; offer = buffer?.offer(lane, "now")) {
        await arrive(offer);
        if (!isAcknowledged) break;
        buffer?.accept(offer);
      }
  };
  powerOn(-50 * YEAR);

  const happen = async (event: Event): Promise<void> => {
    switch (event.what) {
      case "read":
        await wait(10_000);
        made++;
        buffer?.append({ device: "pump", bootMs: time.clock.bootMs(), values: [truth - T0] });
        return buffer?.commit();
      case "alarm":
        return buffer?.appendAlarm({
          ...{ device: "pump", alarm: `a${truth}`, severity: "info", active: true },
          bootMs: time.clock.bootMs(),
          because: String(truth),
        });
      case "restart":
        buffer?.close();
        buffer = start();
        return;
      case "send":
      case "send-unacknowledged":
        return send(event.what === "send");
      case "synchronise":
        time.clock.stepWall(truth - time.clock.wallMs());
        time.clock.trusted = true;
        return;
      case "suspend":
        truth += event.ms;
        return time.suspend(event.ms);
      case "wait":
        // The clock of an untrusted boot may be set wrong at any time.
        if (!time.clock.trusted) time.clock.stepWall(event.wrongByMs);
        return wait(event.ms);
      case "power-off":
        truth += event.ms;
        return powerOn(event.wrongByMs);
    }
  };
  return { happen, made: () => made, close: () => buffer?.close() };
}

function factOf({ kind, payload }: Offer): object {
  if (kind === "batch") return { kind, batch: decodeBatch(payload, (hash) => (hash === HASH ? SCHEMA : undefined)) };
  if (kind === "alarms") return { kind, alarms: decodeAlarms(payload) };
  const message = decodeLedger(payload);
  return message.kind === "schema" ? { kind, hash: HASH, schema: SCHEMA } : message;
}

/** `late`: by how much a time may be too late at most. */
function expectTrue(time: number, truth: number, late: number | null | undefined): void {
  const offByMs = time - truth;
  expect(offByMs).toBeGreaterThanOrEqual(-2);
  if (late !== null) expect(offByMs).toBeLessThanOrEqual((late ?? 0) + 2);
}

async function expectTruth(store: Store): Promise<{ readonly rows: number; readonly unknown: number }> {
  const query = {
    station: "lake",
    device: "pump",
    fromMs: 0,
    toMs: T0 + 100 * YEAR,
    limit: 20_000,
    order: "asc",
  } as const;
  const readings = await store.readings(query);
  for (const [time, epoch, , value] of readings?.rows ?? [])
    expectTrue(time, T0 + Number(value), readings?.uncertain?.[readings.epochs[epoch] ?? ""]);
  for (const alarm of await store.alarms("lake", 1_000)) expectTrue(alarm.time, Number(alarm.because), alarm.uncertain);
  const unknown = Object.values(readings?.uncertain ?? {}).filter((late) => late === null).length;
  return { rows: readings?.rows.length ?? 0, unknown };
}

test("whatever a station's clock does, no wrong time is called right, and no estimate is further off than it says", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(events, { maxLength: 30, size: "max" }), async (history) => {
      const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "clock-truth-"));
      const store = createSqliteStore({ database: createBridgeDatabases().open(":memory:") });
      await store.addStation("lake", "credential", 0);
      const world = createWorld(folder, store);
      try {
        for (const event of history) {
          await world.happen(event);
          if (event.what.startsWith("send")) await expectTruth(store);
        }
        // In the end it gets its clock: everything is there, and dated or bracketed.
        const end = [
          { what: "synchronise" },
          { what: "read" },
          { what: "send" },
          { what: "read" },
          { what: "send" },
        ] as const;
        for (const event of end) await world.happen(event);
        expect(await expectTruth(store)).toEqual({ rows: world.made(), unknown: 0 });
      } finally {
        world.close();
        await store.close();
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});
