import { createHash } from "node:crypto";
import { encodeBatch } from "@pump-station/agent/wire/batch.ts";
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import { type StreamSchema, schemaHash } from "@pump-station/agent/wire/schema.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectStation, type RunningBridge, startBridge, TOKEN } from "../testing/running-bridge.ts";

const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` };
const T0 = 1_777_000_000_000;
const EPOCH = "00000000000000e1";
const PUMP: StreamSchema = {
  stream: "pump",
  channels: [{ name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 }],
};
const lake = topicsOf("lake");

let running: RunningBridge;
let password: string;
beforeEach(async () => {
  running = await startBridge();
  const added = await call("POST", "/api/stations", { station: "lake" }, AUTHORIZATION);
  password = (added.body as { password: string }).password;
});
afterEach(() => running.remove());

async function call(
  method: "GET" | "POST" | "PATCH" | "DELETE",
  url: string,
  payload?: string | object,
  headers: Record<string, string> = {},
) {
  const response = await running.api.inject({
    method,
    url,
    headers: { host: "localhost", ...headers },
    ...(payload !== undefined && { payload }),
  });
  return { status: response.statusCode, headers: response.headers, body: response.json<unknown>() };
}

async function publishPump(first: number, last: number): Promise<void> {
  const station = await connectStation(running, "lake", password);
  const schema = Buffer.from(encodeLedger({ kind: "schema", schema: PUMP }));
  await station.client.publishAsync(lake.message("normal", { kind: "schema" }), schema, { qos: 1 });
  const sequences = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const block = {
    stream: "pump",
    schemaHash: schemaHash(PUMP),
    sequence: first,
    times: sequences.map((sequence) => T0 + sequence * 1_000),
    rows: sequences.map((sequence) => [sequence / 10]),
  };
  const batch = encodeBatch({ epoch: EPOCH, basis: { kind: "wall" }, blocks: [block] }, () => PUMP);
  await station.client.publishAsync(lake.message("normal", { kind: "batch" }), Buffer.from(batch), { qos: 1 });
  await station.leave();
}

test("a station is added with the token, gets a password once, and not twice", async () => {
  expect(password.length).toBeGreaterThanOrEqual(32);
  const again = await call("POST", "/api/stations", { station: "lake" }, AUTHORIZATION);
  expect(again).toMatchObject({ status: 409, body: { error: "station-exists" } });
  expect((await call("POST", "/api/stations", { station: "No Name" }, AUTHORIZATION)).status).toBe(400);
  expect((await call("GET", "/api/stations")).body).toEqual([
    {
      station: "lake",
      online: false,
      identity: { by: "password", certificateUntil: null, tokenUntil: null },
      lastSeen: null,
      samples: 0,
      readings: 0,
      messages: 0,
      bytes: 0,
      activeAlarms: 0,
      quarantined: 0,
    },
  ]);
});

test("a station is added with an enrolment token instead of a password, gets another one, and is revoked", async () => {
  const added = await call("POST", "/api/stations", { station: "pond", enrol: true }, AUTHORIZATION);
  expect(added).toMatchObject({ status: 201, body: { station: "pond", token: expect.stringMatching(/^[\w-]{32}$/) } });
  const { until } = added.body as { until: number };
  expect((await call("GET", "/api/stations/pond")).body).toMatchObject({
    identity: { by: "nothing", certificateUntil: null, tokenUntil: until },
  });
  const again = await call("POST", "/api/stations/pond/token", {}, AUTHORIZATION);
  expect(again.status).toBe(201);
  expect((again.body as { token: string }).token).not.toBe((added.body as { token: string }).token);
  const revoked = await call("POST", "/api/stations/lake/revoke", {}, AUTHORIZATION);
  expect(revoked).toMatchObject({ status: 200, body: { identity: { by: "nothing", tokenUntil: null } } });
  await expect(connectStation(running, "lake", password)).rejects.toThrow(/Not authorized/);
  expect((await call("POST", "/api/stations/sea/revoke", {}, AUTHORIZATION)).status).toBe(404);
});

test("writing without the token, or with a wrong one, is refused before anything is read; guessing is slowed down", async () => {
  const paths = [
    ["POST", "/api/stations", { station: "pond" }],
    ["PATCH", "/api/stations/lake/twin/desired", { a: 1 }],
    ["POST", "/api/stations/lake/command", { device: "pump", command: "stop" }],
    ["POST", "/api/stations/lake/token", {}],
    ["POST", "/api/stations/lake/revoke", {}],
  ] as const;
  for (const [method, url, body] of paths) {
    for (const headers of [{}, { authorization: "Bearer wrong" }, { authorization: TOKEN }] as Record<
      string,
      string
    >[]) {
      const refused = await call(method, url, body, headers);
      expect(refused).toMatchObject({ status: 401, body: { error: "unauthorized", advice: expect.any(String) } });
    }
  }
  expect((await call("GET", "/api/stations")).body).toHaveLength(1);
  for (let guess = 0; guess < 20; guess++) await call("POST", "/api/stations", {}, { authorization: "Bearer wrong" });
  expect((await call("POST", "/api/stations", {}, AUTHORIZATION)).status).toBe(429);
});

test("requests without any token are no guesses: a strange web page can't lock the owner out", async () => {
  for (let at = 0; at < 25; at++) expect((await call("POST", "/api/stations", {})).status).toBe(401);
  expect((await call("POST", "/api/stations", { station: "pond" }, AUTHORIZATION)).status).toBe(201);
});

test("stored readings, streams, ledger and figures are read back", async () => {
  await publishPump(1, 5);
  const pages = await call(
    "GET",
    `/api/stations/lake/readings?device=pump&channel=pressure&from=${T0 + 2_000}&limit=2`,
  );
  expect(pages.body).toEqual({
    station: "lake",
    device: "pump",
    channels: [{ name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 }],
    rows: [
      [T0 + 2_000, 0, 2, 0.2],
      [T0 + 3_000, 0, 3, 0.3],
    ],
    epochs: [EPOCH],
    next: T0 + 4_000,
  });
  expect((await call("GET", "/api/stations/lake/streams")).body).toMatchObject([
    { device: "pump", samples: 5, first: T0 + 1_000, last: T0 + 5_000 },
  ]);
  expect((await call("GET", "/api/stations/lake/ledger")).body).toEqual([
    { epoch: EPOCH, stream: "pump", stored: [[1, 5]], dropped: [], gaps: [], closedAt: null },
  ]);
  expect((await call("GET", "/api/health")).body).toEqual({
    status: "ok",
    version: "0.0.0",
    stations: 1,
    samples: 5,
    quarantined: 0,
  });
  expect((await call("GET", "/api/stations/lake/alarms")).body).toEqual([]);
  expect((await call("GET", "/api/quarantine")).body).toEqual([]);
});

test("errors say what and what to do", async () => {
  expect(await call("GET", "/api/stations/sea")).toMatchObject({ status: 404, body: { error: "unknown-station" } });
  expect(await call("GET", "/api/stations/lake/readings?device=boat")).toMatchObject({
    status: 404,
    body: { error: "unknown-stream" },
  });
  expect((await call("GET", "/api/stations/lake/readings?device=pump&limit=20001")).status).toBe(400);
  const many = await call("GET", "/api/stations/lake/readings?limit=0&order=up&colour=red");
  expect(many.status).toBe(400);
  expect((many.body as { message: string }).message).toMatch(/device.*limit.*order.*colour/);
  expect((await call("GET", "/api/nothing")).status).toBe(404);
  for (const url of ["/api/%zz", `/api/stations/${"a".repeat(120)}`]) {
    const undecodable = await call("GET", url);
    expect(undecodable).toMatchObject({ status: 400, body: { error: "bad-request", message: expect.any(String) } });
    expect(undecodable.headers["x-content-type-options"]).toBe("nosniff");
  }
  const strange = await call("PATCH", "/api/stations/lake/twin/desired", "<a/>", {
    ...AUTHORIZATION,
    "content-type": "application/xml",
  });
  expect(strange).toMatchObject({ status: 400, body: { error: "bad-request" } });
  const broken = await call("PATCH", "/api/stations/lake/twin/desired", "{", {
    ...AUTHORIZATION,
    "content-type": "application/json",
  });
  expect(broken).toMatchObject({ status: 400, body: { error: "bad-request" } });
  const large = await call("PATCH", "/api/stations/lake/twin/desired", { a: "x".repeat(20_000) }, AUTHORIZATION);
  expect(large.status).toBe(413);
  const deep = await call("PATCH", "/api/stations/lake/twin/desired", { "a b": 1 }, AUTHORIZATION);
  expect(deep).toMatchObject({ status: 400, body: { error: "twin-key" } });
});

test("a page of another site can't read through a borrowed name, and pages carry their guards", async () => {
  expect((await call("GET", "/api/stations", undefined, { host: "evil.example" })).status).toBe(400);
  const page = await running.api.inject({ url: "/", headers: { host: "127.0.0.1:8080" } });
  expect(page.statusCode).toBe(200);
  expect(page.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": expect.stringContaining("default-src 'self'"),
  });
  expect(page.headers["content-security-policy"]).not.toContain("unsafe");
  expect((await call("GET", "/app.js")).body).toMatchObject({ error: "no-page" });
});

test("a desired change goes to the station and comes back as reported with its acknowledgement", async () => {
  const station = await connectStation(running, "lake", password);
  const desired = { devices: { pump: { target: 900 } } };
  const changed = await call("PATCH", "/api/stations/lake/twin/desired", desired, {
    ...AUTHORIZATION,
    "if-match": '"1"',
  });
  expect(changed.body).toMatchObject({
    desired: { $version: 2 },
    settings: [{ path: "devices/pump/target", converged: false }],
  });
  const patch = JSON.parse(Buffer.from((await station.next(lake.twinDesired)).payload).toString()) as object;
  expect(patch).toEqual({ ...desired, $version: 2 });

  const acknowledged = { devices: { pump: { target: { value: 900, ac: 200, av: 2, ad: "" } } } };
  await station.client.publishAsync(lake.twinReport("5"), JSON.stringify(acknowledged), { qos: 1 });
  expect(JSON.parse(Buffer.from((await station.next(lake.twinReported("5"))).payload).toString())).toEqual({
    version: 2,
  });
  await station.client.publishAsync(lake.twinGet("6"), "", { qos: 1 });
  const full = JSON.parse(Buffer.from((await station.next(lake.twinFull("6"))).payload).toString()) as object;
  expect(full).toEqual({ desired: { ...desired, $version: 2 }, reported: { ...acknowledged, $version: 2 } });
  expect((await call("GET", "/api/stations/lake/twin")).body).toMatchObject({
    settings: [
      { path: "devices/pump/target", desired: 900, desiredVersion: 2, reported: 900, ac: 200, av: 2, converged: true },
    ],
  });
  const late = await call("PATCH", "/api/stations/lake/twin/desired", desired, { ...AUTHORIZATION, "if-match": '"1"' });
  expect(late.status).toBe(409);
  await station.leave();
});

test("a command is answered by its station alone; one to a station that is away is refused", async () => {
  const command = { device: "pump", command: "stop" };
  const offline = await call("POST", "/api/stations/lake/command", command, AUTHORIZATION);
  expect(offline).toMatchObject({ status: 409, body: { error: "station-offline" } });

  const station = await connectStation(running, "lake", password);
  const other = await connectStation(running, "pond", await running.addStation("pond"));
  const answered = call("POST", "/api/stations/lake/command", command, AUTHORIZATION);
  const { topic, payload } = await station.next(`${lake.root}/command/call/`);
  const id = topic.split("/").at(-1) ?? "";
  expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ ...command, expiresMs: expect.any(Number) });
  await other.client.publishAsync(topicsOf("pond").commandAnswer(id), '{"status":500,"text":"forged"}', { qos: 1 });
  await station.client.publishAsync(lake.commandAnswer(id), '{"status":200,"text":"confirmed"}', { qos: 1 });
  expect((await answered).body).toEqual({ status: 200, text: "confirmed" });
  await Promise.all([station.leave(), other.leave()]);
});

test("a command with a life of its own waits for its station, is looked up, and cancelled", async () => {
  const url = "/api/stations/lake/command";
  const ask = async (expires: number) => call("POST", url, { command: "read-now", expires }, AUTHORIZATION);
  const now = Date.now();
  expect((await ask(now - 1)).status).toBe(400);
  expect((await ask(now + 2 * 86_400_000)).status).toBe(400);
  const [first, second] = [await ask(now + 60_000), await ask(now + 60_000)];
  expect(first).toMatchObject({ status: 202, body: { command: "read-now", state: "waits", expires: now + 60_000 } });
  const { id } = first.body as { id: string };
  const { id: other } = second.body as { id: string };
  expect((await call("DELETE", `${url}s/${other}`)).status).toBe(401);
  expect(await call("DELETE", `${url}s/${other}`, undefined, AUTHORIZATION)).toMatchObject({
    status: 200,
    body: { state: "cancelled" },
  });
  expect((await call("DELETE", `${url}s/none`, undefined, AUTHORIZATION)).status).toBe(404);

  const station = await connectStation(running, "lake", password);
  const { topic } = await station.next(`${lake.root}/command/call/`);
  expect(topic).toBe(lake.commandCall(id));
  expect((await call("DELETE", `${url}s/${id}`, undefined, AUTHORIZATION)).status).toBe(409);
  await station.client.publishAsync(lake.commandAnswer(id), '{"status":200,"text":"read","body":{"values":[]}}', {
    qos: 1,
  });
  await vi.waitFor(async () =>
    expect((await call("GET", `${url}s/${id}`)).body).toMatchObject({ state: "answered", answer: { status: 200 } }),
  );
  expect((await call("GET", `${url}s`)).body).toHaveLength(2);
  await station.leave();
});

test("a file that a station sends in parts is whole here, and read with the token only", async () => {
  const whole = Buffer.from("diagnostics of lake");
  const sha256 = createHash("sha256").update(whole).digest("hex");
  const station = await connectStation(running, "lake", password);
  const part = async (at: number, name = "diagnostics.tar.gz") => {
    const topic = lake.message("late", {
      kind: "file",
      id: sha256.slice(0, 16),
      name,
      part: `${at}`,
      parts: "2",
      sha256,
    });
    await station.client.publishAsync(topic, whole.subarray(10 * at - 10, 10 * at), { qos: 1 });
  };
  await part(1, "../../etc/passwd");
  await part(2);
  await part(1);
  await station.leave();
  const url = "/api/stations/lake/files";
  expect((await call("GET", url)).status).toBe(401);
  const { body } = await call("GET", url, undefined, AUTHORIZATION);
  expect(body).toEqual([
    { id: sha256.slice(0, 16), name: "diagnostics.tar.gz", time: expect.any(Number), bytes: whole.length, sha256 },
  ]);
  const headers = { host: "localhost", ...AUTHORIZATION };
  const file = await running.api.inject({ method: "GET", url: `${url}/${sha256.slice(0, 16)}`, headers });
  expect(file.rawPayload.equals(whole)).toBe(true);
  expect((await call("GET", `${url}/none`, undefined, AUTHORIZATION)).status).toBe(404);
  expect((await call("GET", "/api/quarantine")).body).toMatchObject([{ reason: "malformed: name of a file" }]);
});

test("what is stored is told to listeners of that station at once", async () => {
  const address = await running.api.listen({ host: "127.0.0.1", port: 0 });
  const response = await fetch(`${address}/api/events?station=lake`);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  await publishPump(1, 2);
  await running.addStation("pond");
  await call("PATCH", "/api/stations/pond/twin/desired", { a: 1 }, AUTHORIZATION);
  await call("PATCH", "/api/stations/lake/twin/desired", { a: 1 }, AUTHORIZATION);
  let text = "";
  while (!/event: twin\n/.test(text)) text += (await reader.read()).value ?? "";
  await reader.cancel();
  const readings = /event: readings\ndata: (.*)\n/.exec(text)?.[1] ?? "";
  expect(JSON.parse(readings)).toEqual({
    station: "lake",
    device: "pump",
    channels: [{ name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 }],
    rows: [
      [T0 + 1_000, 1, 0.1],
      [T0 + 2_000, 2, 0.2],
    ],
  });
  expect(text).not.toContain("pond");
});
