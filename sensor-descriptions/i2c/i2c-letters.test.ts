import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainTransfers } from "../explain/i2c.ts";
import { loadDeviceType } from "../load.ts";
import { I2cAnswerError, type I2cConversation, type I2cProtocol } from "../model.ts";
import type { I2cSpec } from "./i2c-spec.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const file = (body: string) => ({
  path: "probe.yaml",
  text: `format: 1\ntype: probe\nsource: "test"\nprotocol: i2c\nevery: 10s\n${body}`,
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
const probe = (body: string): I2cProtocol => typeOf(body).protocol(new Map([["address", 0x63]])) as I2cProtocol;

function talk<T>(conversation: I2cConversation<T>, answer: (length: number) => Uint8Array) {
  const written: string[] = [];
  for (let state = conversation.next(); ; ) {
    if (state.done) return { result: state.value, written };
    const step = state.value;
    if (step.do === "transfer" && step.write.length > 0) written.push(Buffer.from(step.write).toString("latin1"));
    const reads = step.do === "transfer" && step.readLength > 0;
    state = conversation.next(reads ? answer(step.readLength) : new Uint8Array());
  }
}
/** Answers end with a zero byte; the bus reads ones, or zeros, behind it. */
const padded =
  (status: number, text: string, fill = 0) =>
  (length: number) =>
    Uint8Array.from({ length }, (_, i) => [status, ...bytesOf(`${text}\0`)][i] ?? fill);

/** Atlas Scientific EZO (pH circuit datasheet, pages 46 and 51): ASCII commands, a status byte, ASCII, a zero byte. */
const EZO = `measure:
  - letters: "R"
  - wait: 900ms
  - read: 24
    status: { byte: 0, good: 1, refused: [2, 3], busy: 254, no-sensor: 4, malformed: 255 }
    fields:
      first: { byte: 1, as: text, no-sensor: -1023 }
      second: { byte: 1, as: text, part: 2 }
channels:
  first: { field: first, resolution: 0.001 }
  second: { field: second, resolution: 1 }
  t: { formula: first * 0, resolution: 1 }
settings:
  t:
    steps:
      - letters: "T,{value}"
        with: { value: { formula: value, as: text, decimals: 1 } }
      - wait: 300ms
      - { read: 1, status: { byte: 0, good: 1, refused: 2 } }
    read-back: t
    range: -5 to 50
`;
const measured = (status: number, text: string, fill = 0) =>
  talk(probe(EZO).measure(new Map()), padded(status, text, fill));
const failure = (run: () => unknown): string => {
  try {
    run();
    return "none";
  } catch (error) {
    if (error instanceof I2cAnswerError) return `${error.reason} ${error.code ?? ""}`.trim();
    throw error;
  }
};

