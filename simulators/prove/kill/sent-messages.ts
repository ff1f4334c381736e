/**
 * Every message with samples that the station sends, seen on the wire. A message is cut once: in the urgent and the normal
 * lane a sample may come again only in the very same bytes, after any number of lost acknowledgements and kills. (What
 * the bridge asks for once more comes in the late lane and is cut as its rows lie.)
 */
import { createHash } from "node:crypto";
import { decodeAlarms } from "@pump-station/agent/wire/alarms.ts";
import { batchHeads } from "@pump-station/agent/wire/batch.ts";
import { ALARM_STREAM } from "@pump-station/agent/wire/messages.ts";
import { propertiesFromBag } from "@pump-station/agent/wire/topics.ts";

export interface SentMessages {
  /** Returns whether it holds samples. */
  saw(lane: string, topic: string, payload: Uint8Array): boolean;
  /** Samples that came a second time in other bytes. */
  readonly recut: readonly string[];
  /** Samples in all messages, each counted as often as it was sent. */
  readonly samples: number;
  readonly repeated: number;
}

interface Run {
  readonly stream: string;
  readonly epoch: string;
  readonly first: number;
  readonly count: number;
}

export function createSentMessages(): SentMessages {
  const messageOf = new Map<string, string>();
  const recut: string[] = [];
  let samples = 0;
  let repeated = 0;
  return {
    recut,
    get samples() {
      return samples;
    },
    get repeated() {
      return repeated;
    },
    saw: (lane, topic, payload) => {
      const { kind } = propertiesFromBag(topic.split("/").at(-1) ?? "");
      const runs = kind === "batch" ? runsOfBatch(payload) : kind === "alarms" ? runsOfAlarms(payload) : [];
      const name = `${lane} ${createHash("sha256").update(payload).digest("hex").slice(0, 16)}`;
      for (const { stream, epoch, first, count } of runs) {
        samples += count;
        for (let sequence = first; sequence < first + count; sequence++) {
          const key = `${epoch} ${stream} ${sequence}`;
          const before = messageOf.get(key);
          if (before !== undefined) repeated++;
          if (lane === "late") continue;
          if (before !== undefined && before !== name)
            recut.push(`${key}: first in message ${before}, then in ${name}`);
          messageOf.set(key, name);
        }
      }
      return runs.length > 0;
    },
  };
}

const runsOfBatch = (payload: Uint8Array): readonly Run[] => {
  const { epoch, blocks } = batchHeads(payload);
  return blocks.map(({ stream, sequence, samples }) => ({ stream, epoch, first: sequence, count: samples }));
};

const runsOfAlarms = (payload: Uint8Array): readonly Run[] =>
  decodeAlarms(payload).map(({ epoch, sequence }) => ({ stream: ALARM_STREAM, epoch, first: sequence, count: 1 }));
