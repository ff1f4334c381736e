/** What the cloud changes of filters and windows is what a description with those values would do. */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { describe, expect, it } from "vitest";
import { type ChannelValue, isMissing, type Sample } from "../reading.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import { createPreprocess } from "./preprocess.ts";
import { isProcessedAlike, tunedDevice } from "./tuned-device.ts";

const [first = ""] = createSmallDevice().channels.map(({ name }) => name);
const device = createSmallDevice({
  everyMs: 1_000,
  smallChange: new Map([[first, 1]]),
  heartbeatMs: 900_000,
  filters: new Map([
    [
      first,
      [
        { do: "round", step: 1 },
        { do: "throttle", everyMs: 10_000 },
      ],
    ],
  ]),
});

/** Of the first channel, over a minute of readings that rise by one each second. */
const keptOf = (tuned: Device): ChannelValue[] => {
  const preprocess = createPreprocess(tuned);
  const values = device.channels.map(() => 0);
  const samples = Array.from(
    { length: 60 },
    (_, second): Sample => ({
      device: "pump",
      bootMs: second * 1_000,
      values: [second, ...values.slice(1)],
    }),
  );
  return samples.flatMap((sample) => preprocess.take(sample)).flatMap(({ values: [value] }) => value ?? []);
};
const numbers = (values: readonly ChannelValue[]): number[] =>
  values.flatMap((value) => (isMissing(value) ? [] : [value]));

describe("a tuned device", () => {
  it("throttles and keeps by the cloud's values, and by the file's where there are none", () => {
    expect(numbers(keptOf(device))).toEqual([0, 10, 20, 30, 40, 50]);
    expect(
      numbers(keptOf(tunedDevice(device, { steps: new Map([[first, new Map([["throttle", 30_000]])]]) }))),
    ).toEqual([0, 30]);
    expect(numbers(keptOf(tunedDevice(device, { smallChange: new Map([[first, 25]]) })))).toEqual([0, 30]);
    expect(
      numbers(keptOf(tunedDevice(device, { heartbeatMs: 20_000, smallChange: new Map([[first, 1_000]]) }))),
    ).toEqual([0, 20, 40]);
  });

  it("gains no filter and no window that its description doesn't declare", () => {
    const bare = createSmallDevice();
    const tuning = {
      windowMs: 5,
      smallChange: new Map([[first, 5]]),
      steps: new Map([[first, new Map([["throttle", 5]])]]),
    };
    expect(tunedDevice(bare, tuning)).toEqual(bare);
  });

  it("is processed alike unless something of its processing differs", () => {
    expect(isProcessedAlike(device, tunedDevice(device, {}))).toBe(true);
    expect(isProcessedAlike(device, tunedDevice(device, { fasterMs: 5 }))).toBe(true);
    expect(isProcessedAlike(device, tunedDevice(device, { heartbeatMs: 5 }))).toBe(false);
    // Without filters or windows it doesn't matter to them how often the device is asked.
    expect(isProcessedAlike(device, tunedDevice(device, { everyMs: 5 }))).toBe(false);
    const bare = createSmallDevice();
    expect(isProcessedAlike(bare, tunedDevice(bare, { everyMs: 5 }))).toBe(true);
  });
});
