/**
 * The bridge's side of completeness, back to the stations: what is durably stored (receipts), which ranges and schemas
 * are wanted. All of it may be lost or repeated without harm, so nothing here is stored.
 */
import { encodeLedger } from "@pump-station/agent/wire/ledger.ts";
import type { LedgerMessage, StreamRanges } from "@pump-station/agent/wire/messages.ts";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { LedgerEntry } from "../api/contract.ts";
import { RECEIPT_EVERY_MS_MIN, RECEIPT_LEDGERS_MAX, RECEIPT_LOOK_BACK_MS, RECEIPT_RANGES_MAX } from "../limits.ts";
import type { Store } from "../store/store.ts";
import type { Clock, Log, Timers } from "../world.ts";

export interface Receipts {
  /** Something of that station was stored. */
  touch(station: string): void;
  /** The station listens now: confirms what is stored, asks for what lacks. */
  greet(station: string): void;
  /** The station has gone: nothing is sent until it greets again. */
  leave(station: string): void;
  wantSchema(station: string, hash: string): void;
  close(): void;
}

/** A message carries the time of its arrival, and its group may be committed after the receipt that is made meanwhile. */
const RECEIPT_OVERLAP_MS = 30_000;
/** Remembered per connection; a station has one schema per device. */
const SCHEMAS_ASKED_MAX = 256;

/** Of a connected station. */
interface Correspondent {
  lastReceiptMs: number;
  /** Wall time up to which stored things were confirmed. */
  confirmedMs: number;
  cancelReceipt: (() => void) | undefined;
  cancelAsk: () => void;
  readonly schemasAsked: Map<string, number>;
}

export function createReceipts(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly everyMs: number;
  /** A gap that has stood for so long is asked for; again after twice that. */
  readonly askAfterMs: number;
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
}): Receipts {
  const { store, clock, timers, log, everyMs, askAfterMs } = deps;
  const askAgainMs = 2 * askAfterMs;
  const present = new Map<string, Correspondent>();

  const send = async (station: string, message: LedgerMessage): Promise<void> => {
    await deps.send(topicsOf(station).ledger, encodeLedger(message));
  };
  /** A station that leaves in the middle gets it all again when it comes back. */
  const inBackground = (station: string, what: string, work: Promise<void>): void => {
    work.catch((error: unknown) => log("warn", "ledger-message-failed", { station, what, error }));
  };

  async function confirm(station: string, correspondent: Correspondent): Promise<void> {
    const since = correspondent.confirmedMs;
    correspondent.lastReceiptMs = clock.monotonicMs();
    correspondent.confirmedMs = clock.wallMs() - RECEIPT_OVERLAP_MS;
    const entries = await store.ledger({ station, changedSinceMs: since });
    const packets = packed(entries.map((entry) => rangesOf(entry, entry.stored)));
    for (const stored of packets) await send(station, { kind: "receipt", stored });
    if (packets.length > 0) log("debug", "receipt-sent", { station, ledgers: entries.length });
  }

  async function ask(station: string): Promise<void> {
    const entries = await store.ledger({ station, gapSinceBeforeMs: clock.wallMs() - askAfterMs });
    for (const wanted of packed(entries.map((entry) => rangesOf(entry, entry.gaps)))) {
      await send(station, { kind: "ranges-wanted", wanted });
      log("info", "ranges-wanted", { station, wanted });
    }
    const hashes = await store.schemasWanted(station);
    if (hashes.length > 0) await send(station, { kind: "schema-wanted", hashes });
  }

  function askRepeatedly(station: string): () => void {
    inBackground(station, "ask", ask(station));
    return timers.after(askAgainMs, () => {
      const correspondent = present.get(station);
      if (correspondent) correspondent.cancelAsk = askRepeatedly(station);
    });
  }

  const leave = (station: string): void => {
    const correspondent = present.get(station);
    correspondent?.cancelReceipt?.();
    correspondent?.cancelAsk();
    present.delete(station);
  };

  return {
    touch: (station) => {
      const correspondent = present.get(station);
      if (!correspondent || correspondent.cancelReceipt) return;
      const dueMs = correspondent.lastReceiptMs + everyMs - clock.monotonicMs();
      correspondent.cancelReceipt = timers.after(Math.max(RECEIPT_EVERY_MS_MIN, dueMs), () => {
        correspondent.cancelReceipt = undefined;
        inBackground(station, "receipt", confirm(station, correspondent));
      });
    },
    greet: (station) => {
      leave(station);
      const correspondent: Correspondent = {
        lastReceiptMs: clock.monotonicMs(),
        confirmedMs: clock.wallMs() - RECEIPT_LOOK_BACK_MS,
        cancelReceipt: undefined,
        cancelAsk: () => undefined,
        schemasAsked: new Map(),
      };
      present.set(station, correspondent);
      inBackground(station, "receipt", confirm(station, correspondent));
      correspondent.cancelAsk = askRepeatedly(station);
    },
    leave,
    wantSchema: (station, hash) => {
      const asked = present.get(station)?.schemasAsked;
      const nowMs = clock.monotonicMs();
      if (!asked || nowMs - (asked.get(hash) ?? Number.NEGATIVE_INFINITY) < askAgainMs) return;
      if (asked.size >= SCHEMAS_ASKED_MAX) asked.clear();
      asked.set(hash, nowMs);
      inBackground(station, "schema-wanted", send(station, { kind: "schema-wanted", hashes: [hash] }));
    },
    close: () => {
      for (const station of [...present.keys()]) leave(station);
    },
  };
}

const rangesOf = ({ epoch, stream }: LedgerEntry, pairs: LedgerEntry["stored"]): StreamRanges => ({
  epoch,
  stream,
  ranges: pairs.slice(0, RECEIPT_RANGES_MAX).map(([first, last]) => ({ first, last })),
});

/** Into messages of bounded size; streams without a range are left out. */
function packed(all: readonly StreamRanges[]): StreamRanges[][] {
  const packets: StreamRanges[][] = [];
  let ranges = 0;
  for (const entry of all) {
    if (entry.ranges.length === 0) continue;
    const packet = packets.at(-1);
    if (!packet || packet.length >= RECEIPT_LEDGERS_MAX || ranges + entry.ranges.length > RECEIPT_RANGES_MAX) {
      packets.push([entry]);
      ranges = 0;
    } else packet.push(entry);
    ranges += entry.ranges.length;
  }
  return packets;
}
