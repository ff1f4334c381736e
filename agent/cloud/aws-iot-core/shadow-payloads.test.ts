import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isSame, type JsonObject, mergePatch } from "../../wire/twin-document.ts";
import { PayloadError } from "../payloads.ts";
import { createDesiredVersions } from "./desired-versions.ts";
import { answerFrom, rejectionFrom, versionFrom } from "./shadow-payloads.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("messages of the shadow service", () => {
  // AWS IoT developer guide, "Device Shadow service documents" and "Device Shadow error messages".
  it("are read as the developer guide gives them", () => {
    const accepted = {
      state: { desired: { color: "RED", sequence: ["RED", "GREEN", "BLUE"] }, reported: { color: "GREEN" } },
      metadata: {
        desired: { color: { timestamp: 12345 }, sequence: { timestamp: 12345 } },
        reported: { color: { timestamp: 12345 } },
      },
      version: 10,
      clientToken: "UniqueClientToken",
      timestamp: 123456789,
    };
    expect(answerFrom(bytes(accepted))).toEqual({
      token: "UniqueClientToken",
      version: 10,
      desired: accepted.state.desired,
      reported: { color: "GREEN" },
    });
    const conflict = { code: 409, message: "Version conflict", clientToken: "426bfd96-e720-46d3-95cd-014e3ef12bb6" };
    expect(rejectionFrom(bytes(conflict))).toEqual({
      token: conflict.clientToken,
      code: 409,
      message: conflict.message,
    });
    expect(versionFrom(bytes({ version: 7, timestamp: 1, state: { a: 1 }, metadata: {} }))).toBe(7);
  });

  it("keep apart a section that went and one that isn't in it", () => {
    const answer = answerFrom(bytes({ state: { desired: null }, version: 3 }));
    expect(answer).toEqual({ token: undefined, version: 3, desired: null, reported: undefined });
  });

  it("either decode or are a PayloadError, whatever the bytes", () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc.record({ state: fc.jsonValue(), version: fc.jsonValue(), clientToken: fc.jsonValue() }).map(bytes),
      fc.record({ code: fc.jsonValue(), message: fc.jsonValue() }).map(bytes),
    );
    fc.assert(
      fc.property(anything, fc.constantFrom(answerFrom, rejectionFrom, versionFrom), (payload, decode) => {
        try {
          decode(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(PayloadError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("desired's own version", () => {
  const step = fc.record({
    desired: fc.option(fc.dictionary(fc.constantFrom("a", "b"), fc.constantFrom(1, 2, null)), { nil: undefined }),
    fate: fc.constantFrom("told", "told", "told", "twice", "lost"),
  });

  it("leads whoever merges what is told, and fetches what isn't, to the document, however messages get lost", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const versions = createDesiredVersions();
        let cloud: JsonObject = {};
        let at = 1;
        let mine = versions.fetched(at, cloud, undefined);
        const fetch = () => {
          mine = versions.fetched(at, cloud, mine);
        };
        for (const { desired, fate } of [...steps, { desired: undefined, fate: "told" }]) {
          at++;
          cloud = mergePatch(cloud, desired ?? {}) as JsonObject;
          for (let n = 0; n < { told: 1, twice: 2, lost: 0 }[fate as "told" | "twice" | "lost"]; n++) {
            const told = versions.accepted(at, desired);
            if (!told) continue;
            if (told.basis === mine.$version) mine = mergePatch(mine, told.patch) as typeof mine;
            else fetch();
          }
        }
        const { $version, ...document } = mine;
        expect(isSame(document, cloud)).toBe(true);
        expect($version).toBeLessThanOrEqual(at);
      }),
      { numRuns: 2_000 },
    );
  });
});
