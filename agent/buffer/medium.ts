/**
 * The file as something that can fail. Work is attempted on the open session; when the medium fails, the epoch ends,
 * since nobody knows what of the last commit is on it, and a new one begins when the file can be opened again. Damage
 * is rescued at once.
 */
import type { TravellingForm } from "../wire/batch.ts";
import { WireError } from "../wire/wire-error.ts";
import { type Chance, type Clock, DatabaseError, type Databases, type Log } from "../world.ts";
import type { MediumStatus } from "./buffer.ts";
import { createDating } from "./dating.ts";
import { type Evicted, evictSome, usedPages } from "./evict.ts";
import { createOffers, type Offers } from "./offers.ts";
import { openSession, rescueSession, type Session, type SessionConfig } from "./session.ts";

export interface MediumDeps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export interface MediumEvents {
  /** A session has begun: what RAM knows is to be written to it. */
  onOpen(session: Session): void;
  onEvicted(session: Session, evicted: Evicted | undefined): void;
}

type Work<T> = (session: Session, offers: Offers) => T;

export interface Medium {
  /** Of the open session, or of the next one. */
  readonly epoch: string;
  /** `otherwise` when there is no file or the work failed with it. Throws what only a bug can throw. */
  attempt<T>(what: string, otherwise: T, work: Work<T>): T;
  health(): Omit<MediumStatus, "inRam">;
  close(): void;
}

/** A medium that failed is tried again after this long, doubling. */
const REOPEN_FIRST_MS = 1_000;
const REOPEN_MAX_MS = 60_000;
/** With so many pages left of the budget it isn't the budget that is spent. */
const DISK_FULL_PAGES = 8;

export function createMedium(
  deps: MediumDeps,
  config: { path: string; bytesMax: number; form: TravellingForm; thinToMs?: number },
  events: MediumEvents,
): Medium {
  const { clock, log } = deps;
  const newEpoch = () => Buffer.from(deps.chance.bytes(8)).toString("hex");
  let open: { readonly session: Session; readonly offers: Offers } | undefined;
  let epoch = newEpoch();
  let former: SessionConfig["former"];
  let reopenAtMs = Number.NEGATIVE_INFINITY;
  let reopenAfterMs = REOPEN_FIRST_MS;
  let isClosed = false;
  let failures = 0;
  let last: { readonly what: string; readonly atMs: number } | undefined;

  const attempt = <T>(what: string, otherwise: T, work: Work<T>): T => {
    if (!open && !isClosed && clock.bootMs() >= reopenAtMs) tryToOpen("open", () => openSession(deps, sessionConfig()));
    if (!open) return otherwise;
    const { session, offers } = open;
    try {
      return attemptWithRoom(session, () => work(session, offers));
    } catch (error) {
      if (!isOfMedium(error)) throw error;
      endEpoch(what, session, error);
      return otherwise;
    }
  };

  /** A full file makes room and tries once more. What the roll-back took from the disk, RAM forgets as well. */
  const attemptWithRoom = <T>(session: Session, work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.failure !== "full") throw error;
      session.dating = createDating(clock, session.tables);
      session.schemas.reread();
      if (usedPages(session.tables) < session.tables.pagesMax - DISK_FULL_PAGES) {
        session.tables.fitDisk();
        log("warn", "buffer-disk-full", { pages: session.tables.pagesMax, error: error.message });
      }
      events.onEvicted(
        session,
        session.tables.transaction(() => evictSome(session.tables, session.thinner)),
      );
      return work();
    }
  };

  const endEpoch = (what: string, session: Session, error: DatabaseError | WireError): void => {
    former = { epoch, lasts: session.lasts, lastRow: session.nextRow - 1 };
    epoch = newEpoch();
    open = undefined;
    closeQuietly(session);
    failed(what, error);
    log("error", "buffer-failed", { what, error: error.message });
    const isDamaged = error instanceof WireError || error.failure === "corrupt";
    if (isDamaged) tryToOpen("rescue", () => rescueSession(deps, sessionConfig(), error));
    else postpone();
  };

  const closeQuietly = ({ tables }: Session): void => {
    try {
      tables.close();
    } catch (error) {
      // The failure that led here is logged; that a broken file can't be closed adds nothing.
      if (!isOfMedium(error)) throw error;
    }
  };

  const tryToOpen = (what: string, makeSession: () => Session): void => {
    try {
      const session = makeSession();
      events.onOpen(session);
      open = { session, offers: createOffers(session, clock, config.form) };
      reopenAfterMs = REOPEN_FIRST_MS;
      log("info", "buffer-open", { epoch, waiting: session.waiting.samples });
    } catch (error) {
      if (!isOfMedium(error)) throw error;
      failed(what, error);
      log("error", "buffer-failed", { what, error: error.message, retryInMs: reopenAfterMs });
      postpone();
    }
  };

  const failed = (what: string, error: Error): void => {
    failures += 1;
    last = { what: `${what}: ${error.message}`, atMs: clock.bootMs() };
  };

  const health = (): Omit<MediumStatus, "inRam"> => ({
    state: open ? "good" : "failing",
    failures,
    ...(last && { lastFailure: last.what, lastFailureHours: (clock.bootMs() - last.atMs) / 3_600_000 }),
  });

  const postpone = (): void => {
    reopenAtMs = clock.bootMs() + reopenAfterMs;
    reopenAfterMs = Math.min(2 * reopenAfterMs, REOPEN_MAX_MS);
  };

  const sessionConfig = (): SessionConfig => ({ ...config, epoch, ...(former && { former }) });

  const close = (): void => {
    isClosed = true;
    const ending = open;
    open = undefined;
    ending?.session.tables.close();
  };

  attempt("open", undefined, () => undefined);
  return {
    get epoch() {
      return epoch;
    },
    attempt,
    health,
    close,
  };
}

/** A damaged row shows as WireError, everything else of the file as DatabaseError. */
const isOfMedium = (error: unknown): error is DatabaseError | WireError =>
  error instanceof DatabaseError || error instanceof WireError;
