import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CliBench, createCliBench } from "../testing/cli-bench.ts";
import { encodeBatch } from "../wire/batch.ts";
import { encodeLedger } from "../wire/ledger.ts";
import type { Batch } from "../wire/messages.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";

const PUMP: StreamSchema = {
  stream: "pump",
  channels: [
    { name: "state", kind: "state", unit: "", resolution: 1, states: [[1, "pumping"]] },
    { name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 },
  ],
};
const EPOCH = "0123456789abcdef";
const BATCH: Batch = {
  epoch: EPOCH,
  basis: { kind: "wall" },
  blocks: [
    {
      stream: "pump",
      schemaHash: schemaHash(PUMP),
      sequence: 7,
      times: [1_777_708_800_000, 1_777_708_801_000],
      rows: [
        [1, 812.5],
        [2, { missing: "refused", code: 4 }],
      ],
    },
  ],
};
const batch = encodeBatch(BATCH, () => PUMP, "trends");
const schema = encodeLedger({ kind: "schema", schema: PUMP });
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const dumpOf = (topic: string, bytes: Uint8Array): string => JSON.stringify({ topic, payload: base64Of(bytes) });

const TABLE = `batch of epoch 0123456789abcdef, 2 samples, ${batch.length} bytes
  pump
       time                      state    pressure, mbar
    7  2026-05-02T08:00:00.000Z  pumping  812.5
    8  2026-05-02T08:00:01.000Z  2        (refused 4)
`;
const SAMPLE = {
  kind: "sample",
  epoch: EPOCH,
  stream: "pump",
  sequence: 7,
  ms: 1_777_708_800_000,
  utc: "2026-05-02T08:00:00.000Z",
  values: { state: 1, pressure: 812.5 },
  states: { state: "pumping" },
};

async function decoded(
  files: Readonly<Record<string, string | Uint8Array>>,
  ...options: string[]
): Promise<CliBench & { code: number }> {
  const bench = createCliBench();
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === "string") bench.files.write(path, content);
    else bench.files.writeDurably(path, content);
  }
  const code = await bench.run(["decode", ...Object.keys(files), ...options]);
  return Object.assign(bench, { code });
}

