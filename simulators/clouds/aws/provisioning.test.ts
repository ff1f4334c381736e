/**
 * Fleet provisioning by claim: the agent's side against the local cloud in memory, and the local cloud held to AWS's
 * developer guide ("Device provisioning MQTT API", "Provisioning by claim", "Provisioning templates").
 */
import { createFleetProvisioning } from "@pump-station/agent/identity/fleet-provisioning.ts";
import { createSimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { Secret } from "@pump-station/agent/world.ts";
import { describe, expect, it } from "vitest";
import { createMemoryClients } from "../memory-clients.ts";
import { createAwsCloud } from "./aws-cloud.ts";
import { defaultTemplate } from "./default-template.ts";
import type { Principal } from "./policy.ts";
import { createProvisioning } from "./provisioning.ts";
import { checkTemplate, provisionedBy } from "./provisioning-template.ts";
import { createServiceApi } from "./service-api.ts";
import { guidesTemplate } from "./testing/template.ts";
import { createThings } from "./things.ts";

const never = new AbortController().signal;
const STATION = "demo-lake";
const CLAIM = { certificate: "claim", privateKey: new Secret("k") };
const HOUR_MS = 3_600_000;

/** Certificates without cryptography: their text says whose they are. */
function bench({ mayRenew = false, hasClaim = true } = {}) {
  const time = createSimulatedTime();
  let seed = 0;
  const chance = { fraction: () => 0.5, bytes: (count: number) => new Uint8Array(count).fill(++seed) };
  const things = createThings({ wallMs: time.clock.wallMs }, []);
  const issue = async (csr: string) => {
    if (!csr.startsWith("csr")) throw new Error("no CSR");
    return { id: `id of ${csr}`, pem: `certificate of ${csr}` };
  };
  const provisioning = createProvisioning({ ...time, things, chance, issue });
  provisioning.mayRenew = mayRenew;
  provisioning.templates.set("pump-stations", { body: guidesTemplate(), isEnabled: true });
  const aws = createAwsCloud({ ...time, chance, provisioning });
  const claim = { isActive: true };
  const principalOf = (certificate: string | undefined): Principal => {
    if (certificate === CLAIM.certificate)
      return claim.isActive ? { claim: "c1a1", templates: ["pump-stations"] } : undefined;
    const known = things.certificates.get(certificate?.replace("certificate of", "id of") ?? "");
    return known?.status === "ACTIVE" ? known.thing : undefined;
  };
  const clients = createMemoryClients({
    timers: time.timers,
    accept: (link, { cert }) => aws.accept(link, principalOf(cert)),
  });
  const config = {
    ...{ host: "abc-ats.iot.eu-central-1.amazonaws.com", port: 8883, station: STATION, template: "pump-stations" },
    parameters: { ThingName: STATION, SerialNumber: "10000000a1b2c3d4" } as Record<string, string>,
    claim: () => (hasClaim ? CLAIM : undefined),
  };
  const enrolmentWith = (change: Partial<typeof config> = {}) =>
    createFleetProvisioning({ ...time, chance, clients }, { ...config, ...change });
  const published = () => aws.events.since(0).flatMap((event) => (event.kind === "message" ? [event] : []));
  return { ...time, aws, things, provisioning, claim, clients, enrolmentWith, enrolment: enrolmentWith(), published };
}
const ask = (csr: string) => ({ csr, adopt: false });

describe("a board with a claim", () => {
  it("gets a certificate for its own key, and a template makes it a thing", async () => {
    const { enrolment, things, published } = bench();
    expect(await enrolment.ask(CLAIM, ask("csr 1"), never)).toBe("certificate of csr 1");
    expect(things.certificates.get("id of csr 1")).toEqual({ status: "ACTIVE", thing: STATION });
    expect(published().map(({ topic }) => topic)).toEqual([
      "$aws/certificates/create-from-csr/json",
      "$aws/provisioning-templates/pump-stations/provision/json",
    ]);
    const said = published().map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)) as JsonObject);
    expect(said).toEqual([
      { certificateSigningRequest: "csr 1" },
      {
        certificateOwnershipToken: expect.any(String) as string,
        parameters: { ThingName: STATION, SerialNumber: "10000000a1b2c3d4" },
      },
    ]);
    await enrolment.tryOut("certificate of csr 1", new Secret("k"), never);
  });

  it.each([
    [{ template: "others" }, "reprovision", "provisioning-templates/others"],
    [{ parameters: { SerialNumber: "1" } }, "stop", "400 InvalidParameters parameter ThingName is missing"],
    [{ parameters: { ThingName: "pond", SerialNumber: "1" } }, "stop", 'made this board the thing "pond"'],
  ])("is told why it gets none: %j", async (change, next, words) => {
    const { enrolmentWith } = bench();
    const refused = enrolmentWith(change).ask(CLAIM, ask("csr 1"), never);
    await expect(refused).rejects.toThrow(words);
    await expect(refused).rejects.toMatchObject({ next: expect.stringMatching(next) as string });
  });

  it("that the account's hook doesn't know, or whose claim was deactivated, gets none", async () => {
    const { enrolment, provisioning, claim, things } = bench();
    provisioning.templates.set("pump-stations", {
      body: guidesTemplate(),
      isEnabled: true,
      hook: { SerialNumber: "^2" },
    });
    await expect(enrolment.ask(CLAIM, ask("csr 1"), never)).rejects.toMatchObject({
      next: "stop",
      message: expect.stringContaining("403 AccessDenied") as string,
    });
    claim.isActive = false;
    await expect(enrolment.ask(CLAIM, ask("csr 2"), never)).rejects.toMatchObject({ next: "reprovision" });
    expect(things.list()).toEqual([]);
  });

  it("a service that doesn't answer is asked another time", async () => {
    const { enrolment, aws, advance } = bench();
    aws.faults.lose["/accepted"] = 1;
    const asked = expect(enrolment.ask(CLAIM, ask("csr 1"), never)).rejects.toMatchObject({ next: "retry" });
    await advance(61_000);
    await asked;
    expect(await enrolment.ask(CLAIM, ask("csr 1"), never)).toBe("certificate of csr 1");
  });
});

