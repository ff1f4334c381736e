import { isObject, isSame, type Json, type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Shadow, shadowDocument, type Update, updateShadow } from "./shadow.ts";

const updated = (previous: Shadow | undefined, state: Json, more: JsonObject = {}, at = 12345): Update => {
  const update = updateShadow(previous, { state, ...more }, at);
  if ("code" in update) throw new Error(`${update.code} ${update.message}`);
  return update;
};

describe("a shadow", () => {
  // The document of AWS IoT developer guide, "Device Shadow service documents", example; delta as it defines it.
  it("answers a GET with the guide's document", () => {
    const { shadow } = updated(undefined, {
      desired: { color: "RED", sequence: ["RED", "GREEN", "BLUE"] },
      reported: { color: "GREEN" },
    });
    expect(shadowDocument({ ...shadow, version: 10 }, 123456789)).toEqual({
      state: {
        desired: { color: "RED", sequence: ["RED", "GREEN", "BLUE"] },
        reported: { color: "GREEN" },
        delta: { color: "RED", sequence: ["RED", "GREEN", "BLUE"] },
      },
      metadata: {
        desired: {
          color: { timestamp: 12345 },
          sequence: [{ timestamp: 12345 }, { timestamp: 12345 }, { timestamp: 12345 }],
        },
        reported: { color: { timestamp: 12345 } },
      },
      version: 10,
      timestamp: 123456789,
    });
  });

  // The same guide, "Using shadows": color {r:255,g:255,b:0} is reported, {r:10} and engine ON are desired.
  it("tells an update in the three forms of the guide", () => {
    const before = updated(undefined, { reported: { color: { r: 255, g: 255, b: 0 } } }, {}, 1).shadow;
    const { accepted, delta, documents } = updated(before, { desired: { color: { r: 10 }, engine: "ON" } }, {}, 2);
    expect(accepted).toEqual({
      state: { desired: { color: { r: 10 }, engine: "ON" } },
      metadata: { desired: { color: { r: { timestamp: 2 } }, engine: { timestamp: 2 } } },
      version: 2,
      timestamp: 2,
    });
    expect(delta).toEqual({
      state: { color: { r: 10 }, engine: "ON" },
      metadata: { color: { r: { timestamp: 2 } }, engine: { timestamp: 2 } },
      version: 2,
      timestamp: 2,
    });
    expect(documents).toMatchObject({
      previous: { state: { reported: { color: { r: 255, g: 255, b: 0 } } }, version: 1 },
      current: { state: { desired: { color: { r: 10 }, engine: "ON" } }, version: 2 },
      timestamp: 2,
    });
  });

  it("repeats nulls in accepted, takes the members away, and a section that is set to null whole", () => {
    const { shadow } = updated(undefined, { desired: { a: 1, b: { c: 1, d: 2 } }, reported: { x: 1 } });
    const { shadow: next, accepted } = updated(shadow, { desired: { a: null, b: { c: null } } });
    expect(accepted["state"]).toEqual({ desired: { a: null, b: { c: null } } });
    expect(next.state.desired).toEqual({ b: { d: 2 } });
    expect(next.metadata.desired).toEqual({ b: { d: { timestamp: 12345 } } });
    expect(updated(next, { desired: null }).shadow.state).toEqual({ reported: { x: 1 } });
  });

  it("has no delta when all that is desired is reported so, whatever else is reported", () => {
    const update = updated(undefined, { desired: { a: [1, { b: 2 }] }, reported: { a: [1, { b: 2 }], c: 3 } });
    expect(update.delta).toBeUndefined();
  });

  const deep = (levels: number): Json => (levels === 0 ? 1 : { a: deep(levels - 1) });
  it.each([
    ["no state", {}, 400, "Missing required node: state"],
    ["a state that is a list", { state: [] }, 400, "State node must be an object"],
    ["an unknown section", { state: { wanted: {} } }, 400, "invalid node"],
    ["a section that is a number", { state: { desired: 1 } }, 400, "Desired node must be an object"],
    ["nine levels", { state: { reported: deep(9) } }, 400, "too many levels"],
    ["null in an array", { state: { desired: { a: [null] } } }, 400, "Arrays"],
    ["a client token of 65 bytes", { state: {}, clientToken: "x".repeat(65) }, 400, "Invalid clientToken"],
    ["a version that is a text", { state: {}, version: "1" }, 400, "Invalid version"],
    ["another version", { state: {}, version: 3 }, 409, "Version conflict"],
    ["8193 bytes", { state: { desired: { a: "x".repeat(8_193 - '{"a":""}'.length) } } }, 413, "exceeds"],
  ])("refuses %s", (_, request, code, message) => {
    const { shadow } = updated(undefined, {});
    expect(updateShadow(shadow, request as JsonObject, 1)).toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it("takes eight levels, 8192 bytes and its own version", () => {
    const { shadow } = updated(undefined, { reported: deep(8) });
    expect(updated(shadow, { desired: { b: "x" }, reported: null }, { version: 1 }).shadow.version).toBe(2);
    expect(updated(undefined, { desired: { a: "x".repeat(8_192 - '{"a":""}'.length) } }).shadow.version).toBe(1);
  });

  it("whatever is asked: a refusal leaves it, an update merges, counts one, and delta leads reported to desired", () => {
    const value = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(1, "x", null, true),
        fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
        tie("object"),
      ),
      object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("json"), { maxKeys: 3 }),
    })).object as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(fc.array(fc.record({ desired: value, reported: value }), { maxLength: 4 }), (updates) => {
        let shadow: Shadow | undefined;
        let model: JsonObject = {};
        for (const [at, state] of updates.entries()) {
          const update = updated(shadow, state, {}, at);
          model = mergePatch(model, state) as JsonObject;
          shadow = update.shadow;
          expect(shadow.version).toBe(at + 1);
          for (const name of ["desired", "reported"] as const)
            expect(isSame(shadow.state[name] ?? {}, model[name] ?? {})).toBe(true);
          const closed = mergePatch(shadow.state.reported ?? {}, update.delta?.["state"] ?? {});
          expect(covers(closed, shadow.state.desired ?? {})).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

/** All of `wanted` is in `document`. */
const covers = (document: Json | undefined, wanted: Json): boolean =>
  isObject(wanted)
    ? isObject(document) && Object.entries(wanted).every(([key, inner]) => covers(document[key], inner))
    : isSame(document, wanted);
