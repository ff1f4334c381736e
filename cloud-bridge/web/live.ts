/** Server-sent events that come back by themselves, and say when they are gone. */
import type { AlarmEntry, LiveReadings, QuarantineEntry, StationSummary, Twin } from "../api/contract.ts";

export type LiveEvent =
  | { readonly kind: "readings"; readonly readings: LiveReadings }
  | { readonly kind: "alarm"; readonly alarm: AlarmEntry }
  | { readonly kind: "twin"; readonly twin: Twin }
  | { readonly kind: "station"; readonly station: StationSummary }
  | { readonly kind: "quarantine"; readonly quarantine: QuarantineEntry };

export interface LiveListeners {
  onEvent(event: LiveEvent): void;
  /** The stream is open (again): what happened meanwhile has to be fetched. */
  onOpen(): void;
  onLost(): void;
}

/** What is used of the browser's EventSource. */
export interface EventStream {
  addEventListener(name: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

export interface LiveDeps {
  readonly open: (url: string) => EventStream;
  /** Calls back once after `ms`; returns a cancel. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** The browser gives up for good on an HTTP error, so that retrying is done here: 1 s, doubling to 15 s. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15_000;

/** Follows one station's events until the returned function is called. */
export function followStation(deps: LiveDeps, station: string, listeners: LiveListeners): () => void {
  let retryMs = RETRY_FIRST_MS;
  let close = (): void => undefined;

  const connect = (): void => {
    const stream = deps.open(`api/events?station=${encodeURIComponent(station)}`);
    close = () => stream.close();
    stream.addEventListener("open", () => {
      retryMs = RETRY_FIRST_MS;
      listeners.onOpen();
    });
    stream.addEventListener("error", () => {
      stream.close();
      listeners.onLost();
      close = deps.after(retryMs, connect);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    });
    for (const kind of KINDS) {
      stream.addEventListener(kind, ({ data }) => listeners.onEvent(eventFrom(kind, String(data))));
    }
  };

  connect();
  return () => close();
}

const KINDS = ["readings", "alarm", "twin", "station", "quarantine"] as const;

/** An event's data is the API's own JSON; its field is called like its kind. */
const eventFrom = (kind: LiveEvent["kind"], data: string): LiveEvent =>
  ({ kind, [kind]: JSON.parse(data) as unknown }) as unknown as LiveEvent;
