/**
 * The HTTP API, as types: server, page, demo check and clients read the same file. JSON; times are ms since 1970 UTC.
 * Errors: {error: code, message, advice?} with 400 | 401 | 404 | 409 | 413 | 429. Writing needs `Authorization: Bearer TOKEN`.
 *
 *   GET    /api/health                                      → Health
 *   GET    /api/stations                                    → StationSummary[]
 *   POST   /api/stations {station}                (token)   → 201 {station, password}: its MQTT credentials, shown once
 *   POST   /api/stations {station, enrol: true}   (token)   → 201 EnrolmentToken: a board enrols with it, once
 *   POST   /api/stations/:station/token           (token)   → 201 EnrolmentToken: for another board, or instead of a password
 *   POST   /api/stations/:station/revoke          (token)   → StationSummary: nobody comes in by that name any more
 *   GET    /api/stations/:station                           → StationSummary
 *   GET    /api/stations/:station/streams                   → Stream[]
 *   GET    /api/stations/:station/readings?device=&channel=&from=&to=&limit=&order=asc|desc
 *                                                           → Readings      channel may be left out: all of the device
 *   GET    /api/stations/:station/alarms?limit=             → AlarmEntry[]  newest first
 *   GET    /api/stations/:station/ledger                    → LedgerEntry[] completeness per epoch and stream
 *   GET    /api/stations/:station/twin                      → Twin
 *   PATCH  /api/stations/:station/twin/desired    (token)   merge patch; header If-Match: "version" optional → Twin
 *   POST   /api/stations/:station/command {device?, command, arguments?, by?, expires?}
 *                                                 (token) → {status, text, body?}; 202 WaitingCommand when the station is
 *                                                           away and `expires` (ms since 1970) says how long it may wait
 *   GET    /api/stations/:station/commands                  → WaitingCommand[], newest first
 *   GET    /api/stations/:station/commands/:id              → WaitingCommand
 *   DELETE /api/stations/:station/commands/:id    (token)   → WaitingCommand; 409 when it no longer waits
 *   GET    /api/stations/:station/files            (token)  → FileEntry[] what the station sent whole, newest first
 *   GET    /api/stations/:station/files/:id        (token)  → its bytes
 *   GET    /api/stations/:station/journal?limit=            → JournalEntry[] newest first
 *   GET    /api/quarantine?station=&limit=                  → QuarantineEntry[]
 *   GET    /api/events?station=                             server-sent events: `readings` LiveReadings, `alarm` AlarmEntry,
 *                                                           `journal` JournalEntry,
 *                                                           `twin` Twin, `station` StationSummary, `quarantine` QuarantineEntry
 *   GET    /                                                the page
 */
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export interface Health {
  readonly status: "ok";
  readonly version: string;
  readonly stations: number;
  readonly samples: number;
  readonly quarantined: number;
}

/** How a station proves who it is. */
export interface StationIdentity {
  /** nothing: it has still to enrol, or was revoked. */
  readonly by: "password" | "certificate" | "nothing";
  /** Of its newest certificate, also when it is over; null: it never had one, or was revoked. */
  readonly certificateUntil: number | null;
  /** Until when an enrolment token that was given out can be used; null: there is none. */
  readonly tokenUntil: number | null;
}

/** Shown once. */
export interface EnrolmentToken {
  readonly station: string;
  readonly token: string;
  readonly until: number;
}

export interface StationSummary {
  readonly station: string;
  readonly online: boolean;
  readonly identity: StationIdentity;
  /** Last message of any kind; null before the first. */
  readonly lastSeen: number | null;
  readonly samples: number;
  readonly readings: number;
  readonly messages: number;
  /** Payload bytes of accepted messages. */
  readonly bytes: number;
  readonly activeAlarms: number;
  readonly quarantined: number;
}

export interface StreamChannel {
  readonly name: string;
  readonly kind: "gauge" | "counter" | "state";
  readonly unit: string;
  readonly resolution: number;
  readonly states?: Readonly<Record<string, string>>;
}
export interface Stream {
  readonly device: string;
  readonly channels: readonly StreamChannel[];
  readonly samples: number;
  readonly first: number | null;
  readonly last: number | null;
}

