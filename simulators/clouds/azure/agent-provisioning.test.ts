/** The agent's own provisioning against the local service, and the hub that was assigned, over TLS; certificates, too. */
import { createAzureHubCloud } from "@pump-station/agent/cloud/azure-iot-hub/azure-iot-hub.ts";
import { createProvisionedCloud } from "@pump-station/agent/cloud/azure-iot-hub/provisioned.ts";
import type { Assignment } from "@pump-station/agent/cloud/azure-iot-hub/provisioning.ts";
import type { Cloud } from "@pump-station/agent/cloud/cloud.ts";
import type { Credentials } from "@pump-station/agent/cloud/credentials.ts";
import { fixedKeepAlive } from "@pump-station/agent/cloud/keep-alive.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createHubClients } from "@pump-station/agent/linux/connections/azure-iot.ts";
import { createMqttClients } from "@pump-station/agent/linux/connections/mqtt.ts";
import { authority, makeParty, type Party } from "@pump-station/agent/testing/certificates.ts";
import { Secret } from "@pump-station/agent/world.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { leafOf } from "./certificates.ts";
import { createHastenedTime } from "./testing/hastened-time.ts";
import { startTlsDps, startTlsHub, type TlsDps, type TlsHub } from "./testing/tls-hub.ts";

const STATION = "demo-lake";
const KEYS = {
  primaryKey: Buffer.alloc(32, 1).toString("base64"),
  secondaryKey: Buffer.alloc(32, 2).toString("base64"),
};
const DAY = 86_400_000;
const MESSAGE = { lane: "normal", properties: {}, payload: Uint8Array.of(1) } as const;
const never = new AbortController().signal;

let tls: TlsHub;
let service: TlsDps;
let saved: Assignment | undefined;
let credentials: Credentials;
beforeEach(async () => {
  tls = await startTlsHub();
  service = await startTlsDps([tls]);
  saved = undefined;
  credentials = { ca: service.ca, accessKey: new Secret(KEYS.primaryKey) };
});
afterEach(async () => {
  await service.close();
  await tls.close();
});

const shared = { hubs: createHubClients(), clients: createMqttClients(), chance: createChance() };
const depsNow = () => ({
  ...shared,
  ...createHastenedTime(20),
  log: () => undefined,
  credentials: () => credentials,
  model: () => ({ components: new Set(["pump"]), id: "dtmi:pump_station:station:demo_lake;1" }),
});
const timing = { keepAlive: fixedKeepAlive(60), tokenLifeMs: DAY };

/** A process that begins: what it knows is what was saved. */
function start(keyOf: "device" | "group" = "device"): Cloud {
  const assignment = { load: () => saved, save: (made: Assignment) => void (saved = made) };
  return createProvisionedCloud(
    { ...depsNow(), assignment },
    { host: "localhost", port: service.port, scope: service.dps.idScope, station: STATION, keyOf, ...timing },
  );
}

const asked = (): number => service.dps.events.since(0).filter(({ kind }) => kind === "assigned").length;
const sendOnce = async (cloud: Cloud): Promise<void> => {
  const connection = await cloud.connect(never);
  await connection.publish(MESSAGE);
  await connection.close();
};
const makeCertificate = (name: string, issuer?: Party): Promise<Party> =>
  makeParty({
    name,
    fromMs: Date.now() - DAY,
    toMs: Date.now() + DAY,
    ...(issuer ? { issuer } : { extensions: [authority()] }),
  });
const sha256Of = (party: Party): string => leafOf([new Uint8Array(party.certificate.rawData)])?.sha256 ?? "";
const withCertificate = (party: Party): Credentials => ({
  ca: service.ca,
  certificate: party.pem,
  privateKey: new Secret(party.key),
});

