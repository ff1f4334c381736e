/** What a running description remembers across restarts. */
import type { RunningStationDeps } from "./running-station.ts";
import type { TotalStore } from "./source/pulse-source.ts";
import type { StateStore } from "./state/state-store.ts";
import type { Log } from "./world.ts";

/** Alarms that the cloud believes to be active; written when they change. */
export function createActiveAlarms(state: StateStore, log: Log): RunningStationDeps["activeAlarms"] {
  const document = state.document<readonly string[]>("active-alarms");
  let saved = JSON.stringify(document.load() ?? []);
  return {
    load: () => JSON.parse(saved) as readonly string[],
    save: (names) => {
      const text = JSON.stringify(names);
      if (text === saved) return;
      saved = text;
      try {
        document.save(names);
      } catch (error) {
        // A disk that can't be written must not stop the alarm itself.
        log("error", "active-alarms-not-saved", { error: String(error) });
      }
    },
  };
}

/** Pulse totals survive restarts: one small document for all counters. */
export function createTotals(state: StateStore): TotalStore {
  const document = state.document<Record<string, number>>("totals");
  return {
    loadTotal: (device) => document.load()?.[device] ?? 0,
    saveTotal: (device, total) => document.save({ ...document.load(), [device]: total }),
  };
}
