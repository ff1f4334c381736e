import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { CloudError } from "../cloud/cloud.ts";
import { parseConfig } from "../config.ts";
import {
  DIAGNOSTICS_BYTES_MAX,
  FILE_PART_BYTES,
  FILE_PART_BYTES_MIN,
  FILE_PART_PAUSE_MS,
  FILE_PARTS_MAX,
  LOG_RECORDS_KEPT,
} from "../limits.ts";
import { createMemoryCloud } from "../testing/memory-cloud.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { Secret } from "../world.ts";
import { diagnosticsFile } from "./diagnostics.ts";
import { createFileSender, type KeptSending } from "./file-sender.ts";
import { createLogRing } from "./log-ring.ts";

const CONFIG = parseConfig(
  "agent.yaml",
  `format: 1
station: demo-lake
description: /station.yaml
data: /data
cloud: mqtts://broker:8883
user: s3cret-user
password-file: s3cret-place
private-key-file: s3cret-key
certificate-file: s3cret-certificate
`,
);

async function unpacked(packed: Uint8Array): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const tar = extract();
  const entries = Readable.from([gunzipSync(packed)]).pipe(tar);
  for await (const entry of entries) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    found.set(entry.header.name, Buffer.concat(parts).toString());
  }
  return found;
}

const parts = {
  status: () => ({ station: "demo-lake" }),
  audit: () => [{ id: "c1" }],
  twin: () => ({ current: null }),
  config: CONFIG,
  description: () => [{ path: "/etc/pump-station/station.yaml", text: "format: 1\n" }],
  log: () => ["a line"],
  machine: () => ({ kernel: "Linux" }),
};