describe("decode", () => {
  it("prints samples in columns, with names of states and reasons, whichever file has the schema", async () => {
    for (const files of [
      { "/schema.bin": schema, "/batch.bin": batch },
      { "/batch.bin": batch, "/schema.bin": schema },
    ]) {
      const bench = await decoded(files);
      expect(bench.err).toBe("");
      expect(bench.out).toContain(`/batch.bin: ${TABLE}`);
      expect(bench.code).toBe(0);
    }
  });

  it("takes hex, base64 and dumps of a broker, a message a line", async () => {
    const spaced = hexOf(batch).replaceAll(/(..)/g, "$1 ").toUpperCase();
    const lines = [hexOf(schema), spaced, "", base64Of(batch), dumpOf("ps/1/x/normal/kind=batch&v=3&n=2", batch)];
    const bench = await decoded({ "/all.txt": `${lines.join("\r\n")}\r\n` });
    expect(bench.err).toBe("");
    for (const line of [2, 4, 5]) expect(bench.out).toContain(`/all.txt:${line}: ${TABLE}`);
  });

  it("passes over what else a broker has, and says how much", async () => {
    const topics = ["ps/1/x/twin/desired", "ps/1/x/alive"].map((topic) => dumpOf(topic, Buffer.from("{}")));
    const bench = await decoded({ "/dump.jsonl": [...topics, dumpOf("ps/1/x/ledger", schema)].join("\n") });
    expect(bench.err).toBe("passed over 2 of other topics, like ps/1/x/twin/desired\n");
    expect(bench.out).toMatch(/^\/dump.jsonl:3: schema [0-9a-f]{16} of pump\n {2}state +state +1 +1 = pumping\n/);
    expect(bench.code).toBe(0);
  });

  it("--json prints a document a line", async () => {
    const alarm = { epoch: EPOCH, sequence: 1, basis: { kind: "wall" }, time: 5, device: "pump", alarm: "hot" };
    const whole = { ...alarm, severity: "critical", active: true, because: "86 °C" };
    const bench = await decoded({ "/s": schema, "/b": batch, "/a": Buffer.from(JSON.stringify([whole])) }, "--json");
    const documents = bench.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(documents).toHaveLength(4);
    expect(documents[0]).toEqual({ kind: "schema", hash: schemaHash(PUMP), schema: PUMP });
    expect(documents[1]).toEqual(SAMPLE);
    expect(documents[2]).toMatchObject({ values: { state: 2 }, missing: { pressure: "refused 4" } });
    expect(documents[3]).toEqual({ kind: "alarm", ...whole });
  });

  it("--csv prints a reading a line, quoted where a unit or a name needs it", async () => {
    const odd: StreamSchema = {
      stream: 'a "b", c',
      channels: [{ name: "x", kind: "gauge", unit: "m", resolution: 5 }],
    };
    const boot = "c0ffee00-0000-4000-8000-000000000001";
    const block = { stream: odd.stream, schemaHash: schemaHash(odd), sequence: 1, times: [99], rows: [[-15]] };
    const bytes = encodeBatch({ epoch: EPOCH, basis: { kind: "boot", bootId: boot }, blocks: [block] }, () => odd);
    const oddSchema = encodeLedger({ kind: "schema", schema: odd });
    const bench = await decoded({ "/b": batch, "/s": schema, "/o": oddSchema, "/c": bytes }, "--csv");
    expect(bench.out.trimEnd().split("\n")).toEqual([
      "epoch,stream,sequence,ms,utc,boot,channel,value,unit,state,missing,code",
      `${EPOCH},pump,7,1777708800000,2026-05-02T08:00:00.000Z,,state,1,,pumping,,`,
      `${EPOCH},pump,7,1777708800000,2026-05-02T08:00:00.000Z,,pressure,812.5,mbar,,,`,
      `${EPOCH},pump,8,1777708801000,2026-05-02T08:00:01.000Z,,state,2,,,,`,
      `${EPOCH},pump,8,1777708801000,2026-05-02T08:00:01.000Z,,pressure,,mbar,,refused,4`,
      `${EPOCH},"a ""b"", c",1,99,,${boot},x,-15,m,,,`,
    ]);
  });

  it("prints every golden message that travels", async () => {
    const folder = new URL("../wire/vectors/", import.meta.url);
    for (const name of readdirSync(folder)) {
      const golden = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as
        | { form: string; schemas: StreamSchema[]; hex: string }
        | { hex: string }[];
      const messages = Array.isArray(golden)
        ? golden.map(({ hex }) => hex)
        : [golden.hex, ...golden.schemas.map((one) => hexOf(encodeLedger({ kind: "schema", schema: one })))];
      const bench = await decoded({ "/golden.txt": messages.join("\n") });
      const isKept = !Array.isArray(golden) && golden.form === "plain";
      expect(bench.code, `${name}: ${bench.err}`).toBe(isKept ? 1 : 0);
    }
  });

  it("says of each message that it can't read where it is and what to do, and prints the others", async () => {
    const changed = Uint8Array.from(batch);
    const inBody = batch.length - 8;
    changed[inBody] = (changed[inBody] ?? 0) ^ 1;
    const newer = Uint8Array.from(batch);
    newer[1] = 4;
    const bench = await decoded({
      "/lines.txt": [
        hexOf(schema),
        hexOf(batch).slice(0, -6),
        hexOf(changed),
        hexOf(newer),
        "what?",
        '{"topic":1}',
      ].join("\n"),
      "/photo.jpg": Uint8Array.of(0xff, 0xd8, 0xff, 0xe0),
      "/empty": "",
      "/note.json": '["x"]',
    });
    const said = bench.err.trimEnd().split("\n");
    expect(said[0]).toMatch(/^\/lines\.txt:2: the message is cut off after \d+ bytes/);
    expect(said[1]).toMatch(/^\/lines\.txt:3: the message was changed on its way/);
    expect(said[2]).toMatch(/^\/lines\.txt:4: .* of a version that this program doesn't know/);
    expect(said[3]).toMatch(/^\/lines\.txt:5: neither hex digits nor base64/);
    expect(said[4]).toMatch(/^\/lines\.txt:6: it has no "payload" with base64/);
    expect(said[5]).toMatch(/^\/photo\.jpg: it begins with 0xff, as no message does/);
    expect(said[6]).toBe("/empty: the file is empty");
    expect(said[7]).toMatch(/^\/note\.json: this is no message of a station: /);
    expect(bench.out).toMatch(/^\/lines\.txt:1: schema /);
    expect(bench.code).toBe(1);
  });

  it("names the schema that is in none of the files, and a file that isn't there", async () => {
    const bench = createCliBench();
    bench.files.writeDurably("/batch.bin", batch);
    expect(await bench.run(["decode", "/batch.bin", "/none"])).toBe(1);
    expect(bench.err).toBe(
      `/batch.bin: nothing says what its columns mean: add a file with the schema message ${schemaHash(PUMP)} (kind=schema)\n` +
        "/none: there is no such file\n",
    );
    expect(await bench.run(["decode", "/batch.bin", "--json", "--csv"])).toBe(64);
    expect(await bench.run(["decode"])).toBe(64);
  });

  it("says when a boot began whose clock was never set", async () => {
    const clock = encodeLedger({
      kind: "clock",
      bootId: "9f1c33aa",
      offsetMs: 1_777_708_800_000,
      earlierMs: 3_600_000,
    });
    expect((await decoded({ "/c": clock })).out).toBe(
      "/c: boot 9f1c33aa, whose clock was never set, began between 2026-05-02T07:00:00.000Z and 2026-05-02T08:00:00.000Z\n",
    );
  });
});
