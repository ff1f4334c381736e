/**
 * What the store knows of who stations are: their certificates, the tokens with which boards enrol, and who was thrown
 * out. Part of `Store`; each call is one transaction. Times are ms since 1970 UTC.
 */

/** Stands where a password's hash would: no password is right. */
export const NO_PASSWORD = "none";

export interface StoredCertificate {
  readonly station: string;
  readonly serial: string;
  /** Of the public key: who asks again with the same key gets the same certificate. */
  readonly keyHash: string;
  readonly pem: string;
  readonly untilMs: number;
  /** When a station first came with it; null: not yet. */
  readonly usedMs: number | null;
  readonly revokedMs: number | null;
  /** When a newer one of the station first worked. */
  readonly supersededMs: number | null;
  /** The station has come with a newer one. */
  readonly isReplaced: boolean;
}

export interface StoredToken {
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  readonly untilMs: number;
  /** Of the key that it was used for; null: not used yet. */
  readonly keyHash: string | null;
}

/** Connections that must end: of that certificate, or (null) whoever came by the station's password. */
export interface Revocation {
  readonly id: number;
  readonly station: string;
  readonly serial: string | null;
}

export interface NewCertificate {
  readonly station: string;
  readonly serial: string;
  readonly keyHash: string;
  readonly pem: string;
  readonly untilMs: number;
  readonly atMs: number;
  /** Of the certificate with which it was asked for; null: with the station's token, good for this key alone from now on. */
  readonly askedBy: string | null;
  /** Takes the place of every other certificate of the station, and of its password. */
  readonly isAdoption: boolean;
}

export interface Identities {
  /** A station without a password. false when there is such a station already. */
  addStation(station: string, token: Omit<StoredToken, "keyHash">, atMs: number): Promise<boolean>;
  /** Replaces the station's token. false when there is no such station. */
  putToken(station: string, token: Omit<StoredToken, "keyHash">): Promise<boolean>;
  token(station: string): Promise<StoredToken | undefined>;
  certificate(serial: string): Promise<StoredCertificate | undefined>;
  /** Newest first. */
  certificates(station: string): Promise<readonly StoredCertificate[]>;
  /**
   * Forgets those of the station that were never used. false when what it was asked for with is worth nothing any more:
   * a revoked certificate, a token that was used for another key.
   */
  addCertificate(certificate: NewCertificate): Promise<boolean>;
  /**
   * Somebody came with it: the first time the station's password and its token end, and the certificates before it are
   * superseded; once it came as the station itself, they are replaced.
   */
  used(serial: string, atMs: number, as: "station" | "enrolling"): Promise<void>;
  /** All certificates, the password and the token of a station. false when there is no such station. */
  revoke(station: string, atMs: number): Promise<boolean>;
  /** In the order in which they happened, those after `id`. */
  revocationsAfter(id: number): Promise<readonly Revocation[]>;
  lastRevocation(): Promise<number>;
}
