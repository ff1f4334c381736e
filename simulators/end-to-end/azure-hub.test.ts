/** The built agent, as it would be installed, against the local Azure hub: what it logs, and what it weighs. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startTlsHub, type TlsHub } from "../clouds/azure/testing/tls-hub.ts";
import { PATIENCE_MS, PROGRAMS, runProgram, startProgram, temporaryFolder, until } from "./testing/programs.ts";

const STATION = "lake";
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
    every: 1s
`;
const agentFile = (tls: TlsHub) => `format: 1
station: ${STATION}
description: station.yaml
data: data
cloud: azure-iot-hub://localhost:${tls.port}
access-key-file: azure-key
ca: ca.pem
upload-interval: 2s
commit-interval: 500ms
trial-window: 1s
trust-clock: always
control: control.sock
log: debug
`;

test("a station on a hub sends, takes settings and commands, and tells its log no secret", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const tls = await startTlsHub();
  onTestFinished(() => tls.close());
  tls.hub.addDevice(STATION);
  const { folder, key } = installed(tls);

  const agent = startProgram(PROGRAMS.agent, ["run", "--config", join(folder, "agent.yaml")], {
    MALLOC_ARENA_MAX: "1",
  });
  onTestFinished(() => void agent.child.kill("SIGKILL"));
  await until("a batch has come", () => telemetry(tls).find(({ properties }) => properties["kind"] === "batch"));
  const reported = () =>
    tls.hub.twin(STATION).reported.properties as Record<string, Record<string, unknown> | undefined>;
  await until("it reports its devices as components", () =>
    reported()["air_pump"]?.["__t"] === "c" ? true : undefined,
  );

  tls.hub.setDesired(STATION, { air_pump: { __t: "c", every: 2 }, upload: { __t: "c", interval: 3 } });
  const answered = await until("both are answered", () => {
    const [every, interval] = [reported()["air_pump"]?.["every"], reported()["upload"]?.["interval"]];
    return isAnswer(every) && isAnswer(interval) && every.av === 2 && interval.av === 2
      ? { every, interval }
      : undefined;
  });
  expect(answered).toMatchObject({ every: { value: 2, ac: 200 }, interval: { value: 3, ac: 200 } });

  // The device isn't there: what counts is that the caller is told.
  const stop = await tls.hub.invokeMethod(STATION, { name: "air_pump*stop" });
  expect(stop.status).toBeGreaterThanOrEqual(400);
  expect(stop.payload).toMatchObject({ text: expect.any(String) as string });

  // Refused, cut, thrown out: errors are where secrets slip out.
  tls.hub.setEnabled(STATION, false);
  await until("it says that it is refused", () => (/reprovision/.test(agent.said()) ? true : undefined));
  agent.child.kill("SIGTERM");
  const { code, out, err } = await agent.ended;
  expect(code).toBe(0);
  expect(out + err).not.toContain(key);
  expect(out + err).not.toMatch(/SharedAccess|sig=|BEGIN [A-Z ]*PRIVATE/);
});

test("a key that others may read, or that is another station's, is refused at the start with advice", async () => {
  const tls = await startTlsHub();
  onTestFinished(() => tls.close());
  tls.hub.addDevice(STATION);
  tls.hub.addDevice("other");
  const { folder, key } = installed(tls);
  const config = join(folder, "agent.yaml");
  const keyFile = join(folder, "azure-key");
  const start = () => runProgram(PROGRAMS.agent, "run", "--config", config);

  chmodSync(keyFile, 0o644);
  expect(await start()).toMatchObject({ code: 78, err: expect.stringContaining(`chmod 600 ${keyFile}`) as string });
  chmodSync(keyFile, 0o600);
  writeFileSync(keyFile, tls.connectionString("other"));
  const other = await start();
  expect(other).toMatchObject({ code: 78, err: expect.stringContaining("the key of other") as string });
  writeFileSync(keyFile, "not a key");
  const none = await start();
  expect(none).toMatchObject({ code: 78, err: expect.stringContaining("copy the device's primary key") as string });
  expect(other.err + none.err).not.toContain(key);
});

function installed(tls: TlsHub): { folder: string; key: string } {
  const folder = temporaryFolder(onTestFinished);
  const { auth } = tls.hub.devices.get(STATION);
  writeFileSync(join(folder, "agent.yaml"), agentFile(tls));
  writeFileSync(join(folder, "station.yaml"), STATION_FILE);
  writeFileSync(join(folder, "ca.pem"), tls.ca);
  writeFileSync(join(folder, "azure-key"), tls.connectionString(STATION), { mode: 0o600 });
  return { folder, key: auth.type === "sas" ? auth.primaryKey : "" };
}

const telemetry = (tls: TlsHub) => tls.hub.events.since(0).filter((event) => event.kind === "telemetry");

const isAnswer = (value: unknown): value is { readonly ac: number; readonly av: number } =>
  typeof value === "object" && value !== null && "av" in value;
