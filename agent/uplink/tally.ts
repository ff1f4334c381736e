/** What the uplink has done since the process started, for `status`, and for who waits until all has been sent. */
import type { Offer } from "../buffer/buffer.ts";
import type { CloudError } from "../cloud/cloud.ts";
import type { Clock } from "../world.ts";

/** Times are ms since 1970 by the clock as it is now. Counts are since the process started. */
export interface UplinkCounts {
  readonly connected: boolean;
  /** Since when it is connected, or not. */
  readonly since: number;
  readonly lastAcceptedAt?: number;
  readonly messages: number;
  /** Payload bytes. */
  readonly bytes: number;
  readonly readings: number;
  readonly lastError?: string;
}

export interface Sent {
  readonly messages: number;
  /** Payload bytes. */
  readonly bytes: number;
}

export interface Tally {
  accepted(offer: Offer): void;
  /** Nothing is left that may go now. */
  drained(): void;
  connection(connected: boolean): void;
  trouble(error: CloudError): void;
  /** The connection ended or couldn't be had: nobody needs to wait for a drain any more. */
  away(error: CloudError): void;
  /** What was sent until the next drain; rejects with the CloudError that prevents it. */
  untilDrained(): Promise<Sent>;
  counts(): UplinkCounts;
}

interface Asker {
  readonly before: Sent;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: CloudError) => void;
}

export function createTally(deps: { readonly clock: Clock }): Tally {
  const { clock } = deps;
  const askers: Asker[] = [];
  const sums = { messages: 0, bytes: 0, readings: 0 };
  let connected = false;
  let changedAt = clock.bootMs();
  let acceptedAt: number | undefined;
  let lastError: string | undefined;
  // Kept as time since boot: the wall clock may be set between the event and the question.
  const wallOf = (bootMs: number): number => clock.wallMs() + bootMs - clock.bootMs();

  return {
    accepted: ({ payload, readings }) => {
      sums.messages++;
      sums.bytes += payload.length;
      sums.readings += readings;
      acceptedAt = clock.bootMs();
      lastError = undefined;
    },
    drained: () => {
      for (const { before, resolve } of askers.splice(0)) {
        resolve({ messages: sums.messages - before.messages, bytes: sums.bytes - before.bytes });
      }
    },
    connection: (now) => {
      connected = now;
      changedAt = clock.bootMs();
    },
    trouble: (error) => {
      lastError = error.message;
    },
    away: (error) => {
      lastError = error.message;
      for (const { reject } of askers.splice(0)) reject(error);
    },
    untilDrained: () =>
      new Promise((resolve, reject) => {
        askers.push({ before: { messages: sums.messages, bytes: sums.bytes }, resolve, reject });
      }),
    counts: () => ({
      ...sums,
      connected,
      since: wallOf(changedAt),
      ...(acceptedAt !== undefined && { lastAcceptedAt: wallOf(acceptedAt) }),
      ...(lastError !== undefined && { lastError }),
    }),
  };
}
