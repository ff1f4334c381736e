/** A pump whose description has one of each thing that the cloud may tune. */
import { parseCondition } from "@pump-station/sensor-descriptions/formula/condition.ts";
import type { Channel, Condition } from "@pump-station/sensor-descriptions/model.ts";
import { deviceOf } from "./twin-bench.ts";

const PUMP_STATES = new Map([
  [0, "idle"],
  [1, "pumping"],
]);
const CHANNELS: readonly Channel[] = [
  { name: "target", kind: "gauge", unit: "mbar", resolution: 0.1, range: { low: 0, high: 1_500 } },
  { name: "temperature", kind: "gauge", unit: "Cel", resolution: 0.1, range: { low: -40, high: 125 } },
  { name: "state", kind: "state", unit: "", resolution: 1, states: PUMP_STATES },
];
const condition = (text: string): Condition => {
  const parsed = parseCondition(text, new Map(CHANNELS.map((one) => [one.name, one])), (said) =>
    Number.parseFloat(said),
  );
  if ("problem" in parsed) throw new Error(parsed.problem.message);
  return parsed.ok;
};

export const TUNED_PUMP = deviceOf("pump", {
  channels: CHANNELS,
  faster: { when: condition("state is pumping"), everyMs: 1_000 },
  smallChange: new Map([["target", 0.5]]),
  filters: new Map([
    [
      "target",
      [
        { do: "clamp", low: 0, high: 1_200 },
        { do: "skip-jumps", by: 50, withinMs: 90_000 },
        { do: "median", overMs: 180_000 },
        { do: "average", overMs: 300_000 },
        { do: "exponential-average", timeConstantMs: 120_000 },
        { do: "round", step: 0.1 },
        { do: "throttle", everyMs: 60_000 },
        { do: "timeout", afterMs: 300_000 },
      ],
    ],
    ["state", [{ do: "debounce", forMs: 40_000 }]],
  ]),
  rates: [{ name: "trend", of: "target", perMs: 3_600_000, overMs: 10_800_000, unit: "mbar/h", resolution: 0.1 }],
  aggregate: { everyMs: 600_000, atLeast: 0.5, by: new Map() },
  alarms: [
    {
      name: "too-hot",
      when: condition("temperature above 85"),
      until: condition("temperature below 75"),
      forMs: 10_000,
      severity: "critical",
    },
    {
      name: "odd",
      when: condition("target at least 1400 or target at most 3 and state is pumping"),
      forMs: 0,
      severity: "info",
    },
  ],
});
