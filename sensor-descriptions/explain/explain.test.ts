import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFormula } from "../formula/formula.ts";
import { correctedSpec } from "../load/corrected-spec.ts";
import { type DeviceType, type Example, loadDeviceType } from "../load.ts";
import type { I2cConversation, Values } from "../model.ts";
import { readBytes } from "../quantities.ts";
import type { FramedSpec, ProtocolSpec } from "../spec.ts";
import { explainBytes, explainExample, requestsOf } from "./explain.ts";
import type { Annotation, Explanation, Section } from "./explanation.ts";
import { explainTransfers } from "./i2c.ts";

const ROOT = join(import.meta.dirname, "..");
const files = ["boards", "sensors", "testing/devices"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(ROOT, folder, name)),
);
const typeAt = (path: string): DeviceType => {
  const { type } = loadDeviceType({ path, text: readFileSync(path, "utf8") });
  if (!type) throw new Error(`${path} doesn't load`);
  return type;
};
const types = files.map(typeAt);
const typeNamed = (name: string): DeviceType => {
  const type = types.find((one) => one.name === name);
  if (!type) throw new Error(`no type ${name}`);
  return type;
};
const bytesOf = (text: string): Uint8Array => {
  const read = readBytes(text);
  if (!("ok" in read)) throw new Error(text);
  return read.ok;
};

/** Every byte of every section belongs to exactly one annotation. */
function isCovered({ bytes, annotations }: Section): boolean {
  let at = 0;
  for (const { start, end } of annotations) {
    if (start !== at || end <= start) return false;
    at = end;
  }
  return at === bytes.length;
}

const covers = ({ sections }: Explanation): boolean => sections.every(isCovered);

function drive<T>(conversation: I2cConversation<T>, reads: Uint8Array[]): T {
  let state = conversation.next();
  while (!state.done)
    state = conversation.next(state.value.do === "wait" ? new Uint8Array() : (reads.shift() ?? new Uint8Array()));
  return state.value;
}

/** What the agent would make of the example; undefined: nothing to decode. */
function decoded(type: DeviceType, { given, shows, answer }: Example): Values | undefined {
  const protocol = type.protocol(given);
  const address = given.get("address") ?? 0;
  if (protocol.kind === "i2c" && shows.kind === "transfers") {
    const reads = shows.transfers.map(({ read }) => read).filter((_, i) => shows.transfers[i] !== undefined);
    return drive(protocol.measure(drive(protocol.prepare(), reads)), reads);
  }
  if (protocol.kind === "pulses" && shows.kind === "pulses") return protocol.values(shows);
  if (protocol.kind !== "serial" || shows.kind !== "read" || !answer) return undefined;
  if (protocol.reads.find(({ name }) => name === shows.read)?.isReport)
    return protocol.listen?.(address).push(answer)[0]?.values;
  const outcome = protocol
    .read(address, shows.read, () => 0)
    .recognise()
    .push(answer);
  return outcome?.kind === "answer" ? outcome.values : undefined;
}