describe("numbers in letters on I2C", () => {
  it("are asked for by a command in letters and read to the zero byte: the datasheet's 9.560", () => {
    const { result, written } = measured(1, "9.560", 0xff);
    expect(written).toEqual(["R"]);
    expect(result.get("first")).toBe(9.56);
    expect(result.get("second")).toBe("malformed");
  });

  it("may be several between commas, negative, and end with the last byte", () => {
    expect([...measured(1, "-12.5,706,0.71").result.values()]).toEqual([-12.5, 706, 0]);
    expect(measured(1, " 1413 , +706 ").result.get("second")).toBe(706);
    expect(measured(1, "1.2345678901234567890123456").result.get("first")).toBeCloseTo(1.2345678901234567, 12);
  });

  it("that are none are malformed, and a special one is what it stands for", () => {
    for (const text of ["", "?I,pH", "1.2.3", "0x12", "1e5", "NaN", "--1", "."])
      expect(measured(1, text).result.get("first")).toBe("malformed");
    expect(measured(1, "-1023.000").result.get("first")).toBe("no-sensor");
  });

  it("give what was written, whatever it is", () => {
    const protocol = probe(EZO);
    fc.assert(
      fc.property(
        fc.integer({ min: -9_999_999, max: 9_999_999 }),
        fc.integer({ min: 0, max: 255 }),
        (thousandths, fill) => {
          const text = (thousandths / 1000).toFixed(3);
          const { result } = talk(protocol.measure(new Map()), padded(1, text, fill));
          expect(result.get("first")).toBe(thousandths === -1_023_000 ? "no-sensor" : thousandths / 1000);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("never come out of noise as anything but a number or a named reason", () => {
    const protocol = probe(EZO);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 24 }), (noise) => {
        const run = (): unknown => {
          for (const value of talk(protocol.measure(new Map()), () => noise).result.values())
            expect(
              typeof value === "number" ? Number.isFinite(value) : value === "malformed" || value === "no-sensor",
            ).toBe(true);
          return undefined;
        };
        expect(["none", "busy", "malformed", "no-sensor", "refused 2", "refused 3"]).toContain(failure(run));
      }),
      { numRuns: 3_000 },
    );
  });

  it("are written into commands, and what doesn't fit isn't sent", () => {
    const { written } = talk(probe(EZO).set!("t", 19.5, new Map()), padded(1, ""));
    expect(written).toEqual(["T,19.5"]);
    expect(talk(probe(EZO).set!("t", -0.04, new Map()), padded(1, "")).written).toEqual(["T,0.0"]);
    expect(failure(() => talk(probe(EZO).set!("t", 1e30, new Map()), padded(1, "")))).toBe("malformed");
    expect(failure(() => talk(probe(EZO).set!("t", 5, new Map()), padded(2, "")))).toBe("refused 2");
  });
});

describe("what a chip says itself", () => {
  it("is the reason why there is no value", () => {
    expect(failure(() => measured(1, "7"))).toBe("none");
    expect(failure(() => measured(254, "7"))).toBe("busy");
    expect(failure(() => measured(3, ""))).toBe("refused 3");
    expect(failure(() => measured(4, ""))).toBe("no-sensor");
    expect(failure(() => measured(255, ""))).toBe("malformed");
    expect(failure(() => measured(77, "7"))).toBe("malformed");
  });

  it("is waited for where the description waits: busy is only not yet", () => {
    const body = `measure:
  - read: 2
    status: { byte: 0, good: 1, busy: 254, refused: 2 }
    fields: { raw: { byte: 1, as: u8 } }
    until: raw > 0
    every: 10ms
    within: 50ms
channels:
  raw: { field: raw }
`;
    const answers = (codes: readonly number[]) => {
      const left = [...codes];
      return talk(probe(body).measure(new Map()), () => Uint8Array.of(left.shift() ?? 254, 7)).result.get("raw");
    };
    expect(answers([254, 254, 1])).toBe(7);
    expect(failure(() => answers([254, 2, 1]))).toBe("refused 2");
    expect(failure(() => answers([]))).toBe("timeout");
  });

  it("is explained with the letters", () => {
    const spec = typeOf(EZO).spec(new Map([["address", 0x63]])) as I2cSpec;
    const explained = (status: number) =>
      explainTransfers(spec, [
        { write: bytesOf("R"), read: new Uint8Array() },
        { write: new Uint8Array(), read: padded(status, "9.560")(24) },
      ]);
    expect(explained(1).wrong).toEqual([]);
    expect(JSON.stringify(explained(1).sections)).toContain('\\"9.560\\" in letters: 9.56');
    expect(explained(2).wrong.join()).toMatch(/status 2 means refused/);
  });

  it("and how it is written down is checked", () => {
    const reading = (step: string) =>
      problemsOf(`measure:\n  - ${step}\nchannels:\n  x: { formula: 1, resolution: 1 }\n`)[0];
    expect(reading("{ read: 2, status: { byte: 2, good: 1 } }")).toMatch(/^7 D420/);
    expect(reading("{ read: 2, status: { byte: 0, good: 1, busy: [2, 1] } }")).toMatch(/^7 D620 status 1/);
    expect(reading("{ read: 2, fields: { a: { byte: 0, as: text, scale: 2 } } }")).toMatch(/^7 D621/);
    expect(reading("{ read: 2, fields: { a: { byte: 0, as: u8, part: 2 } } }")).toMatch(/^7 D622/);
    expect(reading('{ write: "01", letters: "R" }')).toMatch(/^7 D623/);
    expect(reading('{ write: "01", status: { byte: 0, good: 1 } }')).toMatch(/^7 D419/);
    expect(reading('{ write: "{a}", with: { a: { formula: 1, as: u8, decimals: 1 } } }')).toMatch(/^7 D622/);
    expect(reading('{ write: "{a}", with: { a: { formula: 1, as: text, bits: 1 } } }')).toMatch(/^7 D621/);
  });
});
