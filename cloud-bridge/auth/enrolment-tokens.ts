/** One-time tokens with which a board enrols: 192 random bits, kept as a hash, good for one key and a while. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { EnrolmentToken } from "../api/contract.ts";
import type { Identities, StoredToken } from "../store/identities.ts";
import type { Chance } from "../world.ts";

const TOKEN_BYTES = 24;

export interface EnrolmentTokens {
  /** A new station, which has nothing but this token; undefined when there is such a station already. */
  add(station: string, nowMs: number, lifeMs: number): Promise<EnrolmentToken | undefined>;
  /** For a station that is there; the token before it ends. undefined when there is no such station. */
  renew(station: string, nowMs: number, lifeMs: number): Promise<EnrolmentToken | undefined>;
}

export function createEnrolmentTokens(deps: {
  readonly identities: Identities;
  readonly chance: Chance;
}): EnrolmentTokens {
  const { identities, chance } = deps;
  const make = (untilMs: number) => {
    const token = Buffer.from(chance.bytes(TOKEN_BYTES)).toString("base64url");
    return { token, kept: { hash: hashOf(Buffer.from(token)), untilMs } };
  };
  return {
    add: async (station, nowMs, lifeMs) => {
      const { token, kept } = make(nowMs + lifeMs);
      return (await identities.addStation(station, kept, nowMs)) ? { station, token, until: kept.untilMs } : undefined;
    },
    renew: async (station, nowMs, lifeMs) => {
      const { token, kept } = make(nowMs + lifeMs);
      return (await identities.putToken(station, kept)) ? { station, token, until: kept.untilMs } : undefined;
    },
  };
}

/** Takes the same time wherever they differ. */
export function isToken({ hash }: StoredToken, given: Uint8Array): boolean {
  const [expected, actual] = [Buffer.from(hash, "base64url"), Buffer.from(hashOf(given), "base64url")];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Random bits need no slow hash. */
const hashOf = (token: Uint8Array): string => createHash("sha256").update(token).digest("base64url");
