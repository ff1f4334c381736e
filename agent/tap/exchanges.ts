/** A recording of a serial line read as what was asked and what came back; what belongs to no request came by itself. */
import { type BusEvent, bytesFrom } from "./recording.ts";

export interface RecordedExchange {
  /** When the request's last bytes were handed over. */
  readonly ms: number;
  readonly request: Uint8Array;
  /** Portions as they came; `afterMs` counts from `ms`. Empty: nobody answered. */
  readonly answer: readonly { readonly afterMs: number; readonly bytes: Uint8Array }[];
}

export interface RecordedLine {
  readonly exchanges: readonly RecordedExchange[];
  /** Sent by devices themselves. */
  readonly reports: readonly { readonly ms: number; readonly bytes: Uint8Array }[];
}

/** A request whose bytes are sent one by one, with pauses for a slow device (quirk "pause-between-bytes"). */
const SAME_REQUEST_MS = 50;
/** What comes later than any device answers came by itself. */
const ANSWER_MS_MAX = 2_000;

export function recordedLine(events: readonly BusEvent[]): RecordedLine {
  const exchanges: { ms: number; request: number[]; answer: { afterMs: number; bytes: Uint8Array }[] }[] = [];
  const reports: { ms: number; bytes: Uint8Array }[] = [];
  for (const event of events) {
    const last = exchanges.at(-1);
    if ("sent" in event) {
      const bytes = bytesFrom(event.sent);
      if (last && last.answer.length === 0 && event.ms - last.ms <= SAME_REQUEST_MS) {
        last.request.push(...bytes);
        last.ms = event.ms;
      } else exchanges.push({ ms: event.ms, request: [...bytes], answer: [] });
    } else if ("heard" in event) {
      const bytes = bytesFrom(event.heard);
      if (last && event.ms - last.ms <= ANSWER_MS_MAX) last.answer.push({ afterMs: event.ms - last.ms, bytes });
      else reports.push({ ms: event.ms, bytes });
    }
  }
  return { exchanges: exchanges.map(({ request, ...of }) => ({ ...of, request: Uint8Array.from(request) })), reports };
}

export function joined(portions: readonly { readonly bytes: Uint8Array }[]): Uint8Array {
  return Uint8Array.from(portions.flatMap(({ bytes }) => [...bytes]));
}