/** A row per sample, oldest first unless order=desc. A string instead of a number is the reason why there is none. */
export interface Readings {
  readonly station: string;
  readonly device: string;
  readonly channels: readonly StreamChannel[];
  /** rows: [time, epoch index, sequence, ...one value or reason per channel] */
  readonly rows: readonly (readonly [number, number, number, ...(number | string)[]])[];
  readonly epochs: readonly string[];
  /**
   * null unless `limit` (default 1,000, at most 20,000) cut the answer: go on with from=next, or to=next when order=desc.
   * A page may hold more than `limit` rows when that many have the same time.
   */
  readonly next: number | null;
  /**
   * Epochs (of `epochs`) whose times in this answer are estimates, since the station's clock wasn't set then: each time
   * is the latest possible one, and may be too late by so many ms at most; null: nobody can say yet. Left out when all
   * times are right. They move when the station tells more.
   */
  readonly uncertain?: Readonly<Record<string, number | null>>;
  /** Rows that are averages, which a station makes where there is no room for all; left out when there are none. */
  readonly averaged?: readonly Averaged[];
}

/** Of an average: which of `rows` it is, how many samples it stands for, and of how long a window, s. */
export type Averaged = readonly [row: number, samples: number, windowS: number];

export interface LiveReadings {
  readonly station: string;
  readonly device: string;
  /** rows as in Readings without the epoch index: [time, sequence, ...values] */
  readonly channels: readonly StreamChannel[];
  readonly rows: readonly (readonly [number, number, ...(number | string)[]])[];
  /** The times are estimates, as in Readings.uncertain; left out when they are right. */
  readonly uncertain?: number | null;
  /** As in Readings.averaged. */
  readonly averaged?: readonly Averaged[];
}

export interface AlarmEntry {
  readonly station: string;
  readonly device: string;
  readonly alarm: string;
  readonly severity: "info" | "warning" | "critical";
  readonly active: boolean;
  readonly time: number;
  readonly because: string;
  /** Somebody worked at the station: for the record, and pages nobody. */
  readonly onSite?: true;
  /** The time is an estimate, as in Readings.uncertain; left out when it is right. */
  readonly uncertain?: number | null;
}

/** What happened to the station itself: somebody came on site or left; the cloud gave a command. */
export interface JournalEntry {
  readonly station: string;
  readonly what: string;
  /** Of "on-site": it begins or ends. A "command" is never active. */
  readonly active: boolean;
  readonly time: number;
  readonly because: string;
  /** The time is an estimate, as in Readings.uncertain; left out when it is right. */
  readonly uncertain?: number | null;
}

/** A file that a station has sent (diagnostics). */
export interface FileEntry {
  /** The first 16 hex digits of its SHA-256. */
  readonly id: string;
  readonly name: string;
  readonly time: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A command that was asked for while its station was away. */
export interface WaitingCommand {
  readonly id: string;
  readonly device?: string;
  readonly command: string;
  readonly arguments?: JsonObject;
  readonly by?: string;
  readonly asked: number;
  readonly expires: number;
  readonly state: "waits" | "sent" | "answered" | "expired" | "cancelled";
  readonly answer?: { readonly status: number; readonly text: string; readonly body?: Json };
}

export interface LedgerEntry {
  readonly epoch: string;
  readonly stream: string;
  readonly stored: readonly (readonly [number, number])[];
  readonly dropped: readonly (readonly [number, number])[];
  /** Sequences below the highest seen (or the closing count) that are neither stored nor reported dropped. */
  readonly gaps: readonly (readonly [number, number])[];
  /** The last sequence of a closed epoch; null while it is open. */
  readonly closedAt: number | null;
}

export interface Twin {
  readonly station: string;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
  /** Side by side: each desired setting with what the station acknowledged. */
  readonly settings: readonly TwinSetting[];
  readonly convergence: TwinConvergence;
}
/** Whether the station runs all that is desired, as its digest proves it (agent/wire/twin-document.ts). */
export interface TwinConvergence {
  readonly converged: boolean;
  /** ISO 8601: since when the station answers so, by its own clock; null: it hasn't answered, or has no clock. */
  readonly since: string | null;
  /** What keeps it from converging, in words: the first few. */
  readonly why: readonly string[];
  /** Of what is desired, and as the station reported it last. */
  readonly digest: string;
  readonly reportedDigest: string | null;
}
export interface TwinSetting {
  /** "devices/pump/target" */
  readonly path: string;
  readonly desired: number | string | boolean | null;
  readonly desiredVersion: number;
  readonly reported: number | string | boolean | null;
  /** 200 | 202 | 203 | 400 | 500, or null: not answered yet */
  readonly ac: number | null;
  readonly av: number | null;
  readonly ad: string | null;
  readonly converged: boolean;
}

export interface QuarantineEntry {
  readonly id: number;
  readonly station: string;
  readonly topic: string;
  readonly time: number;
  readonly bytes: number;
  readonly reason: string;
}