describe("an explanation of the catalogue", () => {
  const examples = types.flatMap((type) =>
    type.examples.map((example) => [type.name, example.name, type, example] as const),
  );

  it.each(
    examples,
  )("%s, %s: covers every byte, finds nothing wrong, and gives the values that decoding gives", (_type, _name, type, example) => {
    const explained = explainExample(type, example);
    expect(explained.every(covers)).toBe(true);
    expect(explained.flatMap(({ wrong }) => wrong)).toEqual([]);
    const values = decoded(type, example);
    if (values) expect(new Map(explained.flatMap((one) => [...one.values]))).toEqual(new Map(values));
  });

  it("shows formulas whose numbers give what is said to come out", () => {
    let shown = 0;
    for (const [, , type, example] of examples) {
      for (const { filled, value } of explainExample(type, example).flatMap(({ computed }) => computed)) {
        const formula = parseFormula(filled);
        if (!("ok" in formula) || typeof value !== "number") continue;
        shown++;
        expect(formula.ok.names).toEqual([]);
        expect(Math.abs(formula.ok.evaluate(() => Number.NaN) - value)).toBeLessThanOrEqual(
          1e-5 * (1 + Math.abs(value)),
        );
      }
    }
    expect(shown).toBeGreaterThan(100);
  });

  it("shows a derived channel computed from what the station file's correction makes of the others", () => {
    const path = join(ROOT, "sensors/sht4x.yaml");
    const derivedChannel = '  dew-point: { formula: "dew_point(temperature, humidity)", unit: °C, resolution: 0.1 }';
    const text = readFileSync(path, "utf8").replace(/\nchannels:.*\n/, (line) => `${line}${derivedChannel}\n`);
    const { type } = loadDeviceType({ path, text });
    const example = type?.examples[0];
    if (!type || example?.shows.kind !== "transfers") throw new Error("no transfers");
    const spec = correctedSpec(type.spec(example.given), new Map([["temperature", -5]]));
    if (spec.protocol !== "i2c") throw new Error("no chip");
    const { computed } = explainTransfers(spec, example.shows.transfers);
    const derived = computed.find(({ name }) => name === "dew-point");
    const formula = parseFormula(derived?.filled ?? "");
    expect("ok" in formula && formula.ok.evaluate(() => Number.NaN)).toBeCloseTo(Number(derived?.value), 4);
  });

  it("recognises each request that would be sent", () => {
    for (const type of types) {
      const spec = type.spec(type.examples[0]?.given ?? new Map());
      for (const { what, bytes } of requestsOf(spec, 1)) {
        const explained = explainBytes(spec, { address: 1 }, bytes);
        expect(explained.what).toEqual([`request "${what}"`]);
        expect(explained.wrong).toEqual([]);
      }
    }
  });
});

const pump = typeNamed("pump-mk2");
const explain = (spec: ProtocolSpec, text: string, address = 1): Explanation =>
  explainBytes(spec, { address }, bytesOf(text));
const pumpSpec = pump.spec(new Map());
const rows = ({ sections }: Explanation): string[] =>
  sections.flatMap(({ bytes, annotations }) => annotations.map((one) => row(bytes, one)));
const row = (bytes: Uint8Array, { start, end, part, says, wrong }: Annotation): string =>
  `${start} ${Buffer.from(bytes.subarray(start, end)).toString("hex")} ${part}: ${says.join(" / ")}${wrong === undefined ? "" : ` ✗ ${wrong}`}`;

const GOOD = "55 AA 01 0E 81 01 1F BD 04 76 01 9D 00 00 4F C1 27 10 15 47";

describe("what is wrong with a frame", () => {
  it("is its check: what it should be, and which check fits instead", () => {
    expect(explain(pumpSpec, GOOD.replace("15 47", "47 15")).wrong).toEqual([
      "check: should be 15 47; what stands here is CRC-16/MODBUS over address to body (bytes 2 to 17), high byte first",
    ]);
    expect(explain(pumpSpec, GOOD.replace("15 47", "15 48")).wrong).toEqual(["check: should be 15 47"]);
  });

  it("is another algorithm or coverage, found in the catalogue", () => {
    const other = (change: Partial<Extract<FramedSpec["frame"][number], { part: "check" }>>): string[] => {
      const spec = pumpSpec as FramedSpec;
      const frame = spec.frame.map((part) => (part.part === "check" ? { ...part, ...change } : part));
      const request = requestsOf({ ...spec, frame }, 1)[0]?.bytes ?? new Uint8Array();
      return [...explainBytes(spec, { address: 1 }, request).wrong];
    };
    expect(other({ check: { kind: "crc", name: "CRC-16/KERMIT" } })[0]).toContain(
      "what stands here is CRC-16/KERMIT over address to body",
    );
    expect(other({ from: 0 })[0]).toContain("what stands here is CRC-16/MODBUS over start to body (bytes 0 to 4)");
    expect(other({ check: { kind: "sum16" } })[0]).toContain("sum16 over address to body");
  });

  it("is its beginning, its length or its address", () => {
    expect(explain(pumpSpec, GOOD.replace("55 AA", "55 AB")).what).toEqual([
      "no whole frame: starts with 55 AB, not 55 AA",
    ]);
    expect(explain(pumpSpec, GOOD.slice(0, 44)).what).toEqual([
      "no whole frame: length says 14, so 16 bytes have to follow it, but 11 do",
    ]);
    expect(explain(pumpSpec, GOOD, 2).wrong).toEqual(["address: address 1, this device is 2"]);
    expect(explain(pumpSpec, GOOD.replace("01 0E", "01 14")).what[0]).toMatch(
      /it would be right if it counted the whole frame$/,
    );
  });

  it("leaves no value behind", () => {
    for (const text of [GOOD.replace("15 47", "15 48"), GOOD.slice(0, 44), GOOD.replace("55 AA", "55 AB")])
      expect(explain(pumpSpec, text).values.size).toBe(0);
    expect(explain(pumpSpec, GOOD, 2).values.size).toBe(0);
  });

  it("doesn't hide the frames beside it", () => {
    const both = explain(pumpSpec, `00 ${GOOD} FF FF 55 AA 01 01 01 E0 50`);
    expect(both.what).toEqual(['answer to "read status"', 'request "read status"']);
    expect(rows(both).filter((line) => line.includes("stray"))).toEqual([
      "0 00 stray: belongs to no frame",
      "21 ffff stray: belong to no frame",
    ]);
  });
});

