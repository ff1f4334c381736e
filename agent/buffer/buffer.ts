/**
 * The buffer's face. Data leaves it by an acknowledgement or by a counted, reported eviction; there is no third way.
 */
import type { AlarmTransition, Sample } from "../reading.ts";
import type { Fold } from "../wire/averaged.ts";
import type { LedgerMessage, MessageKind, StreamRanges } from "../wire/messages.ts";
import type { StreamSchema } from "../wire/schema.ts";
import type { Lane } from "../wire/topics.ts";

/** A sealed message: its bounds are on disk before its first byte leaves, and it is never cut differently. */
export interface Offer {
  readonly id: number;
  readonly lane: Lane;
  readonly kind: MessageKind;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  readonly samples: number;
  readonly readings: number;
}

export interface BufferStatus {
  readonly epoch: string;
  /** No process before has written this file. */
  readonly isNew: boolean;
  /** Samples and alarms stored or staged since the process started. */
  readonly produced: number;
  readonly committedRows: number;
  /** Not yet accepted by the cloud. */
  readonly waiting: number;
  /** Of those: what piled up while the cloud was away, and goes in the late lane beside what is new. */
  readonly backlog: number;
  /** Age of the oldest waiting sample in hours; 0 when none waits, or one of a boot whose time nobody knows. */
  readonly waitingHours: number;
  /** When it was taken, ms since 1970, if that is known. */
  readonly oldestWaitingAt?: number;
  readonly accepted: number;
  /** Confirmed by the bridge's receipt. */
  readonly receipted: number;
  /** Of those that were never accepted; reported as ranges. */
  readonly dropped: number;
  /** Accepted, and gone for want of room before the bridge confirmed them; reported like those dropped. */
  readonly droppedUnconfirmed: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** What a day of readings takes, by the last 24 hours; absent in the first minutes. */
  readonly bytesPerDay?: number;
  /** How long the cloud may be away from now on before anything that waits is dropped, at that rate. */
  readonly roomDays?: number;
  readonly whenFull: WhenFull;
  /** Of those dropped: what averages of so many minutes or more have taken the place of. */
  readonly averaged: number;
  readonly thinToMs?: number;
  readonly medium: MediumStatus;
}

/** What of the readings that wait goes first when there is no room: the oldest, or most of the older half, for averages. */
export type WhenFull = "oldest-first" | "thin-out";

export interface MediumStatus {
  /** "failing": samples wait in a bounded ring in RAM, and the file is tried again and again. */
  readonly state: "good" | "failing";
  /** How often it has failed since the process started. */
  readonly failures: number;
  /** What happened last, and when: hours of monotonic time ago. */
  readonly lastFailure?: string;
  readonly lastFailureHours?: number;
  /** Samples and alarms that are in RAM only. */
  readonly inRam: number;
}

export interface StreamPlace {
  readonly committed: number;
  readonly staged: number;
}

export interface SampleBuffer {
  /** 16 hex digits, random per process start. */
  readonly epoch: string;
  /**
   * Declares (or redeclares) what a stream's samples mean; queues the schema message when the hash is new or a week old.
   * `folds`: how each channel becomes one value of a window, where there is no room for all of them.
   */
  declare(schema: StreamSchema, folds?: readonly Fold[]): void;
  /** Stages in RAM; the next commit makes it durable. */
  append(sample: Sample): void;
  /** Stages and commits at once. */
  appendAlarm(transition: AlarmTransition): void;
  /** Makes everything staged durable in one row; no-op when nothing is staged. */
  commit(): void;
  /** The next message of that lane, sealing one when `seal` says so; the same again until accepted. */
  offer(lane: Lane, seal: "if-full" | "now"): Offer | undefined;
  /** The cloud has it. */
  accept(offer: Offer): void;
  /** The cloud refuses it for good: reported as dropped, kept no longer. */
  refuse(offer: Offer, reason: string): void;
  /** Receipts, wanted ranges and wanted schemas from the bridge. */
  onLedger(message: LedgerMessage): void;
  /** What has been produced and not receipted, by epoch and stream: for `status`, tests and proofs. */
  pending(): readonly StreamRanges[];
  /** How many samples of a stream are committed in this epoch (their last sequence), and staged behind them. */
  place(stream: string): StreamPlace;
  status(): BufferStatus;
  /** Commits, closes. */
  close(): void;
}
