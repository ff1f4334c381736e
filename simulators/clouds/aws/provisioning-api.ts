/**
 * Fleet provisioning as a cloud team sets it up, in the forms of AWS's control plane where it has one:
 *
 *   POST   /provisioning-templates                {templateName, templateBody, enabled?, hook?}
 *   GET    /provisioning-templates, /provisioning-templates/{name}
 *   DELETE /provisioning-templates/{name}
 *   GET    /certificates                          those that were issued here, and claims
 *   PUT    /certificates/{id}?newStatus=INACTIVE  or ACTIVE; whoever came with it goes
 *   GET    /things/{thing}/principals             ARNs of its certificates
 *   PUT    /claims/{id}                           {templates}: ours; registers a certificate as a claim
 *   PATCH  /provisioning                          {mayRenew}: ours; whether a thing's policy allows it to ask for itself
 *
 * `hook` stands for a pre-provisioning hook: {parameter: regular expression}.
 */
import { isObject } from "@pump-station/agent/wire/twin-document.ts";
import { ApiError, objectFrom } from "./api-error.ts";
import type { Provisioning } from "./provisioning.ts";
import { checkTemplate, TemplateError } from "./provisioning-template.ts";
import type { ApiResponse, Call } from "./service-api.ts";
import type { Things } from "./things.ts";

const TEMPLATE_NAME = /^[0-9A-Za-z_-]{1,36}$/;
const CERTIFICATE_ID = /^[0-9a-f]{64}$/;

const ok = (json: unknown): ApiResponse => ({ status: 200, json });
const invalid = (message: string): ApiError => new ApiError(400, message, "InvalidRequestException");
const missing = (message: string): ApiError => new ApiError(404, message, "ResourceNotFoundException");

export const PROVISIONING_ROOMS: readonly string[] = [
  "provisioning-templates",
  "certificates",
  "claims",
  "provisioning",
];

export const principalsOf = (things: Things, thing: string): ApiResponse =>
  ok({
    principals: [...things.certificates].flatMap(([id, certificate]) =>
      certificate.thing === thing ? [`arn:aws:iot:local:000000000000:cert/${id}`] : [],
    ),
  });

export function createProvisioningApi({ provisioning, things }: { provisioning: Provisioning; things: Things }) {
  const { templates } = provisioning;

  const create = (text: string): ApiResponse => {
    const { templateName: name, templateBody, enabled = false, hook } = objectFrom(text);
    if (typeof name !== "string" || !TEMPLATE_NAME.test(name)) throw invalid("templateName: letters, digits, - and _");
    if (templates.has(name)) throw new ApiError(409, `template ${name} exists`, "ResourceAlreadyExistsException");
    const body = objectFrom(typeof templateBody === "string" ? templateBody : JSON.stringify(templateBody ?? null));
    try {
      checkTemplate(body);
    } catch (error) {
      if (error instanceof TemplateError) throw invalid(error.message);
      throw error;
    }
    const patterns = isObject(hook)
      ? Object.entries(hook).map(([key, value]) => [key, typeof value === "string" ? value : "$^"] as const)
      : [];
    const hooked = patterns.length > 0 ? { hook: Object.fromEntries(patterns) } : {};
    templates.set(name, { body, isEnabled: enabled === true, ...hooked });
    return ok({ templateName: name });
  };

  const onTemplates = ({ method, path: [, name], body }: Call): ApiResponse => {
    if (name === undefined && method === "POST") return create(body);
    if (name === undefined)
      return ok({
        templates: [...templates].map(([each, { isEnabled }]) => ({ templateName: each, enabled: isEnabled })),
      });
    const template = templates.get(name);
    if (!template) throw missing(`no template ${name}`);
    if (method === "DELETE") templates.delete(name);
    return ok({ templateName: name, enabled: template.isEnabled, templateBody: JSON.stringify(template.body) });
  };

  const onCertificates = ({ method, path: [, id], query }: Call): ApiResponse => {
    if (id === undefined)
      return ok({ certificates: [...things.certificates].map(([each, rest]) => ({ certificateId: each, ...rest })) });
    const status = (["ACTIVE", "INACTIVE"] as const).find((each) => each === query.get("newStatus"));
    if (method !== "PUT" || !status) throw invalid("PUT with newStatus=ACTIVE or INACTIVE");
    if (!things.setStatus(id, status)) throw missing(`no certificate ${id}`);
    return ok({});
  };

  const onClaims = ({ method, path: [, id = ""], body }: Call): ApiResponse => {
    const { templates: given } = objectFrom(body);
    if (method !== "PUT" || !CERTIFICATE_ID.test(id) || !Array.isArray(given))
      throw invalid("PUT /claims/{SHA-256 of the certificate, lower-case hex} {templates: [name]}");
    things.certificates.set(id, { status: "ACTIVE", templates: given.map(String) });
    return ok({ certificateId: id });
  };

  return (call: Call): ApiResponse => {
    switch (call.path[0]) {
      case "provisioning-templates":
        return onTemplates(call);
      case "certificates":
        return onCertificates(call);
      case "claims":
        return onClaims(call);
      default:
        if (call.method !== "PATCH") throw new ApiError(405, "only PATCH");
        provisioning.mayRenew = objectFrom(call.body)["mayRenew"] === true;
        return ok({ mayRenew: provisioning.mayRenew });
    }
  };
}