describe("the next certificate", () => {
  const own = { certificate: "certificate of csr 1", privateKey: new Secret("k") };

  it("is asked for with the board's own, where the policy allows it", async () => {
    const { enrolment, things, aws } = bench({ mayRenew: true, hasClaim: false });
    await enrolment.ask(CLAIM, ask("csr 1"), never);
    expect(await enrolment.ask(own, ask("csr 2"), never)).toBe("certificate of csr 2");
    expect(things.certificates.get("id of csr 2")).toEqual({ status: "ACTIVE", thing: STATION });
    expect(aws.connected).toEqual([]);
  });

  it("where it doesn't, that is a no to this certificate, so that the claim is tried next", async () => {
    const { enrolment } = bench();
    await enrolment.ask(CLAIM, ask("csr 1"), never);
    await expect(enrolment.ask(own, ask("csr 2"), never)).rejects.toMatchObject({ next: "reprovision" });
  });
});

describe("the local cloud", () => {
  const request = async (stood: ReturnType<typeof bench>, topic: string, body: unknown) => {
    const payload =
      typeof body === "string" ? new TextEncoder().encode(body) : new TextEncoder().encode(JSON.stringify(body));
    const answer = await stood.provisioning.answer(topic, payload);
    return {
      topic: answer?.topic,
      ...(JSON.parse(new TextDecoder().decode(answer?.payload)) as JsonObject),
    } as JsonObject;
  };
  const CSR = "$aws/certificates/create-from-csr/json";
  const PROVISION = "$aws/provisioning-templates/pump-stations/provision/json";

  it("answers as in the guide, and an ownership token holds for an hour", async () => {
    const stood = bench();
    const given = await request(stood, CSR, { certificateSigningRequest: "csr 1" });
    expect(given).toEqual({
      topic: `${CSR}/accepted`,
      certificateOwnershipToken: expect.any(String) as string,
      certificateId: "id of csr 1",
      certificatePem: "certificate of csr 1",
    });
    expect(stood.things.certificates.get("id of csr 1")?.status).toBe("PENDING_ACTIVATION");
    await stood.advance(HOUR_MS + 1);
    expect(stood.things.certificates.size).toBe(0);
    const { certificateOwnershipToken } = given;
    const late = { certificateOwnershipToken, parameters: { ThingName: STATION, SerialNumber: "1" } };
    expect(await request(stood, PROVISION, late)).toMatchObject({
      topic: `${PROVISION}/rejected`,
      statusCode: 400,
      errorCode: "InvalidCertificateOwnershipToken",
    });
  });

  it.each([
    [CSR, { certificateSigningRequest: "nonsense" }, "InvalidCertificateSigningRequest"],
    [CSR, {}, "InvalidCertificateSigningRequest"],
    [CSR, "no JSON", "InvalidPayload"],
    [PROVISION, {}, "InvalidCertificateOwnershipToken"],
    ["$aws/provisioning-templates/none/provision/json", {}, "TemplateNotFound"],
  ])("refuses on %s: %j", async (topic, body, errorCode) => {
    expect(await request(bench(), topic, body)).toMatchObject({
      topic: `${topic}/rejected`,
      statusCode: expect.any(Number) as number,
      errorCode,
      errorMessage: expect.any(String) as string,
    });
  });

  it("lets a claim do nothing but that, and answers only who has subscribed", async () => {
    const { clients, aws } = bench();
    const options = { url: "mqtts://x", clientId: "any", keepAliveS: 60, connectTimeoutMs: 1_000, cert: "claim" };
    const mqtt = await clients.connect(options, never);
    await expect(mqtt.subscribe([`ps/1/${STATION}/ledger`])).rejects.toThrow();
    await mqtt.publish(CSR, new TextEncoder().encode('{"certificateSigningRequest":"csr"}'), { deadlineMs: 1_000 });
    expect(aws.connected).toEqual(["any"]);
    await expect(mqtt.publish(`ps/1/${STATION}/normal/x`, Uint8Array.of(1), { deadlineMs: 1_000 })).rejects.toThrow();
    expect(aws.connected).toEqual([]);
  });
});

