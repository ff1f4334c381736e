/**
 * Stations' passwords. 192 random bits each, so that the hash guards a stolen store rather than a weak word.
 * Kept as "scrypt:N:salt:hash" (base64url), RFC 7914 with r = 8, p = 1.
 */
import { createHash, scrypt, timingSafeEqual } from "node:crypto";
import { NO_PASSWORD } from "../store/identities.ts";
import type { Store } from "../store/store.ts";
import type { Chance } from "../world.ts";

/** 4 MB and about 10 ms each: a fleet of 10,000 reconnects within a minute on two cores. */
const COST = 4_096;
const PASSWORD_BYTES = 24;
/** Of whoever knocks without being a station: takes as long as a real one. */
const NOBODY = `scrypt:${COST}:AAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`;
/** Stations whose last good password is remembered (as a digest), so that a reconnect storm costs no scrypt. */
const REMEMBERED_MAX = 10_000;

export interface Credentials {
  /** The new station's password; undefined when there is such a station already. */
  add(station: string, atMs: number): Promise<string | undefined>;
  verify(station: string, password: Uint8Array): Promise<boolean>;
}

export function createCredentials({ store, chance }: { readonly store: Store; readonly chance: Chance }): Credentials {
  const remembered = new Map<string, string>();
  /** Keyed with bytes of this process, so that the digests are worth nothing elsewhere. */
  const key = chance.bytes(32);
  const digestOf = (credential: string, password: Uint8Array): string =>
    createHash("sha256").update(key).update(credential).update("\0").update(password).digest("base64url");

  return {
    add: async (station, atMs) => {
      const password = textOf(chance.bytes(PASSWORD_BYTES));
      const salt = chance.bytes(16);
      const hash = await derive(Buffer.from(password), salt, COST);
      const credential = `scrypt:${COST}:${textOf(salt)}:${textOf(hash)}`;
      return (await store.addStation(station, credential, atMs)) ? password : undefined;
    },
    verify: async (station, password) => {
      const kept = await store.credentialOf(station);
      const credential = kept === NO_PASSWORD ? undefined : kept;
      if (credential !== undefined && remembered.get(station) === digestOf(credential, password)) return true;
      const isRight = await matches(credential ?? NOBODY, password);
      if (credential === undefined || !isRight) return false;
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(station, digestOf(credential, password));
      return true;
    },
  };
}

async function matches(credential: string, password: Uint8Array): Promise<boolean> {
  const [kind, cost, salt = "", hash = ""] = credential.split(":");
  if (kind !== "scrypt") throw new Error(`verify a password: its hash is of an unknown kind "${kind}"`);
  const expected = Buffer.from(hash, "base64url");
  const actual = await derive(password, Buffer.from(salt, "base64url"), Number(cost));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

const derive = (password: Uint8Array, salt: Uint8Array, cost: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, 32, { N: cost, r: 8, p: 1 }, (error, hash) => (error ? reject(error) : resolve(hash)));
  });

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
