import type { Alarm } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { REPORT_AT_ONCE_EVERY_MS, REPORT_WAIT_MS } from "../limits.ts";
import { missing } from "../reading.ts";
import { answering, createSerialBench } from "../testing/serial-bench.ts";
import {
  createSmallDevice,
  createSmallDeviceSide,
  createSmallProtocol,
  type SmallOptions,
  smallFrame,
  smallReport,
  whenAbove,
} from "../testing/small-protocol.ts";

const deviceThat = (reads: SmallOptions["reads"], more: Parameters<typeof createSmallDevice>[0] = {}) => {
  const { channels } = createSmallDevice();
  return createSmallDevice({
    protocol: createSmallProtocol({}, { reads: reads ?? "asked" }),
    everyMs: 30_000,
    ...(reads === "reported" && { channels: channels.slice(0, 2) }),
    ...more,
  });
};

const unchanged = missing("unchanged");
const timeout = missing("timeout");

describe("a device that only sends by itself", () => {
  it("gives the newest report since the poll before, with the time at which it came", async () => {
    const { source, settled, serial, time } = createSerialBench(() => [], [deviceThat("reported")]);
    const first = source.poll();
    await time.advance(500);
    serial.say(smallReport(50, 0));
    const cameMs = time.clock.bootMs();
    await time.advance(1);
    expect(await settled(first)).toMatchObject({ values: [50, 0], bootMs: cameMs });
    serial.say(smallReport(51, 0));
    await time.advance(5_000);
    serial.say(smallReport(52, 0));
    const secondMs = time.clock.bootMs();
    await time.advance(20_000);
    expect(await settled(source.poll())).toMatchObject({ values: [52, 0], bootMs: secondMs });
    expect(serial.written).toEqual([]);
    expect(source.health()).toMatchObject({ polls: 2, good: 2, reports: 3, strayBytes: 0, otherFrames: 0 });
  });

  it("never gives an old value a new time: without a new report it waits for one, then says timeout", async () => {
    const { source, settled, serial, time } = createSerialBench(() => [], [deviceThat("reported", { everyMs: 2_000 })]);
    const first = source.poll();
    await time.advance(10);
    serial.say(smallReport(50, 0));
    expect((await settled(first)).values).toEqual([50, 0]);
    const startMs = time.clock.bootMs();
    expect((await settled(source.poll())).values).toEqual([unchanged, unchanged]);
    expect(time.clock.bootMs() - startMs).toBeGreaterThanOrEqual(2_000);
    await time.advance(REPORT_WAIT_MS);
    expect((await settled(source.poll())).values).toEqual([timeout, timeout]);
    const third = source.poll();
    await time.advance(100);
    serial.say(smallReport(53, 1));
    expect((await settled(third)).values).toEqual([53, 1]);
  });

  it("puts a report together that comes in pieces", async () => {
    const { source, settled, serial, time } = createSerialBench(() => [], [deviceThat("reported")]);
    const polling = source.poll();
    await time.advance(10);
    for (const byte of smallReport(7, 1)) {
      serial.say(Uint8Array.of(byte));
      await time.advance(50);
    }
    expect((await settled(polling)).values).toEqual([7, 1]);
  });

  it("of a port that is absent says so at once, and speaks again when the port is back, without being asked", async () => {
    const { source, settled, serial, time, told } = createSerialBench(() => [], [deviceThat("reported")]);
    serial.failure = "absent";
    const startMs = time.clock.bootMs();
    expect((await settled(source.poll())).values).toEqual([missing("port-absent"), missing("port-absent")]);
    expect(time.clock.bootMs() - startMs).toBeLessThan(10);
    serial.plug();
    await time.advance(5_000);
    serial.say(smallReport(50, 0));
    await time.advance(1);
    expect(told.map(({ values }) => values)).toEqual([[50, 0]]);
  });

  it("whose port vanishes is missing by name, and resumes when it returns", async () => {
    const { source, settled, serial, time, told, logged } = createSerialBench(() => [], [deviceThat("reported")]);
    const first = source.poll();
    await time.advance(10);
    serial.say(smallReport(50, 0));
    await settled(first);
    const waiting = source.poll();
    await time.advance(100);
    serial.say(smallReport(51, 0).subarray(0, 3));
    serial.unplug();
    expect((await settled(waiting, 100)).values).toEqual([missing("port-absent"), missing("port-absent")]);
    await time.advance(120_000);
    serial.plug();
    await time.advance(31_000);
    // The beginning that was heard before must not swallow what comes now.
    serial.say(smallReport(52, 0));
    await time.advance(1);
    expect(told.at(-1)?.values).toEqual([52, 0]);
    expect(logged.filter((event) => event === "port-opened")).toHaveLength(2);
  });

  it("at another speed than the description says shows by its bytes that make no frame", async () => {
    const { source, settled, serial, time } = createSerialBench(() => [], [deviceThat("reported")]);
    const polling = source.poll();
    for (let second = 0; second < 10; second++) {
      await time.advance(900);
      serial.say(new Uint8Array(20).fill(0xf7));
    }
    expect((await settled(polling)).values).toEqual([timeout, timeout]);
    await settled(source.poll());
    expect(source.health()).toMatchObject({ strayBytes: 200, otherFrames: 0, reports: 0, timeouts: 2 });
    expect(source.health().lastError?.what).toContain("sends by itself: nothing within 10000 ms");
  });

  it("holds up nobody who wants to stop", async () => {
    const { source, port, settled, time } = createSerialBench(() => [], [deviceThat("reported")]);
    const polling = source.poll();
    await time.advance(10);
    source.interrupt?.();
    expect((await settled(polling, 10)).values).toEqual([unchanged, unchanged]);
    await source.close();
    await settled(port.close());
    expect(time.waiting).toBe(0);
  });
});

