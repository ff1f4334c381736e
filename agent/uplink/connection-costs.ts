/**
 * Is it cheaper to stay connected between two uploads, or to leave and come back? By what was measured on this network;
 * until then by figures from the wire (mqtt.js, QoS 1, TLS 1.3, IPv4, RSA chain; packets and acknowledgements counted).
 */
import type { LinkUse } from "../world.ts";
import type { Learned } from "./network-memory.ts";

/** IP bytes both ways. */
export interface ConnectionCosts {
  readonly fullBytes: number;
  readonly resumedBytes: number;
  /** 0 to 1 */
  readonly resumedShare: number;
}

export interface ConnectionPlan {
  readonly plan: "stay" | "leave";
  readonly stayBytesPerDay: number;
  readonly leaveBytesPerDay: number;
  /** Of a connection that stays. */
  readonly pingsPerDay: number;
}

export const PING_BYTES = 209;
const FULL_BYTES = 5_049;
const RESUMED_BYTES = 1_678;
/** Headers of what passes while a connection begins: three packets of TCP's own, and a dozen with payload. */
const OPENING_HEADER_BYTES = 700;
/** DISCONNECT, close_notify, and both ends of TCP. */
const CLOSING_BYTES = 343;
/** The farewell, and the cloud settings that each new connection asks for. */
const GREETING_BYTES = 247 + 1_500;
/** A connection that stays is lost now and then, too. */
const CONNECTIONS_PER_DAY = 1;
const DAY_MS = 86_400_000;
/** Whoever changes must save a fifth, and more than a message or two a day. */
const WORTH_SHARE = 0.8;
const WORTH_BYTES_PER_DAY = 2_000;
const NEWEST_SHARE = 0.25;

export const costsFrom = (learned: Learned): ConnectionCosts => ({
  fullBytes: learned.fullBytes ?? FULL_BYTES,
  resumedBytes: learned.resumedBytes ?? RESUMED_BYTES,
  // Who never saw one resumed counts on none.
  resumedShare: learned.resumedShare ?? 0,
});

/** What the beginning of one more connection teaches; `use` when the session stands. */
export function learnedFromOpening(learned: Learned, { bytes, isResumed }: LinkUse): Partial<Learned> {
  const ipBytes = bytes + OPENING_HEADER_BYTES;
  const blend = (before: number | undefined, now: number): number =>
    Math.round(before === undefined ? now : before + NEWEST_SHARE * (now - before));
  const share = learned.resumedShare ?? 0;
  const resumedShare = Math.round(100 * (share + NEWEST_SHARE * ((isResumed ? 1 : 0) - share))) / 100;
  return isResumed
    ? { resumedShare, resumedBytes: blend(learned.resumedBytes, ipBytes) }
    : { resumedShare, fullBytes: blend(learned.fullBytes, ipBytes) };
}

export function connectionPlan(
  before: "stay" | "leave",
  uplink: { readonly intervalMs: number; readonly silenceMs: number },
  costs: ConnectionCosts,
): ConnectionPlan {
  const uploadsPerDay = DAY_MS / uplink.intervalMs;
  const pingsPerDay = uploadsPerDay * Math.max(0, Math.ceil(uplink.intervalMs / uplink.silenceMs) - 1);
  const opening = costs.resumedShare * costs.resumedBytes + (1 - costs.resumedShare) * costs.fullBytes;
  const connection = opening + CLOSING_BYTES + GREETING_BYTES;
  const stayBytesPerDay = Math.round(pingsPerDay * PING_BYTES + CONNECTIONS_PER_DAY * connection);
  const leaveBytesPerDay = Math.round(uploadsPerDay * connection);
  const [now, other] = before === "stay" ? [stayBytesPerDay, leaveBytesPerDay] : [leaveBytesPerDay, stayBytesPerDay];
  const isWorth = other < WORTH_SHARE * now && now - other > WORTH_BYTES_PER_DAY;
  const plan = isWorth ? (before === "stay" ? "leave" : "stay") : before;
  return { plan, stayBytesPerDay, leaveBytesPerDay, pingsPerDay: Math.round(pingsPerDay) };
}
