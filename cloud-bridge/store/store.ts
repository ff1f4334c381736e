/**
 * What the bridge needs of a store. Writing is by group, all or nothing, durable when the promise resolves.
 * Implementations pass `store.conformance.ts`. Times are ms since 1970 UTC.
 */
import { type ChannelValue, isMissing } from "@pump-station/agent/reading.ts";
import { ownChannels } from "@pump-station/agent/wire/averaged.ts";
import type { AlarmMessage, Batch, Range, StreamRanges } from "@pump-station/agent/wire/messages.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type {
  AlarmEntry,
  FileEntry,
  JournalEntry,
  LedgerEntry,
  QuarantineEntry,
  Readings,
  StationSummary,
  Stream,
  StreamChannel,
  WaitingCommand,
} from "../api/contract.ts";
import type { Identities } from "./identities.ts";

/** One fact to store. `station` is always the authenticated one. */
export type StoreEntry = { readonly station: string; readonly atMs: number } & (
  | { readonly kind: "message"; readonly bytes: number }
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "alarms"; readonly alarms: readonly AlarmMessage[] }
  | { readonly kind: "schema"; readonly hash: string; readonly schema: StreamSchema }
  | {
      readonly kind: "epoch-closed";
      readonly epoch: string;
      readonly counts: readonly { readonly stream: string; readonly last: number }[];
    }
  | { readonly kind: "dropped"; readonly dropped: readonly StreamRanges[] }
  /** wall = boot + offset for everything of that boot, stored or still to come; `earlierMs` as in wire/messages.ts. */
  | { readonly kind: "clock"; readonly bootId: string; readonly offsetMs: number; readonly earlierMs?: number }
  /** Kept with its bytes; `wantsSchema` names the schema whose arrival makes it readable. */
  | {
      readonly kind: "aside";
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly reason: string;
      readonly wantsSchema: string | null;
    }
  | { readonly kind: "aside-resolved"; readonly id: number }
  | { readonly kind: "file-part"; readonly part: FilePart }
);

/** A part of a file, from 1; the file is whole once all of them are there. */
export interface FilePart {
  readonly sha256: string;
  readonly name: string;
  readonly part: number;
  readonly parts: number;
  readonly body: Uint8Array;
}

/** An archive (agent/update/archive.ts) of a description that ran. */
export interface StoredDescription {
  /** The first 16 digits of the description's hash. */
  readonly hash: string;
  /** Of the archive. */
  readonly sha256: string;
  readonly body: Uint8Array;
}

export type StoreEntryOf<Kind extends StoreEntry["kind"]> = Extract<StoreEntry, { readonly kind: Kind }>;

/** Consecutive samples that were new, with the times they have now. */
export interface NewSamples {
  readonly stream: string;
  readonly epoch: string;
  readonly schema: StreamSchema;
  readonly sequence: number;
  readonly times: readonly number[];
  readonly rows: readonly (readonly ChannelValue[])[];
  /** As in LiveReadings. */
  readonly uncertain?: number | null;
}

/** The same sequence came twice with different content; the first is kept. */
export interface Conflict {
  readonly epoch: string;
  readonly stream: string;
  readonly sequence: number;
}

/** What became of an entry, in the order of the entries. */
export interface Written {
  readonly samples: readonly NewSamples[];
  readonly alarms: readonly AlarmEntry[];
  readonly aside: QuarantineEntry | null;
  readonly duplicates: number;
  readonly conflicts: readonly Conflict[];
  /** Nothing of this entry was stored, and why; the others of the group were. */
  readonly refused: string | null;
}

export interface AsideMessage {
  readonly id: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface ReadingsQuery {
  readonly station: string;
  readonly device: string;
  readonly channel?: string;
  /** Included. */
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  readonly limit: number;
  readonly order: "asc" | "desc";
}

export interface LedgerQuery {
  readonly station: string;
  /** Only ledgers that have changed since. */
  readonly changedSinceMs?: number;
  /** Only ledgers whose gaps have stood since before. */
  readonly gapSinceBeforeMs?: number;
}

export interface StoredTwin {
  /** Each with $version. */
  readonly desired: JsonObject;
  readonly reported: JsonObject;
  /** Path of a desired value → the $version with which it got that value. */
  readonly versions: Readonly<Record<string, number>>;
}

/** Without `online`, which the broker knows. */
export type StoredStation = Omit<StationSummary, "online">;

export interface StoreFigures {
  readonly stations: number;
  readonly samples: number;
  readonly quarantined: number;
}

export interface Store {
  readonly identities: Identities;
  write(entries: readonly StoreEntry[]): Promise<readonly Written[]>;

