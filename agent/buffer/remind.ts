/**
 * An epoch that is over tells the cloud its counts once, and that message can be acknowledged and lost together with all
 * that the epoch held: by a broker to which nobody listened, or a hub whose days of keeping were over. The bridge then
 * knows of no gap and never asks. So a receipt, which proves that somebody keeps books again, makes the epochs tell their
 * counts once more of which it leaves something unconfirmed.
 */
import type { Clock } from "../world.ts";
import { unsealedRows } from "./backlog.ts";
import { type Epoch, epochsOf, lastsOf } from "./epochs.ts";
import { unsettled } from "./fates.ts";
import { queueLedger } from "./messages.ts";
import { type Tables, wholeOf } from "./tables.ts";

/** A receipt may cross with what it doesn't confirm yet, and receipts may come every second. */
const REMIND_EVERY_MS = 3_600_000;
/** About 60 bytes each; the next receipt makes the next ones speak. */
const EPOCHS_AT_ONCE = 32;

export interface Reminder {
  /** A receipt was booked. Call inside a transaction. Returns how many epochs tell their counts again. */
  onReceipt(): number;
}

export function createReminder(session: { readonly tables: Tables; readonly epoch: Epoch }, clock: Clock): Reminder {
  const { tables, epoch: own } = session;
  const remindedMs = new Map<number, number>();
  const settled = new Set<number>();

  const tellAgain = (former: Epoch): boolean => {
    const { id, epoch } = former;
    const counts = [...lastsOf(tables, former)]
      .map(([stream, last]) => ({ stream, last }))
      .filter(({ stream, last }) => unsettled(tables, epoch, stream, last).length > 0);
    if (counts.length === 0) {
      settled.add(id);
      return false;
    }
    queueLedger(tables, { kind: "epoch-closed", epoch, counts });
    remindedMs.set(id, clock.bootMs());
    return true;
  };

  return {
    onReceipt: () => {
      // What former epochs still have to say will bring the counts with it.
      if (hasBacklog(tables, own.firstRow)) return 0;
      const closed = new Set(
        tables.all("SELECT id FROM epochs WHERE closed = 1").map((columns) => wholeOf(columns, "id")),
      );
      const isDue = (id: number) =>
        clock.bootMs() - (remindedMs.get(id) ?? Number.NEGATIVE_INFINITY) >= REMIND_EVERY_MS;
      let told = 0;
      for (const former of epochsOf(tables)) {
        if (told === EPOCHS_AT_ONCE) break;
        if (!closed.has(former.id) || settled.has(former.id) || !isDue(former.id)) continue;
        if (tellAgain(former)) told += 1;
      }
      return told;
    },
  };
}

/** Whether something of an epoch before this row, or its counts, hasn't been accepted. */
function hasBacklog(tables: Tables, firstRow: number): boolean {
  const sealed = "SELECT 1 FROM sealed WHERE kind = 'epoch-closed' OR first_row < ? LIMIT 1";
  if (tables.get(sealed, firstRow)) return true;
  return [false, true].some((isAlarm) => {
    const [next] = unsealedRows(tables, isAlarm, 1);
    return next !== undefined && next.id < firstRow;
  });
}
