import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import { answering, createSerialBench as createBench } from "../testing/serial-bench.ts";
import {
  createSmallDevice,
  createSmallDeviceSide,
  createSmallProtocol,
  smallFrame,
  whenBelow,
  whenIs,
} from "../testing/small-protocol.ts";

describe("reading a device", () => {
  it("merges all reads of a poll into one sample in the order of the channels", async () => {
    const { source, settled, serial } = createBench(answering(createSmallDeviceSide()));
    const sample = await settled(source.poll());
    expect(sample.values).toEqual([50, 0, 100]);
    expect(serial.written.map(({ bytes }) => bytes[2])).toEqual([1, 2]);
  });

  it("dates the sample by the moment when its bytes were complete", async () => {
    const { source, settled, time } = createBench((request) => {
      const whole = createSmallDeviceSide().hear(request)!;
      return [
        { afterMs: 10, bytes: whole.subarray(0, 3) },
        { afterMs: 40, bytes: whole.subarray(3) },
      ];
    });
    const startMs = time.clock.bootMs();
    const { bootMs } = await settled(source.poll());
    expect(bootMs - startMs).toBeGreaterThanOrEqual(80);
    expect(bootMs - startMs).toBeLessThan(100);
  });

  it("asks a silent device once more, then leaves the rest of the poll, and names every channel timeout", async () => {
    const { source, settled, serial } = createBench(() => []);
    const sample = await settled(source.poll());
    expect(sample.values).toEqual([missing("timeout"), missing("timeout"), missing("timeout")]);
    expect(serial.written.map(({ bytes }) => bytes[2])).toEqual([1, 1]);
    expect(source.health()).toMatchObject({ polls: 1, good: 0, timeouts: 2 });
    expect(source.health().lastError?.what).toContain("read status");
  });

  it("reads once more after a bad checksum, and says checksum when it is bad again", async () => {
    const device = createSmallDeviceSide();
    let spoil = 1;
    const { source, settled } = createBench((request) => {
      const bytes = Uint8Array.from(device.hear(request)!);
      if (spoil-- > 0) bytes[4]! ^= 1;
      return [{ afterMs: 2, bytes }];
    });
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    spoil = 2;
    expect((await settled(source.poll())).values).toEqual([missing("checksum"), missing("checksum"), 100]);
    expect(source.health().checksumErrors).toBe(3);
  });

  it("makes a request that can't be built from the newest values a named reason, not the end of the process", async () => {
    const whole = createSmallDevice();
    const read = (): never => {
      throw new RangeError("{row}: 70000 doesn't fit u16");
    };
    const { source, settled } = createBench(() => [], [{ ...whole, protocol: { ...whole.protocol, read } }]);
    expect((await settled(source.poll())).values[0]).toEqual(missing("malformed"));
    expect(source.health().lastError?.what).toContain("70000 doesn't fit");
  });

  it("tells an answer that breaks off from silence", async () => {
    const { source, settled } = createBench(() => [{ afterMs: 2, bytes: Uint8Array.of(0xa5, 1, 0x81) }]);
    expect((await settled(source.poll())).values[0]).toEqual(missing("malformed"));
    expect(source.health().timeouts).toBe(0);
  });

  it("waits for the end of an answer that has begun, however slowly it comes", async () => {
    const { source, settled } = createBench((request) =>
      [...createSmallDeviceSide().hear(request)!].map((byte, at) => ({
        afterMs: 25 * (at + 1),
        bytes: Uint8Array.of(byte),
      })),
    );
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
  });

  it("keeps the device's own number of a refusal, and asks for the rest", async () => {
    const device = createSmallDeviceSide();
    const { source, settled, serial } = createBench((request) => [
      { afterMs: 2, bytes: request[2] === 1 ? smallFrame(1, 0xff, [7]) : device.hear(request)! },
    ]);
    expect((await settled(source.poll())).values).toEqual([missing("refused", 7), missing("refused", 7), 100]);
    expect(serial.written).toHaveLength(2);
  });

  it("never takes a late answer for the next one", async () => {
    // Each answer comes 150 ms after its request: too late for it (100 ms), in time to pass for the retry's.
    const device = createSmallDeviceSide();
    let level = 0;
    const { source, settled, serial } = createBench((request) => {
      device.level = ++level;
      return [{ afterMs: 150, bytes: device.hear(request)! }];
    });
    const sample = await settled(source.poll());
    expect(sample.values[0]).toEqual(missing("timeout"));
    const [first, second] = serial.written;
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(100 + 200);
    await settled(source.poll());
    expect(source.health().otherFrames).toBeGreaterThanOrEqual(2);
  });

  it("asks nothing while a late answer is still arriving", async () => {
    const device = createSmallDeviceSide();
    let isFirst = true;
    const { source, settled } = createBench((request) => {
      const whole = device.hear(request)!;
      if (!isFirst) return [{ afterMs: 2, bytes: whole }];
      isFirst = false;
      // Begins to arrive just before the quiet time (100 + 200 ms) ends, and ends after it.
      return [...whole].map((byte, at) => ({ afterMs: 298 + 2 * at, bytes: Uint8Array.of(byte) }));
    });
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    expect(source.health()).toMatchObject({ strayBytes: 0, checksumErrors: 0, otherFrames: 1 });
  });

  it("counts bytes that waited before the request, frames and noise apart, and answers nothing with them", async () => {
    const { source, settled, serial, time } = createBench(answering(createSmallDeviceSide()));
    await settled(source.poll());
    serial.say(smallFrame(1, 0x81, [199, 1]));
    serial.say(smallFrame(9, 0x81, [1, 1]));
    await time.advance(50);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    serial.say(Uint8Array.of(1, 2, 3));
    await settled(source.poll());
    expect(source.health()).toMatchObject({ strayBytes: 3, checksumErrors: 0 });
    expect(source.health().otherFrames).toBeGreaterThanOrEqual(1);
  });

  it("takes another device's frame for what it is", async () => {
    const device = createSmallDeviceSide();
    const { source, settled } = createBench((request) => [
      { afterMs: 1, bytes: smallFrame(2, 0x81, [9, 9]) },
      { afterMs: 4, bytes: device.hear(request)! },
    ]);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    expect(source.health().otherFrames).toBe(2);
  });
});