describe("diagnostics", () => {
  it("hold what somebody far away needs to see, as files that tar unpacks", async () => {
    const files = await unpacked(await diagnosticsFile(parts));
    expect([...files.keys()]).toEqual([
      "status.json",
      "config.json",
      "description/0-station.yaml",
      "audit.json",
      "twin.json",
      "machine.json",
      "log.jsonl",
    ]);
    expect(files.get("description/0-station.yaml")).toBe("format: 1\n");
    expect(JSON.parse(files.get("config.json") ?? "")).toMatchObject({
      station: "demo-lake",
      cloud: "mqtts://broker:8883",
      "credentials given": ["password-file", "certificate-file", "private-key-file", "user"],
    });
  });

  it("hold no secret, nor where one lies", async () => {
    const ring = createLogRing(
      () => undefined,
      () => "now",
    );
    ring.log("info", "connecting", { password: new Secret("s3cret") });
    const config = { ...CONFIG, cloud: { text: "mqtts://anna:s3cret@broker:8883" }, "some-new-key": "s3cret" };
    const files = await unpacked(await diagnosticsFile({ ...parts, config, log: () => ring.lines() }));
    expect([...files.values()].join()).not.toContain("s3cret");
    expect(files.get("log.jsonl")).toContain('"password":"***"');
    expect(files.get("config.json")).toContain("mqtts://broker:8883");
  });

  it("are bounded: of what is too long the newest part stays", async () => {
    const lines = Array.from({ length: 3_000 }, (_, at) => `${at} ${randomBytes(200).toString("hex")}`);
    const packed = await diagnosticsFile({ ...parts, log: () => lines });
    expect(packed.length).toBeLessThanOrEqual(DIAGNOSTICS_BYTES_MAX);
    expect(packed.length).toBeGreaterThan(DIAGNOSTICS_BYTES_MAX / 4);
    const log = (await unpacked(packed)).get("log.jsonl") ?? "";
    expect(log.endsWith(`${lines.at(-1)}\n`)).toBe(true);
  });

  it("have the newest log records, as many as are kept, without those for programmers", () => {
    const heard: string[] = [];
    const ring = createLogRing(
      (_, event) => void heard.push(event),
      () => "now",
    );
    ring.log("debug", "noise");
    for (let at = 0; at <= LOG_RECORDS_KEPT; at++) ring.log("info", `event-${at}`, { long: "x".repeat(10_000) });
    expect(heard).toHaveLength(LOG_RECORDS_KEPT + 2);
    expect(ring.lines()).toHaveLength(LOG_RECORDS_KEPT);
    expect(ring.lines()[0]).toMatch(/^\{"time":"now","level":"info","event":"event-1",/);
    expect(Math.max(...ring.lines().map(({ length }) => length))).toBeLessThanOrEqual(500);
  });
});

describe("a file on its way", () => {
  /** `disk`: what a process before this one left. */
  const bench = (disk = { files: createMemoryFiles(), kept: undefined as KeptSending | undefined }) => {
    const time = createSimulatedTime();
    const memory = createMemoryCloud(time);
    const document = {
      load: () => disk.kept,
      save: (kept: KeptSending) => {
        disk.kept = kept;
      },
    };
    const sender = createFileSender({ ...time, log: () => undefined, files: disk.files, document, path: "/sending" });
    const stop = new AbortController();
    const ended = sender.run(stop.signal);
    const connect = async () => {
      const connection = await memory.cloud.connect(stop.signal);
      connection.onClosed(() => sender.onConnection(undefined));
      sender.onConnection(connection);
    };
    const arrived = () => memory.far.messages.map(({ properties }) => properties["part"]);
    return { ...time, memory, sender, connect, arrived, stop, ended, disk };
  };

  it("goes part by part with pauses, goes on where a lost link left it, and is whole at the end", async () => {
    const { advance, memory, sender, connect, arrived, stop, ended } = bench();
    const bytes = randomBytes(3 * FILE_PART_BYTES + 7);
    const file = sender.send("diagnostics.tar.gz", bytes);
    expect(file).toMatchObject({ name: "diagnostics.tar.gz", bytes: bytes.length, parts: 4 });
    expect(sender.send("other.tar.gz", bytes)).toBeUndefined();
    await advance(60_000);
    expect(arrived()).toEqual([]);
    await connect();
    await advance(FILE_PART_PAUSE_MS);
    expect(arrived()).toEqual(["1", "2"]);
    memory.cut();
    await advance(600_000);
    expect(arrived()).toEqual(["1", "2"]);
    await connect();
    await advance(60_000);
    expect(arrived()).toEqual(["1", "2", "3", "4"]);
    const { messages } = memory.far;
    expect(Buffer.concat(messages.map(({ payload }) => payload)).equals(bytes)).toBe(true);
    expect(messages[3]).toMatchObject({
      lane: "late",
      properties: {
        kind: "file",
        id: file?.id,
        name: "diagnostics.tar.gz",
        part: "4",
        parts: "4",
        sha256: file?.sha256,
      },
    });
    expect(sender.send("other.tar.gz", bytes)).toBeDefined();
    stop.abort();
    await ended;
  });

  it("goes on after a restart where it was, and leaves nothing behind", async () => {
    const bytes = randomBytes(3 * FILE_PART_BYTES + 7);
    const first = bench();
    const file = first.sender.send("diagnostics.tar.gz", bytes);
    await first.connect();
    await first.advance(FILE_PART_PAUSE_MS);
    expect(first.arrived()).toEqual(["1", "2"]);
    first.stop.abort();
    await first.ended;
    const second = bench(first.disk);
    expect(second.sender.send("other.tar.gz", randomBytes(10))).toBeUndefined();
    expect(second.sender.send("diagnostics.tar.gz", bytes)).toEqual(file);
    const sent: string[] = [];
    second.sender.onEnded(({ id }, how) => void sent.push(`${id} ${how}`));
    await second.connect();
    await second.advance(60_000);
    expect(second.arrived()).toEqual(["3", "4"]);
    expect(Buffer.concat(second.memory.far.messages.map(({ payload }) => payload))).toEqual(
      Buffer.from(bytes.subarray(2 * FILE_PART_BYTES)),
    );
    expect(sent).toEqual([`${file?.id} sent`]);
    expect([second.disk.kept, [...second.disk.files.contents.keys()]]).toEqual([null, []]);
    second.stop.abort();
    await second.ended;
  });

  it("for which nobody waits gives way to one that somebody has asked for", async () => {
    const { advance, sender, connect, memory, stop, ended } = bench();
    const told: string[] = [];
    sender.onEnded(({ name }, how) => void told.push(`${name} ${how}`));
    sender.send("description.tar.gz", randomBytes(3 * FILE_PART_BYTES), { givesWay: true });
    await connect();
    await advance(FILE_PART_PAUSE_MS);
    expect(sender.send("other-description.tar.gz", randomBytes(10), { givesWay: true })).toBeUndefined();
    expect(sender.send("diagnostics.tar.gz", randomBytes(10))).toBeDefined();
    await advance(60_000);
    expect(told).toEqual(["description.tar.gz late", "diagnostics.tar.gz sent"]);
    expect(memory.far.messages.map(({ properties }) => properties["name"])).toEqual([
      ...["description.tar.gz", "description.tar.gz", "diagnostics.tar.gz"],
    ]);
    stop.abort();
    await ended;
  });

  const partsOf = ({ far: { messages } }: ReturnType<typeof bench>["memory"]) =>
    messages.map(({ properties, payload }) => [`${properties["part"]}/${properties["parts"]}`, payload.length]);

  it("is cut by what the connection takes, in whole parts that are told with it", async () => {
    const { advance, memory, sender, connect, stop } = bench();
    memory.faults.payloadBytesMax = 700;
    await connect();
    expect(sender.bytesMax("diagnostics.tar.gz")).toBe(700 * FILE_PARTS_MAX);
    const bytes = randomBytes(1_500);
    expect(sender.send("diagnostics.tar.gz", bytes)).toMatchObject({ bytes: 1_500, parts: 3 });
    await advance(60_000);
    expect(partsOf(memory)).toEqual([
      ["1/3", 700],
      ["2/3", 700],
      ["3/3", 100],
    ]);
    expect(Buffer.concat(memory.far.messages.map(({ payload }) => payload)).equals(bytes)).toBe(true);
    stop.abort();
  });

  it("is cut anew as long as nothing of it has gone: for the connection that comes, and for a broker that never said", async () => {
    const { advance, memory, sender, connect, stop, disk } = bench();
    sender.send("a.tar.gz", randomBytes(3_000));
    // Says 2400, and takes less than that.
    memory.faults.payloadBytesMax = 2_400;
    let refusals = 0;
    memory.faults.publishError = () => {
      const isTooLarge = (disk.kept?.partBytes ?? 0) > 800;
      if (isTooLarge) refusals++;
      return isTooLarge ? new CloudError("drop-and-report", "reason 0x95") : undefined;
    };
    await connect();
    await advance(60_000);
    expect([refusals, partsOf(memory)]).toEqual([
      2,
      [...["1/5", "2/5", "3/5", "4/5", "5/5"].map((part) => [part, 600])],
    ]);
    stop.abort();
  });

  it("goes on after a restart in the parts that it was cut in, and one from before there were sizes in 32 KiB", async () => {
    const first = bench();
    first.memory.faults.payloadBytesMax = 600;
    await first.connect();
    first.sender.send("a.tar.gz", randomBytes(2_100));
    await first.advance(FILE_PART_PAUSE_MS / 2);
    first.stop.abort();
    await first.ended;
    expect(first.disk.kept).toMatchObject({ partBytes: 600, next: 3 });
    const second = bench(first.disk);
    await second.connect();
    await second.advance(60_000);
    expect(partsOf(second.memory)).toEqual([
      ["3/4", 600],
      ["4/4", 300],
    ]);
    second.stop.abort();

    const old = bench();
    const file = old.sender.send("b.tar.gz", randomBytes(FILE_PART_BYTES + 5));
    if (!file) throw new Error("not sent");
    old.stop.abort();
    await old.ended;
    const next = bench({ ...old.disk, kept: { file, next: 2, givesWay: false, leftMs: 86_400_000 } });
    await next.connect();
    await next.advance(60_000);
    expect(partsOf(next.memory)).toEqual([["2/2", 5]]);
    next.stop.abort();
  });

  it("that would be too many parts, or parts too small, isn't begun; one that comes to that is told as refused", async () => {
    const { advance, memory, sender, connect, stop, disk } = bench();
    memory.faults.payloadBytesMax = FILE_PART_BYTES_MIN - 1;
    await connect();
    expect(sender.bytesMax("a.tar.gz")).toBe(0);
    expect(sender.send("a.tar.gz", randomBytes(10))).toBeUndefined();
    memory.faults.payloadBytesMax = FILE_PART_BYTES_MIN;
    const largest = sender.bytesMax("a.tar.gz");
    expect(sender.send("a.tar.gz", randomBytes(largest + 1))).toBeUndefined();
    memory.cut();
    await advance(1);
    const told: string[] = [];
    sender.onEnded((_, how) => void told.push(how));
    expect(sender.send("a.tar.gz", randomBytes(largest + 1))).toMatchObject({ parts: 2 });
    await connect();
    await advance(60_000);
    expect([told, memory.far.messages, disk.kept]).toEqual([["refused"], [], null]);
    stop.abort();
  });

  it("that was cut on the disk is forgotten, and one that is restarted a day long comes to its end", async () => {
    const first = bench();
    first.sender.send("a.tar.gz", randomBytes(10));
    first.stop.abort();
    first.disk.files.write("/sending", "cut");
    const second = bench(first.disk);
    expect(second.sender.send("b.tar.gz", randomBytes(10))).toBeDefined();
    second.stop.abort();
    let { disk } = second;
    let starts = 0;
    for (; disk.kept && starts < 100; starts++) {
      const next = bench(disk);
      next.stop.abort();
      disk = next.disk;
    }
    expect(starts).toBe(24);
  });

  it("that can't be sent for a day is given up, so that another can go", async () => {
    const { advance, sender, stop, ended } = bench();
    sender.send("a.tar.gz", randomBytes(10));
    await advance(24 * 3_600_000);
    expect(sender.send("b.tar.gz", randomBytes(10))).toBeDefined();
    stop.abort();
    await ended;
  });
});
