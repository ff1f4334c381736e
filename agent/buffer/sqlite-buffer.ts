/**
 * The buffer on SQLite. Its rules: a sample has left RAM only when its transaction is on the medium; a message's bounds
 * are on the medium before its first byte leaves; a row leaves by a receipt, or by a drop that is booked in the same
 * transaction and reported. While the medium fails, samples wait in a bounded ring and nothing is promised.
 */
import { BUFFER_BYTES_DEFAULT, RAM_RING_SAMPLES_MAX, THIN_TO_MS_DEFAULT } from "../limits.ts";
import type { AlarmTransition, Sample } from "../reading.ts";
import type { TravellingForm } from "../wire/batch.ts";
import { decodeLedger, encodeLedger } from "../wire/ledger.ts";
import type { LedgerMessage, StreamRanges } from "../wire/messages.ts";
import { schemaHash } from "../wire/schema.ts";
import type { Clock } from "../world.ts";
import type { BufferStatus, Offer, SampleBuffer, WhenFull } from "./buffer.ts";
import { type Epoch, epochsOf } from "./epochs.ts";
import { type Evicted, roomBytes, usedPages } from "./evict.ts";
import { receipt, unsettled } from "./fates.ts";
import { createMedium, type MediumDeps } from "./medium.ts";
import { forgetMessage, isFirstSent, rowsOfMessage } from "./messages.ts";
import { intersect, upTo } from "./ranges.ts";
import { dropRows, oldestWaiting, type Waiting, waitingWith } from "./rows.ts";
import { lastsIn, type Session } from "./session.ts";
import { createStaging, type DeclaredStream, type Staging } from "./staging.ts";
import { storeStaged } from "./store-staged.ts";
import { PAGE_BYTES } from "./tables.ts";
import { wantAgain } from "./wanted.ts";

export type SqliteBufferDeps = MediumDeps;

export interface SqliteBufferConfig {
  /** ":memory:" for tests and simulation. */
  readonly path: string;
  /** Flash that the file and its log may take together; what is kept for a full disk (0.8 MB) comes on top. */
  readonly bytesMax?: number;
  /** Of batches; those that are sealed already keep theirs. "trends" unless said otherwise. */
  readonly body?: TravellingForm;
  /** "oldest-first" when nothing is said. */
  readonly whenFull?: WhenFull;
  /** The window of the averages that "thin-out" makes first. */
  readonly thinToMs?: number;
}

/** The ring must fit the file when it is stored at once: a sample takes some 50 bytes, seldom over 200. */
const BUDGET_PER_STAGED_BYTES = 400;

interface Counts {
  produced: number;
  committedRows: number;
  accepted: number;
  receipted: number;
  dropped: number;
  droppedUnconfirmed: number;
  averaged: number;
}

/**
 * Never throws for what the medium does; `append` throws RangeError on a stream that nobody declared like that, and
 * `declare` WireError on a schema that is more than a message may hold.
 */