describe("sharing a line", () => {
  it("lets one conversation end before the next begins, in fair turns", async () => {
    const one = createSmallDeviceSide(1);
    const two = createSmallDeviceSide(2);
    const { sources, settled, serial } = createBench(
      (request) => [{ afterMs: 5, bytes: (one.hear(request) ?? two.hear(request))! }],
      [createSmallDevice({ name: "one" }), createSmallDevice({ name: "two", address: 2 })],
    );
    const again = sources[0]!.poll().then(() => sources[0]!.poll());
    await settled(Promise.all([again, sources[1]!.poll(), sources[1]!.poll()]));
    expect(serial.written.map(({ bytes }) => bytes[1])).toEqual([1, 1, 2, 2, 2, 2, 1, 1]);
  });

  it("opens the line anew for a device of another speed", async () => {
    const far = createSmallDeviceSide();
    const fast = createSmallProtocol();
    const slow = { ...fast, settings: { ...fast.settings, baudRate: 9_600 } };
    const devices = [createSmallDevice(), createSmallDevice({ name: "slow", protocol: slow })];
    const { sources, settled, serial } = createBench(answering(far), devices);
    expect((await settled(sources[0]!.poll())).values).toEqual([50, 0, 100]);
    expect((await settled(sources[1]!.poll())).values).toEqual([50, 0, 100]);
    await settled(sources[1]!.poll());
    expect(serial.opened).toBe(2);
  });
});

