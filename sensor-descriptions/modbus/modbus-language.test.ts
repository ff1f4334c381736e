import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import type { SerialProtocol } from "../model.ts";

const HEAD = `format: 1
type: meter
source: "a map"
protocol: modbus-rtu
every: 10s
serial: { speed: 9600, mode: 8E1 }
timing: { answer-within: 200ms }
`;
const typeOf = (text: string, head = HEAD) => loadDeviceType({ path: "meter.yaml", text: head + text });
const codes = (text: string, head = HEAD) =>
  typeOf(text, head)
    .problems.map(({ code }) => code)
    .filter((code) => code !== "D605");
const serial = (text: string, head = HEAD): SerialProtocol => {
  const { type, problems } = typeOf(text, head);
  const protocol = type?.protocol(new Map());
  if (protocol?.kind !== "serial") throw new Error(problems.map(({ message }) => message).join("; "));
  return protocol;
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** The device's side answers with `registers` (from the request's first on), the reader reads. */
function valuesOf(protocol: SerialProtocol, read: string, data: readonly number[]) {
  const exchange = protocol.read(17, read, () => undefined);
  const answer = withCrc([17, exchange.request[1] as number, data.length, ...data]);
  const outcome = exchange.recognise().push(answer);
  if (outcome?.kind !== "answer") throw new Error(outcome?.kind ?? "none");
  return { values: Object.fromEntries(outcome.values), texts: Object.fromEntries(outcome.texts ?? []) };
}

function withCrc(content: readonly number[]): Uint8Array {
  let crc = 0xffff;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return Uint8Array.of(...content, crc & 0xff, crc >> 8);
}

describe("numbers of three bytes", () => {
  it.each([
    ["u24", "", [0x00, 0x12, 0x34, 0x56], 0x123456],
    ["u24", "word-order: little-endian", [0x34, 0x56, 0x00, 0x12], 0x123456],
    ["u24", "byte-order: little-endian", [0x56, 0x34, 0x12, 0x00], 0x123456],
    ["i24", "", [0xff, 0xff, 0xff, 0xfe], -2],
    ["i24", "no-sensor: 0x800000", [0x00, 0x80, 0x00, 0x00], "no-sensor"],
    ["u24", "bits: 20 to 23", [0x77, 0xa2, 0x34, 0x56], 10],
  ])("%s %s are the low ones of two registers", (as, more, data, value) => {
    const keys = [`register: input 3`, `as: ${as}`, more].filter((key) => key !== "").join(", ");
    const protocol = serial(`channels:\n  a: { ${keys} }\n`);
    expect(valuesOf(protocol, "input 3 to 4", data).values).toEqual({ a: value });
  });
});

describe("requests are planned", () => {
  it("neighbours come in one, also across a few registers that nobody wants", () => {
    const { reads } = serial(`channels:
  a: { register: input 0, as: u16 }
  far: { register: input 40, as: f32, resolution: 0.1 }
  b: { register: input 9, as: u32 }
  c: { register: holding 9, as: u16 }
  door: { register: discrete 3 }
`);
    expect(reads.map(({ name, channels }) => [name, channels])).toEqual([
      ["input 0 to 10", ["a", "b"]],
      ["input 40 to 41", ["far"]],
      ["holding 9", ["c"]],
      ["discrete 3", ["door"]],
    ]);
  });

  it("a device that objects to unwanted registers is asked for the parts, which the protocol knows", () => {
    const protocol = serial(`channels:
  a: { register: input 0, as: u16 }
  b: { register: input 9, as: u16 }
`);
    const parts = protocol.reads[0]?.withoutHoles ?? [];
    expect(parts.map(({ name, channels }) => [name, channels])).toEqual([
      ["input 0", ["a"]],
      ["input 9", ["b"]],
    ]);
    expect(hex(protocol.read(17, "input 9", () => undefined).request).slice(0, 12)).toBe("110400090001");
    expect(valuesOf(protocol, "input 9", [0, 7]).values).toEqual({ b: 7 });
  });

  it("merge: says how far, for registers and for bits", () => {
    const names = (merge: string) =>
      serial(`merge: ${merge}
channels:
  a: { register: input 0, as: u16 }
  b: { register: input 2, as: u16 }
  c: { register: coil 0 }
  d: { register: coil 9 }
`).reads.map(({ name }) => name);
    expect(names("{ holes: 0 }")).toEqual(["input 0", "input 2", "coil 0 to 9"]);
    expect(names("{ at-most: 2, bits: { holes: 7 } }")).toEqual(["input 0", "input 2", "coil 0", "coil 9"]);
    expect(names("{ holes: 1 }")).toEqual(["input 0 to 2", "coil 0 to 9"]);
  });

  it("what a formula computes with comes in one answer", () => {
    const protocol = serial(`channels:
  volt: { register: input 0, as: u16, unit: V }
  ampere: { register: input 20, as: u16, unit: A }
  power: { formula: volt * ampere, unit: W, resolution: 1 W }
`);
    expect(protocol.reads.map(({ name, channels }) => [name, channels])).toEqual([
      ["input 0 to 20", ["volt", "ampere", "power"]],
    ]);
    const data = Array.from({ length: 42 }, (_, i) => (i === 1 ? 230 : i === 41 ? 2 : 0));
    expect(valuesOf(protocol, "input 0 to 20", data).values).toEqual({ volt: 230, ampere: 2, power: 460 });
  });

  it("a formula of constants comes with what is read first, and formulas of each other are told", () => {
    const text = `channels:
  two: { formula: 1 + 1, resolution: 1 }
  a: { register: input 0, as: u16 }
`;
    expect(serial(text).reads.map(({ channels }) => channels)).toEqual([["two", "a"]]);
    const cycle = `${text}  b: { formula: c + 1, resolution: 1 }\n  c: { formula: b + 1, resolution: 1 }\n`;
    expect(codes(cycle)).not.toEqual([]);
  });

  it("an example finds its planned request by a channel or a text that it brings", () => {
    const text = `channels:
  a: { register: input 0, as: u16 }
texts:
  serial-number: { register: holding 16, length: 3 }
examples:
  - name: "a"
    given: { address: "17" }
    read: a
    sent: "11 04 00 00 00 01 33 5A"
  - name: "serial number"
    given: { address: "17" }
    read: serial-number
    answer: "11 03 04 41 42 43 00 6E EA"
    says: { serial-number: ABC }
`;
    expect(codes(text)).toEqual([]);
    expect(codes(text.replace("says: { serial-number: ABC }", "says: { serial-number: ABD }"))).toEqual(["D602"]);
    expect(codes(text.replace("read: a", "read: b"))).toEqual(["D604"]);
  });
});