describe("reports between requests", () => {
  it("are heard before a request, between it and its answer, and after it; what is asked for comes all the same", async () => {
    const far = createSmallDeviceSide();
    let level = 1;
    const { source, settled, serial, time } = createSerialBench(
      (request) => [
        { afterMs: 2, bytes: smallReport(level, 0) },
        { afterMs: 4, bytes: far.hear(request)! },
        { afterMs: 6, bytes: smallReport(level + 1, 0) },
      ],
      [deviceThat("mixed")],
    );
    expect((await settled(source.poll())).values).toEqual([1, 0, 100]);
    await time.advance(100);
    level = 10;
    serial.say(smallReport(9, 0));
    await time.advance(100);
    expect((await settled(source.poll())).values).toEqual([10, 0, 100]);
    await time.advance(100);
    expect((await settled(source.poll())).values[0]).toBe(10);
    expect(source.health()).toMatchObject({ reports: 6, strayBytes: 0, otherFrames: 0, timeouts: 0 });
  });

  it("in one portion with the answer lose nothing, and keep the time of their arrival", async () => {
    const far = createSmallDeviceSide();
    const { source, settled, time } = createSerialBench(
      (request) => [
        { afterMs: 2, bytes: Uint8Array.of(...smallReport(8, 0), ...far.hear(request)!, ...smallReport(9, 0)) },
      ],
      [deviceThat("mixed")],
    );
    const startMs = time.clock.bootMs();
    const sample = await settled(source.poll());
    expect(sample.values).toEqual([9, 0, 100]);
    expect(sample.bootMs - startMs).toBeLessThan(5);
  });

  it("don't hide that the device gives no answer", async () => {
    const { source, settled, serial, time } = createSerialBench(() => [], [deviceThat("mixed")]);
    const polling = source.poll();
    await time.advance(50);
    serial.say(smallReport(8, 0));
    const cameMs = time.clock.bootMs();
    expect(await settled(polling)).toMatchObject({ values: [8, 0, timeout], bootMs: cameMs });
  });

  it("are unchanged for some intervals, then timeout, while the answers still come", async () => {
    const far = createSmallDeviceSide();
    const { source, settled, serial, time } = createSerialBench(answering(far), [deviceThat("mixed")]);
    await settled(source.poll());
    serial.say(smallReport(8, 0));
    await time.advance(30_000);
    // The silence before is ended by the report at once; the poll doesn't tell it again.
    expect((await settled(source.poll())).values).toEqual([unchanged, unchanged, 100]);
    await time.advance(60_000);
    expect((await settled(source.poll())).values).toEqual([timeout, timeout, 100]);
  });

  it("of several devices on one line reach each its own, and the rest is counted", async () => {
    const far = createSmallDeviceSide(3);
    const devices = [
      deviceThat("reported", { name: "one", address: 1 }),
      deviceThat("reported", { name: "two", address: 2 }),
      createSmallDevice({ name: "asked", address: 3 }),
    ];
    const { sources, settled, serial, time } = createSerialBench(answering(far), devices);
    const polling = Promise.all([sources[0]!.poll(), sources[1]!.poll()]);
    await time.advance(20);
    serial.say(Uint8Array.of(...smallReport(1, 0, 1), ...smallReport(2, 1, 2), ...smallReport(4, 1, 4), 0, 0));
    expect((await settled(polling)).map(({ values }) => values)).toEqual([
      [1, 0],
      [2, 1],
    ]);
    await time.advance(100);
    expect((await settled(sources[2]!.poll())).values).toEqual([50, 0, 100]);
    expect(sources[2]!.health()).toMatchObject({ otherFrames: 1, strayBytes: 2 });
    expect(sources[0]!.health()).toMatchObject({ reports: 1 });
  });

  it("are heard at their own speed again after a device of another speed was asked", async () => {
    const far = createSmallDeviceSide(3);
    const slow = createSmallDevice({ address: 3, protocol: createSmallProtocol({}, { baudRate: 9_600 }) });
    const { sources, settled, serial, time, logged } = createSerialBench(answering(far, 30), [
      deviceThat("reported"),
      slow,
    ]);
    const first = sources[0]!.poll();
    await time.advance(10);
    serial.say(smallReport(1, 0));
    await settled(first);
    const waiting = sources[0]!.poll();
    expect((await settled(sources[1]!.poll())).values).toEqual([50, 0, 100]);
    expect(logged.filter((event) => event === "port-opened")).toHaveLength(3);
    await time.advance(10);
    serial.say(smallReport(2, 0));
    expect((await settled(waiting)).values).toEqual([2, 0]);
  });
});

