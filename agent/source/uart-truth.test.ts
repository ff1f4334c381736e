/**
 * The design's rules "UART truth" and "Writes are not reads", clause by clause: each test shows the failure that the
 * clause prevents. More of each stands in serial-source.test.ts, reports.test.ts and quirks.test.ts; `hupcl` in
 * linux/serial.test.ts; ids of commands and reading settings back at start, after a silence and every ten minutes in
 * twin/twin.test.ts.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { answering, createSerialBench } from "../testing/serial-bench.ts";
import {
  createSmallDevice,
  createSmallDeviceSide,
  createSmallProtocol,
  smallFrame,
  smallReport,
  whenIs,
} from "../testing/small-protocol.ts";

/** A device that counts how often its status was asked for: each level belongs to one request. */
function createCountingSide() {
  const far = createSmallDeviceSide();
  far.level = 0;
  return {
    far,
    /** With bits 3 to 5 of the code, which count the turns, repeated. */
    hear: (request: Uint8Array): Uint8Array => {
      const code = request[2]! & 0x47;
      if (code === 1) far.level = (far.level + 1) % 200;
      const answer = far.answer(code, request.subarray(4, -1))!;
      return smallFrame(1, request[2]! | 0x80, [...answer.subarray(4, -1)]);
    },
  };
}

/** Polls while each answer takes one of these times (ms), and says which levels were taken for which. */
async function pollWithDelays(delays: readonly number[], device = createSmallDevice()) {
  const { far, hear } = createCountingSide();
  let answer = 0;
  const { source, settled } = createSerialBench(
    (request) => [{ afterMs: delays[answer++ % delays.length]!, bytes: hear(request) }],
    [device],
  );
  const polls: { readonly level: unknown; readonly asked: number }[] = [];
  for (let poll = 0; poll < 8; poll++) {
    const { values } = await settled(source.poll());
    polls.push({ level: values[0], asked: far.level });
  }
  return polls;
}

describe("UART truth", () => {
  it("bytes waiting before a request go through the framer: a report is delivered, frames and noise are counted, none answers", async () => {
    const far = createSmallDeviceSide();
    const device = createSmallDevice({ protocol: createSmallProtocol({}, { reads: "mixed" }) });
    const { source, settled, serial, time } = createSerialBench(answering(far), [device]);
    await settled(source.poll());
    await time.advance(1_000);
    // A report, somebody else's frame, noise, and the answer that the next request will wait for.
    serial.say(smallReport(77, 0));
    serial.say(smallFrame(9, 0x81, [1, 1]));
    serial.say(Uint8Array.of(1, 2, 3));
    serial.say(smallFrame(1, 0x82, [199]));
    await time.advance(1);
    const { values } = await settled(source.poll());
    expect(values[2]).toBe(100);
    expect(source.health()).toMatchObject({ reports: 1, otherFrames: 2, strayBytes: 3 });
  });

  it("after a timeout the port stays quiet for the late time: no late answer passes for the next one (property)", async () => {
    // In time, too late by less than `late:`, at both ends of it.
    const delay = fc.oneof(fc.constantFrom(2, 99, 101, 150, 299), fc.integer({ min: 1, max: 299 }));
    await fc.assert(
      fc.asyncProperty(fc.array(delay, { minLength: 1, maxLength: 12 }), async (delays) => {
        for (const { level, asked } of await pollWithDelays(delays))
          expect([asked, missing("timeout")]).toContainEqual(level);
      }),
      { numRuns: 40 },
    );
  });

  it("without that quiet a late answer would shift every value to the next request", async () => {
    const hasty = createSmallDevice({ protocol: createSmallProtocol({ lateMs: 0, pauseBeforeNextMs: 0 }) });
    const polls = await pollWithDelays([105], hasty);
    expect(polls.some(({ level, asked }) => typeof level === "number" && level !== asked)).toBe(true);
  });

  it("a process that itself stood still reads what came meanwhile before it calls it silence, and waits no longer than that", async () => {
    for (const [afterMs, level] of [
      [110, 50],
      [140, missing("timeout")],
    ] as const) {
      const far = createSmallDeviceSide();
      const { source, settled, time } = createSerialBench((request) => [{ afterMs, bytes: far.hear(request)! }]);
      const polled = source.poll();
      await time.advance(50);
      // By the clock the time to answer was over long before anything could be read.
      time.suspend(300);
      expect((await settled(polled)).values[0]).toEqual(level);
    }
  });

  it("answers are matched by every field that is echoed: another address or code answers nothing", async () => {
    const far = createSmallDeviceSide();
    const { source, settled } = createSerialBench((request) => [
      { afterMs: 1, bytes: smallFrame(2, request[2]! | 0x80, [9, 9]) },
      { afterMs: 2, bytes: smallFrame(1, (request[2]! ^ 3) | 0x80, [8, 8]) },
      { afterMs: 4, bytes: far.hear(request)! },
    ]);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
  });

  it("answers are matched by their sequence number, which counts on with each try: later than `late:` is still not the next one's (property)", async () => {
    const protocol = createSmallProtocol({ lateMs: 0, pauseBeforeNextMs: 0 }, { hasSequence: true });
    // The small protocol's number has 3 bits: eight exchanges must last longer than the latest answer.
    const delay = fc.integer({ min: 60, max: 400 });
    await fc.assert(
      fc.asyncProperty(fc.array(delay, { minLength: 1, maxLength: 12 }), async (delays) => {
        for (const { level, asked } of await pollWithDelays(delays, createSmallDevice({ protocol })))
          expect([asked, missing("timeout")]).toContainEqual(level);
      }),
      { numRuns: 40 },
    );
  });

  it("every write has a deadline of its own: a port that takes no bytes is given up, named, and opened again", async () => {
    const { source, settled, serial, time } = createSerialBench(answering(createSmallDeviceSide()));
    serial.isStuck = true;
    expect((await settled(source.poll(), 2_000)).values[0]).toEqual(missing("port-absent"));
    expect(source.health().lastError?.what).toContain("stuck");
    serial.isStuck = false;
    await time.advance(2_000);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
  });
});

