/**
 * A fleet provisioning template (developer guide, "Provisioning templates"): which thing a board becomes. Of the
 * intrinsic functions there are Ref, Fn::Join, Fn::Sub and Fn::FindInMap; policies are looked at for being there.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export interface ProvisioningTemplate {
  readonly body: JsonObject;
  /** The pre-provisioning hook of this cloud: parameters must match these expressions. */
  readonly hook?: Readonly<Record<string, string>>;
  readonly isEnabled: boolean;
}

export interface Provisioned {
  readonly thing: string;
  readonly isActive: boolean;
  readonly deviceConfiguration: JsonObject;
}

export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const THING_NAME = /^[A-Za-z0-9:_-]{1,128}$/;

/** Throws TemplateError when it is none that fleet provisioning takes: only certificate ids, one thing at most. */
export function checkTemplate(body: JsonObject): void {
  const resources = resourcesOf(body);
  const certificate = resources.find(({ type }) => type === "AWS::IoT::Certificate");
  if (certificate?.properties["CertificateId"] === undefined)
    throw new TemplateError("a fleet provisioning template has a certificate resource with a CertificateId");
  if (!resources.some(({ type }) => type === "AWS::IoT::Policy"))
    throw new TemplateError("a certificate without a policy resource may do nothing");
  if (resources.filter(({ type }) => type === "AWS::IoT::Thing").length !== 1)
    throw new TemplateError("a template has one thing resource");
}

/** Throws TemplateError. */
export function provisionedBy(body: JsonObject, given: JsonObject, certificate: string): Provisioned {
  const parameters = parametersOf(body, given, certificate);
  const value = (json: Json | undefined): Json => valueOf(json ?? null, parameters, body);
  const resources = resourcesOf(body);
  const thing = value(resources.find(({ type }) => type === "AWS::IoT::Thing")?.properties["ThingName"]);
  if (typeof thing !== "string" || !THING_NAME.test(thing))
    throw new TemplateError(`ThingName ${JSON.stringify(thing)} is no thing's name`);
  const status = value(resources.find(({ type }) => type === "AWS::IoT::Certificate")?.properties["Status"]);
  const configuration = value(body["DeviceConfiguration"]);
  return {
    thing,
    isActive: status === null || textOf(status).toUpperCase() === "ACTIVE",
    deviceConfiguration: isObject(configuration) ? configuration : {},
  };
}

function parametersOf({ Parameters: declared }: JsonObject, given: JsonObject, certificate: string): JsonObject {
  const parameters: Record<string, Json> = { "AWS::IoT::Certificate::Id": certificate };
  for (const [name, shape] of Object.entries(isObject(declared) ? declared : {})) {
    if (name in parameters) continue;
    const value = given[name] ?? (isObject(shape) ? shape["Default"] : undefined);
    if (typeof value !== "string") throw new TemplateError(`parameter ${name} is missing, or no text`);
    parameters[name] = value;
  }
  return parameters;
}

const resourcesOf = ({ Resources: resources }: JsonObject) =>
  Object.values(isObject(resources) ? resources : {})
    .filter((each) => isObject(each))
    .map(({ Type: type, Properties: properties }) => ({ type, properties: isObject(properties) ? properties : {} }));

function valueOf(json: Json, parameters: JsonObject, body: JsonObject): Json {
  const inner = (each: Json): Json => valueOf(each, parameters, body);
  if (Array.isArray(json)) return json.map(inner);
  if (!isObject(json)) return json;
  const [[name, argument] = ["", null], ...others] = Object.entries(json);
  if (others.length > 0 || !(name === "Ref" || name.startsWith("Fn::")))
    return Object.fromEntries(Object.entries(json).map(([key, each]) => [key, inner(each)]));
  const [first, second, third] = (Array.isArray(argument) ? argument : [argument]).map(inner);
  switch (name) {
    case "Ref":
      return referred(parameters, textOf(first));
    case "Fn::Join":
      return (Array.isArray(second) ? second : []).map(textOf).join(textOf(first));
    case "Fn::Sub":
      return textOf(first).replaceAll(/\$\{([^}]+)\}/g, (_, key: string) => textOf(referred(parameters, key)));
    case "Fn::FindInMap":
      return found(body["Mappings"], [first, second, third].map(textOf));
    default:
      throw new TemplateError(`${name} isn't there in this cloud`);
  }
}

function referred(parameters: JsonObject, name: string): Json {
  const value = parameters[name];
  if (value === undefined) throw new TemplateError(`Ref ${name}: there is no such parameter`);
  return value;
}

function found(map: Json | undefined, keys: readonly string[]): Json {
  let at: Json | undefined = map;
  for (const key of keys) at = isObject(at) ? at[key] : undefined;
  if (at === undefined) throw new TemplateError(`Fn::FindInMap ${keys.join(" ")}: there is nothing`);
  return at;
}

const textOf = (json: Json | undefined): string => (typeof json === "string" ? json : JSON.stringify(json ?? null));
