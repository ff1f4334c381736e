import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Json, type JsonObject, mergePatch, OWN_KEYS } from "../../wire/twin-document.ts";
import { desiredFromHub, hubFrom, reportedFromHub } from "./plug-and-play.ts";

const COMPONENTS = new Set(["air-pump", "climate"]);
const ACK = { value: 900, ac: 200, av: 3, ad: "" };

const names = fc.constantFrom("air-pump", "climate", "gone", "agent", "upload", "a_b");
/** "--t" would be the marker; no name of ours begins like that. */
const keys = fc.oneof(
  fc.stringMatching(/^[a-z_-]{1,8}$/).filter((key) => key !== "--t"),
  fc.constantFrom("max-speed", "waiting-hours", "__t"),
);
const scalars: fc.Arbitrary<Json> = fc.oneof(fc.integer(), fc.string({ maxLength: 4 }), fc.boolean());
const inner = fc.dictionary(keys, scalars, { maxKeys: 3 });
const values: fc.Arbitrary<Json> = fc.oneof(scalars, fc.array(fc.oneof(scalars, inner), { maxLength: 2 }), inner);
const devices = fc.dictionary(names, fc.dictionary(keys, values, { minKeys: 1, maxKeys: 3 }), {
  minKeys: 1,
  maxKeys: 4,
});
const documents: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.option(devices, { nil: undefined }),
    fc.dictionary(
      fc.constantFrom(...[...OWN_KEYS].filter((key) => key !== "devices"), "own-key"),
      fc.dictionary(keys, values, { maxKeys: 3 }),
      { maxKeys: 4 },
    ),
  )
  .map(([its, own]) => (its ? { ...own, devices: its } : own));
const plain = (value: JsonObject): unknown => JSON.parse(JSON.stringify(value));

describe("the twin as IoT Plug and Play", () => {
  it("has a device as a component with DTDL's names, acknowledgements in place, own facts beside it", () => {
    const portable = {
      agent: { version: "1" },
      buffer: { "waiting-hours": 2 },
      devices: { "air-pump": { health: "good", "max-speed": ACK } },
      upload: { interval: ACK },
    };
    expect(hubFrom(portable, COMPONENTS)).toEqual({
      agent: { version: "1" },
      buffer: { waiting_hours: 2 },
      air_pump: { __t: "c", health: "good", max_speed: ACK },
      upload: { __t: "c", interval: ACK },
    });
  });

  it("takes desired values in both forms, and a component that doesn't exist as one that is to be answered", () => {
    const pnp = { air_pump: { __t: "c", max_speed: 3 }, pumpp: { __t: "c", target: 1 }, upload: { interval: 60 } };
    expect(desiredFromHub({ ...pnp, $version: 4 }, COMPONENTS)).toEqual({
      devices: { "air-pump": { "max-speed": 3 }, pumpp: { target: 1 } },
      upload: { interval: 60 },
    });
    expect(desiredFromHub({ devices: { "air-pump": { "max-speed": 3 } } }, COMPONENTS)).toEqual({
      devices: { "air-pump": { "max-speed": 3 } },
    });
    expect(desiredFromHub({ air_pump: null, climate: { every: null } }, COMPONENTS)).toEqual({
      devices: { "air-pump": null, climate: { every: null } },
    });
  });

  it("leaves a device with a name of the document's own under devices", () => {
    const portable = { agent: { version: "1" }, devices: { agent: { every: ACK } } };
    const hub = hubFrom(portable, new Set(["agent"]));
    expect(hub).toEqual(portable);
    expect(reportedFromHub(hub, new Set(["agent"]))).toEqual(portable);
  });

  it("a key called __proto__ is one like others", () => {
    const hub = JSON.parse('{"air_pump":{"__t":"c","__proto__":{"x":1}},"__proto__":{"y":1}}') as JsonObject;
    const found = desiredFromHub(hub, COMPONENTS);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
    expect(JSON.stringify(found)).toBe('{"--proto--":{"y":1},"devices":{"air-pump":{"--proto--":{"x":1}}}}');
  });

  it("the way back is exact", () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(plain(reportedFromHub(hubFrom(document, COMPONENTS), COMPONENTS))).toEqual(plain(document));
      }),
      { numRuns: 1_000 },
    );
  });

  it("a merge patch does there what it does here", () => {
    const patches = fc.tuple(documents, documents, fc.subarray(["devices", "upload", "agent"]));
    fc.assert(
      fc.property(patches, ([before, changes, gone]) => {
        const patch = { ...changes, ...Object.fromEntries(gone.map((key) => [key, null])) };
        const here = mergePatch(before, patch) as JsonObject;
        const there = mergePatch(hubFrom(before, COMPONENTS), hubFrom(patch, COMPONENTS)) as JsonObject;
        expect(withoutEmptyDevices(reportedFromHub(there, COMPONENTS))).toEqual(withoutEmptyDevices(here));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** A hub keeps no empty `devices` for what was lifted out of it. */
const withoutEmptyDevices = (document: JsonObject): unknown => {
  const { devices: its, ...own } = plain(document) as Record<string, unknown>;
  return its === undefined || Object.keys(its as object).length === 0 ? own : { ...own, devices: its };
};