describe("Writes are not reads", () => {
  const writes = ({ serial }: ReturnType<typeof createSerialBench>, code: number) =>
    serial.written.filter(({ bytes }) => bytes[2] === code).length;

  it("reads are retried, a write never is: it is read back, and believed as it reads", async () => {
    const far = createSmallDeviceSide();
    const lost = new Set([2, 3]);
    const bench = createSerialBench((request) => {
      const bytes = far.hear(request)!;
      return lost.delete(request[2]!) ? [] : [{ afterMs: 2, bytes }];
    });
    expect(await bench.settled(bench.source.set("target", 200))).toEqual({ done: "applied", value: 200 });
    expect(writes(bench, 2)).toBe(3);
    expect(writes(bench, 3)).toBe(1);
  });

  it("a write that was lost is told as refused by its read-back, and is not sent again by us", async () => {
    const far = createSmallDeviceSide();
    const bench = createSerialBench((request) => (request[2] === 3 ? [] : [{ afterMs: 2, bytes: far.hear(request)! }]));
    expect(await bench.settled(bench.source.set("target", 200))).toMatchObject({ done: "refused", value: 100 });
    expect(writes(bench, 3)).toBe(1);
  });

  it("when nobody can say, the outcome is unknown", async () => {
    let isDead = false;
    const far = createSmallDeviceSide();
    const bench = createSerialBench((request) => {
      isDead ||= request[2] === 3;
      return isDead ? [] : [{ afterMs: 2, bytes: far.hear(request)! }];
    });
    expect(await bench.settled(bench.source.set("target", 200))).toMatchObject({ done: "unknown" });
    expect(writes(bench, 3)).toBe(1);
  });

  it("a command that isn't answered runs once, whatever its confirmation says", async () => {
    const far = createSmallDeviceSide();
    const bench = createSerialBench((request) => {
      if (request[2] === 4) return [];
      far.state = 1;
      return [{ afterMs: 2, bytes: far.hear(request)! }];
    });
    expect(await bench.settled(bench.source.command("stop"))).toMatchObject({ done: "unknown" });
    expect(writes(bench, 4)).toBe(1);
  });

  it("settings are written only where they differ", async () => {
    const bench = createSerialBench(answering(createSmallDeviceSide()));
    expect(await bench.settled(bench.source.set("target", 100))).toEqual({ done: "applied", value: 100 });
    expect(writes(bench, 3)).toBe(0);
  });

  it("an interlock is judged on a value read for that purpose; a poll from a moment ago doesn't count", async () => {
    const far = createSmallDeviceSide();
    const setting = createSmallDevice().settings[0]!;
    const device = createSmallDevice({ settings: [{ ...setting, onlyWhen: whenIs("state", 0) }] });
    const bench = createSerialBench(answering(far), [device]);
    expect((await bench.settled(bench.source.poll())).values[1]).toBe(0);
    far.state = 1;
    expect(await bench.settled(bench.source.set("target", 200))).toMatchObject({ done: "interlocked" });
    expect(writes(bench, 3)).toBe(0);
  });

  it("an interlock whose value is missing or stale refuses", async () => {
    const far = createSmallDeviceSide();
    const setting = createSmallDevice().settings[0]!;
    const settings = [{ ...setting, onlyWhen: whenIs("state", 0) }];
    const silent = createSerialBench(
      (request) => (request[2] === 1 ? [] : [{ afterMs: 2, bytes: far.hear(request)! }]),
      [createSmallDevice({ settings })],
    );
    expect(await silent.settled(silent.source.set("target", 200))).toMatchObject({ done: "interlocked" });
    expect(writes(silent, 3)).toBe(0);

    const protocol = createSmallProtocol({}, { reads: "mixed" });
    const reporting = createSerialBench(answering(far), [createSmallDevice({ settings, protocol })]);
    const polling = reporting.source.poll();
    await reporting.time.advance(1);
    reporting.serial.say(smallReport(50, 0));
    expect((await reporting.settled(polling)).values[1]).toBe(0);
    expect(await reporting.settled(reporting.source.set("target", 200))).toMatchObject({ done: "interlocked" });
    expect(writes(reporting, 3)).toBe(0);
  });
});
