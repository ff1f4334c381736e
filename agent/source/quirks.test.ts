import type { SerialQuirks } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { missing } from "../reading.ts";
import type { Portion } from "../testing/scripted-serial.ts";
import { answering, createSerialBench, type FarEnd } from "../testing/serial-bench.ts";
import {
  createSmallDevice,
  createSmallDeviceSide,
  createSmallProtocol,
  smallFrame,
} from "../testing/small-protocol.ts";

const deviceWith = (quirks: SerialQuirks, timing: Parameters<typeof createSmallProtocol>[0] = {}) =>
  createSmallDevice({ protocol: createSmallProtocol(timing, { quirks }) });

describe("an adapter that hears itself", () => {
  const echoing =
    (far: FarEnd, damage = (bytes: Uint8Array): Uint8Array => bytes): FarEnd =>
    (request) => {
      const echo = damage(request);
      return [{ afterMs: 0, bytes: echo.subarray(0, 2) }, { afterMs: 1, bytes: echo.subarray(2) }, ...far(request)];
    };

  it("has its echo taken off before the answer, whole, in pieces or damaged", async () => {
    const far = answering(createSmallDeviceSide());
    for (const damage of [
      (bytes: Uint8Array) => bytes,
      (bytes: Uint8Array) => bytes.with(1, 0x7f),
      (bytes: Uint8Array) => Uint8Array.of(...bytes.subarray(0, 2), ...bytes.subarray(3)),
    ]) {
      const { source, settled } = createSerialBench(echoing(far, damage), [deviceWith({ hearsItself: true })]);
      expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
      expect(source.health()).toMatchObject({ strayBytes: 0, otherFrames: 0, timeouts: 0 });
    }
  });

  it("doesn't make a dead device look alive where an answer repeats its request", async () => {
    const device = deviceWith({ hearsItself: true });
    const { protocol } = device;
    // The answer to a write is the write again, as in Modbus 05 and 06.
    const repeating = {
      ...device,
      protocol: {
        ...protocol,
        command: () => {
          const request = smallFrame(1, 4, []);
          const recogniseWhole = () => ({
            otherFrames: 0,
            strayBytes: 0,
            push: (bytes: Uint8Array) => ({ kind: "answer", frame: bytes, values: new Map<string, number>() }) as const,
          });
          return { what: "command stop", request, recognise: recogniseWhole };
        },
      },
      commands: [{ name: "stop", withinMs: 100 }],
    };
    const { source, settled } = createSerialBench(
      echoing(() => []),
      [repeating],
    );
    expect(await settled(source.command("stop"))).toMatchObject({ done: "unknown" });
  });
});

describe("a device that sleeps", () => {
  it("is woken before each request; what it says while it wakes up is no answer", async () => {
    const far = createSmallDeviceSide();
    let isAwake = false;
    const { source, settled, serial } = createSerialBench(
      (bytes): Portion[] => {
        if (bytes[0] === 0) {
          isAwake = true;
          return [{ afterMs: 1, bytes: smallFrame(1, 0x81, [9, 9]) }];
        }
        const answer = isAwake ? [{ afterMs: 2, bytes: far.hear(bytes)! }] : [];
        isAwake = false;
        return answer;
      },
      [deviceWith({ wake: { bytes: Uint8Array.of(0, 0), pauseMs: 40 } })],
    );
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    const [wake, request] = serial.written;
    expect(wake?.bytes).toEqual(Uint8Array.of(0, 0));
    expect(request!.atMs - wake!.atMs).toBeGreaterThanOrEqual(40);
    expect(source.health().otherFrames).toBe(2);
  });
});

describe("a device that can't keep up", () => {
  it("gets its bytes one by one with a pause between", async () => {
    const far = createSmallDeviceSide();
    let request: number[] = [];
    const { source, settled, serial } = createSerialBench(
      (bytes) => {
        request.push(...bytes);
        if (request.length < 5) return [];
        const whole = Uint8Array.from(request);
        request = [];
        return [{ afterMs: 2, bytes: far.hear(whole)! }];
      },
      [deviceWith({ pauseBetweenBytesMs: 4 })],
    );
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    const [first, second] = serial.written;
    expect(first?.bytes).toHaveLength(1);
    expect(second!.atMs - first!.atMs).toBeGreaterThanOrEqual(4);
  });
});

