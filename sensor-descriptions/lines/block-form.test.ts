import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import type { Report, SerialProtocol } from "../model.ts";
import { BLOCK_BYTES_MAX } from "./block-form.ts";
import { bytesOfText } from "./letters.ts";

const ROOT = join(import.meta.dirname, "..");
function loaded(path: string) {
  const { type } = loadDeviceType({ path, text: readFileSync(join(ROOT, path), "utf8") });
  if (!type) throw new Error(`${path} doesn't load`);
  return { protocol: type.protocol(new Map()) as SerialProtocol, examples: type.examples };
}
const victron = loaded("sensors/victron-mppt.yaml");
const meter = loaded("testing/devices/block-telegram.yaml");
const captures = victron.examples.map(({ answer }) => answer ?? new Uint8Array());
const [telegram = new Uint8Array()] = meter.examples.map(({ answer }) => answer);

const heard = (protocol: SerialProtocol, ...portions: readonly Uint8Array[]): readonly Report[] => {
  const listener = protocol.listen?.(0);
  return portions.flatMap((portion) => listener?.push(portion) ?? []);
};
const joined = (...all: readonly Uint8Array[]): Uint8Array => Uint8Array.from(all.flatMap((one) => [...one]));

describe("a block of lines with one check", () => {
  it("is heard in portions of any size, one after the other, without anything between them", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sizes) => {
        const stream = joined(...captures);
        const portions: Uint8Array[] = [];
        for (let [at, i] = [0, 0]; at < stream.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          portions.push(stream.slice(at, at + size));
          at += size;
        }
        const reports = heard(victron.protocol, ...portions);
        expect(reports.map(({ values }) => values.get("battery-voltage"))).toEqual([11.02, 13.36, 13.73]);
      }),
      { numRuns: 500 },
    );
  });

  it("gives no value when any one of its bytes is another one", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...captures.map((bytes) => ({ protocol: victron.protocol, bytes })), {
          protocol: meter.protocol,
          bytes: telegram,
        }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ protocol, bytes }, place, change) => {
          const at = place % bytes.length;
          const damaged = bytes.slice();
          damaged[at] = (damaged[at] ?? 0) ^ change;
          const isSameDigit =
            String.fromCharCode(damaged[at] ?? 0).toUpperCase() === String.fromCharCode(bytes[at] ?? 0);
          fc.pre(!isSameDigit);
          expect(heard(protocol, damaged)).toEqual([]);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("is passed over when its beginning was missed, and the next one counts", () => {
    const [first = new Uint8Array(), second = new Uint8Array()] = captures;
    for (let at = 1; at < first.length; at++) {
      const reports = heard(victron.protocol, first.slice(at), second);
      expect(reports.map(({ frame }) => frame)).toEqual([second]);
    }
  });

  it("begins anew with each beginning that can't stand inside of it", () => {
    const cut = telegram.slice(0, 400);
    const [report] = heard(meter.protocol, cut, telegram);
    expect(report?.values.get("imported")).toBe(123_456.789);
  });

  it("ends with its check even when that byte is one that ends lines or begins blocks", () => {
    const values = heard(victron.protocol, captures[0] ?? new Uint8Array())[0]?.values ?? new Map<string, number>();
    const numbered = Array.from({ length: 20_000 }, (_, power) => {
      const others = new Map(values).set("panel-power", power);
      for (const name of ["power-max-today", "error"]) others.set(name, (power * 7919) % 10 ** (power % 9));
      return { power, block: victron.protocol.report?.(0, "block", others) ?? new Uint8Array() };
    });
    const blocks = [0x0a, 0x0d, 0x00, 0x3a].map((wanted) => {
      const found = numbered.find(({ block }) => block.at(-1) === wanted);
      if (!found) throw new Error(`no block with the check ${wanted}`);
      return found;
    });
    const reports = heard(victron.protocol, joined(...blocks.map(({ block }) => block)));
    expect(reports.map((report) => report.values.get("panel-power"))).toEqual(blocks.map(({ power }) => power));
  });

  it("is noise when it doesn't end, and what comes after one that is known to be lost counts again", () => {
    const noise = bytesOfText("\r\nnoise\t1".repeat(BLOCK_BYTES_MAX / 4));
    const [lost = new Uint8Array(), next = new Uint8Array()] = captures;
    const listener = victron.protocol.listen?.(0);
    expect(listener?.push(joined(noise, lost))).toEqual([]);
    expect(listener?.strayBytes).toBe(noise.length + lost.length);
    expect(listener?.push(next)).toHaveLength(1);
  });
});

const BLOCK = `format: 1
type: some-block
source: "own"
protocol: lines
every: 10s
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 1s }
BLOCK
reads:
  all: { by-itself: true, channels: { a: { begins-with: "a=", decimals: 0 } } }
`;
const problemsOf = (block: string): readonly string[] =>
  loadDeviceType({ path: "some-block.yaml", text: BLOCK.replace("BLOCK", block) })
    .problems.filter(({ severity }) => severity === "error")
    .map(({ code, line }) => `${code} in line ${line}`);

describe("a description of blocks", () => {
  it.each([
    ['block: { end: "END\\n" }', []],
    ['block: { check: { sum: xor8, after: "!" } }', []],
    ["block: { begin: x }", ["D211 in line 8"]],
    ["block: { check: { sum: xor8 } }", ["D211 in line 8"]],
    ['block: { check: { sum: xor8 }, end: "z" }', ["D211 in line 8"]],
    ['block: { line-end: "", end: "z" }', ["D453 in line 8"]],
    ['block: { check: { after: "!" } }', ["D410 in line 8"]],
    ['block: { check: { sum: xor8, after: "!", over: after to begin } }', ["D207 in line 8"]],
    ['line: { begin: "$" }\nblock: { end: "z" }', ["D210 in line 9"]],
  ])("%s: %s", (block, problems) => {
    expect(problemsOf(block)).toEqual(problems);
  });
});
