/**
 * A serial line played from a recording: each request is answered as it was when these very bytes were sent, in their
 * order, portion by portion after the recorded delays; after the last answer the first one comes again. What devices
 * sent by themselves comes at its time.
 */
import { type RecordedExchange, recordedLine } from "@pump-station/agent/tap/exchanges.ts";
import { type BusRecording, hexFrom } from "@pump-station/agent/tap/recording.ts";
import type { Timers } from "@pump-station/agent/world.ts";

export interface SerialPlayer {
  receive(bytes: Uint8Array): void;
  readonly counted: { readonly answered: number; readonly silent: number; readonly unknown: number };
  /** Plays what devices sent by themselves; again from the start when `repeat`. */
  start(): void;
  stop(): void;
}

export interface SerialPlayerDeps {
  readonly timers: Timers;
  readonly send: (bytes: Uint8Array) => void;
  readonly repeat: boolean;
}

/** Bytes that may still become a request are waited for so long. */
const REST_MS = 50;
/** No request is longer: what waits is bounded. */
const PENDING_BYTES_MAX = 1_024;

export function createSerialPlayer(deps: SerialPlayerDeps, { events }: BusRecording): SerialPlayer {
  const { timers } = deps;
  const { exchanges, reports } = recordedLine(events);
  const script = scriptOf(exchanges);
  const counted = { answered: 0, silent: 0, unknown: 0 };
  const cancels = new Set<() => void>();
  let pending: number[] = [];
  let cancelRest = (): void => {};

  const after = (ms: number, run: () => void): void => {
    const cancel = timers.after(ms, () => {
      cancels.delete(cancel);
      run();
    });
    cancels.add(cancel);
  };
  const answer = (request: string): void => {
    const known = script.get(request);
    const turn = known?.answers[known.next++ % known.answers.length];
    pending = [];
    if (!turn) counted.unknown++;
    else if (turn.length === 0) counted.silent++;
    else counted.answered++;
    for (const { afterMs, bytes } of turn ?? []) after(afterMs, () => deps.send(bytes));
  };
  const judge = (isAtRest: boolean): void => {
    const text = hexFrom(Uint8Array.from(pending));
    const mayGrow = [...script.keys()].some((request) => request.length > text.length && request.startsWith(text));
    if ((script.has(text) && !mayGrow) || (isAtRest && text !== "") || pending.length > PENDING_BYTES_MAX) answer(text);
  };
  const playReports = (): void => {
    for (const { ms, bytes } of reports) after(ms, () => deps.send(bytes));
    if (deps.repeat && reports.length > 0) after(events.at(-1)?.ms ?? 0, playReports);
  };
  return {
    counted,
    receive: (bytes) => {
      cancelRest();
      pending.push(...bytes);
      judge(false);
      cancelRest = timers.after(REST_MS, () => judge(true));
    },
    start: playReports,
    stop: () => {
      cancelRest();
      for (const cancel of cancels) cancel();
      cancels.clear();
    },
  };
}

interface Turns {
  readonly answers: RecordedExchange["answer"][];
  next: number;
}

function scriptOf(exchanges: readonly RecordedExchange[]): Map<string, Turns> {
  const script = new Map<string, Turns>();
  for (const { request, answer } of exchanges) {
    const turns = script.get(hexFrom(request)) ?? { answers: [], next: 0 };
    script.set(hexFrom(request), turns);
    turns.answers.push(answer);
  }
  return script;
}