describe("a report that must not wait for the next poll", () => {
  const started = async (device = deviceThat("mixed")) => {
    const bench = createSerialBench(answering(createSmallDeviceSide()), [device]);
    await bench.settled(bench.source.poll());
    bench.serial.say(smallReport(50, 0));
    await bench.time.advance(REPORT_AT_ONCE_EVERY_MS);
    await bench.settled(bench.source.poll());
    bench.told.length = 0;
    return bench;
  };

  it("changes a state: it is told at once, with its own time and the other channels unchanged", async () => {
    const { serial, time, told, source, settled } = await started();
    serial.say(smallReport(60, 0));
    await time.advance(10);
    expect(told).toEqual([]);
    serial.say(smallReport(61, 1));
    await time.advance(1);
    expect(told.map(({ values }) => values)).toEqual([[61, 1, unchanged]]);
    expect(told[0]?.bootMs).toBe(time.clock.bootMs() - 1);
    expect((await settled(source.poll())).values).toEqual([unchanged, unchanged, 100]);
  });

  it("decides an alarm differently", async () => {
    const alarm: Alarm = { name: "high", when: whenAbove("level", 90), forMs: 0, severity: "critical" };
    const { serial, time, told } = await started(deviceThat("mixed", { alarms: [alarm] }));
    serial.say(smallReport(89, 0));
    await time.advance(1);
    expect(told).toEqual([]);
    serial.say(smallReport(91, 0));
    await time.advance(1);
    expect(told.map(({ values }) => values)).toEqual([[91, 0, unchanged]]);
  });

  it("chatters: it is told once a second, and the last state is never lost", async () => {
    const { serial, time, told } = await started();
    for (let ms = 0; ms < 10_000; ms += 10) {
      serial.say(smallReport(ms % 200, ms % 20 === 0 ? 1 : 0));
      await time.advance(10);
    }
    expect(told.length).toBeLessThanOrEqual(11);
    serial.say(smallReport(77, 1));
    await time.advance(REPORT_AT_ONCE_EVERY_MS);
    expect(told.at(-1)?.values.slice(0, 2)).toEqual([77, 1]);
    expect(told.map(({ bootMs }) => bootMs)).toEqual(told.map(({ bootMs }) => bootMs).sort((a, b) => a - b));
  });
});

