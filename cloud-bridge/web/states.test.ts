import { expect, test } from "vitest";
import { stateName, stateTone } from "./states.ts";

const channel = {
  name: "state",
  kind: "state",
  unit: "",
  resolution: 1,
  states: { 0: "idle", 1: "pumping", 2: "cooling", 3: "fault" },
} as const;

test("trouble is red, rest is grey, the others differ", () => {
  expect([0, 1, 2, 3].map((state) => stateTone(channel, state))).toEqual(["tone-rest", "tone-a", "tone-b", "tone-bad"]);
});

test("a state without a name is shown as its number", () => {
  expect(stateName(channel, 9)).toBe("state 9");
  expect(stateTone(channel, 9)).toBe("tone-unknown");
});
