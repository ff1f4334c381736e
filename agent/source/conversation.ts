/** What is on the line while a device has its turn. */
import type { SerialSettings, SerialTiming } from "@pump-station/sensor-descriptions/model.ts";
import { SERIAL_WRITE_SLACK_MS } from "../limits.ts";
import type { Clock, SerialLine, Timers } from "../world.ts";
import { createEchoFilter } from "./echo.ts";
import type { Hearing, Unasked } from "./hearing.ts";

/** A line has fallen silent when this many characters' time has passed without a byte. */
const SILENCE_CHARACTERS = 10;
/** A timer of the event loop is not more exact than this. */
const SILENCE_MS_MIN = 5;

export interface Conversation {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Whether devices of this line send reports: then what is no answer is counted when the next device asks. */
  readonly isShared: boolean;
  /** Time of `bytes` characters at the line's speed. */
  lineMs(bytes: number): number;
  /** Bytes that came while nobody asked and are nobody's report; taking them empties the store. */
  takeUnasked(): Unasked;
  /** From now on bytes go to this listener. */
  listen(listener: (bytes: Uint8Array) => void, onClosed: (reason: string) => void): void;
  /** From now on bytes are unasked; so are those that were heard beside the answer's frame. */
  endListening(answer?: Uint8Array): void;
  /** The adapter hears itself: the echo of these bytes, sent next, is taken off. */
  expectEcho(bytes: Uint8Array): void;
  /** Resolves when the bytes have left the line. */
  write(bytes: Uint8Array, pauseBetweenBytesMs?: number): Promise<void>;
  /** No request goes out before `ms` have passed. */
  keepQuiet(ms: number): void;
  /**
   * Waits until the quiet time is over, nothing arrives any more, and the line has been silent for as long as the
   * device wants it; on a line that never falls silent at most `lateMs` longer.
   */
  settle(timing: SerialTiming): Promise<void>;
  /** Closes the line; the next conversation opens it again. */
  closeLine(): Promise<void>;
}

export interface OpenLine {
  readonly line: SerialLine;
  readonly settings: SerialSettings;
}

export function createConversation(
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  { line, settings }: OpenLine,
  hearing: Hearing,
  quiet: { untilMs: number },
): Conversation {
  const lineMs = (bytes: number): number => (1000 * bytes * bitsPerCharacter(settings)) / settings.baudRate;
  const silenceMs = Math.max(SILENCE_MS_MIN, lineMs(SILENCE_CHARACTERS));
  const writeAll = async (bytes: Uint8Array): Promise<void> => {
    const startedMs = clock.bootMs();
    await line.write(bytes, lineMs(bytes.length) + SERIAL_WRITE_SLACK_MS);
    // The kernel takes bytes faster than the wire does.
    const onWireMs = startedMs + lineMs(bytes.length) - clock.bootMs();
    if (onWireMs >= 1) await timers.sleep(onWireMs);
    hearing.sent();
  };
  /** How long the line must stay silent from now on. */
  const silenceLeftMs = (quietBeforeMs: number): number => {
    const wantedMs = Math.max(hearing.hasUnasked() ? silenceMs : 0, quietBeforeMs);
    return wantedMs > 0 ? hearing.lastByteMs() + wantedMs - clock.bootMs() : 0;
  };
  return {
    clock,
    timers,
    get isShared() {
      return hearing.isShared();
    },
    lineMs,
    takeUnasked: () => hearing.takeUnasked(),
    listen: (toBytes, toClosed) => hearing.listen(toBytes, toClosed),
    endListening: (answer) => hearing.endListening(answer),
    expectEcho: (bytes) => hearing.expect(createEchoFilter(bytes)),
    write: async (bytes, pauseBetweenBytesMs = 0) => {
      if (pauseBetweenBytesMs === 0) return writeAll(bytes);
      for (let at = 0; at < bytes.length; at++) {
        if (at > 0) await timers.sleep(pauseBetweenBytesMs);
        await writeAll(bytes.subarray(at, at + 1));
      }
    },
    keepQuiet: (ms) => {
      quiet.untilMs = Math.max(quiet.untilMs, clock.bootMs() + ms);
    },
    settle: async ({ lateMs, quietBeforeMs = 0 }) => {
      const untilMs = Math.max(quiet.untilMs, clock.bootMs());
      const waitMs = untilMs - clock.bootMs();
      if (waitMs > 0) await timers.sleep(waitMs);
      const endMs = untilMs + lateMs + Math.max(silenceMs, quietBeforeMs);
      for (let leftMs = silenceLeftMs(quietBeforeMs); leftMs > 0; leftMs = silenceLeftMs(quietBeforeMs)) {
        if (clock.bootMs() + leftMs > endMs) return;
        // Whole milliseconds: a clock with fractions may stand still for less.
        await timers.sleep(Math.ceil(leftMs));
      }
    },
    closeLine: () => line.close(),
  };
}

/** Start bit, data, parity, stop. */
const bitsPerCharacter = ({ dataBits, parity, stopBits }: SerialSettings): number =>
  1 + dataBits + (parity === "none" ? 0 : 1) + stopBits;
