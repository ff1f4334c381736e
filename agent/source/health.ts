/** What a device's conversations were like, counted since the process started; `status` shows it. */
import { isMissing, type Sample } from "../reading.ts";

export interface SourceHealth {
  readonly polls: number;
  /** Polls in which the device answered: every value came, or a refusal or an unplugged sensor was told. */
  readonly good: number;
  readonly timeouts: number;
  readonly checksumErrors: number;
  /** Bytes on the line that belonged to no frame: noise, wrong speed, crossed wires. */
  readonly strayBytes: number;
  /** Valid frames that nobody asked for: another master, a late answer, an unsolicited message. */
  readonly otherFrames: number;
  readonly lastGoodMs?: number;
  readonly lastError?: { readonly what: string; readonly bootMs: number };
}

export interface HealthCounter {
  polled(sample: Sample): void;
  timeout(): void;
  checksumError(): void;
  line(heard: { readonly strayBytes: number; readonly otherFrames: number }): void;
  failed(what: string, bootMs: number): void;
  read(): SourceHealth;
}

export function createHealthCounter(): HealthCounter {
  const counts = { polls: 0, good: 0, timeouts: 0, checksumErrors: 0, strayBytes: 0, otherFrames: 0 };
  let lastGoodMs: number | undefined;
  let lastError: SourceHealth["lastError"];
  return {
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
    failed: (what, bootMs) => {
      lastError = { what, bootMs };
    },
    read: () => ({
      ...counts,
      ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
      ...(lastError ? { lastError } : {}),
    }),
  };
}

const hasAnswered = (value: Sample["values"][number]): boolean =>
  !isMissing(value) || value.missing === "no-sensor" || value.missing === "refused";
