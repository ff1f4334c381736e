import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runExamples } from "./examples.ts";
import { loadDeviceType } from "./load.ts";
import type { DeviceRequest, SerialProtocol } from "./model.ts";

const FOLDER = join(import.meta.dirname, "testing/devices");
const loaded = (name: string, from: string | RegExp = "", to = "") => {
  const text = readFileSync(join(FOLDER, `${name}.yaml`), "utf8");
  const edited = text.replace(from, to);
  if (from !== "") expect(edited).not.toBe(text);
  return loadDeviceType({ path: `${name}.yaml`, text: edited });
};
const protocolOf = (name: string, from?: string | RegExp, to?: string): SerialProtocol => {
  const { type, problems } = loaded(name, from, to);
  if (!type) throw new Error(problems.map(({ message }) => message).join("\n"));
  return type.protocol(new Map()) as SerialProtocol;
};
/** Exchange of a step, and what the device's side makes of it. */
const heard = (protocol: SerialProtocol, step: number, address: number): DeviceRequest | undefined => {
  const found = protocol.setUp?.steps.find((one) => one.do === "ask" && one.step === step);
  if (found?.do !== "ask") throw new Error(`no step ${step}`);
  return protocol.deviceSide(address).push(found.exchange(address).request)[0];
};

it.each(["set-up-framed", "set-up-lines", "set-up-modbus"])("the examples of %s come out, both ways", (name) => {
  const { type, problems } = loaded(name);
  expect(problems).toEqual([]);
  expect(runExamples(type!).flatMap(({ failures }) => failures)).toEqual([]);
});

describe("an example of a set-up that is not as described fails", () => {
  it("by its bytes, by its answer, by an answer where nothing answers", () => {
    const failures = (name: string, from: string, to: string) =>
      loaded(name, from, to).problems.map(
        ({ message }) => message.replace("the example doesn't come out: ", "").split(": ")[0],
      );
    expect(failures("set-up-framed", '"7E 01 D3 2B"', '"7E 01 D4 2A"')).toEqual([
      "sent is 7E 01 D3 2B, not 7E 01 D4 2A",
    ]);
    expect(failures("set-up-lines", '"3:*OK\\r"', '"3:*NO\\r"')).toEqual(["the answer isn't recognised as one"]);
    expect(failures("set-up-lines", 'sent: "3:L,0\\r"', 'answer: "3:*OK\\r"')).toEqual(["nothing answers this"]);
  });
});

describe("the device's side", () => {
  it("hears each step by its place in the list, and answers as described", () => {
    const framed = protocolOf("set-up-framed");
    expect(framed.setUp?.steps.map((step) => step.do)).toEqual(["ask", "wait", "ask"]);
    expect(heard(framed, 3, 0)).toMatchObject({ kind: "set-up", step: 3 });
    expect(heard(protocolOf("set-up-modbus"), 2, 7)).toMatchObject({ kind: "set-up", step: 2 });
    const silent = heard(protocolOf("set-up-lines"), 2, 4);
    expect(silent?.kind === "set-up" && silent.answer()).toEqual(new Uint8Array());
  });

  it("takes a step that says what a setting says for that setting, so that it keeps the value", () => {
    const request = heard(protocolOf("set-up-modbus", "write: holding 6", "write: holding 5"), 1, 7);
    expect(request).toMatchObject({ kind: "set", setting: "mode", value: 1 });
  });

  it("an exchange that nothing answers hides no report of the device", () => {
    const reporting = protocolOf(
      "set-up-framed",
      /send: "03"\n([^]*)sent: "7E 01 03 FB"\n {4}answer/,
      "by-itself: true\n$1received",
    );
    const frame = reporting.report!(0, "dust", new Map([["pm25", 25]]));
    expect(reporting.listen!(0).push(frame)).toHaveLength(1);
  });
});

describe("mistakes in a set-up are told at their place", () => {
  it.each([
    ["set-up-framed", 'send: "D3"', 'send: "D3", wait: 1s', "D570 16"],
    ["set-up-framed", '{ send: "D3" }', '{ answer: "D3" }', "D570 16"],
    ["set-up-framed", "wait: 100ms", "wait: 100ms, optional: true", "D570 17"],
    ["set-up-modbus", "write: holding 5, value: 1", "value: 1", "D570 10"],
    ["set-up-framed", /set-up:\n(  - .*\n)+/, "", "D571 15"],
    ["set-up-framed", /refusal: "FF"\n.*\n/, "", "D572 17"],
    ["set-up-framed", "set-up: 1", "set-up: 2", "D573 29"],
    ["set-up-modbus", "holding 5, value: 1", "holding 5", "D574 10"],
    ["set-up-modbus", "holding 5, value: 1", "input 5, value: 1", "D422 10"],
    ["set-up-modbus", "holding 5, value: 1", "holding 5 to 6, value: 1", "D464 10"],
    ["set-up-lines", 'C,0"', 'C,{ph}"', "D408 14"],
    ["set-up-lines", 'C,0", answer', 'C,0\\r", answer', "D454 14"],
    ["set-up-framed", "wait: 100ms", "wait: 100", "D302 17"],
    ["set-up-framed", "wait: 100ms", "wait: 30s", "D323 17"],
  ])("%s: %s → %s is %s", (name, from, to, wanted) => {
    const { problems } = loaded(name, from, to);
    expect(problems.map(({ code, line }) => `${code} ${line}`)).toContain(wanted);
  });
});

const fuzzed = ["set-up-framed", "set-up-lines", "set-up-modbus"].map((name) => ({ name, protocol: protocolOf(name) }));

it.each(
  fuzzed,
)("$name: an answer to a step in which any bytes are changed is taken only where its check is right (property)", ({
  name,
  protocol,
}) => {
  const step = protocol.setUp?.steps.findLast((one) => one.do === "ask" && !one.exchange(1).isBroadcast);
  if (step?.do !== "ask") throw new Error("no step that is answered");
  const [request] = protocol.deviceSide(1).push(step.exchange(1).request);
  if (request?.kind !== "set-up") throw new Error("not heard");
  const right = request.answer();
  expect(step.exchange(1).recognise().push(right)).toMatchObject({ kind: "answer" });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(right.length - 1), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
      (changes) => {
        const line = Uint8Array.from(right);
        for (const [at, bits] of changes) line[at]! ^= bits;
        const outcome = step.exchange(1).recognise().push(line);
        // Lines of this device have no check; frames and registers do.
        if (outcome?.kind === "answer" && name !== "set-up-lines") expect(line).toEqual(right);
      },
    ),
    { numRuns: 3_000 },
  );
});
