/** Requests that wait for a message with their rid: each ends once, by its reply, its deadline or the connection's end. */
import type { Timers } from "../../world.ts";
import { CloudError } from "../cloud.ts";

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
