import { createHash, X509Certificate } from "node:crypto";
import { descriptionFile, topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { MqttClient } from "mqtt";
import { afterEach, expect, test, vi } from "vitest";
import { createDatabases } from "../host/sqlite.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import { askForDescription, type Board, comeIn, enrol, makeBoard } from "../testing/board.ts";
import { connectStation, type RunningBridge, startBridge } from "../testing/running-bridge.ts";

const DAY_MS = 86_400_000;
let running: RunningBridge;
afterEach(() => running.remove());

async function withToken(station = "lake"): Promise<string> {
  const added = await running.bridge.tokens.add(station, Date.now(), DAY_MS);
  return added?.token ?? "";
}
async function anotherToken(station = "lake"): Promise<string> {
  return (await running.bridge.tokens.renew(station, Date.now(), DAY_MS))?.token ?? "";
}
async function enrolled(station = "lake"): Promise<Board & { readonly certificate: string }> {
  const board = await makeBoard(station);
  const { certificate = "" } = await enrol(running, station, { token: await withToken(station) }, board);
  return { ...board, certificate };
}
const summary = async (station = "lake") => (await running.bridge.summaryOf(station))?.identity;

test("a board enrols with a token, comes in by its certificate alone, and that ends the token", async () => {
  running = await startBridge();
  const token = await withToken();
  const board = await makeBoard("lake");
  const { certificate = "" } = await enrol(running, "lake", { token }, board);
  const read = new X509Certificate(certificate);
  expect(read.subject).toBe("CN=lake");
  expect(read.subjectAltName).toBe("DNS:lake");
  expect(Date.parse(read.validTo) - Date.now()).toBeGreaterThan(364 * DAY_MS);
  const client = await comeIn(running, "lake", certificate, board);
  await client.subscribeAsync(topicsOf("lake").down, { qos: 1 });
  expect(running.bridge.isOnline("lake")).toBe(true);
  expect(await summary()).toEqual({ by: "certificate", certificateUntil: Date.parse(read.validTo), tokenUntil: null });
  await expect(enrol(running, "lake", { token }, await makeBoard("lake"))).rejects.toThrow(/Not authorized/);
  await client.endAsync(true);
});

test("an answer that was lost costs nothing: the same key gets the same certificate, another key gets none", async () => {
  running = await startBridge();
  const token = await withToken();
  const board = await makeBoard("lake");
  const first = await enrol(running, "lake", { token }, board);
  expect(await enrol(running, "lake", { token }, board)).toEqual(first);
  expect(await enrol(running, "lake", { token }, await makeBoard("lake"))).toMatchObject({
    error: expect.stringMatching(/token/),
  });
});

test("a wrong, an ended and another station's token are refused, and who enrols may do nothing else", async () => {
  running = await startBridge();
  const token = await withToken();
  const pond = await withToken("pond");
  const board = await makeBoard("lake");
  for (const wrong of ["x", pond]) await expect(enrol(running, "lake", { token: wrong }, board)).rejects.toThrow();
  await running.bridge.tokens.renew("pond", Date.now() - DAY_MS, 1_000);
  await expect(enrol(running, "lake", { token }, await makeBoard("pond"))).resolves.toMatchObject({
    error: "the request is for pond, not for lake",
  });
  await expect(connectStation(running, "lake", token)).rejects.toThrow(/Not authorized/);
  const late = await running.bridge.tokens.renew("pond", Date.now() - DAY_MS, 1_000);
  await expect(enrol(running, "pond", { token: late?.token ?? "" }, await makeBoard("pond"))).rejects.toThrow();
});

test("a request of another kind of key, or signed by another, is refused in words", async () => {
  running = await startBridge();
  const token = await withToken();
  const rsa = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  expect(await enrol(running, "lake", { token }, await makeBoard("lake", rsa))).toMatchObject({
    error: expect.stringMatching(/not ECDSA/),
  });
  const { csr } = await makeBoard("lake");
  const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ""), "base64");
  der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  expect(await enrol(running, "lake", { token }, { csr: forged })).toMatchObject({
    error: expect.stringMatching(/signed/),
  });
  expect(await enrol(running, "lake", { token }, { csr: "rubbish" })).toMatchObject({
    error: expect.stringMatching(/can't be signed/),
  });
});

test("a certificate is its own station alone, whatever client id and user name say", async () => {
  running = await startBridge();
  const lake = await enrolled("lake");
  await enrolled("pond");
  await expect(comeIn(running, "pond", lake.certificate, lake)).rejects.toThrow(/Not authorized/);
  await expect(
    enrol(running, "pond", { certificate: lake.certificate, key: lake.key }, await makeBoard("pond")),
  ).rejects.toThrow(/Not authorized/);
});

