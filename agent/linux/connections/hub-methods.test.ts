import { expect, it } from "vitest";
import { methodIn } from "./hub-methods.ts";

const payload = Uint8Array.of(1);

it.each([
  ["air_pump*stop/?$rid=1", { method: "air_pump*stop", request: "1" }],
  ["max%20speed/?$rid=ab-2&x=1", { method: "max speed", request: "ab-2" }],
  ["%E0%A4%A/?$rid=3", { method: "%E0%A4%A", request: "3" }],
  ["größe?/?x=1&$rid=4", { method: "größe?", request: "4" }],
  ["restart\\x/?$rid=5", { method: "restart\\x", request: "5" }],
  ["a/b/?$rid=6", { method: "a/b", request: "6" }],
  ["/?$rid=7", { method: "", request: "7" }],
  ["restart/?x=1", { method: "restart" }],
])("of %s the name and the request are read", (rest, call) => {
  expect(methodIn(`$iothub/methods/POST/${rest}`, payload)).toEqual({ ...call, payload });
});

it("what isn't a method is none", () => {
  expect(methodIn("$iothub/twin/res/200/?$rid=1", payload)).toBeUndefined();
  expect(methodIn("$iothub/methods/POST/restart", payload)).toBeUndefined();
});