export function createSqliteBuffer(deps: SqliteBufferDeps, config: SqliteBufferConfig): SampleBuffer {
  const bytesMax = config.bytesMax ?? BUFFER_BYTES_DEFAULT;
  const whenFull = config.whenFull ?? "oldest-first";
  const thinning = whenFull === "thin-out" ? { thinToMs: config.thinToMs ?? THIN_TO_MS_DEFAULT } : {};
  const staging = createStaging(Math.min(RAM_RING_SAMPLES_MAX, Math.floor(bytesMax / BUDGET_PER_STAGED_BYTES)));
  const declared = new Map<string, DeclaredStream>();
  const counts: Counts = {
    produced: 0,
    committedRows: 0,
    accepted: 0,
    receipted: 0,
    dropped: 0,
    droppedUnconfirmed: 0,
    averaged: 0,
  };

  const onEvicted = (session: Session, evicted: Evicted | undefined): void => {
    if (!evicted) return;
    counts.dropped += evicted.waiting;
    counts.averaged += evicted.averaged ?? 0;
    counts.droppedUnconfirmed += evicted.unreceipted;
    session.waiting = waitingWith(session.waiting, evicted.left, -1);
    if (evicted.waiting > 0) deps.log("warn", "buffer-evicted", { samples: evicted.waiting });
    if (evicted.unreceipted > 0) deps.log("warn", "buffer-evicted-unreceipted", { samples: evicted.unreceipted });
  };
  const onOpen = (session: Session): void =>
    session.tables.transaction(() => {
      // Samples that waited in RAM may be of a schema that has been replaced since.
      const staged = new Map(staging.samples.map((sample) => [sample.declared.hash, sample.declared]));
      for (const stream of [...staged.values(), ...declared.values()]) declareIn(session, stream);
    });
  const medium = createMedium(
    deps,
    { path: config.path, bytesMax, form: config.body ?? "trends", ...thinning },
    { onOpen, onEvicted },
  );

  const commit = (): void => {
    if (staging.isEmpty) return;
    medium.attempt("commit", undefined, (session) => {
      const { rows, evicted } = storeStaged(session, staging);
      counts.committedRows += rows;
      for (const passed of staging.overflowed.values()) counts.dropped += passed;
      staging.clear();
      onEvicted(session, evicted);
    });
  };

  const close = (): void => {
    commit();
    medium.close();
  };

  return {
    get epoch() {
      return medium.epoch;
    },
    declare: (schema, folds) => {
      // One that couldn't be read back would make the file look damaged at the next start.
      decodeLedger(encodeLedger({ kind: "schema", schema }));
      declared.set(schema.stream, { hash: schemaHash(schema), schema, ...(folds && { folds }) });
      medium.attempt("declare", undefined, (session) =>
        session.tables.transaction(() => declareIn(session, { schema, ...(folds && { folds }) })),
      );
    },
    append: (sample) => {
      const stream = declaredFor(sample, declared);
      if (staging.isFull) commit();
      counts.produced += 1;
      staging.addSample({ declared: stream, sample });
    },
    appendAlarm: (transition: AlarmTransition) => {
      counts.produced += 1;
      staging.addAlarm(transition);
      commit();
    },
    commit,
    offer: (lane, seal) => medium.attempt("offer", undefined, (_session, offers) => offers.next(lane, seal)),
    accept: (offer) => medium.attempt("accept", undefined, (session) => accept(session, offer, counts)),
    refuse: (offer, reason) =>
      medium.attempt("refuse", undefined, (session) => {
        deps.log("error", "buffer-refused", { id: offer.id, kind: offer.kind, samples: offer.samples, reason });
        refuse(session, offer, counts);
      }),
    onLedger: (message) =>
      medium.attempt("ledger", undefined, (session) => {
        const { confirmed, reminded } = session.tables.transaction(() => obey(session, message));
        counts.receipted += confirmed;
        if (reminded > 0) deps.log("warn", "buffer-unconfirmed", { epochs: reminded });
      }),
    place: (stream) => {
      const inRam = staging.samples.filter(({ sample }) => sample.device === stream).length;
      const staged = inRam + (staging.overflowed.get(stream) ?? 0);
      return medium.attempt("place", { committed: 0, staged }, ({ lasts }) => ({
        committed: lasts.get(stream) ?? 0,
        staged,
      }));
    },
    pending: () => medium.attempt("pending", [], pendingOf),
    status: () => {
      const inRam = stagedIn(staging);
      const stored = medium.attempt("status", undefined, (session) => statusOf(session, deps.clock));
      const { waitingSamples = 0, ...sizes } = stored ?? { isNew: false, backlog: 0, waitingHours: 0, bytes: 0 };
      const waiting = waitingSamples + inRam;
      const health = { ...medium.health(), inRam };
      return { epoch: medium.epoch, ...counts, waiting, ...sizes, bytesMax, whenFull, ...thinning, medium: health };
    },
    close,
  };
}

function declareIn({ schemas, thinner }: Session, { schema, folds }: Omit<DeclaredStream, "hash">): void {
  schemas.declare(schema);
  if (folds) thinner?.folds.keep(schema, folds);
}

type Sizes = Pick<
  BufferStatus,
  "isNew" | "backlog" | "waitingHours" | "oldestWaitingAt" | "bytes" | "bytesPerDay" | "roomDays"
