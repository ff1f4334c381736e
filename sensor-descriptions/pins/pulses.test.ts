import { expect, it } from "vitest";
import { compileProtocol } from "../compile.ts";
import { parseFormula } from "../formula/formula.ts";
import type { PulseProtocol } from "../model.ts";
import type { ChannelSpec, PulseSpec } from "../spec.ts";

const channel = (name: string, text: string): ChannelSpec => {
  const parsed = parseFormula(text);
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  return {
    channel: { name, kind: "gauge", unit: "mm", resolution: 0.2794 },
    source: { from: "formula", formula: parsed.ok },
  };
};
const rainGauge = (part: Partial<PulseSpec> = {}): PulseProtocol => {
  const protocol = compileProtocol({
    protocol: "pulses",
    edge: "falling",
    pull: "up",
    debounceMs: 20,
    given: new Map([["per-pulse", 0.2794]]),
    // A formula may stand before the one that it needs.
    channels: [
      channel("mean-rate", "rain / (seconds / 3600)"),
      channel("rain", "since * per_pulse"),
      channel("rain-total", "total * per_pulse"),
    ],
    ...part,
  });
  if (protocol.kind !== "pulses") throw new Error("not pulses");
  return protocol;
};

it("computes from pulses, time and what the station file says", () => {
  const values = rainGauge().values({ total: 1_000, since: 5, sinceMs: 60_000 });
  expect(values.get("rain")).toBeCloseTo(1.397, 9);
  expect(values.get("rain-total")).toBeCloseTo(279.4, 9);
  expect(values.get("mean-rate")).toBeCloseTo(83.82, 9);
});

it("has no rate before any time has passed", () => {
  expect(rainGauge().values({ total: 0, since: 0, sinceMs: 0 }).get("mean-rate")).toBe("malformed");
});

it("says how the pin is watched", () => {
  expect(rainGauge()).toMatchObject({ kind: "pulses", edge: "falling", pull: "up", debounceMs: 20 });
});

it("formulas that need each other give malformed, not a hang", () => {
  const circle = rainGauge({ channels: [channel("a", "b + 1"), channel("b", "a + 1")] });
  expect([...circle.values({ total: 1, since: 1, sinceMs: 1 }).values()]).toEqual(["malformed", "malformed"]);
});

it("refuses a channel that wants bytes", () => {
  const wanting = { ...channel("x", "1"), source: { from: "field", field: FIELD } } as const;
  expect(() => rainGauge({ channels: [wanting] })).toThrow(/pulses have no bytes/);
});

const FIELD = { at: 0, as: "u8", byteOrder: "big-endian", scale: 1, offset: 0, special: new Map() } as const;
