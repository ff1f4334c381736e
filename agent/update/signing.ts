/**
 * Keys and signatures made here, for who has no minisign at hand; minisign takes both. A secret key is a file of PEM
 * (PKCS #8, RFC 8410), or one that minisign made without a password (minisign -G -W), bytes in this order:
 *
 *   untrusted comment: …
 *   Base64( "Ed" ‖ 00 00 ‖ "B2" ‖ salt, 32 ‖ limits, 16 ‖ key id, 8 ‖ seed, 32 ‖ public key, 32 ‖ checksum, 32 )
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { SPKI_HEAD } from "./signature.ts";

export interface SigningKey {
  readonly id: Uint8Array;
  readonly privateKey: KeyObject;
}

const PKCS8_HEAD = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);
const SECRET_BYTES = 2 + 2 + 2 + 32 + 16 + 8 + 64 + 32;

/** `seed`: 32 bytes that nobody can guess. */
export const signingKeyFrom = (seed: Uint8Array): SigningKey => withId(keyFrom(seed));

/** For the file of the secret key. */
export const secretKeyText = ({ privateKey }: SigningKey): string =>
  privateKey.export({ format: "pem", type: "pkcs8" }).toString();

/** For /etc/pump-station/trusted-keys/NAME.pub. */
export function publicKeyText(key: SigningKey): string {
  const line = base64(Buffer.from("Ed"), key.id, publicBytes(key.privateKey));
  return `untrusted comment: minisign public key ${idText(key.id)}\n${line}\n`;
}

/** Throws Error that says what to do with a key that can't be used. */
export function readSigningKey(path: string, text: string): SigningKey {
  if (text.includes("-----BEGIN")) {
    const privateKey = createPrivateKey(text);
    if (privateKey.asymmetricKeyType !== "ed25519") throw new Error(`${path}: this is no Ed25519 key`);
    return withId(privateKey);
  }
  const bytes = Buffer.from(text.trim().split("\n").at(-1) ?? "", "base64");
  if (bytes.length !== SECRET_BYTES || bytes.toString("latin1", 0, 2) !== "Ed") {
    throw new Error(`${path}: this is no secret key; make one: pump-station pack --new-key ${path}`);
  }
  if (bytes.toString("latin1", 2, 4) !== "\0\0") {
    throw new Error(`${path}: this key has a password; pack without --sign, then sign the archive with minisign -S`);
  }
  const [id, seed, publicKey] = [bytes.subarray(54, 62), bytes.subarray(62, 94), bytes.subarray(94, 126)];
  const privateKey = keyFrom(seed);
  if (!publicBytes(privateKey).equals(publicKey)) throw new Error(`${path}: the secret key is damaged`);
  return { id, privateKey };
}

/** Four lines, of the file's BLAKE2b-512 ("ED"), as minisign makes them since version 0.10. */
export function signatureText(file: Uint8Array, key: SigningKey, trustedComment: string): string {
  const signature = sign(null, createHash("blake2b512").update(file).digest(), key.privateKey);
  const global = sign(null, Buffer.concat([signature, Buffer.from(trustedComment, "utf8")]), key.privateKey);
  return [
    `untrusted comment: signature from pump-station, key ${idText(key.id)}`,
    base64(Buffer.from("ED"), key.id, signature),
    `trusted comment: ${trustedComment}`,
    base64(global),
    "",
  ].join("\n");
}

const keyFrom = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });

/** minisign draws the id by chance; one that follows from the key is the same for who has only the PEM. */
const withId = (privateKey: KeyObject): SigningKey => ({
  privateKey,
  id: createHash("sha256").update(publicBytes(privateKey)).digest().subarray(0, 8),
});

const publicBytes = (privateKey: KeyObject): Buffer =>
  createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length);
const base64 = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString("base64");
const idText = (id: Uint8Array): string => Buffer.from(id).reverse().toString("hex").toUpperCase();