>;

function statusOf(
  { tables, epoch, waiting, pace, dating }: Session,
  clock: Clock,
): Sizes & { readonly waitingSamples: number } {
  const { hours, at } = oldestWaiting(tables, clock, dating);
  const perHour = pace.bytesPerHour();
  const room = roomBytes(tables, pace.onMedium(waiting.sampleBytes + waiting.backlogBytes + waiting.alarmBytes));
  return {
    // Ids only grow, and the newest is never forgotten.
    isNew: epoch.id === 1,
    waitingSamples: waiting.samples,
    backlog: waiting.backlogSamples,
    waitingHours: hours,
    ...(at !== undefined && { oldestWaitingAt: at }),
    bytes: usedPages(tables) * PAGE_BYTES,
    ...(perHour !== undefined && { bytesPerDay: Math.round(24 * perHour) }),
    ...(perHour && { roomDays: room / perHour / 24 }),
  };
}

function declaredFor(sample: Sample, declared: ReadonlyMap<string, DeclaredStream>): DeclaredStream {
  const stream = declared.get(sample.device);
  const channels = stream?.schema.channels.length;
  if (stream && channels === sample.values.length) return stream;
  const what = channels === undefined ? "no schema declared" : `${sample.values.length} values, ${channels} channels`;
  throw new RangeError(`append ${sample.device}: ${what}`);
}

function accept({ tables, waiting }: Session, offer: Offer, counts: Counts): void {
  const isFirst = isFirstSent(tables, offer.id);
  if (!forgetMessage(tables, offer.id) || !isFirst) return;
  leave(waiting, offer);
  counts.accepted += offer.samples;
}

/** What the cloud can't take is of no use to it later either: its rows go, and are reported. */
function refuse({ tables, waiting }: Session, offer: Offer, counts: Counts): void {
  const isFirst = isFirstSent(tables, offer.id);
  const isGone = tables.transaction(() => {
    dropRows(tables, rowsOfMessage(tables, offer.id), "corrupt");
    return forgetMessage(tables, offer.id);
  });
  if (!isGone || !isFirst) return;
  leave(waiting, offer);
  counts.dropped += offer.samples;
}

function leave(waiting: Waiting, { lane, samples }: Offer): void {
  waiting.samples -= samples;
  if (lane === "late") waiting.backlogSamples -= samples;
}

/** Returns how many samples are newly confirmed as stored, and how many epochs tell their counts again. */
function obey(session: Session, message: LedgerMessage): { confirmed: number; reminded: number } {
  if (message.kind === "receipt") {
    // Looked up once: a station that reboots again and again has hundreds of epochs, and a receipt may name them all.
    const epochs = new Map(epochsOf(session.tables).map((epoch) => [epoch.epoch, epoch]));
    const confirmed = message.stored.reduce((sum, stored) => sum + bookReceipt(session, epochs, stored), 0);
    return { confirmed, reminded: session.reminder.onReceipt() };
  }
  if (message.kind === "ranges-wanted") wantAgain(session, message.wanted);
  if (message.kind === "schema-wanted") for (const hash of message.hashes) session.schemas.announce(hash);
  return { confirmed: 0, reminded: 0 };
}

/** Only what was produced can be confirmed. */
function bookReceipt(
  session: Session,
  epochs: ReadonlyMap<string, Epoch>,
  { epoch, stream, ranges }: StreamRanges,
): number {
  const { tables } = session;
  const known = epochs.get(epoch);
  const last = known && lastsIn(session, known).get(stream);
  return last === undefined ? 0 : receipt(tables, epoch, stream, intersect(ranges, upTo(last)));
}

const pendingOf = (session: Session): StreamRanges[] =>
  epochsOf(session.tables)
    .flatMap((epoch) =>
      [...lastsIn(session, epoch)].map(([stream, last]) => ({
        epoch: epoch.epoch,
        stream,
        ranges: unsettled(session.tables, epoch.epoch, stream, last),
      })),
    )
    .filter(({ ranges }) => ranges.length > 0);

const stagedIn = ({ samples, alarms }: Staging): number => samples.length + alarms.length;