describe("values in registers", () => {
  it("come in all four orders of bytes and words", () => {
    const order = (byte: string, word: string) =>
      valuesOf(
        serial(`byte-order: ${byte}
word-order: ${word}
channels:
  n: { register: input 0, as: u32 }
`),
        "input 0 to 1",
        [0x12, 0x34, 0x56, 0x78],
      ).values["n"];
    expect(order("big-endian", "big-endian")).toBe(0x12345678);
    expect(order("big-endian", "little-endian")).toBe(0x56781234);
    expect(order("little-endian", "big-endian")).toBe(0x34127856);
    expect(order("little-endian", "little-endian")).toBe(0x78563412);
  });

  it("bits of a register are states and numbers, and need no as:", () => {
    const protocol = serial(`channels:
  valve: { register: holding 4, bits: 15, states: { 0: shut, 1: open } }
  stage: { register: holding 4, bits: 2 to 4 }
`);
    expect(valuesOf(protocol, "holding 4", [0x80, 0b1_0100]).values).toEqual({ valve: 1, stage: 5 });
  });

  it("texts are read apart from channels, trimmed, and swapped where the device swaps them", () => {
    const protocol = serial(`channels:
  a: { register: holding 15, as: u16 }
texts:
  serial-number: { register: holding 16, length: 8 }
  firmware: { register: holding 20 to 21, byte-order: little-endian }
`);
    expect(protocol.reads.map(({ name, channels, texts }) => [name, channels, texts])).toEqual([
      ["holding 15", ["a"], undefined],
      ["texts holding 16 to 21", [], ["serial-number", "firmware"]],
    ]);
    const data = [...Buffer.from("PM-7\x00xx 2v1 ", "latin1")];
    expect(valuesOf(protocol, "texts holding 16 to 21", data).texts).toEqual({
      "serial-number": "PM-7",
      firmware: "v2 1",
    });
  });

  it("the device's side says texts, and leaves those empty that it isn't given", () => {
    const protocol = serial(`channels:
  a: { register: holding 15, as: u16 }
texts:
  serial-number: { register: holding 16, length: 5 }
`);
    const exchange = protocol.read(17, "texts holding 16 to 18", () => undefined);
    const [request] = protocol.deviceSide(17).push(exchange.request);
    if (request?.kind !== "read") throw new Error("no read");
    const said = (texts?: ReadonlyMap<string, string>) => exchange.recognise().push(request.answer(new Map(), texts));
    expect(said(new Map([["serial-number", "Ä-1"]]))).toMatchObject({ texts: new Map([["serial-number", "Ä-1"]]) });
    expect(said()).toMatchObject({ texts: new Map([["serial-number", ""]]) });
    expect(() => request.answer(new Map(), new Map([["serial-number", "123456"]]))).toThrow(/at most 5 letters/);
  });
});

