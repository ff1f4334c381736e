/**
 * From a boot's own time to wall time. The offset is taken when the clock is trusted and kept for that boot, so that
 * any later process can date its rows; what left undated is re-dated by a "clock" message.
 */
import type { Clock } from "../world.ts";
import { type Tables, textOf, wholeOf, wholeOrNull } from "./tables.ts";

/** Below this a difference is rounding or slewing, and a sample sent twice had better carry the same time twice. */
const OFFSET_STEADY_MS = 100;

export interface Dating {
  /** Notes this boot's offset when the clock is trusted and it is new or has stepped. */
  learn(): void;
  /** Whether `takeRedatable` would return any. */
  isRedatable(): boolean;
  /** wall - boot in whole ms; undefined while nobody knows it. */
  offsetOf(bootId: string): number | undefined;
  /** Something of this boot leaves on its own time. */
  noteUndated(bootId: string): void;
  /** Boots that can be re-dated now, each once. Call inside a transaction. */
  takeRedatable(): { readonly bootId: string; readonly offsetMs: number }[];
}

export function createDating(clock: Clock, tables: Tables): Dating {
  const offsets = new Map<string, number>();
  const undated = new Set<string>();
  for (const columns of tables.all("SELECT boot_id, offset_ms, undated FROM boots")) {
    const offset = wholeOrNull(columns, "offset_ms");
    if (offset !== null) offsets.set(textOf(columns, "boot_id"), offset);
    if (wholeOf(columns, "undated") === 1) undated.add(textOf(columns, "boot_id"));
  }
  return {
    learn: () => {
      if (!clock.isWallTrusted()) return;
      const offset = Math.round(clock.wallMs() - clock.bootMs());
      const known = offsets.get(clock.bootId);
      if (known !== undefined && Math.abs(offset - known) < OFFSET_STEADY_MS) return;
      tables.run("UPDATE boots SET offset_ms = ? WHERE boot_id = ?", offset, clock.bootId);
      offsets.set(clock.bootId, offset);
    },
    offsetOf: (bootId) => offsets.get(bootId),
    noteUndated: (bootId) => {
      if (undated.has(bootId)) return;
      tables.run("INSERT INTO boots VALUES (?, NULL, 1) ON CONFLICT DO UPDATE SET undated = 1", bootId);
      undated.add(bootId);
    },
    isRedatable: () => [...undated].some((bootId) => offsets.has(bootId)),
    takeRedatable: () =>
      [...undated].flatMap((bootId) => {
        const offsetMs = offsets.get(bootId);
        if (offsetMs === undefined) return [];
        tables.run("UPDATE boots SET undated = 0 WHERE boot_id = ?", bootId);
        undated.delete(bootId);
        return [{ bootId, offsetMs }];
      }),
  };
}
