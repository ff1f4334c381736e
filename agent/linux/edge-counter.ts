export interface EdgeCounter {
  /** An edge at `ms` of a monotonic clock. */
  edge(ms: number): void;
  count(): number;
}

/**
 * Counts the leading edge of each pulse and ignores what follows within `debounceMs` of a counted edge. A debounce
 * that waits for silence (onoff's) counts nothing while pulses come faster than its window: an anemometer in a storm
 * would read 0. This one reads at most one pulse per window then.
 */
export function createEdgeCounter(debounceMs: number, onPulse: () => void): EdgeCounter {
  let counted = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    edge: (ms) => {
      // A source whose time starts anew (a restarted simulator) must not stop the count.
      if (ms >= lastMs && ms - lastMs < debounceMs) return;
      lastMs = ms;
      counted++;
      onPulse();
    },
    count: () => counted,
  };
}
