/** What comes from outside and can't be read is kept aside; what must not go outside, doesn't. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { Health, QuarantineEntry, Readings, StationSummary } from "@pump-station/cloud-bridge/api/contract.ts";
import { connectStation } from "@pump-station/cloud-bridge/testing/running-bridge.ts";
import { expect, onTestFinished, test } from "vitest";
import { expectCompleteLedger } from "./testing/committed.ts";
import { type Demo, STATION, startDemo } from "./testing/demo.ts";
import { PATIENCE_MS, until } from "./testing/programs.ts";

const LEVEL: StreamSchema = {
  stream: "level",
  channels: [{ name: "level", kind: "gauge", unit: "m", resolution: 0.01 }],
};
const batch = Buffer.from(
  encodeBatch(
    {
      epoch: "00000000000000e1",
      basis: { kind: "wall" },
      blocks: [
        { stream: "level", schemaHash: schemaHash(LEVEL), sequence: 1, times: [1_777_000_000_000], rows: [[2.5]] },
      ],
    },
    () => LEVEL,
  ),
);
const flipped = Buffer.from(batch).fill(batch[9]! ^ 1, 9, 10);

test("messages that can't be decoded are kept aside, counted and shown; the station's other messages go on", {
  timeout: PATIENCE_MS,
}, async () => {
  const demo = await startDemo(onTestFinished);
  const other = await connectAs(demo, "other", await register(demo, "other"));
  const topic = (kind: string) => topicsOf("other").message("normal", { kind });
  const garbage: readonly (readonly [string, Buffer])[] = [
    [topic("batch"), Buffer.from("garbage")],
    [topic("batch"), flipped],
    [topic("alarms"), Buffer.from('[{"alarm": 1}]')],
    [topic("poem"), batch],
  ];
  for (const [where, payload] of garbage) await other.client.publishAsync(where, payload, { qos: 1 });
  await other.client.publishAsync(topic("schema"), Buffer.from(encodeLedger({ kind: "schema", schema: LEVEL })), {
    qos: 1,
  });
  await other.client.publishAsync(topic("batch"), batch, { qos: 1 });

  const stored = await demo.get<Readings>("/api/stations/other/readings?device=level");
  expect(stored.rows).toEqual([[1_777_000_000_000, 0, 1, 2.5]]);
  const aside = await demo.get<QuarantineEntry[]>("/api/quarantine?station=other");
  expect(aside.map(({ topic, bytes }) => [topic, bytes]).reverse()).toEqual(
    garbage.map(([where, { length }]) => [where, length]),
  );
  for (const { reason } of aside) expect(reason).toMatch(/^(malformed|truncated|checksum|version): \S/);
  expect(await demo.get<StationSummary>("/api/stations/other")).toMatchObject({ quarantined: 4, samples: 1 });
  expect(await demo.get<Health>("/api/health")).toMatchObject({ quarantined: 4 });

  // The demonstration's own station, under the name of which somebody sends garbage too: the agent comes back by itself.
  const password = readFileSync(demo.layout.agentPassword, "utf8").trim();
  // The agent takes its place back within moments, which may be before the impostor has said anything.
  const impostor = await until("somebody under the station's name was heard", async () => {
    const connected = await connectAs(demo, STATION, password);
    const { client } = connected;
    const cutOff = new Promise<never>((_, reject) => client.once("close", () => reject(new Error("cut off"))));
    const topic = topicsOf(STATION).message("urgent", { kind: "batch" });
    await Promise.race([client.publishAsync(topic, Buffer.from([0x80]), { qos: 1 }), cutOff]);
    return connected;
  });
  const now = Date.now();
  await impostor.leave();
  // More than one where an attempt was cut off between the message and its acknowledgement.
  expect(await demo.get<QuarantineEntry[]>(`/api/quarantine?station=${STATION}`)).not.toHaveLength(0);
  await until("the station's own readings go on", async () =>
    ((await demo.readings("pump")).rows.at(-1)?.[0] ?? 0) > now ? true : undefined,
  );
  await expectCompleteLedger(demo);
});

test("the station's password stands in no log and no output; the token is printed once", {
  timeout: PATIENCE_MS,
}, async () => {
  const demo = await startDemo(onTestFinished);
  await until("a message was accepted", async () => ((await demo.status()).buffer.accepted > 0 ? true : undefined));
  // Where secrets slip out: failed logins, restarts, and what a technician sends to the support.
  await expect(connectAs(demo, STATION, "not-the-password")).rejects.toThrow();
  const killed = demo.signal("the bridge", "SIGKILL");
  await until("the bridge runs again", async () =>
    demo.pid("the bridge") !== killed ? demo.get<Health>("/api/health") : undefined,
  );
  await until("the agent is back", async () => (await demo.status()).uplink.connected || undefined);
  const status = await demo.cli("status", "--json");
  const password = readFileSync(demo.layout.agentPassword, "utf8").trim();
  const { out, err } = await demo.stop();

  expect(password.length).toBeGreaterThan(20);
  expect(filesWith(demo.root, password)).toEqual(["agent/password"]);
  for (const printed of [out, err, status.out, status.err]) expect(printed).not.toContain(password);
  // The same search finds what is there: the token, in its file and in the log of the bridge's first start.
  expect(filesWith(demo.root, demo.token).sort()).toEqual(["bridge/token", "logs/cloud-bridge.log"]);
  const log = readFileSync(join(demo.layout.logs, "cloud-bridge.log"), "utf8");
  expect(log.split(demo.token)).toHaveLength(2);
  expect(out.split(demo.token)).toHaveLength(2);
});

async function register({ url, token }: Demo, station: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/api/stations`, { method: "POST", headers, body: JSON.stringify({ station }) });
  expect(response.status).toBe(201);
  return ((await response.json()) as { password: string }).password;
}

async function connectAs({ layout }: Demo, station: string, password: string) {
  const { mqttPort } = JSON.parse(readFileSync(join(layout.bridge, "ready.json"), "utf8")) as { mqttPort: number };
  const ca = readFileSync(join(layout.bridge, "ca.pem"), "utf8");
  const connected = await connectStation({ url: `mqtts://127.0.0.1:${mqttPort}`, ca }, station, password);
  onTestFinished(() => connected.leave());
  return connected;
}

/** Relative paths of the files below a folder that hold this text. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
    .map((path) => path.slice(folder.length + 1));
}
