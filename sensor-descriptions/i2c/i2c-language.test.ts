import { describe, expect, it } from "vitest";
import { loadDeviceType, loadStation } from "../load.ts";
import { I2cAnswerError, type I2cConversation, type I2cProtocol, type I2cStep } from "../model.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

const file = (name: string, body: string) => ({
  path: `${name}.yaml`,
  text: `format: 1\ntype: ${name}\nsource: "test"\nprotocol: i2c\nevery: 10s\n${body}`,
});
const problemsOf = (body: string): string[] =>
  loadDeviceType(file("chip", body))
    .problems.filter(({ code }) => code !== "D605")
    .map(({ line, code, message }) => `${line} ${code} ${message}`);
const chip = (body: string, given: Record<string, number> = {}): I2cProtocol => {
  const { type, problems } = loadDeviceType(file("chip", body));
  if (!type) throw new Error(problems.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return type.protocol(new Map(Object.entries(given))) as I2cProtocol;
};

/** `chip` answers each transfer; what passed over the bus is noted as "write>read". */
function talk<T>(conversation: I2cConversation<T>, answer: (write: string, length: number) => string) {
  const passed: string[] = [];
  const next = (step: I2cStep): Uint8Array => {
    if (step.do === "wait") return new Uint8Array();
    const read = step.readLength === 0 ? new Uint8Array() : bytes(answer(hex(step.write), step.readLength));
    passed.push(`${hex(step.write)}>${hex(read)}`);
    return read;
  };
  let waitedMs = 0;
  for (let state = conversation.next(); ; ) {
    if (state.done) return { result: state.value, passed, waitedMs };
    if (state.value.do === "wait") waitedMs += state.value.ms;
    state = conversation.next(next(state.value));
  }
}
const reasonOf = (run: () => unknown): string => {
  try {
    run();
    return "none";
  } catch (error) {
    if (error instanceof I2cAnswerError) return error.reason;
    throw error;
  }
};
const VALUE = `channels:\n  value: { field: raw, resolution: 1 }\n`;

describe("who is there", () => {
  const withIdentity = (identity: string) =>
    `identify:\n  - ${identity}\nmeasure:\n  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }\n${VALUE}`;
  const identified = (identity: string, answer: string): string =>
    reasonOf(() => talk(chip(withIdentity(identity)).prepare(), () => answer));

  it("may be one of several chips", () => {
    const either = '{ write: "D0", expect: "60 or 58" }';
    expect(identified(either, "60")).toBe("none");
    expect(identified(either, "58")).toBe("none");
    expect(identified(either, "61")).toBe("no-sensor");
  });

  it("is judged by the bits that the mask has", () => {
    const masked = '{ write: "FC", expect: "10 50", mask: "F0 FF" }';
    expect(identified(masked, "1A 50")).toBe("none");
    expect(identified(masked, "1A 51")).toBe("no-sensor");
    expect(identified(masked, "2A 50")).toBe("no-sensor");
  });

  it("needs a mask as long as what it masks, and alternatives of one length", () => {
    expect(problemsOf(withIdentity('{ write: "FC", expect: "10 50", mask: "F0" }'))).toEqual([
      "7 D479 the mask has 1 bytes, but 2 are compared",
    ]);
    expect(problemsOf(withIdentity('{ write: "FC", expect: "10 or 10 50" }'))[0]).toMatch(/^7 D311/);
  });
});

/** TI ADS1115 (SBAS444): config word OS·1 MUX·3 PGA·3 MODE·1 DR·3 COMP·5; register 0 is the conversion. */
const ADC = `needs:
  gain: { kind: choice, choices: { "2/3": 0, 1: 1, 2: 2, 4: 3 }, default: 2 }
  inputs: { kind: whole-number, range: 1 to 2, default: 2 }
measure:
${[0, 1]
  .map(
    (input) => `  - write: "01 {config}"
    if: inputs > ${input}
    with:
      config: { formula: "1 << 15 | ${input === 0 ? 0 : 5} << 12 | gain << 9 | 4 << 5 | 3", as: u16 }
  - wait: 8ms
    if: inputs > ${input}
  - { write: "01", read: 2, if: inputs > ${input}, fields: { ready-${input}: { byte: 0, as: u16, bits: 15 } }, until: ready_${input}, every: 1ms, within: 20ms }
  - { write: "00", read: 2, if: inputs > ${input}, fields: { raw-${input}: { byte: 0, as: i16 } } }
`,
  )
  .join("")}let:
  full: "gain == 0 ? 6.144 : 4.096 / 2 ** (gain - 1)"
channels:
  first:  { formula: raw_0 * full / 32768, unit: V, resolution: 0.0001 }
  second: { formula: raw_1 * full / 32768, unit: V, resolution: 0.0001 }
`;

describe("what the station file says about a chip", () => {
  const adc = (write: string): string => (write === "01" ? "8583" : "4000");

  it("goes into the words that are written: the datasheet's 01 84 83 for ±2.048 V", () => {
    const { passed, result } = talk(chip(ADC, { gain: 2, inputs: 2 }).measure(new Map()), adc);
    expect(passed).toEqual(["018483>", "01>8583", "00>4000", "01D483>", "01>8583", "00>4000"]);
    expect(result.get("first")).toBeCloseTo(1.024, 12);
  });

  it("leaves steps out, and what they would have read is malformed", () => {
    const { passed, result } = talk(chip(ADC, { gain: 0, inputs: 1 }).measure(new Map()), adc);
    expect(passed).toEqual(["018083>", "01>8583", "00>4000"]);
    expect(result.get("first")).toBeCloseTo(3.072, 12);
    expect(result.get("second")).toBe("malformed");
  });

  it("is one of the words of a choice, with advice for any other", () => {
    const station = (gain: string) =>
      loadStation(
        {
          path: "station.yaml",
          text: `format: 1\nstation: lake\nports:\n  mast: { i2c: /dev/i2c-1 }\ndevices:\n  tank:\n    type: chip\n    port: mast\n    address: 0x48\n    gain: ${gain}\n`,
        },
        () => file("chip", ADC),
      );
    const { station: loaded } = station("2/3");
    const protocol = loaded?.devices[0]?.protocol as I2cProtocol;
    expect(talk(protocol.measure(new Map()), adc).passed[0]).toBe("018083>");
    const [problem] = station("3").problems.filter(({ severity }) => severity === "error");
    expect(problem).toMatchObject({ code: "D512", line: 10 });
    expect(problem?.advice).toContain("2/3");
  });

  it("has to be said with its choices", () => {
    const measure = `measure:\n  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }\n${VALUE}`;
    expect(problemsOf(`needs:\n  gain: { kind: choice }\n${measure}`)[0]).toMatch(/^7 D480/);
    expect(problemsOf(`needs:\n  gain: { kind: choice, choices: { a: 1 }, default: b }\n${measure}`)[0]).toMatch(
      /^7 D512/,
    );
  });
});

describe("what is written", () => {
  const writing = (step: string, needs = "") =>
    `${needs}set-up:\n  - ${step}\nmeasure:\n  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }\n${VALUE}`;

  it("carries a CRC after each word: SCD30's 46 00 00 02 E3 (interface description 1.4.3)", () => {
    const needs = "needs:\n  interval: { kind: whole-number, range: 2 to 1800 }\n";
    const step =
      '{ write: "46 00 {seconds}", with: { seconds: { formula: interval, as: u16 } }, crc8: { name: CRC-8/NRSC-5, every: 2, from: 2 } }';
    expect(talk(chip(writing(step, needs), { interval: 2 }).prepare(), () => "").passed).toEqual(["46000002E3>"]);
  });

  it("may be a need by itself, in one byte, and is malformed when it doesn't fit", () => {
    const needs = "needs:\n  mode: { kind: whole-number }\n";
    expect(talk(chip(writing('write: "F4 {mode}"', needs), { mode: 37 }).prepare(), () => "").passed).toEqual([
      "F425>",
    ]);
    expect(reasonOf(() => talk(chip(writing('write: "F4 {mode}"', needs), { mode: 256 }).prepare(), () => ""))).toBe(
      "malformed",
    );
  });

  it("takes over bits that were read before: read, change, write", () => {
    const body = `set-up:
  - { write: "20", read: 1, fields: { control: { byte: 0, as: u8 } } }
  - { write: "20 {changed}", with: { changed: { formula: control | 0x80, as: u8 } } }
measure:
  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }
${VALUE}`;
    expect(talk(chip(body).prepare(), () => "13").passed).toEqual(["20>13", "2093>"]);
  });

  it("says where a name is unknown, unused, or a repeated start is more than can be made", () => {
    expect(problemsOf(writing('write: "F4 {mod}"'))[0]).toMatch(/^7 D477 nothing says what \{mod\} stands for/);
    expect(problemsOf(writing('{ write: "F4", with: { x: { formula: 1, as: u8 } } }'))[0]).toMatch(/^7 D478/);
    expect(problemsOf(writing('{ write: "F4 {x}", with: { x: { formula: y, as: u8 } } }'))[0]).toMatch(/^7 D408/);
    expect(problemsOf(writing('{ write: "00 10", read: 2, repeated-start: needed }'))[0]).toMatch(
      /^7 D476 .* 2 bytes written and 2 read/,
    );
    expect(problemsOf(writing('{ write: "10", read: 33, repeated-start: needed }'))[0]).toMatch(/^7 D476/);
    expect(problemsOf(writing('{ write: "10", read: 32, repeated-start: needed }'))).toEqual([]);
    expect(problemsOf(writing('{ write: "46 00 01", crc8: { name: CRC-8/NRSC-5, every: 2, from: 2 } }'))[0]).toMatch(
      /^7 D427/,
    );
  });
});

describe("waiting for a chip", () => {
  const WAITING = `constants:
  - { write: "80", read: 1, fields: { wanted: { byte: 0, as: u8 } } }
measure:
  - write: "F3"
    read: 3
    crc8: { name: CRC-8/NRSC-5, every: 2 }
    fields: { status: { byte: 0, as: u8 } }
    until: status == wanted
    every: 5ms
    within: 50ms
  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }
${VALUE}`;
  const constants = new Map([["wanted", 0xbe]]);

  it("compares with what was read from it once, and checks the CRC of each look", () => {
    const protocol = chip(WAITING);
    expect(talk(protocol.prepare(), () => "BE").result).toEqual(constants);
    // BE EF with CRC 92 stands in Sensirion's datasheets (SHT3x 4.12).
    const answers = ["0000 81", "BEEF 92", "07"];
    expect(talk(protocol.measure(constants), () => answers.shift() ?? "").result.get("value")).toBe(7);
    expect(reasonOf(() => talk(protocol.measure(constants), () => "BEEF 93"))).toBe("checksum");
  });

  it("that never gets ready is a timeout, after no more than its time", () => {
    expect(reasonOf(() => talk(chip(WAITING).measure(constants), () => "0000 81"))).toBe("timeout");
    let looks = 0;
    reasonOf(() => talk(chip(WAITING).measure(constants), () => (looks++, "0000 81")));
    expect(looks).toBe(11);
  });
});

describe("a chip's commands", () => {
  const HEATED = `constants:
  - { write: "80", read: 1, fields: { power: { byte: 0, as: u8 } } }
measure:
  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }
${VALUE}commands:
  heat:
    steps:
      - { write: "39 {level}", with: { level: { formula: power * 2, as: u8 } } }
      - wait: 1100ms
    confirm: value above 10
    within: 5s
`;

  it("are steps like all others, and know the chip's constants", () => {
    const { type } = loadDeviceType(file("chip", HEATED));
    expect(type?.commands).toMatchObject([{ name: "heat", withinMs: 5_000 }]);
    const protocol = type?.protocol(new Map()) as I2cProtocol;
    const { passed, waitedMs } = talk(protocol.command!("heat", new Map([["power", 4]])), () => "");
    expect(passed).toEqual(["3908>"]);
    expect(waitedMs).toBe(1_100);
    expect(() => talk(protocol.command!("cool", new Map()), () => "")).toThrow(/no such command/);
  });
});

describe("channels that are computed from each other", () => {
  it("are reported at each one's line, in reads of every protocol", () => {
    const measure = `measure:\n  - { write: "00", read: 1, fields: { raw: { byte: 0, as: u8 } } }\n`;
    const body = `${measure}channels:
  a: { formula: b + 1, resolution: 1 }
  b: { formula: c-d * raw, resolution: 1 }
  c: { formula: a, resolution: 1 }
  d: { formula: d, resolution: 1 }
  e: { formula: a + raw, resolution: 1 }
`;
    expect(problemsOf(body)).toEqual([
      "9 D475 the value is computed from itself: a ← b ← c ← a",
      "10 D475 the value is computed from itself: b ← c ← a ← b",
      "11 D475 the value is computed from itself: c ← a ← b ← c",
      "12 D475 the value is computed from itself: d ← d",
    ]);
  });
});

describe("a check over a whole message", () => {
  const checked = (check: string, read: number): string =>
    `measure:
  - { write: "22 00 08", check: ${check} }
  - { read: ${read}, check: ${check}, fields: { raw: { byte: 1, as: u16 } } }
${VALUE}`;
  const valueOf = (body: string, answer: string) => {
    const { result, passed } = talk(chip(body).measure(new Map()), () => answer);
    return { value: result.get("value"), passed };
  };

  it("is put behind what is written and taken off what is read (SenseAir K30: the sum of all bytes)", () => {
    const { value, passed } = valueOf(checked("{ sum: sum8 }", 4), "21 03 4C 70");
    expect(value).toBe(0x34c);
    expect(passed).toEqual(["2200082A>", ">21034C70"]);
    expect(reasonOf(() => valueOf(checked("{ sum: sum8 }", 4), "21 03 4C 71"))).toBe("checksum");
  });

  it("may have two bytes in either order (AM2320, 8.2.3: the CRC of Modbus, low byte first)", () => {
    const crc = (order: string) => `{ crc: CRC-16/MODBUS, byte-order: ${order} }`;
    expect(valueOf(checked(crc("little-endian"), 8), "03 04 01 F4 00 FA 31 A5").value).toBe(0x401);
    expect(valueOf(checked(crc("big-endian"), 8), "03 04 01 F4 00 FA A5 31").value).toBe(0x401);
    expect(reasonOf(() => valueOf(checked(crc("big-endian"), 8), "03 04 01 F4 00 FA 31 A5"))).toBe("checksum");
  });

  it("is told about where it can't be", () => {
    expect(problemsOf(checked("{ sum: sum8, crc: CRC-16/MODBUS }", 4))).toContain(
      '8 D737 a check is one "crc:" or one "sum:"',
    );
    expect(problemsOf(checked("{ sum: sum16 }", 2)).join()).toMatch(/8 D738 the check alone has 2 bytes/);
    const twice = "{ sum: sum8 }, crc8: { name: CRC-8/NRSC-5, every: 2 }";
    expect(problemsOf(checked(twice, 3)).join()).toMatch(/8 D736/);
    expect(problemsOf(checked("{ crc: CRC-16/MODBOS }", 4)).join()).toMatch(/did you mean|unknown|D4/);
  });
});

describe("a step that a chip needn't acknowledge", () => {
  it("says so to whoever runs it, and can't be a read", () => {
    const waking = `measure:
  - { write: "00", optional: true }
  - { write: "03", read: 1, fields: { raw: { byte: 0, as: u8 } } }
${VALUE}`;
    const conversation = chip(waking).measure(new Map());
    expect(conversation.next().value).toMatchObject({ do: "transfer", readLength: 0, isOptional: true });
    expect(conversation.next(new Uint8Array()).value).not.toHaveProperty("isOptional");
    const read = waking.replace("as: u8 } }", "as: u8 } }, optional: true");
    expect(problemsOf(read)).toEqual(["8 D735 what is read has to come"]);
  });
});

describe("a status in some bits of a byte", () => {
  const honeywell = (bits: string) => `measure:
  - read: 2
    status: { byte: 0, ${bits}good: 0, busy: 2, malformed: 3 }
    fields: { raw: { byte: 0, as: u16, bits: 0 to 13 } }
${VALUE}`;
  const read = (answer: string) => talk(chip(honeywell("bits: 6 to 7, ")).measure(new Map()), () => answer).result;

  it("stands beside the value in the same byte (Honeywell HSC: the two highest bits)", () => {
    expect(read("20 00").get("value")).toBe(0x2000);
    expect(reasonOf(() => read("A0 00"))).toBe("busy");
    expect(reasonOf(() => read("FF FF"))).toBe("malformed");
    expect(reasonOf(() => read("60 00"))).toBe("malformed");
  });

  it("has no codes that don't fit into them", () => {
    const tooLarge = honeywell("bits: 6 to 7, ").replace("busy: 2", "busy: 4");
    expect(problemsOf(tooLarge).join()).toMatch(/^8 D\d+ 4 /);
    expect(problemsOf(honeywell("bits: 6 to 8, ")).join()).toMatch(/6 to 8/);
  });
});
