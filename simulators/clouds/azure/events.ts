/** What happened at the hub, newest last: for tests, for the page, for a back end that asks "since". */
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export type HubHappening =
  | {
      readonly kind: "telemetry";
      readonly payload: Uint8Array;
      readonly properties: Readonly<Record<string, string | null>>;
      readonly system: Readonly<Record<string, string>>;
      readonly bytes: number;
    }
  | {
      readonly kind: "connected";
      readonly auth: string;
      readonly clean: boolean;
      readonly sessionPresent: boolean;
      readonly keepAliveS: number;
      readonly modelId?: string;
    }
  | { readonly kind: "refused"; readonly code: number; readonly reason: string }
  | { readonly kind: "disconnected"; readonly reason: string }
  | { readonly kind: "subscribed"; readonly feeds: readonly string[] }
  | { readonly kind: "twin-read"; readonly status: number }
  | {
      readonly kind: "reported";
      readonly status: number;
      readonly version?: number;
      readonly patch?: JsonObject;
      readonly reason?: string;
    }
  | { readonly kind: "desired"; readonly version: number; readonly patch: JsonObject; readonly sent: boolean }
  | { readonly kind: "twin-recreated" }
  | { readonly kind: "method"; readonly name: string; readonly status: number; readonly reason?: string }
  | {
      readonly kind: "cloud-to-device";
      readonly messageId: string;
      readonly outcome: "queued" | "sent" | "completed" | "expired" | "dead-lettered";
    }
  | { readonly kind: "fault"; readonly on: string; readonly does: string }
  | { readonly kind: "assigned"; readonly hub: string };

export type HubEvent = HubHappening & { readonly sequence: number; readonly atMs: number; readonly device: string };

export interface EventLog {
  add(device: string, happening: HubHappening): void;
  /** Events after that sequence number, oldest first, as far as they are still remembered. */
  since(sequence: number, most?: number): readonly HubEvent[];
  /** Called for each event as it happens; returns a stop. */
  onEvent(listener: (event: HubEvent) => void): () => void;
  readonly last: number;
}

export function createEventLog(nowMs: () => number, eventsMax: number): EventLog {
  let events: HubEvent[] = [];
  let last = 0;
  const listeners = new Set<(event: HubEvent) => void>();
  return {
    add: (device, happening) => {
      const event: HubEvent = { ...happening, sequence: ++last, atMs: nowMs(), device };
      events.push(event);
      // Cut now and then rather than each time: shifting thousands of entries for every message is slow.
      if (events.length > eventsMax * 2) events = events.slice(-eventsMax);
      for (const listener of listeners) listener(event);
    },
    since: (sequence, most = eventsMax) => {
      const remembered = events.slice(-eventsMax);
      const from = remembered.findIndex((event) => event.sequence > sequence);
      return from < 0 ? [] : remembered.slice(from, from + most);
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get last() {
      return last;
    },
  };
}
