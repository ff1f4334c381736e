/** When the next certificate is asked for. */
import { createHash } from "node:crypto";
import { RENEW_AFTER_LIFE, RENEW_SPREAD_LIFE } from "../limits.ts";
import type { CertificateFacts } from "../world.ts";

/** ms since 1970: at two thirds of its life, later by the station's name. */
export function renewalAtMs({ fromMs, untilMs }: CertificateFacts, station: string): number {
  const lifeMs = untilMs - fromMs;
  return Math.round(fromMs + lifeMs * (RENEW_AFTER_LIFE + RENEW_SPREAD_LIFE * fractionOf(station)));
}

/** 0 ≤ x < 1, the same for ever for one name; another one than that of uploads. */
const fractionOf = (station: string): number =>
  createHash("sha256").update(`renewal ${station}`).digest().readUInt32BE(0) / 2 ** 32;
