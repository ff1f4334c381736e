/**
 * Signatures as minisign makes them (https://jedisct1.github.io/minisign/, "Signature format"): Ed25519, and who gets
 * files from anywhere needs nothing but a public key of one line. All numbers in the Base64 are bytes in this order:
 *
 *   public key   untrusted comment: …
 *                Base64( "Ed" ‖ key id, 8 ‖ public key, 32 )
 *   signature    untrusted comment: …
 *                Base64( "Ed" or "ED" ‖ key id, 8 ‖ signature, 64 )      "ED": of the file's BLAKE2b-512, else of the file
 *                trusted comment: TEXT
 *                Base64( signature of ( signature, 64 ‖ TEXT ) )
 *
 * The trusted comment is signed, so it may say whom a file is for; the other comment says nothing that counts.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";

export interface TrustedKey {
  /** 16 hex digits, as minisign prints it. */
  readonly id: string;
  readonly publicKey: KeyObject;
  /** Where it stands. */
  readonly path: string;
}

export interface Signature {
  readonly keyId: string;
  readonly isPrehashed: boolean;
  readonly signature: Uint8Array;
  readonly trustedComment: string;
  readonly globalSignature: Uint8Array;
}

const KEY_BYTES = 2 + 8 + 32;
const SIGNATURE_BYTES = 2 + 8 + 64;
/** RFC 8410: what stands before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo. */
export const SPKI_HEAD = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const UNTRUSTED = "untrusted comment:";
const TRUSTED = "trusted comment: ";

/** `text` of a *.pub file, or its one line of Base64. Throws Error that says what is wrong with it. */
export function readPublicKey(path: string, text: string): TrustedKey {
  const line = linesOf(text).find((one) => !one.startsWith(UNTRUSTED)) ?? "";
  const bytes = bytesOf(line);
  if (bytes?.length !== KEY_BYTES || kindOf(bytes) !== "Ed") {
    throw new Error(`${path}: this is no public key of minisign (a comment line, and a line that begins with RW)`);
  }
  const der = Buffer.concat([SPKI_HEAD, bytes.subarray(10)]);
  return { path, id: idOf(bytes), publicKey: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

/** The text of a *.minisig file; its line ends may have been lost on the way as far as JSON's are kept. Throws Error. */
export function readSignature(text: string): Signature {
  const [comment, first, trusted, second, ...rest] = linesOf(text);
  const [bytes, globalSignature] = [bytesOf(first), bytesOf(second)];
  const isWhole = comment?.startsWith(UNTRUSTED) === true && trusted?.startsWith(TRUSTED) === true && rest.length === 0;
  if (!isWhole || bytes?.length !== SIGNATURE_BYTES || globalSignature?.length !== 64) {
    throw new Error("the signature is not the four lines that minisign writes (FILE.minisig)");
  }
  const kind = kindOf(bytes);
  if (kind !== "Ed" && kind !== "ED") throw new Error(`the signature is of an unknown kind "${kind}"`);
  return {
    keyId: idOf(bytes),
    isPrehashed: kind === "ED",
    signature: bytes.subarray(10),
    trustedComment: trusted?.slice(TRUSTED.length) ?? "",
    globalSignature,
  };
}

/** What can be said before the file is here: the key is trusted, and the trusted comment is its own. Throws Error. */
export function signerOf(signature: Signature, keys: readonly TrustedKey[]): TrustedKey {
  const { keyId, globalSignature, trustedComment } = signature;
  const known = keys.filter(({ id }) => id === keyId);
  if (known.length === 0) {
    const trusted = keys.map(({ id }) => id).join(", ");
    throw new Error(`signed by the key ${keyId}, which this station doesn't trust; it trusts ${trusted}`);
  }
  const signed = Buffer.concat([signature.signature, Buffer.from(trustedComment, "utf8")]);
  const signer = known.find(({ publicKey }) => verify(null, signed, publicKey, globalSignature));
  if (!signer) throw new Error(`the signature's trusted comment was not signed by the key ${keyId}`);
  return signer;
}

/** Whether `file` is what was signed. */
export function isSigned(file: Uint8Array, { isPrehashed, signature }: Signature, { publicKey }: TrustedKey): boolean {
  const signed = isPrehashed ? createHash("blake2b512").update(file).digest() : file;
  return verify(null, signed, publicKey, signature);
}

/**
 * Whom the trusted comment is for, among whatever else stands there: "station:lake-1", "station:lake-*" for all whose
 * names begin so, several of them; "based-on:HASH" for one step only. undefined when it is for this station and step.
 */
export function misdirection(
  trustedComment: string,
  here: { readonly station: string; readonly basedOn: string },
): string | undefined {
  const words = trustedComment.split(/[\s,]+/);
  const said = (key: string): string[] =>
    words.filter((word) => word.startsWith(`${key}:`)).map((word) => word.slice(key.length + 1));
  const [stations, bases, fleets] = [said("station"), said("based-on"), said("fleet")];
  if (stations.length > 0 && !stations.some((pattern) => isNamed(here.station, pattern))) {
    return `signed for station ${stations.join(", ")}; this is ${here.station}`;
  }
  if (fleets.length > 0)
    return `signed for fleet ${fleets.join(", ")}; name stations instead: station:NAME, station:BEGIN*`;
  if (bases.length > 0 && !bases.includes(here.basedOn)) {
    return `signed to follow the description ${bases.join(", ")}, not ${here.basedOn}`;
  }
  return undefined;
}

const isNamed = (station: string, pattern: string): boolean =>
  pattern.endsWith("*") ? station.startsWith(pattern.slice(0, -1)) : station === pattern;

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line.trim() !== "");

/** undefined for what is no Base64: Buffer would skip what it doesn't know. */
function bytesOf(line: string | undefined): Uint8Array | undefined {
  const text = line?.trim() ?? "";
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  return Buffer.from(text, "base64");
}

const kindOf = (bytes: Uint8Array): string => String.fromCharCode(bytes[0] ?? 0, bytes[1] ?? 0);
/** minisign prints it as a little-endian number. */
const idOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(2, 10)).reverse().toString("hex").toUpperCase();