describe("the line", () => {
  const timing = (head: string) => serial("channels:\n  a: { register: input 0, as: u16 }\n", head).timing;
  it.each([
    ["9600, mode: 8E1", 4.01],
    ["9600, mode: 8N1", 3.646],
    ["19200, mode: 8N2", 2.005],
    ["38400, mode: 8E1", 1.75],
  ])("is silent for 3.5 characters before a request at %s: %d ms", (line, ms) => {
    expect(timing(HEAD.replace("9600, mode: 8E1", line)).quietBeforeMs).toBeCloseTo(ms, 2);
  });

  it("waits 100 ms after a broadcast unless the file says another time", () => {
    expect(timing(HEAD).turnaroundMs).toBe(100);
    const said = timing(HEAD.replace("200ms", "200ms, turnaround: 150ms, quiet-before: 20ms"));
    expect([said.turnaroundMs, said.quietBeforeMs]).toEqual([150, 20]);
  });

  it("needs no silence before a frame that begins with a colon, and may have 7 bits then", () => {
    const ascii = HEAD.replace("modbus-rtu", "modbus-ascii").replace("8E1", "7E1");
    expect(timing(ascii).quietBeforeMs).toBe(0);
    expect(codes("channels:\n  a: { register: input 0, as: u16 }\n", HEAD.replace("8E1", "7E1"))).toEqual(["D467"]);
  });
});

describe("a broadcast", () => {
  const text = `channels:
  a: { register: holding 0, as: u16 }
settings:
  a: { write: holding 0, read-back: a, range: 0 to 100 }
commands:
  stop: { write: coil 1, value: 1, broadcast: true }
`;
  it("goes to address 0, and nothing is its answer", () => {
    const exchange = serial(text).command(17, "stop");
    expect(exchange.isBroadcast).toBe(true);
    expect(exchange.request[0]).toBe(0);
    expect(exchange.recognise().push(exchange.request)).toBeUndefined();
  });

  it("is done by every device and answered by none, refusals included", () => {
    const protocol = serial(text);
    for (const address of [1, 17, 247]) {
      const [request, ...more] = protocol.deviceSide(address).push(protocol.command(17, "stop").request);
      expect(more).toEqual([]);
      if (request?.kind !== "command") throw new Error("no command");
      expect(request.answer()).toHaveLength(0);
      expect(request.refuse(2)).toHaveLength(0);
    }
    const [set] = protocol.deviceSide(17).push(withCrc([0, 6, 0, 0, 0, 9]));
    expect(set).toMatchObject({ kind: "set", setting: "a", value: 9 });
    expect(protocol.deviceSide(17).push(withCrc([0, 3, 0, 0, 0, 1]))).toEqual([]);
  });
});

