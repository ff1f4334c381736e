import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import { I2cAnswerError, type I2cConversation, type I2cProtocol } from "../model.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const hex = (some: Uint8Array): string => Buffer.from(some).toString("hex").toUpperCase();

const file = (body: string) => ({
  path: "chip.yaml",
  text: `format: 1\ntype: chip\nsource: "test"\nprotocol: i2c\nevery: 10s\n${body}`,
});
const problemsOf = (body: string): string[] =>
  loadDeviceType(file(body))
    .problems.filter(({ code }) => code !== "D605")
    .map(({ line, code, message }) => `${line} ${code} ${message}`);
const chip = (body: string, address: number): I2cProtocol => {
  const { type, problems } = loadDeviceType(file(body));
  if (!type) throw new Error(problems.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return type.protocol(new Map([["address", address]])) as I2cProtocol;
};

function talk<T>(conversation: I2cConversation<T>, answer: (write: string, length: number) => Uint8Array | string) {
  const passed: string[] = [];
  for (let state = conversation.next(); ; ) {
    if (state.done) return { result: state.value, passed };
    const step = state.value;
    const read = step.do === "wait" || step.readLength === 0 ? "" : answer(hex(step.write), step.readLength);
    if (step.do === "transfer") passed.push(`${hex(step.write)}/${step.readLength}`);
    state = conversation.next(typeof read === "string" ? bytes(read) : read);
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

const VALUE = "channels:\n  value: { field: raw, resolution: 1 }\n";
const WORD = `byte-order: little-endian
pec: true
measure:
  - { write: "07", read: 3, fields: { raw: { byte: 0, as: u16 } } }
${VALUE}`;

describe("SMBus packet error check", () => {
  it("ends a write as the maker's application note shows it (Melexis 390119061402, page 19)", () => {
    const body = `pec: true
set-up:
  - { write: "2E 00 00" }
  - { wait: 5ms }
  - { write: "2E 5A 00" }
measure:
  - { write: "07", read: 3, fields: { raw: { byte: 0, as: u16 } } }
${VALUE}`;
    expect(talk(chip(body, 0).prepare(), () => "").passed).toEqual(["2E00006F/0", "2E5A00E1/0"]);
  });

  it("covers both addresses of a read: 3AD2 of the chip at 5A ends with 30", () => {
    expect(talk(chip(WORD, 0x5a).measure(new Map()), () => "D2 3A 30").result.get("value")).toBe(0x3ad2);
    // The same answer of a chip at 5B would end otherwise.
    expect(reasonOf(() => talk(chip(WORD, 0x5b).measure(new Map()), () => "D2 3A 30"))).toBe("checksum");
  });

  it("of a read without a register covers the one address byte that is sent", () => {
    // "abc" is 5F under CRC-8/SMBUS; 61 is the address 30 for reading.
    const body = `pec: true\nmeasure:\n  - { read: 3, fields: { raw: { byte: 0, as: u16 } } }\n${VALUE}`;
    expect(talk(chip(body, 0x30).measure(new Map()), () => "62 63 5F").result.get("value")).toBe(0x6263);
  });

  it("finds every single bit and every burst of up to eight that changes on the way", () => {
    const protocol = chip(WORD, 0x5a);
    const good = bytes("D2 3A 30");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 16 }), fc.integer({ min: 1, max: 255 }), (at, pattern) => {
        const all = ((good[0]! << 16) | (good[1]! << 8) | good[2]!) ^ (pattern << at);
        const read = Uint8Array.of((all >> 16) & 255, (all >> 8) & 255, all & 255);
        expect(reasonOf(() => talk(protocol.measure(new Map()), () => read))).toBe("checksum");
      }),
      { numRuns: 3_000 },
    );
  });

  it("that is missing is a wrong one", () => {
    expect(reasonOf(() => talk(chip(WORD, 0x5a).measure(new Map()), () => ""))).toBe("malformed");
    expect(reasonOf(() => talk(chip(WORD, 0x5a).measure(new Map()), () => "D2 3A"))).toBe("malformed");
  });

  it("ends identities, too, and a step can do without", () => {
    const body = `byte-order: little-endian
pec: true
identify:
  - { write: "0E", expect: "D2 3A" }
measure:
  - { write: "07", read: 2, pec: false, fields: { raw: { byte: 0, as: u16 } } }
${VALUE}`;
    const protocol = chip(body, 0x5a);
    // B4 0E B5 D2 3A
    const prepared = (check: string) => talk(protocol.prepare(), () => `D2 3A ${check}`);
    expect(reasonOf(() => prepared("30"))).toBe("checksum");
    expect(prepared("96").passed).toEqual(["0E/3"]);
    expect(talk(protocol.measure(new Map()), () => "01 02").passed).toEqual(["07/2"]);
    expect(protocol.readLengthMax).toBe(3);
  });

  it("goes together with a CRC of the chip's own, which it covers", () => {
    const body = `pec: true
measure:
  - { write: "07", read: 4, crc8: { name: CRC-8/NRSC-5, every: 2 }, fields: { raw: { byte: 0, as: u16 } } }
${VALUE}`;
    // BE EF 92 is Sensirion's example; B4 07 B5 BE EF 92 comes before the last byte.
    const measured = (check: string) => talk(chip(body, 0x5a).measure(new Map()), () => `BE EF 92 ${check}`);
    expect(measured("A3").result.get("value")).toBe(0xbeef);
    expect(reasonOf(() => measured("92"))).toBe("checksum");
  });

  it("can't be had where a stop would come between, and counts among the bytes that are read", () => {
    const reading = (step: string) => problemsOf(`pec: true\nmeasure:\n  - ${step}\n${VALUE}`);
    const field = (byte: number) => `fields: { raw: { byte: ${byte}, as: u16 } }`;
    expect(reading(`{ write: "00 07", read: 3, ${field(0)} }`)[0]).toMatch(/^8 D476 .*2 bytes written/);
    expect(reading(`{ write: "07", read: 33, ${field(0)} }`)[0]).toMatch(/^8 D476/);
    expect(reading(`{ write: "07", read: 2, ${field(0)} }`)[0]).toMatch(/^8 D420 only 1 bytes/);
    expect(reading(`{ write: "07", read: 3, ${field(0)} }`)).toEqual([]);
    expect(problemsOf(`pec: true\nidentify:\n  - { write: "00 0E", expect: "5A" }\n${WORD.slice(35)}`)[0]).toMatch(
      /D476/,
    );
  });

  it("covers an address that an example has to know", () => {
    const body = `${WORD}examples:
  - { name: "one", from: "computed from it", transfers: [{ write: "07", read: "D2 3A 30" }], gives: { value: 15058 } }
  - { name: "two", from: "computed from it", given: { address: 0x5A }, transfers: [{ write: "07", read: "D2 3A 30" }], gives: { value: 15058 } }
`;
    expect(problemsOf(body)).toEqual([
      '13 D602 the example doesn\'t come out: pec covers the address: say it in "given:", or give it a default',
    ]);
  });
});