describe("a device that sends noise for ever", () => {
  it("neither starves the others on its line nor grows memory, and is counted", async () => {
    const far = createSmallDeviceSide(3);
    const devices = [deviceThat("reported"), createSmallDevice({ address: 3 })];
    const { sources, settled, serial, time } = createSerialBench(answering(far), devices);
    const first = sources[0]!.poll();
    let isOver = false;
    const babble = (): void => {
      serial.say(new Uint8Array(64).fill(0x55));
      if (!isOver) time.timers.after(20, babble);
    };
    await time.advance(1);
    babble();
    let good = 0;
    for (let poll = 0; poll < 50; poll++) {
      const { values } = await settled(sources[1]!.poll());
      if (values.every((value) => typeof value === "number")) good++;
      await time.advance(1_000);
    }
    isOver = true;
    await settled(first);
    expect(sources[1]!.health().strayBytes).toBeGreaterThan(100_000);
    expect(good).toBe(50);
  });
});

describe("writes to a device that reports its state", () => {
  it("judge an interlock on the next report, not on one from before, and refuse without one", async () => {
    const setting = createSmallDevice().settings[0]!;
    const far = createSmallDeviceSide();
    const device = deviceThat("mixed", { settings: [{ ...setting, onlyWhen: whenAbove("level", 40) }] });
    const { source, settled, serial, time } = createSerialBench(answering(far), [device]);
    const polling = source.poll();
    await time.advance(1);
    serial.say(smallReport(50, 0));
    await settled(polling);
    expect(await settled(source.set("target", 200))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/missing/),
    });
    const held = source.set("target", 200);
    await time.advance(100);
    serial.say(smallReport(30, 0));
    expect(await settled(held)).toMatchObject({ done: "interlocked", reason: expect.stringMatching(/does not hold/) });
    const passed = source.set("target", 200);
    await time.advance(100);
    serial.say(smallReport(50, 0));
    expect(await settled(passed)).toEqual({ done: "applied", value: 200 });
  });

  it("confirm a command by the report that it caused", async () => {
    const far = createSmallDeviceSide();
    const { source, settled } = createSerialBench(
      (request) => {
        const answer = { afterMs: 2, bytes: far.hear(request)! };
        return request[2] === 4 ? [answer, { afterMs: 300, bytes: smallReport(1, 0) }] : [answer];
      },
      [deviceThat("mixed")],
    );
    expect(await settled(source.command("stop"))).toMatchObject({ done: "confirmed" });
  });
});

it("frames that are nobody's are told from noise also on a line with reports", async () => {
  const far = createSmallDeviceSide();
  const { source, settled, serial, time } = createSerialBench(answering(far), [deviceThat("mixed")]);
  await settled(source.poll());
  serial.say(smallFrame(9, 0x81, [1, 1]));
  await time.advance(100);
  await settled(source.poll());
  expect(source.health()).toMatchObject({ otherFrames: 1, strayBytes: 0 });
});
