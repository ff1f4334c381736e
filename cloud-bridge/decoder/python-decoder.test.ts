import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChannelValue, MISSING_REASONS, type MissingReason } from "@pump-station/agent/reading.ts";
import { type BodyForm, decodeBatch, encodeBatch, WireError } from "@pump-station/agent/wire/batch.ts";
import { crc32c } from "@pump-station/agent/wire/crc32c.ts";
import { type CborItem, sealEnvelope } from "@pump-station/agent/wire/envelope.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { Batch, LedgerMessage } from "@pump-station/agent/wire/messages.ts";
import { createScale } from "@pump-station/agent/wire/scale.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeMessage } from "./decoder.ts";

/** One process for many messages: a line {hex, schemas} in, a line {message} or {kind, text} out. */
const DRIVER = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from pump_station_decoder import WireError, decode_message, schema_hash
for line in sys.stdin:
    asked = json.loads(line)
    schemas = {schema_hash(one): one for one in asked["schemas"]}
    try:
        print(json.dumps({"message": decode_message(bytes.fromhex(asked["hex"]), schemas), "hashes": list(schemas)}))
    except WireError as error:
        print(json.dumps({"kind": error.kind, "text": error.message, "wanted": error.hash}))
`;

interface Asked {
  readonly hex: string;
  readonly schemas: readonly StreamSchema[];
}
interface Answer {
  readonly message?: Record<string, unknown>;
  readonly hashes?: readonly string[];
  readonly kind?: string;
  readonly wanted?: string;
}

function askPython(asked: readonly Asked[]): Answer[] {
  const input = asked.map((one) => `${JSON.stringify(one)}\n`).join("");
  const out = execFileSync("python3", ["-c", DRIVER, import.meta.dirname], { input, maxBuffer: 256 * 1024 * 1024 });
  return out
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const answerOf = ({ hex, schemas }: Asked): Answer => askPython([{ hex, schemas }])[0] ?? {};

/** What our own decoder makes of it, as JSON gives it back. */
function ownAnswer({ hex, schemas }: Asked): Answer {
  const known = new Map(schemas.map((schema) => [schemaHash(schema), schema]));
  try {
    const batch = decodeBatch(Buffer.from(hex, "hex"), (hash) => known.get(hash));
    return { message: { kind: "batch", ...(JSON.parse(JSON.stringify(batch)) as Batch) } };
  } catch (error) {
    if (error instanceof WireError) return { kind: error.reason };
    throw error;
  }
}

const VECTORS = new URL("../../agent/wire/vectors/", import.meta.url);
const jsonAt = (name: string): unknown => JSON.parse(readFileSync(new URL(name, VECTORS), "utf8"));

describe("the golden messages, read by the Python file,", () => {
  interface Vector extends Asked {
    readonly form: BodyForm;
    readonly hashes: readonly string[];
    readonly decoded: Batch;
  }
  const named = readdirSync(VECTORS)
    .filter((name) => name.startsWith("batch-"))
    .map((name) => ({ name, vector: jsonAt(name) as Vector }));
  const travelling = named.filter(({ vector }) => vector.form !== "plain");

  it("mean what they always meant", () => {
    expect(travelling.length).toBeGreaterThan(4);
    const answers = askPython(travelling.map(({ vector }) => vector));
    for (const [at, { name, vector }] of travelling.entries()) {
      expect(answers[at], name).toEqual({ message: { kind: "batch", ...vector.decoded }, hashes: vector.hashes });
    }
  });

  it("are refused in the form that never travels", () => {
    const kept = named.filter(({ vector }) => vector.form === "plain");
    expect(kept.length).toBeGreaterThan(0);
    for (const answer of askPython(kept.map(({ vector }) => vector))) expect(answer.kind).toBe("malformed");
  });

  it("are ledger messages, too, and a schema is kept under its hash", () => {
    const ledger = jsonAt("ledger.json") as readonly { hex: string; decoded: LedgerMessage }[];
    const answers = askPython(ledger.map(({ hex }) => ({ hex, schemas: [] })));
    expect(answers.length).toBe(ledger.length);
    for (const [at, { decoded }] of ledger.entries()) {
      const hash = decoded.kind === "schema" ? { hash: schemaHash(decoded.schema) } : {};
      expect(answers[at]).toEqual({ message: { ...decoded, ...hash }, hashes: Object.values(hash) });
    }
  });
});

const reasons = Object.keys(MISSING_REASONS) as MissingReason[];
const missing = fc
  .tuple(fc.constantFrom(...reasons), fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }))
  .map(([reason, code]): ChannelValue => (code === undefined ? { missing: reason } : { missing: reason, code }));
const resolution = fc.oneof(
  fc.constantFrom(1, 0.1, 0.01, 0.0025, 0.2794, 1e-7, 10, 1 / 3, 2 ** 40, 1e-300, 5e-324),
  fc.double({ min: 1e-12, max: 1e9, noNaN: true }),
);
const whole = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.integer({ min: 0, max: 4 }).map((n) => n * 1_000),
  fc.integer({ min: -(2 ** 49), max: 2 ** 49 }),
);
/** A column wanders, climbs, jumps, stands, or follows a pattern of few values; some of it is missing. */
const column = fc.tuple(
  resolution,
  fc.constantFrom("wander", "climb", "any", "pattern", "constant"),
  whole,
  fc.boolean(),
);

const batches = fc
  .record({
    columns: fc.array(column, { minLength: 1, maxLength: 5 }),
    samples: fc.integer({ min: 1, max: 60 }),
    jitter: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 60, maxLength: 60 }),
    isRegular: fc.boolean(),
    noise: fc.array(fc.tuple(whole, fc.integer({ min: -3, max: 3 }), missing, fc.nat(9)), {
      minLength: 60,
      maxLength: 60,
    }),
    form: fc.constantFrom("trends" as const, "tight" as const, "deflated" as const),
    bootId: fc.constantFrom(undefined, "9f1c33aa", "c0ffee00-0000-4000-8000-000000000001"),
  })
  .map(({ columns, samples, jitter, isRegular, noise, form, bootId }) => {
    const schema: StreamSchema = {
      stream: "männlich-1",
      channels: columns.map(([step], at) => ({ name: `c${at}`, kind: "gauge", unit: "°C", resolution: step })),
    };
    const scales = columns.map(([step]) => createScale(step));
    const rows = Array.from({ length: samples }, (_, at) =>
      columns.map(([, kind, first, hasGaps], channel): ChannelValue => {
        const [any, near, gap, chance] = noise[(at + channel * 7) % 60] ?? [0, 0, { missing: "timeout" }, 0];
        if (hasGaps && chance === 0) return gap;
        const climb = first + 17 * at + near;
        const k = { wander: first + near, climb, any, pattern: first + (at % 3) * 700, constant: first }[kind] ?? 0;
        return scales[channel]?.valueFrom(k) ?? 0;
      }),
    );
    const times = rows.map((_, at) => 1_777_708_800_000 + at * 1_000 + (isRegular ? 0 : (jitter[at] ?? 0)));
    const batch: Batch = {
      epoch: "0123456789abcdef",
      basis: bootId === undefined ? { kind: "wall" } : { kind: "boot", bootId },
      blocks: [{ stream: schema.stream, schemaHash: schemaHash(schema), sequence: 2 ** 33, times, rows }],
    };
    return { schemas: [schema], hex: hexOf(encodeBatch(batch, () => schema, form)) };
  });

describe("batches of any kind, read by the Python file,", () => {
  const asked = fc.sample(batches, { numRuns: 400, seed: 20_260_502 });

  it("say what our own decoder says, to the last bit of every double", () => {
    const answers = askPython(asked);
    for (const [at, one] of asked.entries()) expect(answers[at]?.message, one.hex).toEqual(ownAnswer(one).message);
  });

  it("are refused when a bit is another or the end is missing", () => {
    const broken = asked.flatMap(({ hex, schemas }, at) => {
      const bytes = Buffer.from(hex, "hex");
      const flipped = Buffer.from(bytes);
      const bit = (at * 7_919) % (bytes.length * 8);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return [flipped, bytes.subarray(0, (at * 31) % bytes.length)].map((some) => ({ hex: hexOf(some), schemas }));
    });
    const answers = askPython(broken);
    expect(answers.length).toBe(2 * asked.length);
    for (const [at, { message, kind }] of answers.entries()) {
      expect(message, broken[at]?.hex).toBeUndefined();
      if (at % 2 === 1) expect(kind).toBe("truncated");
    }
  });

  it("changed and sealed again are read or refused exactly as by our own decoder", () => {
    const changed = asked.flatMap(({ hex, schemas }, at) =>
      [1, 2, 3].map((round) => ({ hex: hexOf(resealed(Buffer.from(hex, "hex"), at * 13 + round)), schemas })),
    );
    const answers = askPython(changed);
    let read = 0;
    for (const [at, one] of changed.entries()) {
      const own = ownAnswer(one);
      if (own.message) read++;
      expect(answers[at]?.message, one.hex).toEqual(own.message);
    }
    expect(read).toBeGreaterThan(50);
  });
});

describe("anything at all, well sealed, read by the Python file,", () => {
  const item = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.integer({ min: -5, max: 300 }),
      fc.constantFrom(2 ** 53 - 1, -(2 ** 53), 2n ** 64n - 1n),
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(new Uint8Array(8), new Uint8Array(16)),
      fc.string({ maxLength: 8, unit: "binary" }),
      fc.constantFrom(null, true, 0.5, -1.5, "pump", "full", "gauge", "state"),
      fc.array(tie("any"), { maxLength: 8 }),
    ),
  })).any;
  const kind = fc.constantFrom(
    ...["schema", "epoch-closed", "dropped", "clock", "receipt", "ranges-wanted", "schema-wanted", "batch"],
  );
  const ledger = fc.tuple(kind, item, item).map((items) => sealEnvelope(items as readonly CborItem[]));
  const batch = fc
    .tuple(fc.constant(new Uint8Array(8)), fc.constantFrom(0, "boot", 1), fc.nat(9), item)
    .chain((items) => fc.constantFrom(1, 2, 3).map((version) => sealEnvelope(items as readonly CborItem[], version)));
  const json = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(`[${text}]`));
  const anything = fc.oneof(ledger, batch, json, fc.uint8Array({ maxLength: 60 }));

  it("is taken or refused as by our own decoder, never anything else", () => {
    const asked = fc.sample(anything, { numRuns: 1_500, seed: 7 }).map((bytes) => ({ hex: hexOf(bytes), schemas: [] }));
    const odd = ["[".repeat(60_000), '[{"a":NaN}]', "[{}", "[{}]]"].map((text) => Buffer.from(text));
    const answers = askPython([...asked, ...odd.map((bytes) => ({ hex: hexOf(bytes), schemas: [] }))]);
    expect(answers.length).toBe(asked.length + odd.length);
    for (const [at, { hex }] of asked.entries()) expect(answers[at]?.message, hex).toEqual(messageOf(hex));
    for (const { kind } of answers.slice(asked.length)) expect(kind).toBe("malformed");
    expect(answers.filter(({ message }) => message).length).toBeGreaterThan(20);
  });
});

/** undefined: refused */
function messageOf(hex: string): unknown {
  try {
    return JSON.parse(JSON.stringify(decodeMessage(Buffer.from(hex, "hex"), new Map())));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Some bytes of the bodies are others; the check is right again. */
function resealed(bytes: Buffer, seed: number): Buffer {
  const end = bytes.length - 5;
  const from = Math.min(60, end - 1);
  for (let round = 0; round < 1 + (seed % 3); round++) {
    const at = from + ((seed * 7_919 + round * 104_729) % (end - from));
    bytes[at] = (bytes[at] ?? 0) ^ (1 << ((seed + round) & 7));
  }
  bytes.writeUInt32BE(crc32c(bytes, end), end + 1);
  return bytes;
}

describe("the Python file's errors", () => {
  const one = fc.sample(batches, { numRuns: 1, seed: 1 })[0] ?? { hex: "", schemas: [] };
  const hash = schemaHash(one.schemas[0] ?? { stream: "", channels: [] });

  it("name the schema that is wanted", () => {
    expect(answerOf({ ...one, schemas: [] })).toMatchObject({ kind: "schema-wanted", wanted: hash });
  });

  it("tell another version, a wrong check and a cut message from each other", () => {
    const bytes = Buffer.from(one.hex, "hex");
    const versioned = Buffer.from(bytes);
    versioned[1] = 4;
    const checked = Buffer.from(bytes);
    checked[bytes.length - 1] = (checked[bytes.length - 1] ?? 0) ^ 1;
    const all = [
      versioned,
      checked,
      bytes.subarray(0, 40),
      Buffer.alloc(0),
      Buffer.from("hello"),
      Buffer.alloc(70_000),
    ];
    const answers = askPython(all.map((some) => ({ hex: hexOf(some), schemas: one.schemas })));
    expect(answers.map(({ kind }) => kind)).toEqual([
      "version",
      "checksum",
      "truncated",
      "truncated",
      "malformed",
      "malformed",
    ]);
  });
});

describe("the Python file on the command line", () => {
  let folder = "";
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "pump-station-decoder-"))));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (...args: string[]) =>
    spawnSync("python3", [join(import.meta.dirname, "pump_station_decoder.py"), ...args], { encoding: "utf8" });

  const schema: StreamSchema = {
    stream: "pump",
    channels: [
      { name: "state", kind: "state", unit: "", resolution: 1, states: [[1, "pumping"]] },
      { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
    ],
  };
  const rows: ChannelValue[][] = [
    [1, 812.5],
    [1, { missing: "refused", code: 4 }],
  ];
  const times = [1_777_708_800_000, 1_777_708_801_000];
  const block = { stream: "pump", schemaHash: schemaHash(schema), sequence: 7, times, rows };
  const batch: Batch = { epoch: "0123456789abcdef", basis: { kind: "wall" }, blocks: [block] };
  const batchBytes = encodeBatch(batch, () => schema, "trends");
  const schemaBytes = encodeLedger({ kind: "schema", schema });

  it("prints a message a line as JSON, from raw bytes, hex, base64 and dumps, the schema behind its batch", () => {
    const raw = join(folder, "batch.bin");
    const lines = join(folder, "dump.jsonl");
    writeFileSync(raw, batchBytes);
    const dump = JSON.stringify({
      topic: "ps/1/x/normal/kind=schema",
      payload: Buffer.from(schemaBytes).toString("base64"),
    });
    writeFileSync(lines, `${dump}\n${hexOf(batchBytes)}\n${Buffer.from(batchBytes).toString("base64")}\n`);
    const { stdout, stderr, status } = run(raw, lines);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    const said = { kind: "batch", ...batch };
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([said, { kind: "schema", hash: schemaHash(schema), schema }, said, said]);
  });

  it("prints readings as CSV", () => {
    const lines = join(folder, "batch.hex");
    writeFileSync(lines, `${hexOf(schemaBytes)}\n${hexOf(batchBytes)}\n`);
    expect(run(lines, "--csv").stdout).toBe(
      [
        "epoch,stream,sequence,ms,utc,boot,channel,value,unit,state,missing,code",
        "0123456789abcdef,pump,7,1777708800000,2026-05-02T08:00:00.000Z,,state,1,,pumping,,",
        "0123456789abcdef,pump,7,1777708800000,2026-05-02T08:00:00.000Z,,pressure,812.5,mbar,,,",
        "0123456789abcdef,pump,8,1777708801000,2026-05-02T08:00:01.000Z,,state,1,,pumping,,",
        "0123456789abcdef,pump,8,1777708801000,2026-05-02T08:00:01.000Z,,pressure,,mbar,,refused,4",
        "",
      ].join("\n"),
    );
  });

  it("says which file and line it couldn't read, reads the others, and is no success", () => {
    const lines = join(folder, "some.hex");
    writeFileSync(lines, `${hexOf(schemaBytes)}\n${hexOf(batchBytes).slice(0, -2)}\nwhat is this?\n`);
    const { stdout, stderr, status } = run(lines, join(folder, "none"));
    expect(JSON.parse(stdout)).toMatchObject({ kind: "schema" });
    expect(stderr).toMatch(/some\.hex:2: truncated: /);
    expect(stderr).toMatch(/some\.hex:3: malformed: /);
    expect(stderr).toMatch(/none: No such file/);
    expect(status).toBe(1);
  });
});
