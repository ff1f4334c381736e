/** Microsoft's provisioning packages, unmodified, from a registration to a connection at the hub that was assigned. */
import { authority, makeParty, type Party } from "@pump-station/agent/testing/certificates.ts";
import iotDevice from "azure-iot-device";
import deviceMqtt from "azure-iot-device-mqtt";
import provisioning, { type RegistrationResult } from "azure-iot-provisioning-device";
import provisioningMqtt from "azure-iot-provisioning-device-mqtt";
import symmetricKey from "azure-iot-security-symmetric-key";
import x509Security from "azure-iot-security-x509";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deriveDeviceKey } from "./sas.ts";
import { startTlsDps, startTlsHub, type TlsDps, type TlsHub } from "./testing/tls-hub.ts";

const KEYS = {
  primaryKey: Buffer.alloc(32, 1).toString("base64"),
  secondaryKey: Buffer.alloc(32, 2).toString("base64"),
};
const DAY = 86_400_000;

let hubs: TlsHub[];
let service: TlsDps;
beforeEach(async () => {
  hubs = await Promise.all([startTlsHub(), startTlsHub()]);
  service = await startTlsDps(hubs);
});
afterEach(async () => {
  await Promise.all([service, ...hubs].map((each) => each.close()));
});

interface Shown {
  readonly key?: string;
  readonly certificate?: Party;
}

/** The transport has no public option for an authority; a product sets NODE_EXTRA_CA_CERTS. */
function register(id: string, { key, certificate }: Shown): Promise<RegistrationResult> {
  const transport = new provisioningMqtt.Mqtt();
  const trust = { ca: service.ca, ...(certificate && { cert: certificate.pem, key: certificate.key }) };
  (transport as unknown as { _mqttBase: { setOptions(options: object): void } })._mqttBase.setOptions(trust);
  const security = certificate
    ? new x509Security.X509Security(id, { cert: certificate.pem, key: certificate.key })
    : new symmetricKey.SymmetricKeySecurityClient(id, key ?? "");
  const client = provisioning.ProvisioningDeviceClient.create(
    `localhost:${service.port}`,
    service.dps.idScope,
    transport,
    security as InstanceType<typeof x509Security.X509Security>,
  );
  return new Promise((resolve, reject) => {
    void client.register((error, result) =>
      error ? reject(error) : result ? resolve(result) : reject(new Error("nothing")),
    );
  });
}

async function connect({ assignedHub, deviceId }: RegistrationResult, { key, certificate }: Shown): Promise<void> {
  const proof = key === undefined ? "x509=true" : `SharedAccessKey=${key}`;
  const text = `HostName=${assignedHub};DeviceId=${deviceId};${proof}`;
  const client = iotDevice.Client.fromConnectionString(text, deviceMqtt.Mqtt);
  await client.setOptions({ ca: service.ca, ...(certificate && { cert: certificate.pem, key: certificate.key }) });
  client.on("error", () => undefined);
  await client.open();
  await client.close();
}

const makeCertificate = (name: string, issuer?: Party): Promise<Party> =>
  makeParty({
    name,
    fromMs: Date.now() - DAY,
    toMs: Date.now() + DAY,
    ...(issuer ? { issuer } : { extensions: [authority()] }),
  });

describe("a device with a symmetric key", () => {
  it("is told its hub, which lets it in with the same key", async () => {
    service.dps.enrol({
      name: "gw1",
      isGroup: false,
      auth: { type: "sas", ...KEYS },
      deviceId: "pump-1",
      desired: { every: 60 },
    });
    const result = await register("gw1", { key: KEYS.primaryKey });
    expect(result.deviceId).toBe("pump-1");
    await connect(result, { key: KEYS.primaryKey });
    const hub = hubs.find(({ port }) => result.assignedHub === `localhost:${port}`)?.hub;
    expect(hub?.twin("pump-1").desired.properties).toEqual({ every: 60 });
  });

  it("in a group proves itself with a key derived from the group's", async () => {
    service.dps.enrol({ name: "fleet", isGroup: true, auth: { type: "sas", ...KEYS } });
    const key = deriveDeviceKey(KEYS.secondaryKey, "gw7");
    await connect(await register("gw7", { key }), { key: deriveDeviceKey(KEYS.primaryKey, "gw7") });
    await expect(register("gw8", { key })).rejects.toMatchObject({ name: "UnauthorizedError" });
    expect(service.dps.events.since(0)).toContainEqual(
      expect.objectContaining({ device: "gw8", kind: "refused", code: 401 }),
    );
  });

  it("goes to the hub of its enrolment; another one later takes its settings along", async () => {
    const [first, second] = hubs.map(({ port }) => `localhost:${port}`);
    const enrolment = { name: "gw1", isGroup: false, auth: { type: "sas", ...KEYS } } as const;
    service.dps.enrol({ ...enrolment, hub: first ?? "" });
    expect((await register("gw1", { key: KEYS.primaryKey })).assignedHub).toBe(first);
    hubs[0]?.hub.setDesired("gw1", { every: 60 });
    hubs[0]?.hub.setDesired("gw1", { every: 70 });
    service.dps.remove("gw1");
    service.dps.enrol({ ...enrolment, hub: second ?? "" });
    expect((await register("gw1", { key: KEYS.primaryKey })).assignedHub).toBe(second);
    expect(hubs[0]?.hub.devices.find("gw1")).toBeUndefined();
    expect(hubs[1]?.hub.twin("gw1").desired).toMatchObject({ properties: { every: 70 }, version: 1 });
  });

  it("is turned away when nobody enrolled it, or when its enrolment is disabled", async () => {
    await expect(register("gw1", { key: KEYS.primaryKey })).rejects.toMatchObject({ name: "UnauthorizedError" });
    service.dps.enrol({ name: "gw1", isGroup: false, auth: { type: "sas", ...KEYS } });
    service.dps.setEnabled("gw1", false);
    await expect(register("gw1", { key: KEYS.primaryKey })).rejects.toThrow(/disabled/);
    service.dps.setEnabled("gw1", true);
    await expect(register("gw1", { key: KEYS.primaryKey })).resolves.toMatchObject({ deviceId: "gw1" });
  });

  it("comes through a throttled registration", async () => {
    service.dps.enrol({ name: "gw1", isGroup: false, auth: { type: "sas", ...KEYS } });
    service.dps.faults.add({ on: "register-status", do: "refuse", status: 429 });
    await expect(register("gw1", { key: KEYS.primaryKey })).resolves.toMatchObject({ deviceId: "gw1" });
  });
});

