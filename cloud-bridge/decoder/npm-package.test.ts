import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ChannelValue } from "@pump-station/agent/reading.ts";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { Batch, LedgerMessage } from "@pump-station/agent/wire/messages.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as decoder from "./decoder.ts";
import type * as published from "./published.d.ts";

type Published = typeof published;
interface AzureContext {
  readonly triggerMetadata: { readonly systemPropertiesArray: readonly Record<string, string>[] };
}
type AzureHandler = (messages: readonly Uint8Array[], context: AzureContext) => Promise<Document[]>;
type Document = Readonly<Record<string, unknown>>;

const ROOT = join(import.meta.dirname, "../..");
const VECTORS = join(ROOT, "agent/wire/vectors");
const jsonAt = (name: string): unknown => JSON.parse(readFileSync(join(VECTORS, name), "utf8"));

/** An empty folder with the packed package installed, the examples beside it, and a double of @azure/functions. */
let folder = "";
let installed: Published;
const inFolder = async <T>(path: string): Promise<T> => (await import(pathToFileURL(join(folder, path)).href)) as T;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pump-station-decoder-package-"));
  const make = `await (await import(${JSON.stringify(pathToFileURL(join(ROOT, "tools/build.mjs")).href)})).decoderPackage(process.argv[1])`;
  execFileSync(process.execPath, ["--input-type=module", "-e", make, join(folder, "made")], { cwd: ROOT });
  const npm = (...args: string[]) => execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  npm("pack", "./made", "--silent");
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "theirs", private: true, type: "module" }));
  npm("install", "--offline", "--no-audit", "--no-fund", `./${tarball}`);
  writeFileSync(join(folder, "use.mjs"), 'export * from "@pump-station/decoder";\n');
  for (const name of ["azure-function.mjs", "aws-lambda.mjs", "schema-files.mjs"]) {
    writeFileSync(join(folder, name), readFileSync(join(folder, "node_modules/@pump-station/decoder/examples", name)));
  }
  const azure = join(folder, "node_modules/@azure/functions");
  mkdirSync(azure, { recursive: true });
  writeFileSync(
    join(azure, "package.json"),
    JSON.stringify({ name: "@azure/functions", type: "module", main: "x.js" }),
  );
  writeFileSync(
    join(azure, "x.js"),
    "export const registered = [];\nexport const app = { generic: (name, options) => registered.push({ name, ...options }) };\n",
  );
  installed = await inFolder("use.mjs");
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the npm package", () => {
  it("installs without any other package and without native parts", () => {
    const own = join(folder, "node_modules/@pump-station/decoder");
    const manifest = JSON.parse(readFileSync(join(own, "package.json"), "utf8")) as Record<string, unknown>;
    expect(Object.keys(manifest).filter((key) => /ependencies|scripts/.test(key))).toEqual([]);
    const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as { packages: object };
    expect(Object.keys(lock.packages)).toEqual(["", "node_modules/@pump-station/decoder"]);
    const code = readFileSync(join(own, "decoder.mjs"), "utf8");
    const imports = [...code.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, from]) => from);
    expect([...new Set(imports)].sort()).toEqual(["node:crypto", "node:zlib"]);
    expect(code).not.toMatch(/cbor-extract|\brequire\(/);
    expect(readdirSync(own).sort()).toEqual([
      "LICENSE-cborg",
      "README.md",
      "decoder.d.ts",
      "decoder.mjs",
      "examples",
      "package.json",
      "pump_station_decoder.py",
    ]);
  });

  it("exports what its types say", () => {
    // The compiler holds types and code against each other in both directions.
    const there: Omit<Published, "WireError"> = decoder;
    const back: Omit<typeof decoder, "WireError"> = there;
    expect(Object.keys(installed).sort()).toEqual(Object.keys({ ...back, WireError: 0 }).sort());
    const declared = readFileSync(join(import.meta.dirname, "published.d.ts"), "utf8");
    const names = [...declared.matchAll(/^export declare (?:class|function) (\w+)/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual(Object.keys(installed).sort());
  });

  it("reads every golden batch that travels", () => {
    const read = readdirSync(VECTORS)
      .filter((name) => name.startsWith("batch-"))
      .map(
        (name) =>
          jsonAt(name) as { form: string; schemas: StreamSchema[]; hashes: string[]; hex: string; decoded: Batch },
      )
      .filter(({ form }) => form !== "plain");
    expect(read.length).toBeGreaterThan(4);
    for (const { schemas, hashes, hex, decoded } of read) {
      expect(schemas.map((schema) => installed.schemaHash(schema))).toEqual(hashes);
      const shelf = new Map(schemas.map((schema) => [schemaHash(schema), schema]));
      expect(installed.decodeMessage(Buffer.from(hex, "hex"), shelf)).toEqual({ kind: "batch", ...decoded });
    }
  });

  it("reads every golden ledger message, and keeps a schema", () => {
    for (const { hex, decoded } of jsonAt("ledger.json") as readonly { hex: string; decoded: LedgerMessage }[]) {
      const shelf = new Map<string, StreamSchema>();
      const message = installed.decodeMessage(Buffer.from(hex, "hex"), shelf);
      expect(message).toEqual(decoded.kind === "schema" ? { ...decoded, hash: schemaHash(decoded.schema) } : decoded);
      expect([...shelf.values()]).toEqual(decoded.kind === "schema" ? [decoded.schema] : []);
    }
  });

  it("names schemas as the station does, whatever is in them", () => {
    const text = fc.stringMatching(/^[a-zäöü°·0-9]{1,64}$/);
    const channel = fc.record({
      name: text,
      kind: fc.constantFrom("gauge" as const, "counter" as const, "state" as const),
      unit: fc.constantFrom("", "mbar", "°C"),
      resolution: fc.oneof(
        fc.double({ min: 1e-12, max: 1e18, noNaN: true }),
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.constantFrom(0.1, 2 ** 32, 2 ** 33 + 1, 2 ** 53 - 1, 2 ** 60),
      ),
      states: fc.array(fc.tuple(fc.maxSafeInteger(), text), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.record({ stream: text, channels: fc.array(channel, { maxLength: 30 }) }), (schema) => {
        expect(installed.schemaHash(schema)).toBe(schemaHash(schema));
      }),
      { numRuns: 500 },
    );
  });
});

const PUMP: StreamSchema = {
  stream: "pump",
  channels: [
    { name: "state", kind: "state", unit: "", resolution: 1, states: [[1, "pumping"]] },
    { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
  ],
};
const RAIN: StreamSchema = {
  stream: "rain",
  channels: [{ name: "fallen", kind: "counter", unit: "mm", resolution: 0.2794 }],
};
const blockOf = (schema: StreamSchema, sequence: number, rows: ChannelValue[][]) => ({
  stream: schema.stream,
  schemaHash: schemaHash(schema),
  sequence,
  times: rows.map((_, at) => 1_777_708_800_000 + at * 1_000),
  rows,
});
const EPOCH = "0123456789abcdef";
const schemaOf = (hash: string) => [PUMP, RAIN].find((schema) => schemaHash(schema) === hash);
const batchBytes = encodeBatch(
  {
    epoch: EPOCH,
    basis: { kind: "wall" },
    blocks: [
      blockOf(PUMP, 7, [
        [1, 812.5],
        [1, { missing: "refused", code: 4 }],
      ]),
      blockOf(RAIN, 1, [[0.2794]]),
    ],
  },
  schemaOf,
  "trends",
);
const schemaBytes = [PUMP, RAIN].map((schema) => encodeLedger({ kind: "schema", schema }));
const alarm = { epoch: EPOCH, sequence: 1, basis: { kind: "wall" }, time: 5, device: "pump", alarm: "too-hot" };
const alarmBytes = Buffer.from(JSON.stringify([alarm]));

const head = { kind: "sample", epoch: EPOCH };
const first = { ms: 1_777_708_800_000, utc: "2026-05-02T08:00:00.000Z" };
const states = { state: "pumping" };
const SAMPLES = [
  { ...head, stream: "pump", sequence: 7, ...first, values: { state: 1, pressure: 812.5 }, states },
  {
    ...head,
    stream: "pump",
    sequence: 8,
    ms: 1_777_708_801_000,
    utc: "2026-05-02T08:00:01.000Z",
    values: { state: 1 },
    states,
    missing: { pressure: "refused 4" },
  },
  { ...head, stream: "rain", sequence: 1, ...first, values: { fallen: 0.2794 } },
];

describe("documents", () => {
  it("of a batch need all its schemas, which come from a store that may be slow", async () => {
    const kept = new Map<string, StreamSchema>();
    const store = {
      get: (hash: string) => Promise.resolve(kept.get(hash)),
      set: (hash: string, schema: StreamSchema) => Promise.resolve(kept.set(hash, schema)),
    };
    const wanted = (await installed.documentsOf(batchBytes, store))[0];
    expect(wanted).toMatchObject({ kind: "undecoded", reason: "schema-wanted", hash: schemaHash(PUMP) });
    expect(Buffer.from(String(wanted?.["payload"]), "base64").equals(batchBytes)).toBe(true);
    for (const bytes of schemaBytes)
      expect(await installed.documentsOf(bytes, store)).toMatchObject([{ kind: "schema" }]);
    expect(await installed.documentsOf(batchBytes, store)).toEqual(SAMPLES);
  });

  it("of alarms are alarms; broken ones are undecoded", async () => {
    expect(await installed.documentsOf(alarmBytes, new Map())).toEqual([{ ...alarm, kind: "alarm" }]);
    const broken = [
      alarmBytes.subarray(0, 20),
      Buffer.from("[1]"),
      Buffer.from("[[]]"),
      Buffer.from("hello"),
      batchBytes.subarray(1),
    ];
    for (const bytes of broken) {
      expect(await installed.documentsOf(bytes, new Map())).toMatchObject([{ kind: "undecoded" }]);
    }
  });

  it("reject when the store does, so that the message is delivered again", async () => {
    const down = { get: () => Promise.reject(new Error("store is down")), set: () => undefined };
    await expect(installed.documentsOf(batchBytes, down)).rejects.toThrow("store is down");
  });
});

describe("the Azure Function", () => {
  it("is registered for bytes, many at once", async () => {
    const { registered } = await inFolder<{ registered: Record<string, unknown>[] }>(
      "node_modules/@azure/functions/x.js",
    );
    await inFolder("azure-function.mjs");
    expect(registered).toMatchObject([
      { name: "decode", trigger: { type: "eventHubTrigger", cardinality: "many", dataType: "binary" } },
    ]);
  });

  it("makes documents with the station's name of an IoT Hub's messages", async () => {
    const { handlerWith } = await inFolder<{ handlerWith: (schemas: object) => AzureHandler }>("azure-function.mjs");
    const messages = [...schemaBytes, batchBytes, alarmBytes, new Uint8Array([1])].map((bytes) => Buffer.from(bytes));
    // As the host gives them: https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct
    const systemPropertiesArray = messages.map(() => ({
      "iothub-connection-device-id": "demo-lake",
      "iothub-connection-auth-method": '{"scope":"device","type":"x509Certificate","issuer":"external"}',
      "iothub-connection-auth-generation-id": "638821234567890123",
      "iothub-enqueuedtime": "2026-05-02T08:00:02.124Z",
      "iothub-message-source": "Telemetry",
    }));
    const documents = await handlerWith(new Map())(messages, { triggerMetadata: { systemPropertiesArray } });
    expect(documents.map(({ station }) => station)).toEqual(documents.map(() => "demo-lake"));
    expect(documents.map(({ kind }) => kind)).toEqual([
      ..."schema schema sample sample sample alarm undecoded".split(" "),
    ]);
    expect(documents.slice(2, 5)).toEqual(SAMPLES.map((sample) => ({ station: "demo-lake", ...sample })));
  });
});

describe("the Lambda function", () => {
  type Handler = (event: object) => Promise<{ documents: number }>;
  const lambda = async (): Promise<{ handle: Handler; written: Document[] }> => {
    const { handlerWith } = await inFolder<{
      handlerWith: (schemas: object, write: (one: Document) => void) => Handler;
    }>("aws-lambda.mjs");
    const { createSchemaFiles } = await inFolder<{ createSchemaFiles: (folder: string) => object }>("schema-files.mjs");
    const written: Document[] = [];
    const store = createSchemaFiles(join(folder, "schemas", String(Math.random())));
    return { handle: handlerWith(store, (one) => void written.push(one)), written };
  };
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const documents = SAMPLES.map((sample) => ({ station: "demo-lake", ...sample }));

  it("takes what an IoT rule's action gives, one message an event, and keeps schemas as files", async () => {
    const { handle, written } = await lambda();
    for (const bytes of [...schemaBytes, ...schemaBytes])
      await handle({ payload: base64(bytes), station: "demo-lake" });
    expect(await handle({ payload: base64(batchBytes), station: "demo-lake" })).toEqual({ documents: 3 });
    expect(written.slice(4)).toEqual(documents);
  });

  it("takes what Kinesis gives, many at once", async () => {
    const { handle, written } = await lambda();
    // As in https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
    const Records = [...schemaBytes, batchBytes].map((bytes, at) => ({
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: "demo-lake",
        sequenceNumber: `4959033827149025660855969253836157109592157598913658${at}`,
        data: base64(bytes),
        approximateArrivalTimestamp: 1_777_708_802.124,
      },
      eventSource: "aws:kinesis",
      eventVersion: "1.0",
      eventID: `shardId-000000000006:4959033827149025660855969253836157109592157598913658${at}`,
      eventName: "aws:kinesis:record",
      invokeIdentityArn: "arn:aws:iam::123456789012:role/decode",
      awsRegion: "eu-central-1",
      eventSourceARN: "arn:aws:kinesis:eu-central-1:123456789012:stream/stations",
    }));
    expect(await handle({ Records })).toEqual({ documents: 5 });
    expect(written.slice(2)).toEqual(documents);
  });
});

it("the handlers are short enough to be read at a glance", () => {
  for (const name of ["azure-function.mjs", "aws-lambda.mjs"]) {
    const lines = readFileSync(join(import.meta.dirname, "examples", name), "utf8")
      .trimEnd()
      .split("\n");
    expect(lines.length).toBeLessThanOrEqual(30);
  }
});
