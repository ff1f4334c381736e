import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SIZES } from "../fields/fields.ts";
import { loadDeviceType } from "../load.ts";
import type { DecodedValue, SerialProtocol, SerialRead } from "../model.ts";
import { FIELD_TYPES } from "../spec.ts";
import { planRequests, withoutHoles } from "./modbus-plan.ts";

const wanted = fc
  .record({ first: fc.nat(400), length: fc.integer({ min: 1, max: 6 }) })
  .map(({ first, length }) => ({ first, last: first + length - 1 }));
const limits = fc.record({ holes: fc.nat(30), atMost: fc.integer({ min: 6, max: 125 }) });

/** Registers from the first to the last wanted one that none of them takes, in runs. */
function holesIn(all: readonly { first: number; last: number }[], first: number, last: number): number[] {
  const runs: number[] = [];
  let run = 0;
  for (let register = first; register <= last; register++) {
    const isWanted = all.some((one) => one.first <= register && register <= one.last);
    if (!isWanted) run++;
    else if (run > 0) runs.push(run);
    if (isWanted) run = 0;
  }
  return run > 0 ? [...runs, run] : runs;
}

describe("a plan", () => {
  it("covers each wanted register once, within its limits, and has no holes left without holes", () => {
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 40 }), limits, (all, { holes, atMost }) => {
        const requests = planRequests(all, { holes, atMost });
        expect(requests.flatMap((request) => request.wanted).sort(byPlace)).toEqual([...all].sort(byPlace));
        for (const request of requests) {
          expect(request.last - request.first + 1).toBeLessThanOrEqual(atMost);
          for (const one of request.wanted) {
            expect(one.first).toBeGreaterThanOrEqual(request.first);
            expect(one.last).toBeLessThanOrEqual(request.last);
          }
          const runs = holesIn(request.wanted, request.first, request.last);
          for (const run of runs) expect(run).toBeLessThanOrEqual(holes);
          const parts = withoutHoles(request, atMost);
          expect(parts !== undefined).toBe(runs.length > 0);
          for (const part of parts ?? []) expect(holesIn(part.wanted, part.first, part.last)).toEqual([]);
          expect((parts ?? [request]).flatMap((part) => part.wanted).sort(byPlace)).toEqual(
            [...request.wanted].sort(byPlace),
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("needs no more requests than one for each wanted", () => {
    expect(planRequests([{ first: 0, last: 1 }, { first: 1, last: 1 }, { first: 5, last: 5 }], { holes: 2, atMost: 60 })).toEqual([
      { first: 0, last: 1, wanted: [{ first: 0, last: 1 }, { first: 1, last: 1 }] },
      { first: 5, last: 5, wanted: [{ first: 5, last: 5 }] },
    ]); // biome-ignore format: a table
  });
});

const byPlace = (a: { first: number; last: number }, b: { first: number; last: number }): number =>
  a.first - b.first || a.last - b.last;

const orders = fc.constantFrom("big-endian", "little-endian");
const ofRegisters = fc.record({
  table: fc.constantFrom("holding", "input"),
  as: fc.constantFrom(...FIELD_TYPES),
  first: fc.nat(300),
  byte: orders,
  word: orders,
});
const ofBits = fc.record({
  table: fc.constantFrom("coil", "discrete"),
  first: fc.nat(300),
  width: fc.integer({ min: 1, max: 16 }),
});
interface Wanted {
  readonly table: string;
  readonly first: number;
  readonly as?: string;
  readonly byte?: string;
  readonly word?: string;
  readonly width?: number;
}

/** What the lines of a file say of one channel. */
const lineOf = (one: Wanted, index: number): string =>
  one.as === undefined
    ? `  c${index}: { register: ${one.table} ${one.first} to ${one.first + (one.width ?? 1) - 1} }`
    : `  c${index}: { register: ${one.table} ${one.first}, as: ${one.as}, byte-order: ${one.byte}, word-order: ${one.word}, resolution: 1 }`;

function serialOf(lines: readonly string[], merge: string): SerialProtocol {
  const text = `format: 1
type: any
source: "random"
protocol: modbus-rtu
every: 10s
serial: { speed: 9600, mode: 8E1 }
timing: { answer-within: 200ms }
merge: ${merge}
channels:
${lines.join("\n")}
`;
  const { type, problems } = loadDeviceType({ path: "any.yaml", text });
  const protocol = type?.protocol(new Map());
  if (protocol?.kind !== "serial") throw new Error(problems.map(({ message }) => message).join("; "));
  return protocol;
}

function crcOf(content: readonly number[]): number[] {
  let crc = 0xffff;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return [crc & 0xff, crc >> 8];
}

/** A device in which every register and bit is a number made from its table and place. */
function answered(request: Uint8Array): Uint8Array {
  const [address = 0, code = 0, high = 0, low = 0, countHigh = 0, countLow = 0] = request;
  const [first, count] = [high * 256 + low, countHigh * 256 + countLow];
  const noise = (place: number): number => (Math.imul(place * 8 + code, 0x9e3779b1) >>> 7) & 0xffff;
  const data: number[] = [];
  if (code <= 2) {
    for (let i = 0; i < count; i++) {
      if (i % 8 === 0) data.push(0);
      data[data.length - 1] = (data.at(-1) ?? 0) | ((noise(first + i) & 1) << (i % 8));
    }
  } else for (let i = 0; i < count; i++) data.push(noise(first + i) >> 8, noise(first + i) & 0xff);
  const content = [address, code, data.length, ...data];
  return Uint8Array.from([...content, ...crcOf(content)]);
}

function valuesOf(protocol: SerialProtocol, reads: readonly SerialRead[]): Map<string, DecodedValue> {
  const values = new Map<string, DecodedValue>();
  for (const read of reads) {
    const exchange = protocol.read(9, read.name, () => undefined);
    const outcome = exchange.recognise().push(answered(exchange.request));
    if (outcome?.kind !== "answer") throw new Error(`${read.name}: ${outcome?.kind ?? "none"}`);
    expect([...outcome.values.keys()].sort()).toEqual([...read.channels].sort());
    for (const [name, value] of outcome.values) {
      expect(values.has(name)).toBe(false);
      values.set(name, value);
    }
  }
  return values;
}

it("merged requests, their parts without holes, and one request per channel give the same values", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(ofRegisters, ofBits), { minLength: 1, maxLength: 25 }),
      fc.nat(20),
      fc.integer({ min: 4, max: 125 }),
      (all: readonly Wanted[], holes, atMost) => {
        const lines = all.map(lineOf);
        const merged = serialOf(lines, `{ holes: ${holes}, at-most: ${atMost}, bits: { holes: ${holes * 8} } }`);
        const names = merged.reads.flatMap((read) => [read.name, ...(read.withoutHoles ?? []).map(({ name }) => name)]);
        expect(new Set(names).size).toBe(names.length);
        const values = valuesOf(merged, merged.reads);
        expect([...values.keys()].sort()).toEqual(all.map((_, index) => `c${index}`).sort());
        expect(
          valuesOf(
            merged,
            merged.reads.flatMap((read) => read.withoutHoles ?? [read]),
          ),
        ).toEqual(values);
        for (const [index, line] of lines.entries()) {
          const alone = serialOf([line], "{ holes: 0 }");
          expect(valuesOf(alone, alone.reads).get(`c${index}`)).toEqual(values.get(`c${index}`));
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

it("every type of number takes the registers that its bytes need", () => {
  for (const as of FIELD_TYPES) {
    const [read] = serialOf([`  a: { register: input 7, as: ${as}, resolution: 1 }`], "{}").reads;
    const words = Math.ceil(SIZES[as] / 2);
    expect(read?.name).toBe(words === 1 ? "input 7" : `input 7 to ${6 + words}`);
  }
});
