import { describe, expect, it } from "vitest";
import { CloudError, type NextStep } from "../cloud/cloud.ts";
import { createMemoryCloud } from "../testing/memory-cloud.ts";
import { createQueueBuffer, SAMPLES_PER_MESSAGE } from "../testing/queue-buffer.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { encodeLedger } from "../wire/ledger.ts";
import type { LedgerMessage } from "../wire/messages.ts";
import { fractionOf, nextUploadAt, reconnectSpreadMs } from "./phase.ts";
import { createUplink, type UplinkConfig } from "./uplink.ts";

const MINUTE = 60_000;
function standUp(
  config: Partial<UplinkConfig> = {},
  options: { fraction?: number; isLateWaiting?: () => boolean } = {},
) {
  const time = createSimulatedTime();
  const cloud = createMemoryCloud(time);
  const queue = createQueueBuffer();
  const events: string[] = [];
  const pauses: number[] = [];
  const uplink = createUplink(
    {
      clock: time.clock,
      timers: time.timers,
      chance: { fraction: () => options.fraction ?? 0.5, bytes: (count) => new Uint8Array(count) },
      cloud: cloud.cloud,
      buffer: queue.buffer,
      ...(options.isLateWaiting && { isLateWaiting: options.isLateWaiting }),
      log: (_, event, fields) => {
        events.push(event);
        if (event === "uplink-away") pauses.push(Number(fields?.["pauseMs"]));
      },
    },
    { station: "demo-lake", intervalMs: 15 * MINUTE, ...config },
  );
  const controller = new AbortController();
  const running = uplink.run(controller.signal);
  return {
    ...time,
    ...queue,
    ...cloud,
    faults: cloud.faults,
    memory: cloud,
    uplink,
    running,
    controller,
    events,
    pauses,
  };
}

const fill = (queue: number[], count: number): void => {
  for (let n = 0; n < count; n++) queue.push(queue.length % 256);
};