test("a certificate that another authority signed opens nothing, though it bears the right name", async () => {
  running = await startBridge();
  await enrolled("lake");
  const ours = running;
  running = await startBridge();
  const theirs = await enrolled("lake");
  const foreign = running;
  running = ours;
  await expect(comeIn(ours, "lake", theirs.certificate, theirs)).rejects.toThrow();
  await foreign.remove();
});

test("a certificate asks for the next one with a new key, and opens nothing more once the station has come with that", async () => {
  running = await startBridge();
  const first = await enrolled();
  const board = await makeBoard("lake");
  const { certificate = "" } = await enrol(running, "lake", { certificate: first.certificate, key: first.key }, board);
  expect(new X509Certificate(certificate).serialNumber).not.toBe(new X509Certificate(first.certificate).serialNumber);
  // An answer that was lost: nobody has come with the new one.
  await (await comeIn(running, "lake", first.certificate, first)).endAsync(true);
  // Tried out, and the board may not have heard that it worked.
  const proof = { certificate, key: board.key };
  expect(await enrol(running, "lake", proof, board)).toEqual({ certificate });
  await (await comeIn(running, "lake", first.certificate, first)).endAsync(true);
  await (await comeIn(running, "lake", certificate, board)).endAsync(true);
  await expect(comeIn(running, "lake", first.certificate, first)).rejects.toThrow(/Not authorized/);
  expect(running.events.map(({ fields }) => JSON.stringify(fields)).join()).toContain("was replaced");
  // A board that was set up again from an older copy asks for the next one with what it has.
  const again = await makeBoard("lake");
  const old = { certificate: first.certificate, key: first.key };
  const next = await enrol(running, "lake", old, again);
  await (await comeIn(running, "lake", next.certificate ?? "", again)).endAsync(true);
});

test("a station that came with its certificate asks for the next one on the connection that stands, one with a password may not", async () => {
  running = await startBridge();
  const first = await enrolled();
  const { client, next } = await talk(await comeIn(running, "lake", first.certificate, first));
  const { enrolAnswer, enrolRequest } = topicsOf("lake");
  await client.subscribeAsync(enrolAnswer("7"), { qos: 1 });
  const board = await makeBoard("lake");
  await client.publishAsync(enrolRequest("7"), JSON.stringify({ csr: board.csr }), { qos: 1 });
  const { certificate = "" } = JSON.parse(await next()) as { certificate?: string };
  await (await comeIn(running, "lake", certificate, board)).endAsync(true);
  const password = await running.addStation("pond");
  const pond = await connectStation(running, "pond", password);
  await expect(pond.client.subscribeAsync(topicsOf("pond").enrolAnswer("7"), { qos: 1 })).rejects.toThrow();
  const closed = new Promise<void>((resolve) => pond.client.once("close", () => resolve()));
  const { csr } = await makeBoard("pond");
  pond.client.publish(topicsOf("pond").enrolRequest("7"), JSON.stringify({ csr }), { qos: 1 });
  await closed;
});

async function talk(client: MqttClient) {
  const heard: string[] = [];
  client.on("message", (_, payload) => void heard.push(payload.toString()));
  return { client, next: () => vi.waitFor(() => heard.shift() ?? Promise.reject(new Error("nothing yet"))) };
}

test("an ended certificate may ask for the next one, and nothing else; after the grace not even that", async () => {
  running = await startBridge({ certificateLifeMs: 2_000, renewalGraceMs: 3_000 });
  const first = await enrolled();
  const client = await comeIn(running, "lake", first.certificate, first);
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  // A connection ends with its certificate.
  await closed;
  await expect(comeIn(running, "lake", first.certificate, first)).rejects.toThrow(/Not authorized/);
  const proof = { certificate: first.certificate, key: first.key };
  expect(await enrol(running, "lake", proof, await makeBoard("lake"))).toMatchObject({
    certificate: expect.stringMatching(/BEGIN/),
  });
  await vi.waitFor(() => expect(enrol(running, "lake", proof, { csr: "x" })).rejects.toThrow(/Not authorized/), {
    timeout: 6_000,
    interval: 500,
  });
}, 15_000);

test("a revoked station is thrown out at once and for ever, by certificate and by password", async () => {
  running = await startBridge();
  const lake = await enrolled("lake");
  const password = await running.addStation("pond");
  const clients = [await comeIn(running, "lake", lake.certificate, lake)];
  clients.push((await connectStation(running, "pond", password)).client);
  const closed = Promise.all(
    clients.map((client) => new Promise<void>((resolve) => client.once("close", () => resolve()))),
  );
  expect(await running.bridge.revoke("lake")).toBe(true);
  expect(await running.bridge.revoke("pond")).toBe(true);
  await closed;
  await expect(comeIn(running, "lake", lake.certificate, lake)).rejects.toThrow(/Not authorized/);
  await expect(connectStation(running, "pond", password)).rejects.toThrow(/Not authorized/);
  const proof = { certificate: lake.certificate, key: lake.key };
  await expect(enrol(running, "lake", proof, await makeBoard("lake"))).rejects.toThrow(/Not authorized/);
  expect(await summary()).toEqual({ by: "nothing", certificateUntil: null, tokenUntil: null });
});

