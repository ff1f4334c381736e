import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadDeviceType } from "../load.ts";
import type { SerialProtocol, Values } from "../model.ts";

const FOLDER = join(import.meta.dirname, "../testing/devices");
const framedText = readFileSync(join(FOLDER, "valid-framed.yaml"), "utf8");
const modbusText = readFileSync(join(FOLDER, "valid-modbus.yaml"), "utf8");
const framed = loadDeviceType({ path: "valid-framed.yaml", text: framedText }).type?.protocol(new Map());
if (framed?.kind !== "serial") throw new Error("valid-framed.yaml doesn't load");

/** What the host makes of what the device's side answers with these values. */
function throughTheLine(protocol: SerialProtocol, read: string, values: Values): Values | undefined {
  const exchange = protocol.read(0, read, () => undefined);
  const [request] = protocol.deviceSide(0).push(exchange.request);
  if (request?.kind !== "read") throw new Error("no request");
  const outcome = exchange.recognise().push(request.answer(values));
  return outcome?.kind === "answer" ? outcome.values : undefined;
}

describe("a channel with a condition", () => {
  it("counts exactly while the condition holds for what came in the same answer", () => {
    const steps = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 7 }), fc.constantFrom(0, 1), (pressure, load, supply) => {
        const sent = new Map([["supply", supply], ["load", load * 10], ["pressure", pressure / 10]]); // biome-ignore format: a table
        const values = throughTheLine(framed, "board", sent);
        const counts = supply === 1 && load < 5;
        expect(values?.get("pressure")).toBe(counts ? pressure / 10 : "no-sensor");
        expect(values?.get("altitude") === "no-sensor").toBe(!counts);
        expect(values?.get("raw-altitude")).toBe(supply === 1 ? load * 20 : "no-sensor");
      }),
      { numRuns: 2_000 },
    );
  });

  it("is sent as nothing while it doesn't count, and refused where that would be read as a number", () => {
    const values = new Map<string, number | "no-sensor">([["supply", 0], ["load", 0], ["pressure", "no-sensor"]]); // biome-ignore format: a table
    expect(throughTheLine(framed, "board", values)?.get("pressure")).toBe("no-sensor");
    expect(() => throughTheLine(framed, "board", values.set("supply", 1))).toThrow(RangeError);
    const probes = new Map<string, number | "no-sensor">([
      ["top-state", 0], ["top", "no-sensor"], ["bottom-state", 1], ["bottom", 7],
    ]); // biome-ignore format: a table
    expect(throughTheLine(framed, "probes", probes)?.get("top")).toBe("no-sensor");
    expect(() => throughTheLine(framed, "probes", probes.set("top-state", 1))).toThrow(RangeError);
  });

  it.each([
    ["framed", framedText, "supply is good and load below 50 %", "supply is god", "D322"],
    ["framed", framedText, "supply is good and load below 50 %", "top-state is settled", "D322"],
    ["framed", framedText, "supply is good and load below 50 %", "altitude above 3 m", "D322"],
    ["framed", framedText, "supply is good and load below 50 %", "pressure above 3 mbar", "D216"],
    ["modbus", modbusText, "status is valid", "stat is valid", "D322"],
    ["modbus", modbusText, "register: holding 9,", "register: input 9,", "D215"],
    ["modbus", modbusText, "register: holding 9,", "register: holding 90,", "D215"],
  ])("%s: is told at its line what is wrong (%#)", (kind, text, good, bad, code) => {
    const { problems } = loadDeviceType({ path: `valid-${kind}.yaml`, text: text.replace(good, bad) });
    const [first] = problems.filter(({ severity }) => severity === "error");
    expect(first?.code).toBe(code);
    expect(text.split("\n")[(first?.line ?? 0) - 1]).toContain("valid-when");
  });
});
