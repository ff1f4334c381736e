import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainExample } from "../explain/explain.ts";
import { loadDeviceType } from "../load.ts";
import { I2cAnswerError, type I2cConversation, type I2cProtocol } from "../model.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();
const file = (body: string) => ({
  path: "chip.yaml",
  text: `format: 1\ntype: chip\nsource: "test"\nprotocol: i2c\nevery: 10s\n${body}`,
});
const problemsOf = (body: string): string[] =>
  loadDeviceType(file(body))
    .problems.filter(({ code }) => code !== "D605")
    .map(({ line, code, message }) => `${line} ${code} ${message}`);
const typeOf = (body: string) => {
  const { type, problems } = loadDeviceType(file(body));
  if (!type) throw new Error(problems.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return type;
};
const chip = (body: string): I2cProtocol => typeOf(body).protocol(new Map([["address", 0x48]])) as I2cProtocol;

/** A chip of 16-bit registers behind a pointer; what is written stays. */
function talk<T>(conversation: I2cConversation<T>, registers: Map<number, number>) {
  const passed: string[] = [];
  for (let state = conversation.next(); ; ) {
    if (state.done) return { result: state.value, passed };
    const step = state.value;
    if (step.do === "wait") {
      state = conversation.next(new Uint8Array());
      continue;
    }
    const { write, readLength } = step;
    passed.push(`${hex(write)}/${readLength}`);
    if (write.length === 3) registers.set(write[0]!, (write[1]! << 8) | write[2]!);
    const word = registers.get(write[0]!) ?? 0;
    state = conversation.next(Uint8Array.of(word >> 8, word & 0xff).slice(0, readLength));
  }
}

/** TI ADS1115 (SBAS444D, 9.6.3): the gain is bits 9 to 11 of the configuration, which holds more than that. */
const ADC = `measure:
  - { write: "00", read: 2, fields: { raw: { byte: 0, as: i16 } } }
  - { write: "01", read: 2, fields: { now: { byte: 0, as: u16, bits: 9 to 11 } } }
  - { write: "03", read: 2, fields: { limit: { byte: 0, as: i16, scale: 0.1 } } }
constants:
  - { write: "01", read: 2, fields: { gain-bits: { byte: 0, as: u16, bits: 9 to 11 } } }
let:
  full: "gain_bits == 0 ? 6.144 : 8.192 / 2 ** gain_bits"
channels:
  input: { formula: raw * full / 32768, unit: V, resolution: 0.0001 }
  gain: { field: now, kind: gauge }
  high: { field: limit, unit: mV }
  half: { formula: limit / 2, unit: mV, resolution: 0.1 }
settings:
  gain:
    steps:
      - { write: "01", read: 2, fields: { config: { byte: 0, as: u16 } } }
      - write: "01 {config}"
        with: { config: { formula: "config & ~0x0E00 | value << 9", as: u16 } }
    read-back: gain
    range: 0 to 5
    step: 1
  high:
    write: "03 {value}"
    read-back: high
    range: -3000 to 3000 mV
`;

describe("a setting of a chip", () => {
  it("is coded like the channel in which it is read back", () => {
    const registers = new Map<number, number>();
    expect(talk(chip(ADC).set!("high", -12.3, new Map()), registers).passed[0]).toBe("03FF85/0");
    expect(talk(chip(ADC).measure(new Map([["gain_bits", 1]])), registers).result.get("high")).toBe(-12.3);
  });

  it("may be a part of a register, of which the rest stays", () => {
    const registers = new Map([[1, 0x8583]]);
    expect(talk(chip(ADC).set!("gain", 5, new Map()), registers).passed).toEqual(["01/2", "018B83/0", "01/2"]);
  });

  it("may change what was read once: the constants come anew", () => {
    const registers = new Map([[1, 0x8583], [0, 0x4000]]); // biome-ignore format: a table
    const protocol = chip(ADC);
    const constants = talk(protocol.prepare(), registers).result;
    expect(talk(protocol.measure(constants), registers).result.get("input")).toBeCloseTo(1.024, 9);
    const after = talk(protocol.set!("gain", 1, constants), registers).result;
    expect(talk(protocol.measure(after), registers).result.get("input")).toBeCloseTo(2.048, 9);
  });

  it("reads back what was set, over the whole range", () => {
    const protocol = chip(ADC);
    fc.assert(
      fc.property(fc.integer({ min: -30_000, max: 30_000 }), fc.integer({ min: 0, max: 5 }), (tenths, gain) => {
        const registers = new Map([[1, 0x8583]]);
        talk(protocol.set!("high", tenths / 10, new Map()), registers);
        const constants = talk(protocol.set!("gain", gain, new Map()), registers).result;
        const values = talk(protocol.measure(constants), registers).result;
        expect([values.get("high"), values.get("gain")]).toEqual([tenths / 10, gain]);
        expect((registers.get(1)! ^ 0x8583) & ~0x0e00).toBe(0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("that doesn't fit its bytes writes nothing", () => {
    const registers = new Map<number, number>();
    expect(() => talk(chip(ADC).set!("high", 4_000, new Map()), registers)).toThrow(I2cAnswerError);
    expect([...registers]).toEqual([]);
    expect(() => talk(chip(ADC).set!("low", 1, new Map()), registers)).toThrow(/no such setting/);
  });

  it("is shown by examples with all transfers, and explained", () => {
    const example = (transfers: string) => `${ADC}examples:
  - { name: one, from: "computed from 9.6.3", set: { high: -12.3 mV }, transfers: [${transfers}] }
  - { name: two, from: "computed from 9.6.3", transfers: [{ write: "01", read: "85 83" }, { write: "00", read: "40 00" }, { write: "01", read: "85 83" }, { write: "03", read: "FF 85" }], gives: { input: 1.024, gain: 2, high: -12.3 } }
`;
    const before = '{ write: "01", read: "85 83" }';
    const good = example(`${before}, { write: "03 FF 85" }, ${before}`);
    expect(problemsOf(good)).toEqual([]);
    expect(problemsOf(example(`${before}, { write: "03 FF 84" }, ${before}`))).toEqual([
      "33 D602 the example doesn't come out: transfer 2: write is 03 FF 85, not 03 FF 84",
    ]);
    expect(problemsOf(example(before))[0]).toMatch(/D602 .*the 2. transfer is missing/);
    const [explained] = explainExample(typeOf(good), typeOf(good).examples[0]!);
    expect(explained?.what).toEqual(["setting high to -12.3 in 3 transfers"]);
    expect(explained?.wrong).toEqual([]);
    const [first] = problemsOf(
      good.replace(/, transfers: \[\{ write: "01", read: "85 83" \}, \{ write: "03 FF.*\] \}\n/, " }\n"),
    );
    expect(first).toMatch(/D528/);
  });
});

describe("a setting of a chip that can't be", () => {
  const setting = (said: string): string[] =>
    problemsOf(`measure:
  - { write: "00", read: 2, fields: { raw: { byte: 0, as: i16, bits: 4 to 15, scale: 0.0625 }, whole: { byte: 0, as: u16 } } }
channels:
  limit: { field: raw, unit: °C }
  twice: { formula: whole * 2, resolution: 2 }
  all: { field: whole }
settings:
  it: ${said}
`);

  it("says what is missing or in the way", () => {
    expect(setting('{ write: "01 {value}", read-back: all, range: 0 to 9 }')).toEqual([]);
    expect(setting("{ read-back: all, range: 0 to 9 }")[0]).toMatch(/^13 D526/);
    expect(
      setting('{ write: "01 {value}", steps: [{ write: "01 {value}" }], read-back: all, range: 0 to 9 }')[0],
    ).toMatch(/^13 D526/);
    expect(setting('{ write: "01 00", read-back: all, range: 0 to 9 }')[0]).toMatch(/^13 D527/);
    expect(setting('{ write: "01 {value}", read-back: twice, range: 0 to 9 }')[0]).toMatch(/^13 D524 "twice"/);
    expect(setting('{ write: "01 {value}", read-back: none, range: 0 to 9 }')[0]).toMatch(/^13 D513/);
    expect(
      setting('{ steps: [{ write: "01 {value}" }, { wait: 5ms, read: 2 }], read-back: all, range: 0 to 9 }')[0],
    ).toMatch(/^13 D419/);
  });

  it("says how the other bits of a register can be written", () => {
    const said = '{ write: "01 {value}", read-back: limit, range: 0 to 9 °C }';
    expect(setting(said)).toEqual([
      '13 D525 "limit" is only a part of these bytes (bits 4 to 15): nothing says what the others become',
    ]);
    const advised = "with: { value: { formula: value, as: i16, bits: 4 to 15, scale: 0.0625 } }";
    const { problems } = loadDeviceType(file(""));
    expect(problems.length).toBeGreaterThan(0);
    expect(setting(said.replace('{value}"', `{value}", ${advised}`))).toEqual([]);
    expect(
      setting(
        '{ write: "01 {value}", with: { value: { formula: value / 2, as: u16 } }, read-back: twice, range: 0 to 9 }',
      ),
    ).toEqual([]);
  });
});
