/** The built agent, as it would be installed, against the local AWS IoT Core over TLS. */
import { X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectControl } from "@pump-station/agent/linux/control-socket.ts";
import type { AgentStatus } from "@pump-station/agent/status.ts";
import { batchHeads } from "@pump-station/agent/wire/batch.ts";
import { propertiesFromBag, topicParts } from "@pump-station/agent/wire/topics.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { expect, onTestFinished, test } from "vitest";
import { guidesTemplate } from "../clouds/aws/testing/template.ts";
import { startTlsCloud } from "../clouds/aws/testing/tls-cloud.ts";
import { PATIENCE_MS, PROGRAMS, runProgram, startProgram, temporaryFolder, until } from "./testing/programs.ts";

const STATION = "lake";
type TlsCloud = Awaited<ReturnType<typeof startTlsCloud>>;

const STATION_FILE = `format: 1
station: ${STATION}
label: "Lake"
place:
  altitude: 10 m
  time-zone: Europe/Berlin
ports:
  baseboard:
    serial: /dev/pump-station/is-not-there
devices:
  air-pump:
    type: pump-mk2
    port: baseboard
    every: 2s
`;
const agentFile = (port: number) => `format: 1
station: ${STATION}
description: station.yaml
data: data
cloud: aws-iot-core://localhost:${port}?shadow=pump-station
ca: ca.pem
upload-interval: 2s
commit-interval: 100ms
trial-window: 1s
trust-clock: always
control: control.sock
log: debug
`;

const CERTIFICATE_LINES = `certificate-file: station.pem
private-key-file: station.key
`;
const CLAIM_LINES = `claim-certificate-file: station.pem
claim-private-key-file: station.key
provisioning-template: pump-stations
`;

function installed(local: TlsCloud, lines: string, client = local.client): string {
  const folder = temporaryFolder(onTestFinished);
  writeFileSync(join(folder, "agent.yaml"), `${agentFile(local.port)}${lines}`);
  writeFileSync(join(folder, "station.yaml"), STATION_FILE);
  writeFileSync(join(folder, "ca.pem"), local.ca);
  writeFileSync(join(folder, "station.pem"), client.certificate);
  writeFileSync(join(folder, "station.key"), client.key, { mode: 0o600 });
  return folder;
}

/** First to last sequence of the pump's readings as far as they came without a hole, whatever came twice. */
function readingsWithoutHole(local: TlsCloud): number {
  const came = new Set<number>();
  for (const event of local.aws.events.since(0)) {
    if (event.kind !== "message") continue;
    const [, bag = ""] = topicParts(event.topic)?.path ?? [];
    if (propertiesFromBag(bag)["kind"] !== "batch") continue;
    for (const { stream, sequence, samples } of batchHeads(event.payload).blocks)
      for (let n = 0; n < samples; n++) if (stream === "air-pump") came.add(sequence + n);
  }
  let last = 0;
  while (came.has(last + 1)) last++;
  return last;
}

