/** docs/asyncapi.yaml, held to the code in both directions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { desiredFrom, refusalFrom, reportedVersionFrom, twinFrom } from "../cloud/mqtt/payloads.ts";
import { commandFrom, objectFrom } from "../cloud/payloads.ts";
import { LANES, topicsOf } from "./topics.ts";

interface Message {
  readonly contentType?: string;
  readonly payload: object;
  readonly examples?: readonly { readonly payload: unknown }[];
}
interface AsyncApi {
  readonly asyncapi: string;
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: object; readonly parameters: object }>
  >;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
  readonly components: { readonly messages: Readonly<Record<string, Message>>; readonly schemas: object };
}

const api = parse(readFileSync(join(import.meta.dirname, "../../docs/asyncapi.yaml"), "utf8")) as AsyncApi;
const topics = topicsOf("{station}");
const { channels, operations, components } = api;

/** Each lane and each parameter as one level that matches anything. */
const filtersOf = (address: string): string[] =>
  (address.includes("{lane}") ? LANES.map((lane) => address.replace("{lane}", lane)) : [address]).map((each) =>
    each.replace(/\{(?!station)\w+\}/g, "+"),
  );

const READERS: Readonly<Record<string, (payload: Uint8Array) => unknown>> = {
  twinReport: (payload) => objectFrom(payload),
  twinFull: twinFrom,
  twinReported: reportedVersionFrom,
  twinRefused: refusalFrom,
  twinDesired: desiredFrom,
  commandCall: (payload) => commandFrom("id", payload),
  commandAnswer: (payload) => objectFrom(payload),
  alive: (payload) => objectFrom(payload),
  enrolRequest: (payload) => objectFrom(payload),
  enrolDescription: (payload) => objectFrom(payload),
  enrolAnswer: (payload) => objectFrom(payload),
};

describe("docs/asyncapi.yaml", () => {
  it("is AsyncAPI 3.0, and whatever it refers to is there", () => {
    expect(api.asyncapi).toBe("3.0.0");
    const refs = [...JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = ""]) => path);
    const at = (path: string) =>
      path.split("/").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], api);
    expect(refs.filter((path) => at(path) === undefined)).toEqual([]);
    expect(refs.length).toBeGreaterThan(30);
  });

  it("has a channel for every topic of the code, and no other", () => {
    const { root, up, down, enrolUp, enrolDown, message, ...single } = topics;
    const written = Object.values(single).map((topic) => (typeof topic === "string" ? topic : topic("+")));
    const lanes = LANES.map((lane) => `${message(lane, {})}+`);
    const described = Object.values(channels).flatMap(({ address }) => filtersOf(address));
    expect(described.toSorted()).toEqual([...written, ...lanes].toSorted());
    expect(described.toSorted()).toEqual([...up, ...down, ...enrolUp, ...enrolDown].toSorted());
    expect(root).toBe("ps/1/{station}");
  });

  it.each([
    ["send", [...topics.up, ...topics.enrolUp]],
    ["receive", [...topics.down, ...topics.enrolDown]],
  ])("lets the station %s just what the code does", (action, filters) => {
    const names = Object.values(operations).flatMap((operation) =>
      operation.action === action ? [operation.channel.$ref.replace("#/channels/", "")] : [],
    );
    expect(names.flatMap((name) => filtersOf(channels[name]?.address ?? "")).toSorted()).toEqual(filters.toSorted());
  });

  it("declares each parameter of an address", () => {
    for (const { address, parameters } of Object.values(channels))
      expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  });

  it.each(
    Object.entries(components.messages),
  )("%s: examples fit their schema and the code's own reader", (name, message) => {
    if (message.contentType === "application/cbor" || name === "twinGet")
      return expect(message.examples).toBeUndefined();
    const definitions = JSON.stringify({ ...message.payload, $defs: components.schemas });
    const schema = z.fromJSONSchema(
      JSON.parse(definitions.replaceAll("#/components/schemas/", "#/$defs/")) as Parameters<typeof z.fromJSONSchema>[0],
    );
    expect(message.examples?.length).toBeGreaterThan(0);
    for (const { payload } of message.examples ?? []) {
      expect(schema.safeParse(payload)).toMatchObject({ success: true });
      const read = READERS[name]?.(new TextEncoder().encode(JSON.stringify(payload)));
      expect(read).toBeDefined();
      expect(read).not.toBe("refused without a reason");
    }
  });
});
