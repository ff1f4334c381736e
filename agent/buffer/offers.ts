/** What is offered next in a lane: what is sealed already, then what must be told, then what the rows hold. */
import { MESSAGE_BYTES_TARGET } from "../limits.ts";
import type { TravellingForm } from "../wire/batch.ts";
import type { Lane } from "../wire/topics.ts";
import type { Clock } from "../world.ts";
import { bookBacklog } from "./backlog.ts";
import type { Offer } from "./buffer.ts";
import { samplesIn } from "./evict.ts";
import { unreportedDrops } from "./fates.ts";
import { oldestMessage, queueLedger, sealRows } from "./messages.ts";
import type { Row } from "./row.ts";
import { cursorOf, rowsBetween } from "./rows.ts";
import { type Cut, createEncoder, cutMessage } from "./seal.ts";
import type { Session } from "./session.ts";
import { textOf } from "./tables.ts";
import { nextWanted, shrinkWanted } from "./wanted.ts";

export type Seal = "if-full" | "now";

export interface Offers {
  /** Throws DatabaseError, WireError (a damaged row). */
  next(lane: Lane, seal: Seal): Offer | undefined;
}

/** Ranges in one "dropped" message: about 4 KB. */
const DROPS_AT_ONCE = 200;
/** Looking for week-old schemas costs nothing, but not at every offer. */
const STALE_CHECK_EVERY_MS = 3_600_000;
/** Payload bytes per row byte before the first message has shown it; typical for rows of a few samples. */
const FIRST_RATIO = 0.35;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** `form`: of batches sealed from now on; a tight one gives way to the open body where that is shorter. */
export function createOffers(session: Session, clock: Clock, form: TravellingForm): Offers {
  const { tables, schemas } = session;
  const offered = new Map<Lane, Offer>();
  let ratio = FIRST_RATIO;
  let staleCheckedMs = clock.bootMs();

  const next = (lane: Lane, seal: Seal): Offer | undefined => {
    if (lane === "normal") {
      tellWhatIsDue();
      bookBacklog(session, ratio);
    }
    const waiting = oldest(lane);
    if (waiting) return waiting;
    if (lane === "late") return sealWanted() ? oldest(lane) : undefined;
    if (lane === "normal" && seal === "now" && sealDrops()) return oldest(lane);
    return sealUnsealed(lane, seal) ? oldest(lane) : undefined;
  };

  /** Encoding again gives the same bytes; keeping them spares the work while the link is down. */
  const oldest = (lane: Lane): Offer | undefined => {
    const id = tables.get("SELECT id FROM sealed WHERE lane = ? ORDER BY id LIMIT 1", lane)?.["id"];
    const known = offered.get(lane);
    if (known && known.id === id) return known;
    const offer = id === undefined ? undefined : oldestMessage(tables, lane, schemas.of);
    if (offer) offered.set(lane, offer);
    else offered.delete(lane);
    return offer;
  };

  const tellWhatIsDue = (): void => {
    const isStaleCheckDue = clock.bootMs() - staleCheckedMs >= STALE_CHECK_EVERY_MS;
    if (!session.dating.isRedatable() && !isStaleCheckDue) return;
    tables.transaction(() => {
      for (const message of session.dating.takeRedatable()) queueLedger(tables, message);
      if (isStaleCheckDue) schemas.announceStale();
    });
    if (isStaleCheckDue) staleCheckedMs = clock.bootMs();
  };

  const sealDrops = (): boolean =>
    tables.get("SELECT 1 FROM fates WHERE message IS NULL AND fate <> 'receipted' LIMIT 1") !== undefined &&
    tables.transaction(() => {
      const drops = unreportedDrops(tables, DROPS_AT_ONCE);
      if (!drops) return false;
      drops.take(queueLedger(tables, { kind: "dropped", dropped: drops.dropped, reason: drops.reason }));
      return true;
    });

  const sealUnsealed = (lane: "urgent" | "normal", seal: Seal): boolean => {
    const isAlarm = lane === "urgent";
    const waitingBytes = isAlarm ? session.waiting.alarmBytes : session.waiting.sampleBytes;
    if (seal === "if-full" && waitingBytes * ratio < MESSAGE_BYTES_TARGET) return false;
    const cut = cutFrom(isAlarm, cursorOf(tables, isAlarm) + 1, NO_LIMIT);
    if (!cut || (seal === "if-full" && !cut.isFull)) return false;
    sealCut({ lane, isAlarm, isBacklog: false }, cut, (to) =>
      tables.run("UPDATE cursors SET sealed_to = ? WHERE is_alarm = ?", to, isAlarm ? 1 : 0),
    );
    if (isAlarm) session.waiting.alarmBytes -= bytesIn(cut.rows);
    else {
      session.waiting.sampleBytes -= bytesIn(cut.rows);
      session.waiting.unsealedSamples -= samplesIn(cut.rows);
    }
    return true;
  };

  const sealWanted = (): boolean => {
    for (let wanted = nextWanted(tables); wanted; wanted = nextWanted(tables)) {
      const entry = wanted;
      const cut = cutFrom(entry.isAlarm, entry.firstRow, entry.lastRow);
      if (cut) {
        sealCut({ ...entry, lane: "late" }, cut, (to) => shrinkWanted(tables, entry, to));
        if (entry.isBacklog) session.waiting.backlogBytes -= bytesIn(cut.rows);
        return true;
      }
      shrinkWanted(tables, entry, entry.lastRow);
    }
    return false;
  };

  /** The next message's worth of rows; undefined when there are none. Tried again when the guess brought too few. */
  const cutFrom = (isAlarm: boolean, first: number, last: number): DatedCut | undefined => {
    for (let trial = 1; ; trial++) {
      const candidates = candidateRows(isAlarm, first, last);
      const [oldestRow] = candidates.rows;
      if (!oldestRow) return undefined;
      tables.transaction(() => session.dating.learn());
      const bootId = textOf(tables.get("SELECT boot_id FROM epochs WHERE id = ?", oldestRow.epochId), "boot_id");
      const offsetMs = session.dating.offsetAt(bootId, oldestRow.bootMs);
      const rows = session.dating.datedAlike(bootId, candidates.rows);
      const follows = rows.length < candidates.rows.length ? "another time" : candidates.next;
      const cut = cutMessage(rows, ratio, createEncoder(isAlarm, offsetMs, schemas.of, form));
      ratio = cut.payload.length / bytesIn(cut.rows);
      const couldHoldMore = !cut.isFull && follows === "more" && rows.length < ROWS_TRIED_MAX;
      // An epoch that has ended can't fill its last message, nor can rows before the clock moved.
      if (!couldHoldMore || trial === 3)
        return {
          ...cut,
          isFull: cut.isFull || follows !== "nothing",
          bootId,
          offsetMs,
          form: formOf(cut, isAlarm, offsetMs),
        };
    }
  };

  /** What repeats itself (a battery's days, a tank that is filled and emptied) may be shorter in the open body. */
  const formOf = ({ rows, payload }: Cut, isAlarm: boolean, offsetMs: number | undefined): TravellingForm => {
    if (isAlarm || form === "deflated") return form;
    const open = createEncoder(isAlarm, offsetMs, schemas.of, "deflated").encode(rows);
    return open.length < payload.length ? "deflated" : form;
  };

  /** Rows of one epoch, by the guess more than fill a message, and what follows them. */
  const candidateRows = (isAlarm: boolean, first: number, last: number): Candidates => {
    const rows: Row[] = [];
    let bytes = 0;
    while (bytes * ratio < 2 * MESSAGE_BYTES_TARGET && rows.length < ROWS_TRIED_MAX) {
      const found = rowsBetween(tables, isAlarm, (rows.at(-1)?.id ?? first - 1) + 1, last, ROWS_AT_ONCE);
      for (const row of found) {
        if (rows[0] && row.epochId !== rows[0].epochId) return { rows, next: "another epoch" };
        rows.push(row);
        bytes += row.body.length;
      }
      if (found.length < ROWS_AT_ONCE) return { rows, next: "nothing" };
    }
    return { rows, next: "more" };
  };

  const sealCut = (
    { lane, isAlarm, isBacklog }: { lane: Lane; isAlarm: boolean; isBacklog: boolean },
    cut: DatedCut,
    onSealed: (to: number) => void,
  ): void =>
    tables.transaction(() => {
      sealRows(tables, { lane, isAlarm, isBacklog, rows: cut.rows, offsetMs: cut.offsetMs, form: cut.form });
      onSealed(cut.rows.at(-1)?.id ?? 0);
      if (cut.offsetMs === undefined) session.dating.noteUndated(cut.bootId);
    });

  return { next };
}

const ROWS_AT_ONCE = 64;
/** A message of rows that compress to nothing still ends somewhere. */
const ROWS_TRIED_MAX = 4_096;

interface Candidates {
  readonly rows: Row[];
  readonly next: "nothing" | "more" | "another epoch";
}

interface DatedCut extends Cut {
  readonly bootId: string;
  readonly offsetMs: number | undefined;
  readonly form: TravellingForm;
}

const bytesIn = (rows: readonly Row[]): number => rows.reduce((sum, row) => sum + row.body.length, 0);
