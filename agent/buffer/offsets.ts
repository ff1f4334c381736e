/**
 * wall - boot of each boot, as it was vouched for over its time. It isn't one number: a clock that ran free for a month
 * is half a minute off when it is set again, and a leap second is smeared over a day. Between two vouched offsets that
 * drift explains, the truth lies on the line between them; a change beyond that means that the clock was wrong until then.
 */
import type { Tables } from "./tables.ts";
import { textOf, wholeOf, wholeOrNull } from "./tables.ts";

/** Below this a difference is rounding, and a sample sent twice had better carry the same time twice. */
const OFFSET_STEADY_MS = 100;
/** What a free-running crystal may be off (200 ppm), and a leap second. */
const DRIFT_MAX = 2e-4;
const DRIFT_SLACK_MS = 1_500;
/** A smeared leap second takes ten; a boot of a year with a correction a day comes near. */
const ANCHORS_PER_BOOT_MAX = 400;

export interface Anchor {
  readonly bootMs: number;
  readonly offsetMs: number;
}

export type Noted = "steady" | "moved" | "corrected";

export interface Offsets {
  /** The offset at a time of that boot, whole ms; undefined while nobody knows it. */
  at(bootId: string, bootMs: number): number | undefined;
  isKnown(bootId: string): boolean;
  /** Call inside a transaction. "corrected": what was vouched for in this boot before was wrong. */
  note(bootId: string, anchor: Anchor): Noted;
}

/** Older releases left the newest offset of a boot only; they find the same there again. */
export function createOffsetTable(tables: Tables): void {
  tables.run(`CREATE TABLE IF NOT EXISTS anchors (id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, boot_ms INTEGER NOT NULL,
    offset_ms INTEGER NOT NULL)`);
}

export function createOffsets(tables: Tables): Offsets {
  const known = new Map<string, Anchor[]>();
  const of = (bootId: string): Anchor[] => {
    const anchors = known.get(bootId) ?? [];
    known.set(bootId, anchors);
    return anchors;
  };
  for (const columns of tables.all("SELECT boot_id, boot_ms, offset_ms FROM anchors ORDER BY id"))
    of(textOf(columns, "boot_id")).push({
      bootMs: wholeOf(columns, "boot_ms"),
      offsetMs: wholeOf(columns, "offset_ms"),
    });
  for (const columns of tables.all("SELECT boot_id, offset_ms FROM boots WHERE offset_ms IS NOT NULL")) {
    const anchors = of(textOf(columns, "boot_id"));
    const offsetMs = wholeOrNull(columns, "offset_ms");
    if (anchors.length === 0 && offsetMs !== null) anchors.push({ bootMs: 0, offsetMs });
  }
  return {
    at: (bootId, bootMs) => offsetAt(known.get(bootId) ?? [], bootMs),
    isKnown: (bootId) => (known.get(bootId)?.length ?? 0) > 0,
    note: (bootId, anchor) => {
      const anchors = of(bootId);
      const last = anchors.at(-1);
      if (last && Math.abs(anchor.offsetMs - last.offsetMs) < OFFSET_STEADY_MS) return "steady";
      const isCorrection = last !== undefined && !isDrift(last, anchor);
      if (isCorrection) {
        tables.run("DELETE FROM anchors WHERE boot_id = ?", bootId);
        anchors.length = 0;
      }
      if (anchors.length >= ANCHORS_PER_BOOT_MAX) {
        tables.run("DELETE FROM anchors WHERE id = (SELECT min(id) FROM anchors WHERE boot_id = ?)", bootId);
        anchors.shift();
      }
      const bootMs = Math.round(anchor.bootMs);
      tables.run("INSERT INTO anchors (boot_id, boot_ms, offset_ms) VALUES (?, ?, ?)", bootId, bootMs, anchor.offsetMs);
      tables.run("UPDATE boots SET offset_ms = ? WHERE boot_id = ?", anchor.offsetMs, bootId);
      anchors.push({ bootMs, offsetMs: anchor.offsetMs });
      return isCorrection ? "corrected" : "moved";
    },
  };
}

const isDrift = (from: Anchor, to: Anchor): boolean =>
  Math.abs(to.offsetMs - from.offsetMs) <= DRIFT_SLACK_MS + DRIFT_MAX * (to.bootMs - from.bootMs);

function offsetAt(anchors: readonly Anchor[], bootMs: number): number | undefined {
  const after = anchors.findIndex((anchor) => anchor.bootMs > bootMs);
  const next = after < 0 ? undefined : anchors[after];
  const before = anchors[after < 0 ? anchors.length - 1 : after - 1];
  if (!before || !next) return (before ?? next)?.offsetMs;
  const share = (bootMs - before.bootMs) / (next.bootMs - before.bootMs);
  return Math.round(before.offsetMs + share * (next.offsetMs - before.offsetMs));
}
