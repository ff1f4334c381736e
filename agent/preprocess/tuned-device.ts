/** A device as the cloud wants its readings processed: the description's, with the times and steps that were changed. Pure. */
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import type { FilterStep } from "@pump-station/sensor-descriptions/preprocessing.ts";
import type { DeviceTuning } from "../tuning.ts";

/** Only what the description declares is changed: nothing is filtered that nobody on site knows of. */
export function tunedDevice(device: Device, tuning: DeviceTuning): Device {
  const { everyMs, heartbeatMs, windowMs, smallChange, throttleMs } = tuning;
  const { filters, aggregate } = device;
  return {
    ...device,
    ...(everyMs !== undefined && { everyMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(aggregate && windowMs !== undefined && { aggregate: { ...aggregate, everyMs: windowMs } }),
    smallChange: new Map([...device.smallChange].map(([name, by]) => [name, smallChange?.get(name) ?? by])),
    ...(filters && {
      filters: new Map([...filters].map(([name, steps]) => [name, steps.map(throttledBy(throttleMs?.get(name)))])),
    }),
  };
}

/** Whether a pipeline that was made for one does for the other. */
export const isProcessedAlike = (a: Device, b: Device): boolean => partsOf(a) === partsOf(b);

/** How often a device is asked counts only where times between readings do: for filters and windows. */
function partsOf({ everyMs, heartbeatMs, smallChange, filters, aggregate }: Device): string {
  const isTimed = aggregate !== undefined || (filters?.size ?? 0) > 0;
  return JSON.stringify([
    isTimed ? everyMs : 0,
    heartbeatMs,
    [...smallChange],
    [...(filters ?? [])],
    aggregate?.everyMs,
  ]);
}

const throttledBy =
  (everyMs: number | undefined) =>
  (step: FilterStep): FilterStep =>
    step.do === "throttle" && everyMs !== undefined ? { ...step, everyMs } : step;
