/**
 * The smallest honest serial protocol, by hand, so that conversations are tested apart from the description's codec.
 *
 *   0xA5, address, code, count, `count` bytes, sum8 of everything before it
 *
 * Codes: 1 read "status" (level u8, state u8) · 2 read "more" (target u8) · 3 set target · 4 stop. An answer has the
 * code + 0x80; 0xFF is a refusal with its code as the one byte.
 */
import type {
  AnswerOutcome,
  AnswerRecogniser,
  Channel,
  Condition,
  Device,
  SerialExchange,
  SerialProtocol,
  SerialTiming,
  Values,
} from "@pump-station/sensor-descriptions/model.ts";

export const SMALL_TIMING: SerialTiming = { answerWithinMs: 100, pauseBeforeNextMs: 5, lateMs: 200, retries: 1 };

export function smallFrame(address: number, code: number, body: readonly number[]): Uint8Array {
  const frame = [0xa5, address, code, body.length, ...body];
  return Uint8Array.of(
    ...frame,
    frame.reduce((sum, byte) => (sum + byte) & 0xff),
  );
}

const READS = [
  { name: "status", code: 1, channels: ["level", "state"] },
  { name: "more", code: 2, channels: ["target"] },
];

export function createSmallProtocol(timing: Partial<SerialTiming> = {}): SerialProtocol {
  const exchange = (
    what: string,
    address: number,
    code: number,
    body: number[],
    channels: string[],
  ): SerialExchange => ({
    what,
    request: smallFrame(address, code, body),
    recognise: () => createRecogniser(address, code | 0x80, channels),
  });
  return {
    kind: "serial",
    settings: { baudRate: 115_200, dataBits: 8, parity: "none", stopBits: 1 },
    timing: { ...SMALL_TIMING, ...timing },
    reads: READS,
    read: (address, name) => {
      const read = READS.find((candidate) => candidate.name === name)!;
      return exchange(`read ${name}`, address, read.code, [], read.channels);
    },
    set: (address, setting, value) => {
      if (value > 255) throw new RangeError(`${value} doesn't fit into u8`);
      return exchange(`set ${setting}`, address, 3, [value], []);
    },
    command: (address, command) => exchange(`command ${command}`, address, 4, [], []),
    deviceSide: () => {
      throw new Error("the small protocol has no device side");
    },
  };
}

function createRecogniser(address: number, code: number, channels: readonly string[]): AnswerRecogniser {
  let waiting: number[] = [];
  let otherFrames = 0;
  let strayBytes = 0;
  return {
    get otherFrames() {
      return otherFrames;
    },
    get strayBytes() {
      return strayBytes;
    },
    push: (bytes) => {
      waiting.push(...bytes);
      while (waiting.length > 0) {
        if (waiting[0] !== 0xa5) {
          waiting.shift();
          strayBytes++;
          continue;
        }
        const length = 5 + (waiting[3] ?? 1_000);
        if (waiting.length < length) return undefined;
        const frame = Uint8Array.from(waiting.slice(0, length));
        waiting = waiting.slice(length);
        const outcome = outcomeOf(frame, address, code, channels);
        if (outcome) return outcome;
        otherFrames++;
      }
      return undefined;
    },
  };
}

function outcomeOf(
  frame: Uint8Array,
  address: number,
  code: number,
  channels: readonly string[],
): AnswerOutcome | undefined {
  const sum = frame.subarray(0, -1).reduce((total, byte) => (total + byte) & 0xff);
  if (sum !== frame.at(-1)) return { kind: "bad", frame, reason: "checksum" };
  if (frame[1] !== address) return undefined;
  if (frame[2] === 0xff) return { kind: "refused", frame, code: frame[4]! };
  if (frame[2] !== code) return undefined;
  const values: Values = new Map(channels.map((channel, at) => [channel, frame[4 + at]!]));
  return { kind: "answer", frame, values };
}

const channel = (name: string, more: Partial<Channel> = {}): Channel => ({
  name,
  kind: "gauge",
  unit: "mbar",
  resolution: 1,
  ...more,
});

/** A device with the channels level, state and target, the setting target and the command stop. */
export function createSmallDevice(more: Partial<Device> = {}): Device & { readonly protocol: SerialProtocol } {
  return {
    name: "pump",
    type: "small",
    port: "line",
    address: 1,
    channels: [
      channel("level", { range: { low: 0, high: 200 } }),
      channel("state", { kind: "state", unit: "", states: new Map([[0, "idle"], [1, "pumping"]]) }), // biome-ignore format: a table
      channel("target"),
    ],
    everyMs: 1_000,
    correct: new Map(),
    smallChange: new Map(),
    heartbeatMs: 900_000,
    settings: [{ name: "target", readBack: "target", unit: "mbar", range: { low: 10, high: 250 }, step: 10 }],
    commands: [{ name: "stop", confirm: whenIs("state", 0), withinMs: 2_000 }],
    alarms: [],
    place: "station.yaml:1",
    ...more,
    protocol: (more.protocol as SerialProtocol | undefined) ?? createSmallProtocol(),
  };
}

/** `channel is value` */
export const whenIs = (name: string, value: number): Condition => when(name, `is ${value}`, (is) => is === value);
/** `channel above value` */
export const whenAbove = (name: string, value: number): Condition => when(name, `above ${value}`, (is) => is > value);
/** `channel below value` */
export const whenBelow = (name: string, value: number): Condition => when(name, `below ${value}`, (is) => is < value);

function when(name: string, text: string, test: (value: number) => boolean): Condition {
  return {
    text: `${name} ${text}`,
    channels: [name],
    test: (valueOf) => {
      const value = valueOf(name);
      return value === undefined ? undefined : test(value);
    },
  };
}

/** The far end: answers by its registers. `answer` may be replaced to misbehave. */
export function createSmallDeviceSide(address = 1) {
  const device = {
    level: 50,
    state: 0,
    target: 100,
    answer: (code: number, body: Uint8Array): Uint8Array | undefined => {
      if (code === 1) return smallFrame(address, 0x81, [device.level, device.state]);
      if (code === 2) return smallFrame(address, 0x82, [device.target]);
      if (code === 3) device.target = body[0]!;
      if (code === 4) device.state = 0;
      return smallFrame(address, code | 0x80, []);
    },
    /** The answer to a request, undefined when it is for another address. */
    hear: (request: Uint8Array): Uint8Array | undefined =>
      request[1] === address ? device.answer(request[2]!, request.subarray(4, -1)) : undefined,
  };
  return device;
}
