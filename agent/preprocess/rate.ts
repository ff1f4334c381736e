import type { Rate } from "@pump-station/sensor-descriptions/preprocessing.ts";
import { isMissing, missing } from "../reading.ts";
import type { Step } from "./smoothing.ts";
import { createTimeWindow } from "./time-window.ts";

/** Two readings that stand close together say nothing about a long time. */
const SPAN_SHARE_MIN = 0.5;

/**
 * (newest − oldest) / the time between, over the window; "too-few" until its values span half of it. A counter that
 * falls was started anew: what was counted before is forgotten.
 */
export function createRate({ perMs, overMs }: Rate, isCounter: boolean): Step {
  const window = createTimeWindow(overMs);
  let before: number | undefined;
  return (value, bootMs) => {
    if (isMissing(value)) return value;
    if (isCounter && before !== undefined && value < before) window.clear();
    before = value;
    window.add(bootMs, value, 0);
    const oldest = window.oldest();
    const spanMs = oldest ? bootMs - oldest.bootMs : 0;
    if (!oldest || spanMs <= 0 || spanMs < overMs * SPAN_SHARE_MIN) return missing("too-few");
    return ((value - oldest.value) / spanMs) * perMs;
  };
}
