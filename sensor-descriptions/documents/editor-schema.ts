/**
 * JSON Schema (draft 7, which the editors' YAML language server reads) of both kinds of file, made from the shapes that
 * the loader itself uses: completion, hover texts and first diagnostics while typing. What only the loader can judge
 * (units of channels, names, examples) stays with `pump-station check`.
 */
import * as z from "zod";
import type { DeviceType } from "../load/device-type.ts";
import { NONE } from "../load/extends.ts";
import type { Need } from "../load/needs.ts";
import { stationShape } from "../schema/station.ts";
import { deviceShapes, type ProtocolName } from "../schema.ts";
import { spokenUnit } from "../units.ts";

type JsonSchema = { readonly [key: string]: unknown };

/** `types`: the catalogue, which the station's schema offers by name and whose `needs:` it knows. */
export function stationEditorSchema(types: readonly DeviceType[]): JsonSchema {
  const schema = json(stationShape);
  const devices = at(schema, "properties", "devices");
  const device = at(devices, "additionalProperties");
  const common = without(at(device, "properties"), "address", "pin");
  const known = types.map((type) => ({ const: type.name, description: type.source }));
  return {
    title: "Station file of pump-station",
    ...schema,
    properties: {
      ...at(schema, "properties"),
      devices: {
        ...devices,
        additionalProperties: {
          ...device,
          properties: {
            ...common,
            // Own device files may stand in devices/: any other name is possible, too.
            type: { anyOf: [...known, at(at(device, "properties"), "type")], description: "what it is" },
          },
          additionalProperties: true,
          allOf: types.map((type) => whenOfType(type, Object.keys(common))),
        },
      },
    },
  };
}

/** A device of this type: the keys of every device and those that its file needs, no others. */
function whenOfType(type: DeviceType, common: readonly string[]): JsonSchema {
  const needs = new Map([...type.needs.values()].map((need) => [need.name, needSchema(need)]));
  if (type.kind === "pulses") needs.set("pin", { type: ["integer", "string"], description: "line on the chip" });
  const required = [...type.needs.values()].filter((need) => need.default === undefined).map(({ name }) => name);
  const channels = type.channels.map(({ name }) => name);
  const everyDevice = new Map<string, unknown>(common.map((key) => [key, true]));
  const perChannel = Object.fromEntries(
    ["correct", "filter"].map((key) => [key, { propertyNames: { enum: channels } }]),
  );
  return {
    if: { properties: { type: { const: type.name } }, required: ["type"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
    then: {
      properties: { ...Object.fromEntries<unknown>([...everyDevice, ...needs]), ...perChannel },
      additionalProperties: false,
      required: type.kind === "pulses" ? [...required, "pin"] : required,
    },
  };
}

function needSchema(need: Need): JsonSchema {
  const unit = need.unit === "" ? "" : ` in ${spokenUnit(need.unit)}`;
  const range = need.range ? `${need.range.low} to ${need.range.high}${unit}` : `a number${unit}`;
  const choices = need.oneOf?.map((value) => (need.name === "address" ? `0x${value.toString(16)}` : String(value)));
  const usual =
    need.default === undefined ? "" : `; default: ${need.default}${unit === "" ? "" : ` ${spokenUnit(need.unit)}`}`;
  return {
    type: ["integer", "number", "string"],
    description: `${choices ? choices.join(" or ") : range}${usual}`,
    ...(choices ? { examples: choices } : {}),
  };
}

/** Which protocol's keys apply is said by `protocol:`; a file without it is framed. */
export function deviceEditorSchema(): JsonSchema {
  const names = Object.keys(deviceShapes) as ProtocolName[];
  // Both modes of Modbus have one shape.
  const shapes = [...new Set(Object.values(deviceShapes))];
  const isOf = (shape: (typeof shapes)[number]): JsonSchema => {
    const [name, ...others] = names.filter((one) => deviceShapes[one] === shape);
    const protocol = others.length > 0 ? { enum: [name, ...others] } : { const: name };
    const said = { properties: { protocol }, required: ["protocol"] };
    return name === "framed" ? { anyOf: [said, { not: { required: ["protocol"] } }] } : said;
  };
  const keysOf = (shape: (typeof shapes)[number]): JsonSchema => without(json(shape), "$schema");
  return {
    title: "Device file of pump-station",
    type: "object",
    properties: { protocol: { enum: names, description: "how it is asked; without it: framed" } },
    $schema: "http://json-schema.org/draft-07/schema#",
    if: { required: ["extends"] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
    then: { required: ["format", "type"], anyOf: shapes.map((shape) => partOf(keysOf(shape))) },
    else: {
      allOf: shapes.map((shape) => {
        // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
        return { if: isOf(shape), then: keysOf(shape) };
      }),
    },
  };
}

/** What a file may say that extends another: nothing has to be there, and what has a name can be taken away. */
function partOf(schema: JsonSchema): JsonSchema {
  const { properties, additionalProperties } = schema;
  const inner = (of: unknown): unknown =>
    isSchema(of) && !takesAnyText(of) ? { anyOf: [partOf(of), { const: NONE }] } : of;
  return {
    ...without(schema, "required", "minItems"),
    ...(isSchema(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([key, of]) => [key, inner(of)])) }
      : {}),
    ...(isSchema(additionalProperties) ? { additionalProperties: inner(additionalProperties) } : {}),
  };
}

const takesAnyText = ({ type, pattern, enum: choices }: JsonSchema): boolean =>
  [type].flat().includes("string") && pattern === undefined && choices === undefined;

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const json = (shape: z.ZodType): JsonSchema =>
  z.toJSONSchema(shape, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      if (jsonSchema["oneOrMore"] !== true) return;
      const { items } = jsonSchema;
      for (const key of ["oneOrMore", "type", "items"]) delete jsonSchema[key];
      Object.assign(jsonSchema, { anyOf: [items, { type: "array", items }] });
    },
  });

const without = (schema: JsonSchema, ...keys: readonly string[]): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));

/** Follows keys that are known to be there: the shapes are our own. */
function at(schema: JsonSchema, ...path: readonly string[]): JsonSchema {
  let found: JsonSchema = schema;
  for (const key of path) found = found[key] as JsonSchema;
  return found;
}