describe("a device with a certificate", () => {
  it("of the group's authority is told its hub, which knows the certificate from then on", async () => {
    const ca = await makeCertificate("fleet authority");
    const certificate = await makeCertificate("gw1", ca);
    service.dps.enrol({ name: "fleet", isGroup: true, auth: { type: "certificate-authority", authorities: [ca.pem] } });
    await connect(await register("gw1", { certificate }), { certificate });
    const renewed = await makeCertificate("gw1", ca);
    await connect(await register("gw1", { certificate: renewed }), { certificate: renewed });
  });

  it("of its own is known by its thumbprint", async () => {
    const certificate = await makeCertificate("gw1");
    const thumbprint = Buffer.from(await certificate.certificate.getThumbprint("SHA-256")).toString("hex");
    service.dps.enrol({ name: "gw1", isGroup: false, auth: { type: "self-signed", primaryThumbprint: thumbprint } });
    await connect(await register("gw1", { certificate }), { certificate });
  });

  it("is turned away when it is another's, or another authority's", async () => {
    const [ca, stranger] = [await makeCertificate("fleet authority"), await makeCertificate("stranger")];
    service.dps.enrol({ name: "fleet", isGroup: true, auth: { type: "certificate-authority", authorities: [ca.pem] } });
    await expect(register("gw1", { certificate: await makeCertificate("gw2", ca) })).rejects.toThrow();
    await expect(register("gw1", { certificate: await makeCertificate("gw1", stranger) })).rejects.toThrow();
    expect(service.dps.assignments()).toEqual([]);
  });
});

describe("the hub itself, with certificates", () => {
  const connectTo = async (certificate: Party) => {
    const [tls] = hubs;
    if (!tls) throw new Error("there is no hub");
    const client = iotDevice.Client.fromConnectionString(tls.connectionString("gw1", "plain"), deviceMqtt.Mqtt);
    await client.setOptions({ ca: tls.ca, cert: certificate.pem, key: certificate.key });
    await client.open();
    await client.close();
  };

  it("lets in whom an authority of its own has signed, over an intermediate too, by the common name", async () => {
    const root = await makeCertificate("root");
    const middle = await makeParty({
      name: "middle",
      issuer: root,
      fromMs: Date.now() - DAY,
      toMs: Date.now() + DAY,
      extensions: [authority()],
    });
    const leaf = await makeCertificate("gw1", middle);
    const tls = await startTlsHub({ certificateAuthorities: [root.pem] });
    hubs.unshift(tls);
    tls.hub.addDevice("gw1", { type: "certificate-authority" });
    await connectTo({ ...leaf, pem: leaf.pem + middle.pem });
    expect(tls.hub.events.since(0)).toContainEqual(expect.objectContaining({ kind: "connected", auth: "x509CA" }));
    await expect(connectTo(await makeCertificate("gw2", root))).rejects.toThrow();
    await expect(connectTo(await makeCertificate("gw1"))).rejects.toThrow();
  });

  it("refuses a certificate that has ended, or whose thumbprint it doesn't know", async () => {
    const expired = await makeParty({ name: "gw1", fromMs: Date.now() - 2 * DAY, toMs: Date.now() - DAY });
    const thumbprint = Buffer.from(await expired.certificate.getThumbprint("SHA-1")).toString("hex");
    hubs[0]?.hub.addDevice("gw1", { type: "self-signed", primaryThumbprint: thumbprint });
    await expect(connectTo(expired)).rejects.toThrow();
    await expect(connectTo(await makeCertificate("gw1"))).rejects.toThrow();
    const reasons = hubs[0]?.hub.events.since(0).flatMap((event) => (event.kind === "refused" ? [event.reason] : []));
    expect(reasons).toEqual([expect.stringContaining("ended at"), expect.stringContaining("is not one of gw1's")]);
  });
});
