/** Alarm transitions folded into what stands now and what has been. Pure. */
import type { AlarmEntry } from "../api/contract.ts";

export interface PastAlarm {
  readonly entry: AlarmEntry;
  /** When it began; undefined when that transition is no longer in the list. */
  readonly began?: number;
}

/** Kept by the page; older ones are in the API. */
export const ALARMS_MAX = 200;

const keyOf = (entry: AlarmEntry): string => `${entry.device}/${entry.alarm}`;
const identityOf = (entry: AlarmEntry): string => `${keyOf(entry)}/${entry.time}/${entry.active}`;

/** Newest first, each transition once, whatever the order in which they arrive. */
export function withAlarms(known: readonly AlarmEntry[], incoming: readonly AlarmEntry[]): readonly AlarmEntry[] {
  const all = new Map([...known, ...incoming].map((entry) => [identityOf(entry), entry]));
  return [...all.values()].sort(byAge).slice(0, ALARMS_MAX);
}

/** Within one instant an end comes after a beginning, and names decide the rest, so that the order is always the same. */
const byAge = (a: AlarmEntry, b: AlarmEntry): number =>
  b.time - a.time || Number(a.active) - Number(b.active) || keyOf(a).localeCompare(keyOf(b));

const SEVERITIES = ["critical", "warning", "info"] as const;
export const rankOf = (severity: AlarmEntry["severity"]): number => SEVERITIES.indexOf(severity);

/** `entries` newest first. Active: gravest first, then the longest standing. Past: newest end first. */
export function alarmsFrom(entries: readonly AlarmEntry[]): {
  readonly active: readonly AlarmEntry[];
  readonly past: readonly PastAlarm[];
} {
  const active: AlarmEntry[] = [];
  const past: PastAlarm[] = [];
  const seen = new Set<string>();
  entries.forEach((entry, index) => {
    const isNewest = !seen.has(keyOf(entry));
    seen.add(keyOf(entry));
    if (entry.active && isNewest) active.push(entry);
    if (!entry.active) past.push(pastFrom(entry, entries.slice(index + 1)));
  });
  active.sort((a, b) => rankOf(a.severity) - rankOf(b.severity) || a.time - b.time);
  return { active, past };
}

function pastFrom(entry: AlarmEntry, older: readonly AlarmEntry[]): PastAlarm {
  const start = older.find((other) => keyOf(other) === keyOf(entry));
  return start?.active ? { entry, began: start.time } : { entry };
}