describe("an adapter that hangs", () => {
  it("is closed and opened again after so many timeouts of its device in a row, and not before", async () => {
    const far = createSmallDeviceSide();
    let isHanging = true;
    const bench = createSerialBench(
      (request) => (isHanging ? [] : [{ afterMs: 2, bytes: far.hear(request)! }]),
      [deviceWith({ reopenAfter: 4 })],
    );
    const { source, settled, serial, logged } = bench;
    await settled(source.poll());
    expect(serial.opened).toBe(1);
    await settled(source.poll());
    isHanging = false;
    expect((await settled(source.poll())).values).toEqual([50, 0, 100]);
    expect(serial.opened).toBe(2);
    expect(logged.filter((event) => event === "port-reopened")).toHaveLength(1);
  });
});

describe("a device that hasn't answered for three polls", () => {
  it("is tried once a poll, for it costs the others an answer time each; from its first answer on it is retried again", async () => {
    const far = createSmallDeviceSide();
    let lost = Number.POSITIVE_INFINITY;
    const { source, settled, serial } = createSerialBench((request) =>
      lost-- > 0 ? [] : [{ afterMs: 2, bytes: far.hear(request)! }],
    );
    const requests = async (): Promise<number> => {
      const before = serial.written.length;
      await settled(source.poll());
      return serial.written.length - before;
    };
    expect([await requests(), await requests(), await requests(), await requests()]).toEqual([2, 2, 2, 1]);
    lost = 0;
    expect(await requests()).toBe(2);
    lost = 1;
    expect(await requests()).toBe(3);
  });
});

describe("a line that must be silent before a request", () => {
  it("is, counted from the last byte that anybody sent", async () => {
    const far = createSmallDeviceSide();
    const devices = [deviceWith({}, { quietBeforeMs: 20 }), createSmallDevice({ name: "two" })];
    const { source, settled, serial, time } = createSerialBench(answering(far), devices);
    await settled(source.poll());
    const [, second] = serial.written;
    // Its request takes 0.4 ms, the answer comes 3 ms after it was written.
    expect(second!.atMs - serial.written[0]!.atMs).toBeGreaterThanOrEqual(23);
    await time.advance(1_000);
    serial.say(Uint8Array.of(1));
    const saidMs = time.clock.bootMs();
    await settled(source.poll());
    expect(serial.written[2]!.atMs - saidMs).toBeGreaterThanOrEqual(20);
    await time.advance(1_000);
    const startMs = time.clock.bootMs();
    await settled(source.poll());
    expect(serial.written[4]!.atMs).toBe(startMs);
  });

  it("but never is, is asked all the same", async () => {
    const { source, settled, serial, time } = createSerialBench(answering(createSmallDeviceSide()), [
      deviceWith({}, { quietBeforeMs: 50 }),
    ]);
    await settled(source.poll());
    let isOver = false;
    const babble = (): void => {
      serial.say(Uint8Array.of(0x55));
      if (!isOver) time.timers.after(10, babble);
    };
    babble();
    expect((await settled(source.poll(), 2_000)).values).toEqual([50, 0, 100]);
    isOver = true;
  });
});

describe("devices of different timing on one half-duplex line", () => {
  it("each have their pauses kept, whoever speaks next", async () => {
    const slow = createSmallDevice({
      name: "slow",
      protocol: createSmallProtocol({ pauseBeforeNextMs: 80, answerWithinMs: 500 }),
    });
    const fast = createSmallDevice({
      name: "fast",
      address: 2,
      protocol: createSmallProtocol({ pauseBeforeNextMs: 1, quietBeforeMs: 4 }),
    });
    const sides = [createSmallDeviceSide(1), createSmallDeviceSide(2)];
    const { sources, settled, serial } = createSerialBench(
      (request) => {
        const bytes = sides.map((side) => side.hear(request)).find((answer) => answer !== undefined)!;
        return [{ afterMs: request[1] === 1 ? 300 : 2, bytes }];
      },
      [slow, fast],
    );
    const samples = await settled(Promise.all([sources[0]!.poll(), sources[1]!.poll(), sources[0]!.poll()]));
    expect(samples.map(({ values }) => values)).toEqual([
      [50, 0, 100],
      [50, 0, 100],
      [50, 0, 100],
    ]);
    const gaps = serial.written.map(({ atMs, bytes }, at) => ({
      address: bytes[1],
      ms: atMs - (serial.written[at - 1]?.atMs ?? 0),
    }));
    expect(gaps[1]).toMatchObject({ address: 1 });
    expect(gaps[1]!.ms).toBeGreaterThanOrEqual(380);
    expect(gaps[2]).toMatchObject({ address: 2 });
    expect(gaps[2]!.ms).toBeGreaterThanOrEqual(380);
    expect(gaps[3]!.ms).toBeLessThan(15);
  });
});

