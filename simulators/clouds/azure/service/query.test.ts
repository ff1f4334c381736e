import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServiceError } from "../errors.ts";
import { parseQuery } from "./query.ts";

const TWIN = {
  deviceId: "gw1",
  status: "enabled",
  connectionState: "Connected",
  tags: { site: "east", wet: true },
  properties: { desired: { every: 60, pump: { target: 900 } }, reported: { "waiting-hours": 1.5, note: null } },
};

describe("a query", () => {
  it.each<[string, boolean]>([
    ["", true],
    ["WHERE deviceId = 'gw1'", true],
    ["where devices.deviceId = 'gw2'", false],
    ["WHERE tags.site IN ['west', 'east']", true],
    ["WHERE tags.wet = true AND properties.desired.every >= 60", true],
    ["WHERE properties.desired.pump.target < 900 OR status <> 'disabled'", true],
    ["WHERE properties.reported.waiting-hours > 1", true],
    ["WHERE NOT (tags.site = 'east' OR tags.site = 'west')", false],
    ["WHERE IS_DEFINED(properties.reported.note) AND NOT IS_DEFINED(tags.none)", true],
    ["WHERE tags.none != 'x'", false],
    ["WHERE tags.site > 5", false],
    ["WHERE tags.site = 'it''s'", false],
    ["WHERE tags.wet = true OR tags.site = 'x' AND deviceId = 'x'", true],
  ])("SELECT * FROM devices %s: %s", (where, expected) => {
    expect(parseQuery(`SELECT * FROM devices ${where}`)(TWIN)).toBe(expected);
  });

  it.each([
    ["SELECT deviceId FROM devices", /\* is expected, not deviceId/],
    ["SELECT * FROM devices WHERE", /ends too early/],
    ["SELECT * FROM devices WHERE name = 'x'", /name is nothing to ask for/],
    ["SELECT * FROM devices WHERE tags.a = x", /x is no value/],
    ["SELECT * FROM devices WHERE (tags.a = 1", /\) is expected, not the end/],
    ["SELECT * FROM devices WHERE tags.a = 1 tags.b", /there is tags.b/],
    ["SELECT * FROM devices WHERE tags.a ~ 1", /is not understood/],
  ])("%s says what is wrong", (query, problem) => {
    expect(() => parseQuery(query)).toThrow(problem);
  });

  it("is judged or refused, whatever it says", () => {
    const word = fc.constantFrom(
      "WHERE",
      "AND",
      "OR",
      "NOT",
      "(",
      ")",
      "IN",
      "[",
      "]",
      ",",
      "=",
      "<",
      "tags.a",
      "'x",
      "1",
      "IS_DEFINED",
      "status",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (words) => {
        try {
          expect(typeof parseQuery(`SELECT * FROM devices ${words.join(" ")}`)(TWIN)).toBe("boolean");
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
