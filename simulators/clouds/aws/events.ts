/** What happened, for whoever watches: the newest so many. */
import { EVENTS_MAX } from "./limits.ts";

export type CloudEvent =
  | { readonly kind: "connected"; readonly thing: string; readonly clientId: string }
  | { readonly kind: "disconnected"; readonly thing: string; readonly reason: string }
  | { readonly kind: "refused"; readonly thing: string | undefined; readonly reason: string }
  | { readonly kind: "throttled"; readonly thing: string; readonly topic: string }
  | { readonly kind: "message"; readonly thing: string; readonly topic: string; readonly payload: Uint8Array };

/** `number` goes on when older ones are gone. */
export type NumberedEvent = CloudEvent & { readonly number: number; readonly atMs: number };

export interface EventLog {
  add(event: CloudEvent): void;
  /** Those with a higher number. */
  since(number: number): readonly NumberedEvent[];
  onEvent(listener: (event: NumberedEvent) => void): () => void;
}

export function createEventLog(deps: { readonly wallMs: () => number }): EventLog {
  const events: NumberedEvent[] = [];
  const listeners = new Set<(event: NumberedEvent) => void>();
  let count = 0;
  return {
    add: (event) => {
      const numbered = { ...event, number: ++count, atMs: deps.wallMs() };
      events.push(numbered);
      if (events.length > EVENTS_MAX) events.shift();
      for (const listener of [...listeners]) listener(numbered);
    },
    since: (number) => events.filter((event) => event.number > number),
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
