/**
 * Fleet provisioning behind the broker (developer guide, "Device provisioning MQTT API"), in JSON: a certificate for a
 * request, with a token that proves for an hour whose it is; then a template makes the board a thing.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Chance, Timers } from "@pump-station/agent/world.ts";
import { OWNERSHIP_TOKEN_MS } from "./limits.ts";
import { type ProvisioningTemplate, provisionedBy, TemplateError } from "./provisioning-template.ts";
import type { Publication } from "./shadow-service.ts";
import type { Things } from "./things.ts";

export interface IssuedCertificate {
  /** SHA-256 of its DER, lower-case hex. */
  readonly id: string;
  readonly pem: string;
}

export interface Provisioning {
  readonly templates: Map<string, ProvisioningTemplate>;
  /** A thing may ask for its next certificate with its own one. */
  mayRenew: boolean;
  /** undefined when the topic is none of this service's. */
  answer(topic: string, payload: Uint8Array): Promise<Publication> | undefined;
}

export interface ProvisioningDeps {
  readonly things: Things;
  readonly timers: Timers;
  readonly chance: Chance;
  /** Signs what was asked for. Rejects when it is no certificate signing request. */
  readonly issue: (csr: string) => Promise<IssuedCertificate>;
}

class Refused extends Error {
  readonly body: JsonObject;
  constructor(statusCode: number, errorCode: string, errorMessage: string) {
    super(errorMessage);
    this.body = { statusCode, errorCode, errorMessage };
  }
}

const FROM_CSR = "$aws/certificates/create-from-csr/json";
const REGISTER = /^\$aws\/provisioning-templates\/([\w-]+)\/provision\/json$/;

export function createProvisioning({ things, timers, chance, issue }: ProvisioningDeps): Provisioning {
  const templates = new Map<string, ProvisioningTemplate>();
  /** Token → certificate. */
  const owned = new Map<string, string>();

  const createFromCsr = async (body: JsonObject): Promise<JsonObject> => {
    const csr = body["certificateSigningRequest"];
    if (typeof csr !== "string") throw new Refused(400, "InvalidCertificateSigningRequest", "there is no CSR");
    const { id, pem } = await issue(csr).catch((error: unknown) => {
      throw new Refused(400, "InvalidCertificateSigningRequest", String(error));
    });
    const token = Buffer.from(chance.bytes(24)).toString("base64url");
    things.certificates.set(id, { status: "PENDING_ACTIVATION" });
    owned.set(token, id);
    timers.after(OWNERSHIP_TOKEN_MS, () => {
      owned.delete(token);
      if (things.certificates.get(id)?.status === "PENDING_ACTIVATION") things.certificates.delete(id);
    });
    return { certificateOwnershipToken: token, certificateId: id, certificatePem: pem };
  };

  const register = (name: string, { certificateOwnershipToken: token, parameters = {} }: JsonObject): JsonObject => {
    const template = templates.get(name);
    if (!template?.isEnabled) throw new Refused(404, "TemplateNotFound", `no template ${name} that is enabled`);
    if (typeof token !== "string" || token === "")
      throw new Refused(400, "InvalidCertificateOwnershipToken", "Certificate ownership token cannot be empty.");
    const id = owned.get(token);
    const certificate = id === undefined ? undefined : things.certificates.get(id);
    if (id === undefined || !certificate)
      throw new Refused(400, "InvalidCertificateOwnershipToken", "Certificate ownership token is not valid.");
    const given = isObject(parameters) ? parameters : {};
    for (const [parameter, pattern] of Object.entries(template.hook ?? {}))
      if (!new RegExp(pattern).test(JSON.stringify(given[parameter] ?? "").replaceAll('"', "")))
        throw new Refused(403, "AccessDenied", `the pre-provisioning hook doesn't allow ${parameter}`);
    const { thing, isActive, deviceConfiguration } = provisionedBy(template.body, given, id);
    certificate.status = isActive ? "ACTIVE" : "INACTIVE";
    certificate.thing = thing;
    if (!things.list().includes(thing)) things.register(thing);
    return { deviceConfiguration, thingName: thing };
  };

  const respond = async (topic: string, act: () => JsonObject | Promise<JsonObject>): Promise<Publication> => {
    const publication = (end: string, body: JsonObject): Publication => ({
      topic: `${topic}/${end}`,
      payload: new TextEncoder().encode(JSON.stringify(body)),
    });
    try {
      return publication("accepted", await act());
    } catch (error) {
      if (error instanceof TemplateError)
        return publication("rejected", new Refused(400, "InvalidParameters", error.message).body);
      if (!(error instanceof Refused)) throw error;
      return publication("rejected", error.body);
    }
  };

  return {
    templates,
    mayRenew: false,
    answer: (topic, payload) => {
      const [, template] = REGISTER.exec(topic) ?? [];
      if (topic !== FROM_CSR && template === undefined) return undefined;
      return respond(topic, () => {
        const body = bodyFrom(payload);
        return template === undefined ? createFromCsr(body) : register(template, body);
      });
    },
  };
}

function bodyFrom(payload: Uint8Array): JsonObject {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
    if (isObject(value)) return value;
  } catch {
    // Said below, as of everything else that is no object.
  }
  throw new Refused(400, "InvalidPayload", "the payload is no JSON object");
}