test("a station with a certificate sends, takes settings and commands, and loses nothing on bad links", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const local = await startTlsCloud(STATION);
  onTestFinished(() => local.close());
  const { aws } = local;
  const id = { thing: STATION, name: "pump-station" };
  const folder = installed(local, CERTIFICATE_LINES);
  const agent = startProgram(PROGRAMS.agent, ["run", "--config", join(folder, "agent.yaml")]);
  onTestFinished(() => void agent.child.kill("SIGKILL"));
  const status = async (): Promise<AgentStatus> => {
    const client = await connectControl(join(folder, "control.sock"));
    return (await client.ask("status").finally(() => client.close())) as AgentStatus;
  };
  const more = (what: string, than: number) =>
    until(what, () => (readingsWithoutHole(local) > than ? readingsWithoutHole(local) : undefined));
  await more("a reading has come", 0);

  aws.setDesired(id, { devices: { "air-pump": { every: 1 } }, upload: { interval: 1 } });
  const { version } = aws.shadow(id) ?? {};
  const reported = await until("both settings are answered", () => {
    const state = (aws.shadow(id)?.state.reported ?? {}) as Record<string, Record<string, JsonObject>>;
    const answers = [state["devices"]?.["air-pump"]?.["every"], state["upload"]?.["interval"]];
    return answers.every((answer) => (answer as JsonObject | undefined)?.["av"] === version) ? answers : undefined;
  });
  expect(reported).toMatchObject([
    { value: 1, ac: 200 },
    { value: 1, ac: 200 },
  ]);

  const read = await aws.call(STATION, { command: "read-now" }, PATIENCE_MS);
  expect(read).toMatchObject({ status: 200, body: { values: expect.any(Array) as unknown[] } });
  // The device isn't there: what counts is that the caller is told.
  const stop = await aws.call(STATION, { device: "air-pump", command: "stop" }, PATIENCE_MS);
  expect(stop["status"]).toBeGreaterThanOrEqual(400);

  aws.jobs.create({ id: "read-1", things: [STATION], document: { command: "read-now" } });
  await until("a job is done", () => aws.jobs.execution("read-1", STATION)?.status === "SUCCEEDED" || undefined);

  const before = readingsWithoutHole(local);
  aws.cut(STATION);
  const afterCut = await more("readings go on after a cut", before);
  aws.freeze(STATION);
  const waiting = async (): Promise<number> => (await status()).buffer.waiting;
  await until("readings wait on a link that carries nothing", async () => ((await waiting()) >= 2 ? true : undefined));
  await local.reopen();
  await more("readings go on after a half-open link, none is missing", afterCut + 1);

  local.things.deactivate(STATION);
  aws.cut(STATION);
  await until("it says that it is refused", () => (/reprovision|refused/.test(agent.said()) ? true : undefined));
  agent.child.kill("SIGTERM");
  const { code, out, err } = await agent.ended;
  expect(code).toBe(0);
  expect(out + err).not.toMatch(/BEGIN [A-Z ]*PRIVATE/);
});

test("a board of a series gets its certificate by its claim, comes in by it and renews it, and no key leaves it", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  // Two days behind now, and so long ahead that a renewal is due at once.
  const local = await startTlsCloud("not-it", 20 * 60_000);
  onTestFinished(() => local.close());
  const series = await local.issue("series-2026");
  local.things.certificates.set(certificateIdOf(series.certificate), {
    status: "ACTIVE",
    templates: ["pump-stations"],
  });
  const folder = installed(local, CLAIM_LINES, series);
  const config = join(folder, "agent.yaml");

  const early = await runProgram(PROGRAMS.agent, "enrol", "--config", config);
  expect(early).toMatchObject({ code: 1, err: expect.stringContaining("404 TemplateNotFound") as string });
  local.provisioning.templates.set("pump-stations", { body: guidesTemplate(), isEnabled: true });
  const enrolled = await runProgram(PROGRAMS.agent, "enrol", "--config", config);
  expect(enrolled).toMatchObject({ code: 0, out: expect.stringMatching(/^lake: enrolled with aws-iot-core:/) });

  const given = () => [...local.things.certificates.values()].filter(({ thing }) => thing === STATION);
  expect(given()).toEqual([{ status: "ACTIVE", thing: STATION }]);
  const agent = startProgram(PROGRAMS.agent, ["run", "--config", config]);
  onTestFinished(() => void agent.child.kill("SIGKILL"));
  await until("a reading has come", () => readingsWithoutHole(local) > 0 || undefined);
  await until("the next certificate is there", () => /identity-certified/.test(agent.said()) || undefined);
  expect(given().length).toBeGreaterThanOrEqual(2);
  agent.child.kill("SIGTERM");
  const { out, err } = await agent.ended;
  const kept = readFileSync(join(folder, "data/state/identity.json"), "utf8");
  const [, privateKey = "none"] = /BEGIN PRIVATE KEY-----\\n([\w+/]+)/.exec(kept) ?? [];
  expect(privateKey).toMatch(/^[\w+/]{64}$/);
  const sent = local.aws.events.since(0).map((event) => (event.kind === "message" ? String(event.payload) : ""));
  for (const text of [out, err, ...sent]) expect(text).not.toContain(privateKey);
});

const certificateIdOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
