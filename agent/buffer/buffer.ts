/**
 * The buffer's face. Data leaves it by an acknowledgement or by a counted, reported eviction; there is no third way.
 */
import type { AlarmTransition, Sample } from "../reading.ts";
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
  /** Samples and alarms stored or staged since the process started. */
  readonly produced: number;
  readonly committedRows: number;
  /** Not yet accepted by the cloud. */
  readonly waiting: number;
  /** Age of the oldest waiting sample in hours of monotonic time, 0 when none or of another boot. */
  readonly waitingHours: number;
  readonly accepted: number;
  /** Confirmed by the bridge's receipt. */
  readonly receipted: number;
  readonly dropped: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

export interface StreamPlace {
  readonly committed: number;
  readonly staged: number;
}

export interface SampleBuffer {
  /** 16 hex digits, random per process start. */
  readonly epoch: string;
  /** Declares (or redeclares) what a stream's samples mean; queues the schema message when the hash is new or a week old. */
  declare(schema: StreamSchema): void;
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