  /** false when there is such a station already. */
  addStation(station: string, credential: string, atMs: number): Promise<boolean>;
  credentialOf(station: string): Promise<string | undefined>;
  schemasOf(station: string): Promise<ReadonlyMap<string, StreamSchema>>;
  waitingForSchema(station: string, hash: string): Promise<readonly AsideMessage[]>;
  /** Hashes of schemas for which messages of that station wait. */
  schemasWanted(station: string): Promise<readonly string[]>;

  figures(): Promise<StoreFigures>;
  stations(): Promise<readonly StoredStation[]>;
  station(station: string): Promise<StoredStation | undefined>;
  streams(station: string): Promise<readonly Stream[]>;
  /** undefined when the device or channel has never been declared. */
  readings(query: ReadingsQuery): Promise<Readings | undefined>;
  /** Without what happened to the station itself: that is its journal. */
  alarms(station: string, limit: number): Promise<readonly AlarmEntry[]>;
  journal(station: string, limit: number): Promise<readonly JournalEntry[]>;
  /** Whole ones, newest first. */
  files(station: string): Promise<readonly FileEntry[]>;
  file(station: string, id: string): Promise<Uint8Array | undefined>;
  /** Those that the station has handed over, the one that it sent last first. */
  descriptions(station: string): Promise<readonly StoredDescription[]>;
  /** Those for stations that were away, in the order in which they came; what ended long ago may be forgotten. */
  commands(): Promise<readonly { readonly station: string; readonly command: WaitingCommand }[]>;
  /** New, or as it is now. */
  putCommand(station: string, command: WaitingCommand): Promise<void>;
  dropCommand(station: string, id: string): Promise<void>;
  ledger(query: LedgerQuery): Promise<readonly LedgerEntry[]>;
  quarantine(station: string | undefined, limit: number): Promise<readonly QuarantineEntry[]>;

  twin(station: string): Promise<StoredTwin>;
  /** Reads, changes and stores in one transaction; `change` may throw to leave it as it was. */
  changeTwin(station: string, change: (twin: StoredTwin) => StoredTwin): Promise<StoredTwin>;
  close(): Promise<void>;
}

/** What happened to the station itself travels and is stored as an alarm of `STATION_EVENTS`. */
export const journalEntry = ({ station, alarm, active, time, because, uncertain }: AlarmEntry): JournalEntry => ({
  ...{ station, what: alarm, active, time, because },
  ...(uncertain !== undefined && { uncertain }),
});

export const NEW_TWIN: StoredTwin = { desired: { $version: 1 }, reported: { $version: 1 }, versions: {} };

export const NOTHING_WRITTEN: Written = {
  samples: [],
  alarms: [],
  aside: null,
  duplicates: 0,
  conflicts: [],
  refused: null,
};

export const rangePairs = (ranges: readonly Range[]): (readonly [number, number])[] =>
  ranges.map(({ first, last }) => [first, last] as const);

/** A schema's channels as the API shows them. What an average says of itself is a property of its row, and no channel. */
export const streamChannels = (schema: StreamSchema): StreamChannel[] => ownChannels(schema).map(streamChannel);

/** A schema's channel as the API shows it. */
const streamChannel = (channel: StreamSchema["channels"][number]): StreamChannel => ({
  name: channel.name,
  kind: channel.kind,
  unit: channel.unit,
  resolution: channel.resolution,
  ...(channel.states && { states: Object.fromEntries(channel.states.map(([number, name]) => [String(number), name])) }),
});

/** A value, or the reason why there is none: "timeout", "refused(2)"; "undeclared" when its schema had no such channel. */
export function shown(value: ChannelValue | undefined): number | string {
  if (value === undefined) return "undeclared";
  if (!isMissing(value)) return value;
  return value.code === undefined ? value.missing : `${value.missing}(${value.code})`;
}
