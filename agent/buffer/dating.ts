/**
 * From a boot's own time to wall time. The offset is taken when the clock is trusted and kept for that boot, so that
 * any later process can date its rows; what left undated is re-dated by a "clock" message. A boot whose clock was never
 * set is told to lie between its neighbours.
 */
import type { LedgerMessage } from "../wire/messages.ts";
import type { Clock } from "../world.ts";
import { bootsOf, bracketOf, noteBoots, noteTold } from "./boot-order.ts";
import { createOffsets, createOffsetTable } from "./offsets.ts";
import { type Tables, textOf } from "./tables.ts";

/** A message has one offset: its readings are off by so much at most while the clock moves. */
const ALIKE_MS = 250;

export type ClockMessage = Extract<LedgerMessage, { readonly kind: "clock" }>;

export interface Dating {
  /** Notes this boot's offset when the clock is trusted and it is new or has moved. */
  learn(): void;
  /** Whether `takeRedatable` would return any. */
  isRedatable(): boolean;
  /** wall - boot at that time of the boot, in whole ms; undefined while nobody knows it. */
  offsetAt(bootId: string, bootMs: number): number | undefined;
  /** Those of the boot's rows, from the first on, that one offset dates rightly. */
  datedAlike<T extends { readonly bootMs: number }>(bootId: string, rows: readonly T[]): readonly T[];
  /** Something of this boot leaves on its own time. */
  noteUndated(bootId: string): void;
  /** What is now known of boots of which something left undated, each once. Call inside a transaction. */
  takeRedatable(): ClockMessage[];
}

/** Adds to a file what dating needs, and the boot that begins. Call inside a transaction. */
export function prepareDating(tables: Tables, ownBootId: string): void {
  createOffsetTable(tables);
  noteBoots(tables, ownBootId);
}

export function createDating(clock: Clock, tables: Tables): Dating {
  const offsets = createOffsets(tables);
  const boots = bootsOf(tables);
  const told = new Set(boots.filter(({ isTold }) => isTold).map(({ bootId }) => bootId));
  const undated = new Set(
    tables.all("SELECT boot_id FROM boots WHERE undated = 1").map((columns) => textOf(columns, "boot_id")),
  );
  // Rows of this boot that left on its own time, and have been dated since.
  const redated = new Set<string>();

  const messageOf = (bootId: string): ClockMessage | undefined => {
    // What left undated did so before the first offset was known.
    const offsetMs = offsets.at(bootId, 0);
    if (offsetMs !== undefined) return { kind: "clock", bootId, offsetMs };
    const bracket = told.has(bootId) ? undefined : bracketOf(boots, bootId, offsets);
    return bracket && { kind: "clock", bootId, offsetMs: bracket.latestMs, earlierMs: bracket.earlierMs };
  };
  const settle = (message: ClockMessage): void => {
    const { bootId, earlierMs } = message;
    if (earlierMs === undefined) {
      tables.run("UPDATE boots SET undated = 0 WHERE boot_id = ?", bootId);
      undated.delete(bootId);
      redated.add(bootId);
    } else {
      noteTold(tables, bootId);
      told.add(bootId);
    }
  };

  return {
    learn: () => {
      if (!clock.isWallTrusted()) return;
      const bootMs = clock.bootMs();
      const noted = offsets.note(clock.bootId, { bootMs, offsetMs: Math.round(clock.wallMs() - bootMs) });
      if (noted !== "corrected" || !redated.delete(clock.bootId)) return;
      tables.run("UPDATE boots SET undated = 1 WHERE boot_id = ?", clock.bootId);
      undated.add(clock.bootId);
    },
    offsetAt: (bootId, bootMs) => offsets.at(bootId, bootMs),
    datedAlike: (bootId, rows) => {
      const firstMs = offsets.at(bootId, rows[0]?.bootMs ?? 0);
      if (firstMs === undefined) return rows;
      const end = rows.findIndex(({ bootMs }) => Math.abs((offsets.at(bootId, bootMs) ?? 0) - firstMs) > ALIKE_MS);
      return end < 0 ? rows : rows.slice(0, end);
    },
    noteUndated: (bootId) => {
      if (undated.has(bootId)) return;
      tables.run("INSERT INTO boots VALUES (?, NULL, 1) ON CONFLICT DO UPDATE SET undated = 1", bootId);
      undated.add(bootId);
    },
    isRedatable: () => [...undated].some((bootId) => messageOf(bootId) !== undefined),
    takeRedatable: () =>
      [...undated].flatMap((bootId) => {
        const message = messageOf(bootId);
        if (message) settle(message);
        return message ? [message] : [];
      }),
  };
}
