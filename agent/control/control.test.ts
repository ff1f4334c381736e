import { describe, expect, it } from "vitest";
import { createControl } from "./control.ts";

const control = createControl({
  log: () => {},
  handlers: {
    status: () => ({ station: "demo" }),
    read: ({ device }) => {
      if (device !== "pump") throw new Error(`no device "${String(device)}"`);
      return 7;
    },
  },
});

describe("the control socket's conversation", () => {
  it("answers a known ask with its id", async () => {
    expect(JSON.parse(await control('{"id":3,"ask":"status"}'))).toEqual({ id: 3, answer: { station: "demo" } });
  });
  it("turns a failure into an answer", async () => {
    expect(JSON.parse(await control('{"id":"a","ask":"read","device":"x"}'))).toEqual({
      id: "a",
      error: 'no device "x"',
    });
  });
  it.each([
    "",
    "[]",
    "null",
    "{}",
    '{"ask":5}',
    "{",
    '{"ask":"toString"}',
    '{"ask":"__proto__"}',
    `{"ask":"${"x".repeat(70_000)}"}`,
  ])("refuses %.20s in words and lives on", async (line) => {
    expect(JSON.parse(await control(line))).toHaveProperty("error");
  });
});