describe("the service API", () => {
  it("makes templates and claims, refuses what is none, and deactivates a certificate", async () => {
    const { aws, things, provisioning, enrolment } = bench();
    const api = createServiceApi({ aws, things, provisioning });
    const tell = (method: string, url: string, body: unknown = "") =>
      api({ method, url, body: typeof body === "string" ? body : JSON.stringify(body) });
    const templateBody = JSON.stringify(guidesTemplate());
    expect(
      await tell("POST", "/provisioning-templates", { templateName: "t", templateBody, enabled: true }),
    ).toMatchObject({ status: 200 });
    expect(await tell("POST", "/provisioning-templates", { templateName: "t", templateBody })).toMatchObject({
      status: 409,
    });
    expect(await tell("POST", "/provisioning-templates", { templateName: "u", templateBody: "{}" })).toMatchObject({
      status: 400,
      json: { type: "InvalidRequestException" },
    });
    expect(await tell("GET", "/provisioning-templates/t")).toMatchObject({ json: { enabled: true, templateBody } });
    expect(await tell("DELETE", "/provisioning-templates/t")).toMatchObject({ status: 200 });
    expect(await tell("GET", "/provisioning-templates/t")).toMatchObject({ status: 404 });
    const id = "ab".repeat(32);
    expect(await tell("PUT", `/claims/${id}`, { templates: ["pump-stations"] })).toMatchObject({ status: 200 });
    expect(await tell("GET", "/certificates")).toMatchObject({ json: { certificates: [{ certificateId: id }] } });
    expect(await tell("PATCH", "/provisioning", { mayRenew: true })).toMatchObject({ json: { mayRenew: true } });

    await enrolment.ask(CLAIM, ask("csr 1"), never);
    await tell("PUT", `/certificates/${encodeURIComponent("id of csr 1")}?newStatus=INACTIVE`);
    const refused = enrolment.tryOut("certificate of csr 1", new Secret("k"), never);
    await expect(refused).rejects.toMatchObject({ next: "reprovision" });
  });
});

describe("templates", () => {
  const example: JsonObject = {
    Parameters: { SerialNumber: { Type: "String" }, DeviceLocation: { Type: "String", Default: "Seattle" } },
    Mappings: { LocationTable: { Seattle: { LocationUrl: "https://example.aws" } } },
    Resources: {
      thing: {
        Type: "AWS::IoT::Thing",
        Properties: { ThingName: { "Fn::Join": ["", ["ThingPrefix_", { Ref: "SerialNumber" }]] } },
      },
      certificate: {
        Type: "AWS::IoT::Certificate",
        Properties: { CertificateId: { Ref: "AWS::IoT::Certificate::Id" }, Status: "Active" },
      },
      policy: { Type: "AWS::IoT::Policy", Properties: { PolicyName: "p" } },
    },
    DeviceConfiguration: {
      FallbackUrl: "https://www.example.com/test-site",
      LocationUrl: { "Fn::FindInMap": ["LocationTable", { Ref: "DeviceLocation" }, "LocationUrl"] },
    },
  };

  it("give what the developer guide's example gives", () => {
    expect(() => checkTemplate(example)).not.toThrow();
    expect(provisionedBy(example, { SerialNumber: "42" }, "ab")).toEqual({
      thing: "ThingPrefix_42",
      isActive: true,
      deviceConfiguration: { FallbackUrl: "https://www.example.com/test-site", LocationUrl: "https://example.aws" },
    });
  });

  it.each([
    ["no certificate", { certificate: undefined }],
    [
      "a certificate by CSR",
      { certificate: { Type: "AWS::IoT::Certificate", Properties: { CertificateSigningRequest: "x" } } },
    ],
    ["no policy", { policy: undefined }],
    ["no thing", { thing: undefined }],
  ])("with %s are refused", (_, change) => {
    const resources = { ...(example["Resources"] as JsonObject), ...change };
    const body = JSON.parse(JSON.stringify({ ...example, Resources: resources })) as JsonObject;
    expect(() => checkTemplate(body)).toThrow();
  });

  it("our guide's one is good, and makes a station the thing of its name", () => {
    const body = guidesTemplate();
    expect(() => checkTemplate(body)).not.toThrow();
    expect(defaultTemplate()).toEqual(body);
    expect(provisionedBy(body, { ThingName: STATION, SerialNumber: "1" }, "ab")).toMatchObject({
      thing: STATION,
      isActive: true,
    });
  });
});