describe("what can't be is told", () => {
  const CHANNEL = "channels:\n  a: { register: holding 0, as: u16 }\n";
  it.each([
    ["D336", "channels:\n  a: { register: 40017, as: u16 }\n"],
    ["D337", "channels:\n  a: { register: 16, as: u16 }\n"],
    ["D338", "channels:\n  a: { register: coil 0 to 16 }\n"],
    ["D339", "reads:\n  r:\n    registers: coil 0 to 3\n    channels:\n      a: { register: coil 0 }\n"],
    ["D460", "channels:\n  a: { register: holding 40017, as: u16 }\n"],
    ["D462", `${CHANNEL}settings:\n  a: { write: holding 0, read-back: a, range: 0 to 1, broadcast: true }\n`],
    ["D463", `${CHANNEL}settings:\n  a: { write: holding 0, with: 15, read-back: a, range: 0 to 1 }\n`],
    ["D463", `${CHANNEL}commands:\n  c: { write: holding 0 to 1, value: [1, 2], with: 6 }\n`],
    ["D464", `${CHANNEL}commands:\n  c: { write: holding 0 to 2, value: [1, 2] }\n`],
    ["D465", `${CHANNEL}commands:\n  c: { write: coil 0, value: 2 }\n`],
    ["D466", "channels:\n  a: { register: holding 0, as: u16 }\n  b: { register: input 0, as: u16 }\n  c: { formula: a + b, resolution: 1 }\n"],
    ["D466", "channels:\n  a: { register: input 500, as: u16 }\n  b: { register: input 0, as: u16 }\n  c: { formula: a + b, resolution: 1 }\n"],
    ["D416", "channels:\n  a: { formula: 1 + 1, resolution: 1 }\n"],
    ["D468", "merge: { at-most: 1 }\nchannels:\n  a: { register: input 0, as: u32 }\n"],
    ["D469", `${CHANNEL}texts:\n  t: { register: holding 16 }\n`],
    ["D469", `${CHANNEL}texts:\n  t: { register: holding 16 to 17, length: 5 }\n`],
    ["D469", `${CHANNEL}texts:\n  t: { register: coil 16 to 17 }\n`],
    ["D470", "channels:\n  a: { register: input 0, as: u16 }\nsettings:\n  a: { write: holding 0, with: 23, read-back: a, range: 0 to 1 }\n"],
    ["D470", "reads:\n  r:\n    registers: input 0\n    write-first: { registers: holding 1, value: 1 }\n    channels:\n      a: { register: 0, as: u16 }\n"],
    ["D471", "channels:\n  a: { register: holding 0 to 2, as: u32 }\n"],
    ["D471", `${CHANNEL}settings:\n  a: { write: holding 0 to 1, read-back: a, range: 0 to 1 }\n`],
    ["D472", "channels:\n  a: { register: holding 0, bits: 3 }\nsettings:\n  a: { write: holding 0, read-back: a, range: 0 to 1 }\n"],
    ["D474", `${CHANNEL}commands:\n  c: { write: holding 0 to 123, value: [${"1,".repeat(123)}1] }\n`],
    ["D417", "channels:\n  a: { register: input 0, as: u16 }\nreads:\n  r:\n    registers: input 5\n    channels:\n      a: { register: 5, as: u16 }\n"],
    ["D309", "channels:\n  a: { register: holding 0xFFFF, as: u32 }\n"],
  ])("%s: %s", (code, text) => {
    expect(codes(text)).toEqual([code]);
  }); // biome-ignore format: a table

  it("40017 is offered both readings, and holding 0x9C51 is taken at its word", () => {
    const [problem] = typeOf("channels:\n  a: { register: 40017, as: u16 }\n").problems;
    expect(problem?.advice).toContain('"holding 16"');
    expect(problem?.advice).toContain('"holding 40017"');
    expect(typeOf("channels:\n  a: { register: 465536, as: u16 }\n").problems[0]?.advice).toBe('write "holding 65535"');
    expect(codes("channels:\n  a: { register: holding 0x9C51, as: u16 }\n")).toEqual([]);
    expect(typeOf("channels:\n  a: { register: 30001 to 30002, as: u32 }\n").problems[0]?.advice).toContain(
      '"input 0 to 1"',
    );
  });

  it.each(["silence", "gap", "inter-byte-timeout", "frame-gap"])("why there is no %s: is told", (key) => {
    const head = HEAD.replace("200ms", `200ms, ${key}: 4ms`);
    expect(codes(CHANNEL, head)).toEqual(["D461"]);
  });

  it("a silence shorter than the standard's is warned of", () => {
    expect(codes(CHANNEL, HEAD.replace("200ms", "200ms, quiet-before: 1ms"))).toEqual(["D473"]);
  });
});

it("a setting shown by bits elsewhere is written as a number into its own register", () => {
  const protocol = serial(`channels:
  running: { register: input 3, bits: 2, states: { 0: off, 1: on } }
  valves: { register: coil 0 to 3 }
settings:
  running: { write: holding 5, read-back: running, range: 0 to 1 }
  valves: { write: holding 6, read-back: valves, range: 0 to 15 }
`);
  expect(hex(protocol.set(17, "running", 1).request).slice(0, 12)).toBe("110600050001");
  expect(hex(protocol.set(17, "valves", 9).request).slice(0, 12)).toBe("110600060009");
});

it("an exception has the name that section 7 gives it, and an unlisted code none", () => {
  const exchange = serial("channels:\n  a: { register: input 0, as: u16 }\n").read(17, "input 0", () => undefined);
  const refusal = (code: number) => exchange.recognise().push(withCrc([17, 0x84, code]));
  expect(refusal(2)).toMatchObject({ kind: "refused", code: 2, name: "illegal data address" });
  expect(refusal(6)).toMatchObject({ name: "server device busy" });
  expect(refusal(11)).toMatchObject({ name: "gateway target device failed to respond" });
  expect(refusal(99)).toEqual({ kind: "refused", code: 99, frame: withCrc([17, 0x84, 99]) });
});

it("another function's refusal, another address, a shorter or a longer answer is no answer", () => {
  const exchange = serial("channels:\n  a: { register: input 0, as: u32 }\n").read(17, "input 0 to 1", () => undefined);
  const isTaken = (content: number[]) => exchange.recognise().push(withCrc(content)) !== undefined;
  expect(isTaken([17, 4, 4, 0, 0, 0, 1])).toBe(true);
  expect(isTaken([18, 4, 4, 0, 0, 0, 1])).toBe(false);
  expect(isTaken([17, 3, 4, 0, 0, 0, 1])).toBe(false);
  expect(isTaken([17, 4, 2, 0, 1])).toBe(false);
  expect(isTaken([17, 4, 6, 0, 0, 0, 1, 0, 0])).toBe(false);
  expect(isTaken([17, 0x83, 2])).toBe(false);
});
