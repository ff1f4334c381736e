/**
 * Where the bytes of a line go. While a device is asked: to its listener. What belongs to no answer (bytes before a
 * request, after its answer, between, and the frames that an answer's recogniser passed over) goes to the devices that
 * send reports by themselves; the rest, nobody's, is kept until it is counted.
 */
import { FRAME_BYTES_MAX } from "../limits.ts";
import type { Clock } from "../world.ts";
import type { EchoFilter } from "./echo.ts";

/** A few frames; a babbling line's rest is only counted. */
export const UNASKED_BYTES_MAX = 4 * FRAME_BYTES_MAX;

/** A device that sends by itself. */
export interface Hearer {
  /** The whole frames of this device that these bytes complete. */
  hear(bytes: Uint8Array, bootMs: number): readonly Uint8Array[];
  /** The line is gone, with whatever had begun. */
  closed(reason: string): void;
}

/** Bytes of nobody; `uncounted` more came than were kept. */
export interface Unasked {
  readonly bytes: Uint8Array;
  readonly uncounted: number;
}

interface Portion {
  readonly bytes: Uint8Array;
  readonly bootMs: number;
}

export type Hearing = ReturnType<typeof createHearing>;

export function createHearing(clock: Pick<Clock, "bootMs">) {
  const hearers = new Set<Hearer>();
  const nobodys = createNobodys();
  let listener: ((bytes: Uint8Array) => void) | undefined;
  let onLineClosed: ((reason: string) => void) | undefined;
  let echo: EchoFilter | undefined;
  let held: Portion[] = [];
  let heldBytes = 0;
  let lastByteMs = Number.NEGATIVE_INFINITY;

  const unasked = ({ bytes, bootMs }: Portion): void => {
    if (bytes.length === 0) return;
    nobodys.add(bytes);
    for (const hearer of hearers) for (const frame of hearer.hear(bytes, bootMs)) nobodys.remove(frame);
  };
  /** What an exchange heard beside its answer, each portion with its own time. */
  const release = (answer?: Uint8Array): void => {
    const portions = held;
    held = [];
    heldBytes = 0;
    for (const portion of answer ? without(portions, answer) : portions) unasked(portion);
  };
  const take = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return;
    const portion = { bytes, bootMs: clock.bootMs() };
    if (!listener) return unasked(portion);
    if (hearers.size > 0) {
      // No answer is that long: this is somebody who never stops.
      if (heldBytes + bytes.length > UNASKED_BYTES_MAX) release();
      held.push(portion);
      heldBytes += bytes.length;
    }
    listener(bytes);
  };

  return {
    hear: (bytes: Uint8Array): void => {
      lastByteMs = clock.bootMs();
      take(echo ? echo.take(bytes) : bytes);
    },
    listen: (toBytes: (bytes: Uint8Array) => void, toClosed: (reason: string) => void): void => {
      listener = toBytes;
      onLineClosed = toClosed;
    },
    /** From now on bytes are nobody's, and those that came beside `answer`, too. */
    endListening: (answer?: Uint8Array): void => {
      listener = undefined;
      onLineClosed = undefined;
      const kept = echo?.end();
      echo = undefined;
      release(answer);
      if (kept) take(kept);
    },
    /** The adapter hears what is sent next: that is taken off. */
    expect: (filter: EchoFilter): void => {
      echo = filter;
    },
    closed: (reason: string): void => {
      onLineClosed?.(reason);
      for (const hearer of hearers) hearer.closed(reason);
    },
    /** Bytes have left. */
    sent: (): void => {
      lastByteMs = Math.max(lastByteMs, clock.bootMs());
    },
    attach: (hearer: Hearer): (() => void) => {
      hearers.add(hearer);
      return () => void hearers.delete(hearer);
    },
    isShared: (): boolean => hearers.size > 0,
    takeUnasked: (): Unasked => nobodys.take(),
    hasUnasked: (): boolean => nobodys.isEmpty() === false,
    /** When the last byte was heard or sent. */
    lastByteMs: (): number => lastByteMs,
  };
}

/** A bounded store. What doesn't fit any more is only counted. */
function createNobodys() {
  let kept = new Uint8Array(0);
  let uncounted = 0;
  return {
    isEmpty: (): boolean => kept.length === 0,
    add: (bytes: Uint8Array): void => {
      const room = Math.min(bytes.length, UNASKED_BYTES_MAX - kept.length);
      uncounted += bytes.length - room;
      if (room > 0) kept = joined([kept, bytes.subarray(0, room)]);
    },
    /** A frame that turned out to be somebody's. One whose beginning was counted already takes the rest of it along. */
    remove: (frame: Uint8Array): void => {
      const at = lastIndexOf(kept, frame);
      if (at >= 0) kept = joined([kept.subarray(0, at), kept.subarray(at + frame.length)]);
      else if (uncounted >= frame.length) uncounted -= frame.length;
      else kept = new Uint8Array(0);
    },
    take: (): Unasked => {
      const taken = { bytes: kept, uncounted };
      kept = new Uint8Array(0);
      uncounted = 0;
      return taken;
    },
  };
}

/** The portions without the bytes of the answer; as they are when it isn't literally there (unstuffed bytes). */
function without(portions: readonly Portion[], answer: Uint8Array): readonly Portion[] {
  const from = lastIndexOf(joined(portions.map(({ bytes }) => bytes)), answer);
  if (from < 0) return portions;
  const to = from + answer.length;
  let at = 0;
  return portions.map(({ bytes, bootMs }) => {
    const [begin, end] = [at, at + bytes.length];
    at = end;
    const before = bytes.subarray(0, Math.max(0, from - begin));
    const after = bytes.subarray(Math.min(bytes.length, Math.max(0, to - begin)));
    return { bytes: begin >= to || end <= from ? bytes : joined([before, after]), bootMs };
  });
}

function lastIndexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.length - wanted.length; at >= 0; at--)
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  return -1;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
