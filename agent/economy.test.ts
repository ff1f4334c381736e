import { describe, expect, it } from "vitest";
import { createEconomy } from "./economy.ts";
import type { Sample } from "./reading.ts";
import { createSmallDevice } from "./testing/small-protocol.ts";
import { DEGRADATION_STEPS, type DegradationStep } from "./uplink/degradation.ts";
import type { StreamSchema } from "./wire/schema.ts";

const MINUTE = 60_000;
const stepOf = (at: number): DegradationStep => DEGRADATION_STEPS[at] ?? DEGRADATION_STEPS[0];

function standUp() {
  const device = createSmallDevice();
  const kept: Sample[] = [];
  const declared: StreamSchema[] = [];
  const economy = createEconomy(
    { declare: (schema) => declared.push(schema), keep: (sample) => kept.push(sample) },
    stepOf(0),
  );
  economy.use({ name: "s", label: "s", timeZone: "UTC", ports: new Map(), devices: [device], hash: "" });
  const take = (minute: number, value: number) =>
    economy.take({ device: device.name, bootMs: minute * MINUTE, values: device.channels.map(() => value) });
  return { device, kept, declared, economy, take };
}

describe("what a step of the budget does to samples", () => {
  it("at first nothing: each sample is kept, in its own resolution", () => {
    const { kept, declared, device, economy, take } = standUp();
    take(1, 5);
    take(2, 6);
    expect(kept).toHaveLength(2);
    expect(declared).toEqual([economy.schemaOf(device)]);
  });

  it("a coarser resolution is another schema: gauges ten times coarser, counters and states as they are", () => {
    const { declared, device, economy } = standUp();
    economy.begin(stepOf(3));
    const [before, after] = declared;
    for (const [at, channel] of (after?.channels ?? []).entries()) {
      const was = before?.channels[at]?.resolution ?? 0;
      expect(channel.resolution).toBeCloseTo(channel.kind === "gauge" ? 10 * was : was, 9);
    }
    expect(economy.schemaOf(device)).toEqual(after);
    economy.begin(stepOf(0));
    expect(declared.at(-1)).toEqual(before);
  });

  it("averages replace samples, and what a window held isn't lost when the step ends", () => {
    const { kept, economy, take } = standUp();
    economy.begin(stepOf(4));
    for (let minute = 0; minute < 20; minute++) take(minute, 7);
    expect(kept).toHaveLength(1);
    economy.begin(stepOf(0));
    expect(kept).toHaveLength(2);
    expect(kept[1]?.bootMs).toBe(19 * MINUTE);
    take(21, 7);
    expect(kept).toHaveLength(3);
    economy.flush();
    expect(kept).toHaveLength(3);
  });
});
