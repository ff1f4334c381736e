/** What a device's conversations were like, counted since the process started; `status` shows it. */
import type { Texts } from "@pump-station/sensor-descriptions/model.ts";
import { INFO_LENGTH_MAX, INFO_TEXTS_MAX } from "../limits.ts";
import { isMissing, type Sample } from "../reading.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

export interface SourceHealth {
  readonly polls: number;
  /** Polls in which the device answered: every value came, or a refusal or an unplugged sensor was told. */
  readonly good: number;
  readonly timeouts: number;
  readonly checksumErrors: number;
  /** Bytes on the line that belonged to no frame: noise, wrong speed, crossed wires. */
  readonly strayBytes: number;
  /** Valid frames that nobody asked for: another master, a late answer, an unsolicited message of nobody here. */
  readonly otherFrames: number;
  /** Frames that the device sent by itself. */
  readonly reports: number;
  readonly lastGoodMs?: number;
  readonly lastError?: { readonly what: string; readonly bootMs: number };
  /** What the device says of itself (serial number, firmware), by name. */
  readonly info?: Readonly<Record<string, string>>;
  /** Reads that it is asked for in parts, and why: it objects to the registers between its channels. */
  readonly inParts?: Readonly<Record<string, string>>;
}

export interface HealthCounter {
  /** The newest bytes themselves. */
  readonly traffic: Traffic;
  polled(sample: Sample): void;
  timeout(): void;
  checksumError(): void;
  line(heard: { readonly strayBytes: number; readonly otherFrames: number }): void;
  reported(): void;
  failed(what: string, bootMs: number): void;
  told(texts: Texts): void;
  askedInParts(read: string, because: string): void;
  read(): SourceHealth;
}

export function createHealthCounter(): HealthCounter {
  const counts = { polls: 0, good: 0, timeouts: 0, checksumErrors: 0, strayBytes: 0, otherFrames: 0, reports: 0 };
  const info = new Map<string, string>();
  const inParts = new Map<string, string>();
  let lastGoodMs: number | undefined;
  let lastError: SourceHealth["lastError"];
  return {
    traffic: createTraffic(),
    polled: (sample) => {
      counts.polls++;
      if (!sample.values.every(hasAnswered)) return;
      counts.good++;
      lastGoodMs = sample.bootMs;
    },
    timeout: () => {
      counts.timeouts++;
    },
    checksumError: () => {
      counts.checksumErrors++;
    },
    line: ({ strayBytes, otherFrames }) => {
      counts.strayBytes += strayBytes;
      counts.otherFrames += otherFrames;
    },
    reported: () => {
      counts.reports++;
    },
    failed: (what, bootMs) => {
      lastError = { what, bootMs };
    },
    told: (texts) => {
      for (const [name, text] of texts)
        if (info.has(name) || info.size < INFO_TEXTS_MAX) info.set(name, text.slice(0, INFO_LENGTH_MAX));
    },
    askedInParts: (read, because) => void inParts.set(read, because),
    read: () => ({
      ...counts,
      ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
      ...(lastError ? { lastError } : {}),
      ...(info.size > 0 ? { info: Object.fromEntries(info) } : {}),
      ...(inParts.size > 0 ? { inParts: Object.fromEntries(inParts) } : {}),
    }),
  };
}

/** "unchanged": a report has told it since the poll before. */
const hasAnswered = (value: Sample["values"][number]): boolean =>
  !isMissing(value) || ["no-sensor", "refused", "unchanged"].includes(value.missing);
