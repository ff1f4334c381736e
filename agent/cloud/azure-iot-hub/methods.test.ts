import fc from "fast-check";
import { expect, it } from "vitest";
import { commandOf } from "./methods.ts";

const call = (method: string, payload = "") => commandOf({ request: "1", method, payload: Buffer.from(payload) });

it.each([
  ["pump*stop", "", { call: { device: "pump", command: "stop" } }],
  ["air_pump*max_speed", "null", { call: { device: "air-pump", command: "max-speed" } }],
  ["collect-diagnostics", "{}", { call: { command: "collect-diagnostics" } }],
  [
    "upload_now",
    '{"id":"c1","expiresMs":5,"lane":"late"}',
    {
      id: "c1",
      call: { command: "upload-now", arguments: { lane: "late" }, expiresMs: 5 },
    },
  ],
  ["stop", " null\n", { call: { command: "stop" } }],
])("the method %s with %j is a command", (method, payload, command) => {
  expect(call(method, payload)).toEqual(command);
});

it.each([
  ["a*b*c", "", "device*command"],
  ["", "", "device*command"],
  ["pump*", "", "device*command"],
  ["%E0%A4%A", "", "no such method %E0%A4%A"],
  ["stop", `{"a":${"[".repeat(3_000)}${"]".repeat(3_000)}}`, "nested deeper"],
  ["stop", `{"a":"${"x".repeat(100_000)}"}`, "at most"],
  ["stop", "[1]", "no JSON object"],
  ["stop", '"now"', "no JSON object"],
  ["stop", "{", "no JSON object"],
  ["stop", '{"id":7}', "id:"],
  ["stop", '{"id":"../x"}', "id:"],
])("the method %s with %.40j is refused in words", (method, payload, words) => {
  expect(call(method, payload)).toContain(words);
});

it("any bytes are a command or a sentence", () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), (method, payload) => {
      expect(["string", "object"]).toContain(typeof commandOf({ request: "1", method, payload }));
    }),
    { numRuns: 2_000 },
  );
});