describe("explaining whatever comes", () => {
  const specs = types.map((type) => [type, type.spec(type.examples[0]?.given ?? new Map())] as const);
  const seeds = specs.flatMap(([type, spec]) =>
    type.examples.flatMap(({ sent, answer }) =>
      [sent, answer].flatMap((bytes) => (bytes ? [[spec, bytes] as const] : [])),
    ),
  );
  const checked = (spec: ProtocolSpec, bytes: Uint8Array): void => {
    const explained = explainBytes(spec, { address: 1 }, bytes);
    if (explained.sections.length > 0) expect(explained.sections[0]?.bytes).toEqual(bytes);
    for (const section of explained.sections) if (!isCovered(section)) expect(section.annotations).toBe("covering");
  };

  it("never fails and covers every byte (random bytes)", () => {
    const any = fc.tuple(fc.constantFrom(...specs.map(([, spec]) => spec)), fc.uint8Array({ maxLength: 80 }));
    fc.assert(
      fc.property(any, ([spec, bytes]) => checked(spec, bytes)),
      { numRuns: 3_000 },
    );
  });

  it("never fails and covers every byte (damaged messages)", () => {
    const change = fc.tuple(
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom("set", "cut", "insert", "twice"),
    );
    const any = fc.tuple(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(any, ([[spec, bytes], changes]) => {
        const damaged = [...bytes];
        for (const [place, byte, how] of changes) {
          const at = damaged.length === 0 ? 0 : place % damaged.length;
          if (how === "cut") damaged.splice(at, 1 + (byte % 4));
          else if (how === "twice") damaged.push(...damaged.slice(at));
          else damaged.splice(at, how === "set" ? 1 : 0, byte);
        }
        checked(spec, Uint8Array.from(damaged));
      }),
      { numRuns: 3_000 },
    );
  });

  it("takes no longer than a second for as many bytes as are explained, whatever they are", () => {
    const [, spec] = specs.find(([type]) => type.name === "pump-mk2") ?? [];
    if (!spec) throw new Error("no pump");
    const begins = Uint8Array.from({ length: 4_096 }, (_, i) => [0x55, 0xaa, 0x01, 0xff][i % 4] as number);
    const startedMs = performance.now();
    checked(spec, begins);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

it.each([
  ["valid-framed", "55 AA 04 81 04 27 10 C0", "pressure", "supply is good and load below 50 %"],
  ["valid-modbus", "01 03 14 04 D2 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01", "level", "status is valid"],
])("says of %s why a value that stands there doesn't count", (name, bytes, channel, condition) => {
  const type = typeNamed(name);
  const example = type.examples.find(
    ({ answer }) => answer && Buffer.from(answer).includes(Buffer.from(bytesOf(bytes))),
  );
  const given = example?.given ?? new Map<string, number>();
  const asked = { address: given.get("address") ?? 0 };
  const { sections, values } = explainBytes(type.spec(given), asked, example?.answer ?? new Uint8Array());
  const says = sections.flatMap(({ annotations }) => annotations.find(({ part }) => part === channel)?.says ?? []);
  expect(values.get(channel)).toBe("no-sensor");
  expect(says.join("; ")).toContain(`doesn't count: it isn't so that ${condition}`);
});