describe("the uplink", () => {
  it("sends what waits as soon as it is connected, then once per interval at the station's phase", async () => {
    const { queues, accepted, advance, clock } = standUp();
    fill(queues.normal, 3);
    await advance(1);
    expect(accepted).toHaveLength(1);
    fill(queues.normal, 3);
    const due = nextUploadAt(clock.bootMs(), 15 * MINUTE, "demo-lake");
    await advance(due - clock.bootMs() - 1);
    expect(accepted).toHaveLength(1);
    await advance(2);
    expect(accepted).toHaveLength(2);
  });

  it("makes a connection of its own when it is told to, at once, and sends on it what waits", async () => {
    const { queues, accepted, advance, memory, uplink, pauses } = standUp();
    await advance(1);
    fill(queues.normal, 3);
    await advance(20 * 1_000);
    expect([memory.connects, accepted.length]).toEqual([1, 0]);
    uplink.reconnect();
    await advance(100);
    expect([memory.connects, accepted.length]).toEqual([2, 1]);
    expect(pauses).toEqual([]);
    await advance(60_000);
    expect(memory.connects).toBe(2);
  });

  it("sends nothing on such a connection while the hours are closed", async () => {
    const { queues, accepted, advance, memory, uplink } = standUp({ windows: { isOpen: () => false } });
    fill(queues.normal, 3);
    await advance(20_000);
    uplink.reconnect();
    await advance(20_000);
    expect([memory.connects, accepted.length]).toEqual([2, 0]);
    expect(uplink.isOpen()).toBe(false);
  });

  it("spreads stations over the interval, the same station always to the same phase", () => {
    const phases = Array.from({ length: 200 }, (_, n) => nextUploadAt(0, 15 * MINUTE, `station-${n}`) / (15 * MINUTE));
    for (const quarter of [0, 0.25, 0.5, 0.75]) {
      expect(phases.filter((phase) => phase >= quarter && phase < quarter + 0.25).length).toBeGreaterThan(25);
    }
    const first = nextUploadAt(0, 15 * MINUTE, "demo-lake");
    expect(nextUploadAt(first, 15 * MINUTE, "demo-lake") - first).toBeCloseTo(15 * MINUTE, 6);
    expect(fractionOf("demo-lake")).toBe(fractionOf("demo-lake"));
  });

  it("ten thousand stations: no second of the interval has more than a handful, and a reconnect is as spread", () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `lake-${n}`);
    const busiest = (times: readonly number[], slotMs: number): number => {
      const slots = new Map<number, number>();
      for (const ms of times) slots.set(Math.floor(ms / slotMs), (slots.get(Math.floor(ms / slotMs)) ?? 0) + 1);
      return Math.max(...slots.values());
    };
    const uploads = names.map((name) => nextUploadAt(0, 15 * MINUTE, name));
    // 11.1 a second on average; IoT Hub S1 takes 100. A minute has 667.
    expect(busiest(uploads, 1_000)).toBeLessThan(35);
    expect(busiest(uploads, MINUTE)).toBeLessThan(770);
    const reconnects = names.map((name) => reconnectSpreadMs(15 * MINUTE, name));
    expect(busiest(reconnects, 1_000)).toBeLessThan(1_150);
    // Whatever the moment at which they all ask for their next upload, and however long the interval.
    for (const startMs of [1, 7 * MINUTE + 13, 40_000_000]) {
      for (const intervalMs of [MINUTE, 15 * MINUTE, 60 * MINUTE]) {
        const times = names.map((name) => nextUploadAt(startMs, intervalMs, name));
        const fair = 10_000 / (intervalMs / 1_000);
        expect(busiest(times, 1_000)).toBeLessThan(fair + 6 * Math.sqrt(fair) + 6);
        expect(Math.min(...times)).toBeGreaterThan(startMs);
        expect(Math.max(...times)).toBeLessThanOrEqual(startMs + intervalMs);
      }
    }
  });

  it("with an interval of at most ten seconds there is no spread", () => {
    expect(nextUploadAt(1_234, 5_000, "any")).toBe(6_234);
    expect(nextUploadAt(1_234, 10_000, "other")).toBe(11_234);
  });

  it("between intervals only full messages go", async () => {
    const { queues, accepted, advance } = standUp();
    await advance(1);
    fill(queues.normal, SAMPLES_PER_MESSAGE + 4);
    await advance(10_000);
    expect(accepted.map(({ samples }) => samples.length)).toEqual([SAMPLES_PER_MESSAGE]);
    expect(queues.normal).toHaveLength(4);
  });

  it("a drain takes what waited when it began, not what trickles in while it runs", async () => {
    const { queues, accepted, advance, faults } = standUp();
    faults.publishMs = 100;
    fill(queues.normal, 25);
    for (let n = 0; n < 20; n++) {
      await advance(100);
      fill(queues.normal, 1);
    }
    // 25 waited: the third message takes the rest and what had come until it was sealed; what came later waits.
    expect(accepted.map(({ samples }) => samples.length)).toEqual([10, 10, 6]);
    expect(queues.normal).toHaveLength(19);
  });

  it("a drain ends with what there was: a backlog in another lane doesn't make later messages small", async () => {
    const { queues, accepted, advance } = standUp();
    fill(queues.late, 20);
    fill(queues.normal, 3);
    await advance(1);
    expect(accepted).toHaveLength(3);
    fill(queues.normal, 2);
    await advance(10_000);
    expect(queues.normal).toHaveLength(2);
  });

  it("an alarm goes at once, before a backlog", async () => {
    const { queues, accepted, advance, faults, uplink } = standUp();
    faults.publishMs = 100;
    fill(queues.normal, 200);
    await advance(350);
    fill(queues.urgent, 1);
    uplink.urgent();
    await advance(200);
    expect(accepted.map(({ lane }) => lane)).toEqual(["normal", "normal", "normal", "normal", "urgent"]);
    await advance(20_000);
    fill(queues.urgent, 1);
    uplink.urgent();
    await advance(101);
    expect(accepted.at(-1)?.lane).toBe("urgent");
  });

  it("late data gets one message in four while today's data waits too, and all of them when nothing else does", async () => {
    const { queues, accepted, advance } = standUp();
    fill(queues.normal, 60);
    fill(queues.late, 100);
    await advance(1);
    expect(accepted.slice(0, 8).map(({ lane }) => lane)).toEqual([
      "normal",
      "normal",
      "normal",
      "late",
      "normal",
      "normal",
      "normal",
      "late",
    ]);
    expect(queues.late).toEqual([]);
    expect(queues.normal).toEqual([]);
  });

  it("an acknowledgement that never comes closes the connection; the same message is sent again on the next", async () => {
    const { queues, accepted, advance, faults, far, memory } = standUp({ intervalMs: 5_000 });
    faults.loseAcknowledgements = true;
    fill(queues.normal, 3);
    await advance(29_000);
    expect(accepted).toEqual([]);
    expect(memory.connects).toBe(1);
    faults.loseAcknowledgements = false;
    await advance(3_000);
    expect(memory.connects).toBe(2);
    expect(accepted).toHaveLength(1);
    expect(far.messages).toHaveLength(2);
    expect(far.messages[1]?.payload).toEqual(far.messages[0]?.payload);
  });

  it("what was being sent when the link ended is said, not only that it ended", async () => {
    const { queues, advance, faults, memory, uplink } = standUp({ intervalMs: 5_000 });
    faults.publishError = () => {
      memory.cut("the broker closed the connection");
      return new CloudError("reconnect", "publish 3 bytes: connection closed; the policy may not allow it");
    };
    fill(queues.normal, 1);
    await advance(6_000);
    expect(uplink.status().lastError).toContain("the policy may not allow it");
  });

  it("backs off with full jitter up to ten minutes while the cloud is away, and comes back", async () => {
    const { advance, faults, pauses, uplink, queues, accepted } = standUp({ intervalMs: 5_000 }, { fraction: 1 });
    faults.connectError = new CloudError("retry", "connect: ECONNREFUSED");
    await advance(2_300_000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600].map((s) => s * 1_000));
    expect(uplink.status()).toMatchObject({ connected: false, lastError: "connect: ECONNREFUSED" });
    faults.connectError = undefined;
    fill(queues.normal, 1);
    uplink.linkUp();
    await advance(1);
    expect(accepted).toHaveLength(1);
    expect(uplink.status()).toMatchObject({ connected: true, messages: 1, bytes: 1, readings: 3 });
  });

  it("a month of late data drains without any of today's data being late, and alarms pass it all", async () => {
    const { queues, accepted, advance, faults, uplink } = standUp();
    faults.publishMs = 200;
    fill(queues.late, 26_000);
    await advance(1);
    for (let quarter = 0; quarter < 4; quarter++) {
      fill(queues.normal, 30);
      const before = accepted.length;
      await advance(15 * MINUTE);
      const lanes = accepted.slice(before).map(({ lane }) => lane);
      expect(lanes.filter((lane) => lane === "normal")).toHaveLength(3);
      expect(queues.normal).toEqual([]);
      fill(queues.urgent, 1);
      uplink.urgent();
      // One message is under way; the alarm is the next.
      await advance(401);
      expect(accepted.slice(-2).map(({ lane }) => lane)).toContain("urgent");
    }
    expect(queues.late).toEqual([]);
  });

  it("a message that the cloud refuses for good is handed back as refused, and the next one goes", async () => {
    const { queues, refused, accepted, advance, faults } = standUp();
    let first = true;
    faults.publishError = () => {
      if (!first) return undefined;
      first = false;
      return new CloudError("drop-and-report", "413 too large");
    };
    fill(queues.normal, 15);
    await advance(1);
    expect(refused).toEqual(["413 too large"]);
    expect(accepted.map(({ samples }) => samples.length)).toEqual([5]);
  });

  it.each<[NextStep, number, number]>([
    ["retry", 1, 5_000],
    ["retry-after", 1, 21_000],
    ["reconnect", 2, 15_000],
    ["reprovision", 2, 15_000],
    ["stop", 2, 601_000],
  ])("an error that says %s leads to %i connection(s) and loses nothing", async (next, connects, withinMs) => {
    const { queues, accepted, advance, faults, memory } = standUp();
    let failed = false;
    faults.publishError = () => {
      if (failed) return undefined;
      failed = true;
      return new CloudError(next, "once", { afterMs: 20_000 });
    };
    fill(queues.normal, 3);
    await advance(0);
    expect(accepted).toEqual([]);
    await advance(withinMs);
    expect(accepted).toHaveLength(1);
    expect(memory.connects).toBe(connects);
  });

  it("retry-after doesn't wake early for an alarm", async () => {
    const { queues, accepted, advance, faults, uplink } = standUp();
    let failed = false;
    faults.publishError = () => {
      if (failed) return undefined;
      failed = true;
      return new CloudError("retry-after", "429", { afterMs: 20_000 });
    };
    fill(queues.normal, 3);
    await advance(1);
    fill(queues.urgent, 1);
    uplink.urgent();
    await advance(19_000);
    expect(accepted).toEqual([]);
    await advance(2_001);
    expect(accepted.map(({ lane }) => lane)).toEqual(["urgent", "normal"]);
  });

  it("a cloud that says again and again that it is too much is asked ever less often, and gets all of it in the end", async () => {
    const { queues, accepted, advance, faults, clock, memory } = standUp({}, { fraction: 1 });
    const askedAt: number[] = [];
    faults.publishError = () => {
      askedAt.push(clock.bootMs());
      return askedAt.length <= 8 ? new CloudError("retry-after", "quota exceeded", { afterMs: 30_000 }) : undefined;
    };
    fill(queues.normal, 25);
    await advance(1_200_000);
    const pauses = askedAt.slice(1, 9).map((at, n) => Math.round((at - (askedAt[n] ?? 0)) / 1000));
    expect(pauses).toEqual([31, 32, 34, 38, 46, 62, 94, 158]);
    expect(accepted.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(25);
    expect(memory.connects).toBe(1);
  });

  it("a cloud that hangs up and wants to be left alone is left alone, longer each time", async () => {
    const { advance, memory, pauses } = standUp({}, { fraction: 1 });
    for (const patienceMs of [30_000, 30_000, 30_000]) {
      await advance(1);
      memory.cut("the server is busy", patienceMs);
      await advance(patienceMs);
      expect(memory.connected).toBe(false);
      await advance(20_000);
      expect(memory.connected).toBe(true);
    }
    expect(pauses.map((ms, n) => Math.round((ms - (pauses[0] ?? 0)) / 1000) - n)).toEqual([0, 0, 1]);
  });

  it("send-now says how much went, and rejects when there is no way", async () => {
    const { queues, advance, uplink, faults, memory } = standUp();
    await advance(1);
    fill(queues.normal, 13);
    const sent = uplink.sendNow();
    await advance(1);
    expect(await sent).toEqual({ messages: 2, bytes: 13 });
    faults.connectError = new CloudError("retry", "no route");
    memory.cut();
    await advance(1);
    const failed = expect(uplink.sendNow()).rejects.toThrow("no route");
    await advance(1);
    await failed;
  });

  it("a shorter interval takes effect at once", async () => {
    const { queues, accepted, advance, uplink } = standUp();
    await advance(1);
    fill(queues.normal, 1);
    uplink.setInterval(5_000);
    await advance(5_001);
    expect(accepted).toHaveLength(1);
    expect(uplink.status().intervalMs).toBe(5_000);
  });

  it("hands ledger messages to the buffer, and survives one that can't be read", async () => {
    const { ledger, far, advance, events } = standUp();
    await advance(1);
    far.sendLedger(Uint8Array.of(1, 2, 3));
    const wanted: LedgerMessage = { kind: "schema-wanted", hashes: ["0123456789abcdef"] };
    far.sendLedger(encodeLedger(wanted));
    await advance(1);
    expect(ledger).toEqual([wanted]);
    expect(events).toContain("ledger-undecodable");
  });

  it("tells listeners of each connection and of its end", async () => {
    const { uplink, memory, advance } = standUp({ intervalMs: 5_000 });
    await advance(1);
    const seen: boolean[] = [];
    uplink.onConnection((connection) => seen.push(connection !== undefined));
    memory.cut();
    await advance(2_000);
    expect(seen).toEqual([true, false, true]);
  });

  it("outside its windows only alarms go; send-now and the window let the rest out", async () => {
    const open = { now: false };
    const { queues, accepted, advance, uplink } = standUp({ intervalMs: 5_000, windows: { isOpen: () => open.now } });
    fill(queues.normal, 30);
    fill(queues.urgent, 1);
    await advance(MINUTE);
    expect(accepted.map(({ lane }) => lane)).toEqual(["urgent"]);
    const sent = uplink.sendNow();
    await advance(1);
    expect((await sent).messages).toBe(3);
    fill(queues.normal, 1);
    await advance(MINUTE);
    expect(queues.normal).toHaveLength(1);
    open.now = true;
    await advance(10_000);
    expect(queues.normal).toEqual([]);
  });

  it("while the month's budget is short what is late waits, and today's data and alarms don't", async () => {
    const budget = { isShort: true };
    const { queues, accepted, advance } = standUp({ intervalMs: 5_000 }, { isLateWaiting: () => budget.isShort });
    fill(queues.late, 30);
    fill(queues.normal, 3);
    fill(queues.urgent, 1);
    await advance(MINUTE);
    expect(accepted.map(({ lane }) => lane)).toEqual(["urgent", "normal"]);
    budget.isShort = false;
    await advance(MINUTE);
    expect(queues.late).toEqual([]);
  });

  it("a window can't hold data back when no clock can be trusted", async () => {
    const { queues, accepted, advance, clock } = standUp({ intervalMs: 5_000, windows: { isOpen: () => false } });
    clock.trusted = false;
    fill(queues.normal, 1);
    await advance(10_000);
    expect(accepted).toHaveLength(1);
  });

  it("stops at once, also with a publish under way, and closes the connection", async () => {
    const { queues, advance, faults, running, controller, memory } = standUp();
    faults.loseAcknowledgements = true;
    fill(queues.normal, 1);
    await advance(1);
    controller.abort(new Error("SIGTERM"));
    await running;
    expect(memory.connected).toBe(false);
  });
});
