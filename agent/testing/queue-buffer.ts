/** The face of the buffer without its disk. */
import type { BufferStatus, Offer, SampleBuffer } from "../buffer/buffer.ts";
import type { LedgerMessage } from "../wire/messages.ts";
import type { Lane } from "../wire/topics.ts";

export const SAMPLES_PER_MESSAGE = 10;

/** Lanes as plain queues of sample numbers, sealed ten at a time: the face of the buffer without its disk. */
export function createQueueBuffer() {
  const queues: Record<Lane, number[]> = { urgent: [], normal: [], late: [] };
  const sealed = new Map<Lane, Offer>();
  const accepted: { lane: Lane; samples: readonly number[] }[] = [];
  const refused: string[] = [];
  const ledger: LedgerMessage[] = [];
  let id = 0;
  const leave = (offer: Offer): readonly number[] => {
    if (sealed.get(offer.lane) !== offer) throw new Error("an offer left the buffer that wasn't the sealed one");
    sealed.delete(offer.lane);
    return queues[offer.lane].splice(0, offer.samples);
  };
  const buffer: SampleBuffer = {
    epoch: "0123456789abcdef",
    declare: () => undefined,
    append: () => undefined,
    appendAlarm: () => undefined,
    place: () => ({ committed: 0, staged: 0 }),
    commit: () => undefined,
    offer: (lane, seal) => {
      const waiting = sealed.get(lane);
      if (waiting) return waiting;
      const queue = queues[lane];
      if (queue.length === 0 || (seal === "if-full" && queue.length < SAMPLES_PER_MESSAGE)) return undefined;
      const samples = queue.slice(0, SAMPLES_PER_MESSAGE);
      const payload = Uint8Array.from(samples);
      const offer: Offer = {
        id: ++id,
        lane,
        kind: "batch",
        properties: {},
        payload,
        samples: samples.length,
        readings: 3 * samples.length,
      };
      sealed.set(lane, offer);
      return offer;
    },
    accept: (offer) => accepted.push({ lane: offer.lane, samples: leave(offer) }),
    refuse: (offer, reason) => {
      leave(offer);
      refused.push(reason);
    },
    onLedger: (message) => ledger.push(message),
    pending: () => [],
    status: () => {
      const waiting = queues.normal.length + queues.late.length + queues.urgent.length;
      // So old that it should have gone before the process started.
      return { isNew: false, waiting, waitingHours: 1_000, backlog: queues.late.length } as BufferStatus;
    },
    close: () => undefined,
  };
  return { buffer, queues, accepted, refused, ledger };
}