describe("a port that fails", () => {
  it("is named, comes back by itself, and is tried with back-off only", async () => {
    const { source, settled, serial, time, logged } = createBench(answering(createSmallDeviceSide()));
    serial.failure = "busy";
    expect((await settled(source.poll())).values[0]).toEqual(missing("busy"));
    serial.failure = "denied";
    expect((await settled(source.poll())).values[0]).toEqual(missing("busy"));
    expect(logged.filter((event) => event === "port-failed")).toHaveLength(1);
    await time.advance(1_000);
    expect((await settled(source.poll())).values[0]).toEqual(missing("port-absent"));
    serial.failure = undefined;
    await time.advance(2_000);
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
  });

  it("is noticed in the middle of a conversation, at once", async () => {
    const { source, settled, serial, time } = createBench(() => []);
    const polling = source.poll();
    await time.advance(20);
    serial.unplug();
    expect((await settled(polling, 20)).values).toEqual([
      missing("port-absent"),
      missing("port-absent"),
      missing("port-absent"),
    ]);
  });

  it("that takes no bytes is given up after the write's deadline", async () => {
    const { source, settled, serial } = createBench(answering(createSmallDeviceSide()));
    serial.isStuck = true;
    expect((await settled(source.poll(), 2_000)).values[0]).toEqual(missing("port-absent"));
    expect(source.health().lastError?.what).toContain("stuck");
  });
});

describe("setting a value", () => {
  it("reads first, writes once, reads back", async () => {
    const far = createSmallDeviceSide();
    const { source, settled, serial } = createBench(answering(far));
    expect(await settled(source.set("target", 200))).toEqual({ done: "applied", value: 200 });
    expect(far.target).toBe(200);
    expect(serial.written.map(({ bytes }) => bytes[2])).toEqual([2, 3, 2]);
  });

  it("writes nothing when it is so already", async () => {
    const { source, settled, serial } = createBench(answering(createSmallDeviceSide()));
    expect(await settled(source.set("target", 100))).toEqual({ done: "applied", value: 100 });
    expect(serial.written.map(({ bytes }) => bytes[2])).toEqual([2]);
  });

  it("never writes twice, however silent the device: it reads back and believes that", async () => {
    const far = createSmallDeviceSide();
    const { source, settled, serial } = createBench((request) => {
      const bytes = far.hear(request)!;
      return request[2] === 3 ? [] : [{ afterMs: 2, bytes }];
    });
    expect(await settled(source.set("target", 200))).toEqual({ done: "applied", value: 200 });
    expect(serial.written.filter(({ bytes }) => bytes[2] === 3)).toHaveLength(1);
  });

  it("says unknown when nobody can say", async () => {
    let isDead = false;
    const far = createSmallDeviceSide();
    const { source, settled, serial } = createBench((request) => {
      isDead ||= request[2] === 3;
      return isDead ? [] : [{ afterMs: 2, bytes: far.hear(request)! }];
    });
    expect((await settled(source.set("target", 200))).done).toBe("unknown");
    expect(serial.written.filter(({ bytes }) => bytes[2] === 3)).toHaveLength(1);
  });

  it("reports what it reads back when the device keeps its own value", async () => {
    const far = createSmallDeviceSide();
    const { source, settled } = createBench((request) => [
      { afterMs: 2, bytes: request[2] === 3 ? smallFrame(1, 0x83, []) : far.hear(request)! },
    ]);
    expect(await settled(source.set("target", 200))).toMatchObject({ done: "refused", value: 100 });
  });

  it("passes the device's refusal on with its code", async () => {
    const far = createSmallDeviceSide();
    const { source, settled } = createBench((request) => [
      { afterMs: 2, bytes: request[2] === 3 ? smallFrame(1, 0xff, [4]) : far.hear(request)! },
    ]);
    expect(await settled(source.set("target", 200))).toMatchObject({
      done: "refused",
      reason: expect.stringMatching(/code 4/),
    });
  });

  it("doesn't write blindly when the value can't be read", async () => {
    const { source, settled, serial } = createBench(() => []);
    expect((await settled(source.set("target", 200))).done).toBe("interlocked");
    expect(serial.written.every(({ bytes }) => bytes[2] === 2)).toBe(true);
  });

  it("refuses what is out of range, off the step, or unknown, without using the line", async () => {
    const { source, settled, serial } = createBench(answering(createSmallDeviceSide()));
    expect(await settled(source.set("target", 300))).toMatchObject({ done: "refused" });
    expect(await settled(source.set("target", Number.NaN))).toMatchObject({ done: "refused" });
    expect(await settled(source.set("target", 105))).toMatchObject({ done: "refused" });
    expect(await settled(source.set("volume", 11))).toMatchObject({ done: "refused" });
    expect(serial.written).toHaveLength(0);
  });

  it("judges an interlock on a value read now, corrected, and lets nothing pass when that is missing", async () => {
    const far = createSmallDeviceSide();
    const setting = createSmallDevice().settings[0]!;
    const device = createSmallDevice({
      settings: [{ ...setting, onlyWhen: whenBelow("level", 60) }],
      correct: new Map([["level", 15]]),
    });
    let isLevelRefused = false;
    const { source, settled } = createBench(
      (request) => [
        { afterMs: 2, bytes: isLevelRefused && request[2] === 1 ? smallFrame(1, 0xff, [1]) : far.hear(request)! },
      ],
      [device],
    );
    await settled(source.poll());
    expect(await settled(source.set("target", 200))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/level below 60/),
    });
    far.level = 44;
    expect(await settled(source.set("target", 200))).toMatchObject({ done: "applied" });
    isLevelRefused = true;
    expect(await settled(source.set("target", 100))).toMatchObject({
      done: "interlocked",
      reason: expect.stringMatching(/missing/),
    });
    expect(far.target).toBe(200);
  });
});

