/** A device as the cloud wants its readings processed: the description's, with the numbers that were changed. Pure. */
import { limitedBy } from "@pump-station/sensor-descriptions/alarm-limits.ts";
import type { Alarm, Device } from "@pump-station/sensor-descriptions/model.ts";
import { stepsWith } from "@pump-station/sensor-descriptions/step-numbers.ts";
import type { AlarmTuning, DeviceTuning } from "../tuning.ts";

/** Only what the description declares is changed: nothing is filtered that nobody on site knows of. */
export function tunedDevice(device: Device, tuning: DeviceTuning): Device {
  const { everyMs, heartbeatMs, windowMs, windowAtLeast, smallChange, rateOverMs, steps, alarms } = tuning;
  const { filters, rates, aggregate } = device;
  return {
    ...device,
    ...(everyMs !== undefined && { everyMs }),
    ...(heartbeatMs !== undefined && { heartbeatMs }),
    ...(aggregate && {
      aggregate: {
        ...aggregate,
        ...(windowMs !== undefined && { everyMs: windowMs }),
        ...(aggregate.atLeast !== undefined && { atLeast: windowAtLeast ?? aggregate.atLeast }),
      },
    }),
    smallChange: new Map([...device.smallChange].map(([name, by]) => [name, smallChange?.get(name) ?? by])),
    ...(filters && {
      filters: new Map([...filters].map(([name, own]) => [name, stepsWith(own, steps?.get(name) ?? new Map())])),
    }),
    ...(rates && { rates: rates.map((rate) => ({ ...rate, overMs: rateOverMs?.get(rate.name) ?? rate.overMs })) }),
    alarms: device.alarms.map((alarm) => tunedAlarm(alarm, alarms?.get(alarm.name))),
  };
}

const tunedAlarm = (alarm: Alarm, tuning: AlarmTuning | undefined): Alarm =>
  tuning === undefined
    ? alarm
    : {
        ...alarm,
        when: limitedBy(alarm.when, tuning.when),
        ...(alarm.until && { until: limitedBy(alarm.until, tuning.until) }),
        forMs: tuning.forMs ?? alarm.forMs,
      };

/** Whether a pipeline that was made for one does for the other; alarms are no part of it. */
export const isProcessedAlike = (a: Device, b: Device): boolean => partsOf(a) === partsOf(b);

/** How often a device is asked counts only where times between readings do: for filters and windows. */
function partsOf({ everyMs, heartbeatMs, smallChange, filters, rates, aggregate }: Device): string {
  const isTimed = aggregate !== undefined || (filters?.size ?? 0) > 0;
  return JSON.stringify([
    isTimed ? everyMs : 0,
    heartbeatMs,
    [...smallChange],
    [...(filters ?? [])],
    rates,
    aggregate?.everyMs,
    aggregate?.atLeast,
  ]);
}
