/**
 * For how long a connection may be silent. A network between (the NAT of a mobile carrier) forgets connections that were
 * silent for too long and tells nobody, so silence is ended by a ping; each costs about 209 bytes of IP.
 */
import { KEEP_ALIVE_MARGIN_S } from "../limits.ts";

export interface KeepAlive {
  /** What is announced to the broker when a connection begins, s. */
  announceS(): number;
  /** After so much silence a ping goes, ms. May change while a connection lives. */
  silenceMs(): number;
  /** The first exchange after this much silence was answered. */
  survived(silenceMs: number): void;
  /** …was not. */
  lost(silenceMs: number): void;
}

export const fixedKeepAlive = (seconds: number): KeepAlive => ({
  announceS: () => seconds,
  silenceMs: () => silenceMsUnder(seconds),
  survived: () => undefined,
  lost: () => undefined,
});

/** The longest silence that keeps what was announced, with room for a ping to arrive. */
export const silenceMsUnder = (announcedS: number): number =>
  Math.max(announcedS - KEEP_ALIVE_MARGIN_S, announcedS * 0.8) * 1000;