test("what a command line beside the bridge revokes is thrown out within a second or two", async () => {
  running = await startBridge();
  const lake = await enrolled("lake");
  const client = await comeIn(running, "lake", lake.certificate, lake);
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const beside = createSqliteStore({ database: createDatabases().open(`${running.folder}/bridge.sqlite`) });
  expect(await beside.identities.revoke("lake", Date.now())).toBe(true);
  await beside.close();
  await closed;
});

test("a spare board takes a station's place: the old one is out at once, the new one is in", async () => {
  running = await startBridge();
  const old = await enrolled();
  const client = await comeIn(running, "lake", old.certificate, old);
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const token = await anotherToken();
  const spare = await makeBoard("lake");
  expect(await enrol(running, "lake", { token }, spare)).toMatchObject({ error: "another board is lake" });
  expect(running.bridge.isOnline("lake")).toBe(true);
  const { certificate = "" } = await enrol(running, "lake", { token }, spare, { adopt: true });
  await closed;
  await expect(comeIn(running, "lake", old.certificate, old)).rejects.toThrow(/Not authorized/);
  const again = await enrol(running, "lake", { token }, spare, { adopt: true });
  expect(again.certificate).toBe(certificate);
  await (await comeIn(running, "lake", certificate, spare)).endAsync(true);
});

test("a station changes from its password to a certificate: the password ends when the certificate first works", async () => {
  running = await startBridge();
  const password = await running.addStation("lake");
  const board = await makeBoard("lake");
  const { certificate = "" } = await enrol(running, "lake", { token: await anotherToken() }, board);
  const station = await connectStation(running, "lake", password);
  await station.leave();
  expect(await summary()).toMatchObject({ by: "password" });
  await (await comeIn(running, "lake", certificate, board)).endAsync(true);
  expect(await summary()).toMatchObject({ by: "certificate" });
  await expect(connectStation(running, "lake", password)).rejects.toThrow(/Not authorized/);
});

test("no secret is in the bridge's log or store", async () => {
  running = await startBridge();
  const token = await withToken();
  const board = await makeBoard("lake");
  await enrol(running, "lake", { token }, board);
  await expect(enrol(running, "lake", { token: `${token}x` }, board)).rejects.toThrow();
  const kept = await running.store.identities.token("lake");
  expect(JSON.stringify(kept)).not.toContain(token);
  expect(JSON.stringify(running.events)).not.toContain(token);
  expect(running.events.map(({ event }) => event)).toContain("certificate-issued");
});

test("who has the station's certificate gets what it handed over, in parts; a token alone gets nothing", async () => {
  running = await startBridge();
  const token = await withToken();
  const board = await makeBoard("lake");
  const ask = (proof: Parameters<typeof enrol>[2], part: number) => askForDescription(running, "lake", proof, part);
  expect(await ask({ token }, 1)).toMatchObject({ error: expect.stringMatching(/certificate/) });
  const { certificate = "" } = await enrol(running, "lake", { token }, board);
  const proof = { certificate, key: board.key };
  expect(await ask(proof, 1)).toEqual({ parts: 0 });

  const hashes = ["a".repeat(64), "b".repeat(64)];
  const bodies = hashes.map((hash, at) => Buffer.alloc(40_000, `${hash}${at}`));
  for (const [at, body] of bodies.entries()) {
    const sha256 = createHash("sha256").update(body).digest("hex");
    const part = { sha256, name: descriptionFile(hashes[at] ?? ""), part: 1, parts: 1, body };
    await running.store.write([{ station: "lake", atMs: Date.now() + at, kind: "file-part", part }]);
  }
  // Nothing is reported: the newest. Reported: that one, by its whole hash.
  const [newest] = [await ask(proof, 1)];
  expect(newest).toMatchObject({ hash: "b".repeat(16), part: 1, parts: 2 });
  await running.store.changeTwin("lake", (twin) => ({
    ...twin,
    reported: { $version: 2, description: { hash: hashes[0] ?? "", runs: "file" } },
  }));
  const parts = [await ask(proof, 1), await ask(proof, 2)];
  expect(parts.map(({ hash }) => hash)).toEqual([hashes[0], hashes[0]]);
  const whole = Buffer.concat(parts.map(({ body = "" }) => Buffer.from(body, "base64")));
  expect(whole.equals(bodies[0] ?? whole.subarray(1))).toBe(true);
  expect(await ask(proof, 3)).toMatchObject({ error: "the description has 2 parts" });
  expect(await ask(proof, 0)).toMatchObject({ error: expect.stringMatching(/part/) });
});