describe("a broadcast", () => {
  const broadcasting = (confirm: boolean) => {
    const device = createSmallDevice({
      protocol: createSmallProtocol({ turnaroundMs: 150 }, { isBroadcasting: true }),
    });
    const [command] = device.commands;
    return confirm ? device : { ...device, commands: [{ name: command!.name, withinMs: command!.withinMs }] };
  };
  const hearing = () => {
    const far = createSmallDeviceSide();
    far.state = 1;
    const answers: FarEnd = (request) => {
      if (request[1] === 0) far.state = 0;
      const bytes = far.hear(request);
      return bytes ? [{ afterMs: 2, bytes }] : [];
    };
    return { far, answers };
  };

  it("is sent, and nobody answers it; the port waits its turnaround before the next request", async () => {
    const { answers } = hearing();
    const { source, settled, serial } = createSerialBench(answers, [broadcasting(false)]);
    expect(await settled(source.command("stop"))).toEqual({
      done: "sent",
      reason: "sent; nothing answers this",
    });
    await settled(source.poll());
    expect(serial.written[1]!.atMs - serial.written[0]!.atMs).toBeGreaterThanOrEqual(150);
    expect(source.health()).toMatchObject({ timeouts: 0 });
  });

  it("is confirmed by its condition where there is one, and unknown when that doesn't hold", async () => {
    const { answers, far } = hearing();
    const { source, settled } = createSerialBench(answers, [broadcasting(true)]);
    expect(await settled(source.command("stop"))).toMatchObject({ done: "confirmed" });
    const deaf = createSerialBench(
      (request) => {
        far.state = 1;
        const bytes = far.hear(request);
        return bytes ? [{ afterMs: 2, bytes }] : [];
      },
      [broadcasting(true)],
    );
    expect(await deaf.settled(deaf.source.command("stop"))).toMatchObject({ done: "unknown" });
  });

  it("that couldn't leave is no broadcast", async () => {
    const { source, settled, serial } = createSerialBench(() => [], [broadcasting(false)]);
    serial.failure = "absent";
    expect(await settled(source.command("stop"))).toMatchObject({ done: "interlocked" });
  });
});

describe("what a device says of itself", () => {
  it("is kept, newest first, within bounds", async () => {
    const device = createSmallDevice();
    let firmware = "1.0";
    const read: typeof device.protocol.read = (address, name, newest) => {
      const exchange = device.protocol.read(address, name, newest);
      return {
        ...exchange,
        recognise: () => {
          const recogniser = exchange.recognise();
          return {
            otherFrames: 0,
            strayBytes: 0,
            push: (bytes) => {
              const outcome = recogniser.push(bytes);
              const texts = new Map([["firmware", firmware], ["serial", "x".repeat(10_000)]]); // biome-ignore format: a table
              return outcome?.kind === "answer" ? { ...outcome, texts } : outcome;
            },
          };
        },
      };
    };
    const { source, settled } = createSerialBench(answering(createSmallDeviceSide()), [
      { ...device, protocol: { ...device.protocol, read } },
    ]);
    expect(source.health().info).toBeUndefined();
    await settled(source.poll());
    firmware = "1.1";
    await settled(source.poll());
    expect(source.health().info).toEqual({ firmware: "1.1", serial: "x".repeat(245) });
  });

  it("in a refusal has the name that the protocol gives it", async () => {
    const names = new Map([[2, "illegal data address"]]);
    const device = createSmallDevice({ protocol: createSmallProtocol({}, { names }) });
    const { source, settled } = createSerialBench(() => [{ afterMs: 2, bytes: smallFrame(1, 0xff, [2]) }], [device]);
    expect((await settled(source.poll())).values[0]).toEqual(missing("refused", 2));
    expect(source.health().lastError?.what).toBe("read more: refused: illegal data address (2)");
  });
});