describe("a station that asks a provisioning service", () => {
  it("is assigned its hub once; a restart goes there without asking", async () => {
    service.dps.enrol({ name: STATION, isGroup: false, auth: { type: "sas", ...KEYS } });
    await sendOnce(start());
    expect(saved).toEqual({ hub: `localhost:${tls.port}`, device: STATION });
    await sendOnce(start());
    expect(asked()).toBe(1);
  });

  it("derives its key from its group's", async () => {
    service.dps.enrol({ name: "lakes", isGroup: true, auth: { type: "sas", ...KEYS } });
    await sendOnce(start("group"));
    await expect(start("device").connect(never)).rejects.toMatchObject({ next: "reprovision" });
  });

  it("shows its certificate, alone or signed by its group's authority", async () => {
    const own = await makeCertificate(STATION);
    service.dps.enrol({
      name: STATION,
      isGroup: false,
      auth: { type: "self-signed", primaryThumbprint: sha256Of(own) },
    });
    credentials = withCertificate(own);
    await sendOnce(start());
    expect(asked()).toBe(1);

    const root = await makeCertificate("lakes root");
    service.dps.remove(STATION);
    tls.hub.removeDevice(STATION);
    service.dps.enrol({
      name: "lakes",
      isGroup: true,
      auth: { type: "certificate-authority", authorities: [root.pem] },
    });
    credentials = withCertificate(await makeCertificate(STATION, root));
    saved = undefined;
    await expect(sendOnce(start())).resolves.toBeUndefined();
  });

  it("asks again when the hub doesn't know it any more", async () => {
    service.dps.enrol({ name: STATION, isGroup: false, auth: { type: "sas", ...KEYS } });
    const cloud = start();
    await sendOnce(cloud);
    tls.hub.removeDevice(STATION);
    await expect(cloud.connect(never)).rejects.toMatchObject({ next: "reprovision" });
    await sendOnce(cloud);
    expect(asked()).toBe(2);
  });

  it("asks again after ten failures, not before; and goes on to try the hub that it knows", async () => {
    service.dps.enrol({ name: STATION, isGroup: false, auth: { type: "sas", ...KEYS } });
    const cloud = start();
    await sendOnce(cloud);
    tls.hub.setAway(true);
    for (let n = 0; n < 10; n++) await expect(cloud.connect(never)).rejects.toMatchObject({ next: "retry" });
    expect(asked()).toBe(1);
    await expect(cloud.connect(never)).rejects.toMatchObject({ next: "retry" });
    expect(asked()).toBe(2);
    tls.hub.setAway(false);
    await sendOnce(cloud);
    expect(asked()).toBe(2);
  });

  it("waits as it is told, polls until it is assigned, and tells refusal, throttling and outage apart", async () => {
    await service.close();
    service = await startTlsDps([tls], { retryAfterS: 1, assignMs: 120 });
    credentials = { ...credentials, ca: service.ca };
    const refused = start().connect(never);
    await expect(refused).rejects.toMatchObject({ next: "reprovision" });
    service.dps.enrol({ name: STATION, isGroup: false, auth: { type: "sas", ...KEYS } });
    service.dps.faults.add({ on: "register", do: "refuse", status: 429 });
    await expect(start().connect(never)).rejects.toMatchObject({ next: "retry-after" });
    service.dps.faults.add({ on: "register", do: "refuse", status: 500 });
    await expect(start().connect(never)).rejects.toMatchObject({ next: "retry" });
    service.dps.faults.add({ on: "register-status", do: "lose" });
    await expect(start().connect(never)).rejects.toMatchObject({ next: "retry" });
    service.dps.setEnabled(STATION, false);
    const disabled = start().connect(never);
    await expect(disabled).rejects.toMatchObject({ next: "reprovision" });
    await expect(disabled).rejects.toThrow("disabled");
    service.dps.setEnabled(STATION, true);
    await sendOnce(start());
  });
});

describe("a station with a certificate", () => {
  it("is known to its hub by it, resumes its TLS session, and has no token that ends", async () => {
    const own = await makeCertificate(STATION);
    tls.hub.addDevice(STATION, { type: "self-signed", primaryThumbprint: sha256Of(own) });
    credentials = withCertificate(own);
    const cloud = createAzureHubCloud(depsNow(), {
      host: "localhost",
      port: tls.port,
      name: `localhost:${tls.port}`,
      device: STATION,
      ...timing,
    });
    const first = await cloud.connect(never);
    await first.getTwin();
    const { bytes, isResumed } = first.use?.() ?? {};
    expect(isResumed).toBe(false);
    await first.close();
    const second = await cloud.connect(never);
    await second.getTwin();
    const again = second.use?.();
    expect(again?.isResumed).toBe(true);
    expect(again?.bytes).toBeLessThan(bytes ?? 0);
    await second.close();

    credentials = withCertificate(await makeCertificate(STATION));
    await expect(cloud.connect(never)).rejects.toMatchObject({ next: "reprovision" });
  });
});
