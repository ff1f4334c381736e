/** What waits in RAM for the next commit: bounded, and what didn't fit is counted per stream. */
import type { AlarmTransition, Sample } from "../reading.ts";
import type { Fold } from "../wire/averaged.ts";
import { ALARM_STREAM } from "../wire/messages.ts";
import type { StreamSchema } from "../wire/schema.ts";

export interface DeclaredStream {
  readonly hash: string;
  readonly schema: StreamSchema;
  readonly folds?: readonly Fold[];
}

export interface StagedSample {
  readonly declared: DeclaredStream;
  readonly sample: Sample;
}

export interface Staging {
  readonly samples: readonly StagedSample[];
  readonly alarms: readonly AlarmTransition[];
  /** How many of each stream's oldest gave way; they have been produced, so they get sequences and are reported. */
  readonly overflowed: ReadonlyMap<string, number>;
  readonly isFull: boolean;
  /** Whether there is anything to commit. */
  readonly isEmpty: boolean;
  addSample(staged: StagedSample): void;
  addAlarm(transition: AlarmTransition): void;
  clear(): void;
}

export function createStaging(entriesMax: number): Staging {
  const samples: StagedSample[] = [];
  const alarms: AlarmTransition[] = [];
  const overflowed = new Map<string, number>();
  const countOverflow = (stream: string) => overflowed.set(stream, (overflowed.get(stream) ?? 0) + 1);
  return {
    samples,
    alarms,
    overflowed,
    get isFull() {
      return samples.length >= entriesMax || alarms.length >= entriesMax;
    },
    get isEmpty() {
      return samples.length === 0 && alarms.length === 0;
    },
    addSample: (staged) => {
      samples.push(staged);
      const oldest = samples.length > entriesMax ? samples.shift() : undefined;
      if (oldest) countOverflow(oldest.sample.device);
    },
    addAlarm: (transition) => {
      alarms.push(transition);
      if (alarms.length > entriesMax && alarms.shift()) countOverflow(ALARM_STREAM);
    },
    clear: () => {
      samples.length = 0;
      alarms.length = 0;
      overflowed.clear();
    },
  };
}
