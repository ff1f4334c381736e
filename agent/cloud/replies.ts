/** Requests that wait for a message with their rid: each ends once, by its reply, its deadline or the connection's end. */
import type { Chance, Timers } from "../world.ts";
import { CloudError } from "./cloud.ts";
import { PayloadError } from "./payloads.ts";

export interface Replies<T> {
  /** Rejects with CloudError "retry" after `deadlineMs`: the broker lives, whoever answers behind it doesn't. */
  expect(rid: string, what: string, deadlineMs: number): Promise<T>;
  /** False when nobody waits for that rid (any more). */
  resolve(rid: string, reply: T): boolean;
  reject(rid: string, error: CloudError): boolean;
  rejectAll(error: CloudError): void;
}

interface Waiting<T> {
  readonly resolve: (reply: T) => void;
  readonly reject: (error: CloudError) => void;
  readonly cancelDeadline: () => void;
}

export function createReplies<T>(deps: { readonly timers: Timers }): Replies<T> {
  const waiting = new Map<string, Waiting<T>>();

  const take = (rid: string): Waiting<T> | undefined => {
    const entry = waiting.get(rid);
    waiting.delete(rid);
    entry?.cancelDeadline();
    return entry;
  };

  const reject = (rid: string, error: CloudError): boolean => {
    const entry = take(rid);
    entry?.reject(error);
    return entry !== undefined;
  };

  return {
    expect: (rid, what, deadlineMs) =>
      new Promise<T>((resolve, rejectPromise) => {
        const cancelDeadline = deps.timers.after(deadlineMs, () =>
          reject(rid, new CloudError("retry", `${what}: no answer within ${deadlineMs} ms`)),
        );
        waiting.set(rid, { resolve, reject: rejectPromise, cancelDeadline });
      }),
    resolve: (rid, reply) => {
      const entry = take(rid);
      entry?.resolve(reply);
      return entry !== undefined;
    },
    reject,
    rejectAll: (error) => {
      for (const rid of [...waiting.keys()]) reject(rid, error);
    },
  };
}

/** The bridge answers from a local database, AWS at once; a minute covers the bridge's restart. */
const REPLY_DEADLINE_MS = 60_000;

/** The reply may overtake the request's own PUBACK, so it is expected before the request leaves. */
export async function ask<T>(replies: Replies<T>, rid: string, what: string, request: () => Promise<void>): Promise<T> {
  const reply = replies.expect(rid, what, REPLY_DEADLINE_MS);
  // Not waited for once the reply is here: an answered request needs no PUBACK.
  void request().catch((error: unknown) => {
    const failure = error instanceof CloudError ? error : new CloudError("reconnect", what, { cause: error });
    replies.reject(rid, failure);
  });
  return reply;
}

/** A malformed reply fails its request at once instead of letting it run into its deadline. Throws PayloadError. */
export function settle<T>(replies: Replies<T>, rid: string, decode: () => T): boolean {
  try {
    return replies.resolve(rid, decode());
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    replies.reject(rid, new CloudError("retry", `twin reply: ${error.message}`, { cause: error }));
    throw error;
  }
}

/** Random per connection: a late reply to the previous connection's request must find nobody. */
export function createRequestIds(chance: Chance): () => string {
  const prefix = Buffer.from(chance.bytes(4)).toString("hex");
  let count = 0;
  return () => `${prefix}-${++count}`;
}
