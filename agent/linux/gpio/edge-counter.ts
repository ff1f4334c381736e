export interface EdgeCounter {
  /** An edge at `ms` of a monotonic clock. */
  edge(ms: number): void;
  count(): number;
  /** Whether, since last asked, edges came as no contact with this debounce makes them; undefined: they didn't. */
  trouble(): string | undefined;
}

/** Pulses in a row that came as fast as the debounce lets them, before it is told. */
const CROWDED_MIN = 3;

/**
 * Counts the leading edge of each pulse and ignores what follows within `debounceMs` of a counted edge. A debounce
 * that waits for silence (onoff's, and the kernel's own for GPIO lines) counts nothing while pulses come faster than
 * its window: an anemometer in a storm would read 0. This one reads one pulse per window then, and says so.
 */
export function createEdgeCounter(debounceMs: number, onPulse: () => void): EdgeCounter {
  let counted = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let ignoredSinceLast = 0;
  let fresh = { counted: 0, crowded: 0 };
  return {
    edge: (ms) => {
      // A source whose time starts anew (a restarted simulator) must not stop the count.
      if (ms >= lastMs && ms - lastMs < debounceMs) {
        ignoredSinceLast++;
        return;
      }
      if (ignoredSinceLast > 0 && ms >= lastMs && ms - lastMs < 2 * debounceMs) fresh.crowded++;
      ignoredSinceLast = 0;
      lastMs = ms;
      counted++;
      fresh.counted++;
      onPulse();
    },
    count: () => counted,
    trouble: () => {
      const { counted: pulses, crowded } = fresh;
      fresh = { counted: 0, crowded: 0 };
      if (crowded < CROWDED_MIN || crowded * 2 < pulses) return undefined;
      return `${crowded} of ${pulses} pulses followed the one before within ${2 * debounceMs} ms, edges between them left out: the contact bounces or is faster than its debounce`;
    },
  };
}
