/**
 * The smallest honest serial protocol, by hand, so that conversations are tested apart from the description's codec.
 *
 *   0xA5, address, code, count, `count` bytes, sum8 of everything before it
 *
 * Codes: 1 read "status" (level u8, state u8) · 2 read "more" (target u8) · 3 set target · 4 stop · 5 read "all" (level,
 * state, a hole, target). An answer has the code + 0x80; 0xFF is a refusal with its code as the one byte. 0x41 is sent by
 * the device itself and carries what "status" does. With sequence numbers, bits 3 to 5 of the code count the turns.
 */
import type {
  AnswerOutcome,
  AnswerRecogniser,
  Channel,
  Condition,
  Device,
  Report,
  ReportRecogniser,
  SerialExchange,
  SerialProtocol,
  SerialQuirks,
  SerialRead,
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

interface SmallRead extends SerialRead {
  readonly code: number;
  /** Where each channel's byte stands in the body. */
  readonly at?: readonly number[];
}

const STATUS: SmallRead = { name: "status", code: 1, channels: ["level", "state"] };
const MORE: SmallRead = { name: "more", code: 2, channels: ["target"] };
const REPORT: SmallRead = { ...STATUS, code: 0x41, isReport: true };
const ALL: SmallRead = {
  name: "all",
  code: 5,
  channels: ["level", "state", "target"],
  at: [0, 1, 3],
  withoutHoles: [STATUS, MORE],
};

const READS = {
  asked: [STATUS, MORE],
  /** "status" comes by itself, "more" is asked for. */
  mixed: [REPORT, MORE],
  reported: [REPORT],
  merged: [ALL],
};

export interface SmallOptions {
  readonly reads?: keyof typeof READS;
  readonly quirks?: SerialQuirks;
  readonly hasSequence?: boolean;
  /** The command goes to all, address 0. */
  readonly isBroadcasting?: boolean;
  readonly names?: ReadonlyMap<number, string>;
  readonly baudRate?: number;
}

export function createSmallProtocol(timing: Partial<SerialTiming> = {}, options: SmallOptions = {}): SerialProtocol {
  const reads = READS[options.reads ?? "asked"];
  const exchange = (
    what: string,
    address: number,
    read: Pick<SmallRead, "code" | "channels" | "at">,
    body: number[],
    turn = 0,
  ): SerialExchange => {
    const code = read.code | (options.hasSequence ? (turn & 7) << 3 : 0);
    return {
      what,
      request: smallFrame(address, code, body),
      recognise: () => createRecogniser(address, { ...read, code: code | 0x80 }, options),
    };
  };
  return {
    kind: "serial",
    settings: { baudRate: options.baudRate ?? 115_200, dataBits: 8, parity: "none", stopBits: 1 },
    timing: { ...SMALL_TIMING, ...timing },
    ...(options.quirks && { quirks: options.quirks }),
    reads,
    read: (address, name, _, turn) => {
      const read = [...reads, STATUS, MORE].find((candidate) => candidate.name === name)!;
      return exchange(`read ${name}`, address, read, [], turn);
    },
    set: (address, setting, value, turn) => {
      if (value > 255) throw new RangeError(`${value} doesn't fit into u8`);
      return exchange(`set ${setting}`, address, { code: 3, channels: [] }, [value], turn);
    },
    command: (address, command, turn) => ({
      ...exchange(`command ${command}`, options.isBroadcasting ? 0 : address, { code: 4, channels: [] }, [], turn),
      ...(options.isBroadcasting && { isBroadcast: true }),
    }),
    ...(reads.includes(REPORT) && { listen: createReportRecogniser }),
    deviceSide: () => {
      throw new Error("the small protocol has no device side");
    },
  };
}

/** Whole frames, right or wrong, out of bytes in any portions. */
function createFramer() {
  let waiting: number[] = [];
  return {
    strayBytes: 0,
    push(bytes: Uint8Array): void {
      waiting.push(...bytes);
    },
    next(): Uint8Array | undefined {
      while (waiting.length > 0 && waiting[0] !== 0xa5) {
        waiting.shift();
        this.strayBytes++;
      }
      const length = 5 + (waiting[3] ?? 1_000);
      if (waiting.length < length) return undefined;
      const frame = Uint8Array.from(waiting.slice(0, length));
      waiting = waiting.slice(length);
      return frame;
    },
  };
}

function createRecogniser(
  address: number,
  read: Pick<SmallRead, "code" | "channels" | "at">,
  { names }: SmallOptions,
): AnswerRecogniser {
  const framer = createFramer();
  let otherFrames = 0;
  return {
    get otherFrames() {
      return otherFrames;
    },
    get strayBytes() {
      return framer.strayBytes;
    },
    push: (bytes) => {
      framer.push(bytes);
      for (let frame = framer.next(); frame; frame = framer.next()) {
        const outcome = outcomeOf(frame, address, read, names);
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
  read: Pick<SmallRead, "code" | "channels" | "at">,
  names: SmallOptions["names"],
): AnswerOutcome | undefined {
  if (!isIntact(frame)) return { kind: "bad", frame, reason: "checksum" };
  if (frame[1] !== address) return undefined;
  const name = names?.get(frame[4]!);
  if (frame[2] === 0xff) return { kind: "refused", frame, code: frame[4]!, ...(name === undefined ? {} : { name }) };
  return frame[2] === read.code ? { kind: "answer", frame, values: valuesIn(frame, read) } : undefined;
}

const isIntact = (frame: Uint8Array): boolean =>
  frame.subarray(0, -1).reduce((total, byte) => (total + byte) & 0xff) === frame.at(-1);

const valuesIn = (frame: Uint8Array, { channels, at }: Pick<SmallRead, "channels" | "at">): Values =>
  new Map(channels.map((name, index) => [name, frame[4 + (at?.[index] ?? index)]!]));

function createReportRecogniser(address: number): ReportRecogniser {
  const framer = createFramer();
  let otherFrames = 0;
  return {
    get otherFrames() {
      return otherFrames;
    },
    get strayBytes() {
      return framer.strayBytes;
    },
    push: (bytes) => {
      framer.push(bytes);
      const reports: Report[] = [];
      for (let frame = framer.next(); frame; frame = framer.next()) {
        if (isIntact(frame) && frame[1] === address && frame[2] === REPORT.code)
          reports.push({ read: REPORT.name, frame, values: valuesIn(frame, REPORT) });
        else otherFrames++;
      }
      return reports;
    },
  };
}

/** What the device sends by itself. */
export const smallReport = (level: number, state: number, address = 1): Uint8Array =>
  smallFrame(address, REPORT.code, [level, state]);

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
      channel("state", {
        kind: "state",
        unit: "",
        states: new Map([
          [0, "idle"],
          [1, "pumping"],
        ]),
      }),
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
      if (code === 5) return smallFrame(address, 0x85, [device.level, device.state, 0, device.target]);
      return smallFrame(address, code | 0x80, []);
    },
    /** The answer to a request, undefined when it is for another address. */
    hear: (request: Uint8Array): Uint8Array | undefined =>
      request[1] === address ? device.answer(request[2]!, request.subarray(4, -1)) : undefined,
  };
  return device;
}