describe("a command", () => {
  const commandsSent = (serial: ReturnType<typeof createBench>["serial"]) =>
    serial.written.filter(({ bytes }) => bytes[2] === 4).length;

  it("is confirmed by what the device says afterwards", async () => {
    const far = createSmallDeviceSide();
    far.state = 1;
    const { source, settled, serial } = createBench(answering(far));
    expect(await settled(source.command("stop"))).toMatchObject({ done: "confirmed" });
    expect(commandsSent(serial)).toBe(1);
  });

  it("whose effect doesn't show in time is unknown, and is not sent again", async () => {
    const far = createSmallDeviceSide();
    const { source, settled, serial, time } = createBench((request) => {
      const bytes = far.hear(request)!;
      far.state = 1;
      return [{ afterMs: 2, bytes: request[2] === 4 ? bytes : far.hear(request)! }];
    });
    const startMs = time.clock.bootMs();
    expect(await settled(source.command("stop"))).toMatchObject({
      done: "unknown",
      reason: expect.stringMatching(/did not hold/),
    });
    expect(time.clock.bootMs() - startMs).toBeGreaterThanOrEqual(2_000);
    expect(commandsSent(serial)).toBe(1);
  });

  it("without an answer is looked after, not repeated", async () => {
    const far = createSmallDeviceSide();
    far.state = 1;
    const { source, settled, serial } = createBench((request) => {
      const bytes = far.hear(request)!;
      return request[2] === 4 ? [] : [{ afterMs: 2, bytes }];
    });
    expect(await settled(source.command("stop"))).toMatchObject({ done: "confirmed" });
    expect(commandsSent(serial)).toBe(1);
  });

  it("is held by its interlock", async () => {
    const far = createSmallDeviceSide();
    const device = createSmallDevice({ commands: [{ name: "stop", onlyWhen: whenIs("state", 1), withinMs: 100 }] });
    const { source, settled, serial } = createBench(answering(far), [device]);
    expect(await settled(source.command("stop"))).toMatchObject({ done: "interlocked" });
    expect(commandsSent(serial)).toBe(0);
    far.state = 1;
    expect(await settled(source.command("stop"))).toMatchObject({ done: "answered" });
  });

  it("on a line that can't be opened was not sent", async () => {
    const { source, settled, serial } = createBench(() => []);
    serial.failure = "absent";
    expect(await settled(source.command("stop"))).toMatchObject({ done: "interlocked" });
  });
});
