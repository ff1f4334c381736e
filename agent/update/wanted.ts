/**
 * The desired value `description`, read in one place:
 *
 *   { url: "https://…/lake.tar.gz", sha256: 64 hex digits, signature: what minisign writes (four lines),
 *     based-on: hash of the description on site, or "none" when that is broken or missing,
 *     hash: what it becomes (optional; one that runs already isn't downloaded), version: a name for people (optional),
 *     urgent: true (optional; not to wait for upload windows, or for a better month) }
 */
import { createHash } from "node:crypto";
import { OBJECT_SETTINGS } from "../twin/known-settings.ts";
import { isObject, type Json } from "../wire/twin-document.ts";
import { readSignature, type Signature } from "./signature.ts";

export interface WantedUpdate {
  /** Of what is to run and what it follows; another address of the same is the same. */
  readonly id: string;
  readonly url: string;
  readonly sha256: string;
  readonly signature: Signature;
  readonly basedOn: string;
  readonly hash?: string;
  readonly version?: string;
  readonly isUrgent: boolean;
}

/** Says why something desired isn't done; `ac` as in an acknowledgement. */
export class UpdateRefused extends Error {
  override readonly name = "UpdateRefused";
  readonly ac: 400 | 500;
  constructor(ac: 400 | 500, message: string) {
    super(message);
    this.ac = ac;
  }
}

export const BASED_ON_NOTHING = "none";
const KEYS: readonly string[] = OBJECT_SETTINGS.description.fields.map(({ name }) => name);
const URL_LENGTH_MAX = 2_048;
const SIGNATURE_LENGTH_MAX = 1_024;
const VERSION_LENGTH_MAX = 64;
const HASH = /^[0-9a-f]{64}$/;

/** Throws UpdateRefused. */
export function readWanted(desired: Json, isPlainAllowed: boolean): WantedUpdate {
  if (!isObject(desired)) throw refused("not an object; it has url, sha256, signature and based-on");
  const unknown = Object.keys(desired).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw refused(`no such key ${unknown.slice(0, 64)}; there are ${KEYS.join(", ")}`);
  // A null is a value that was taken away, as in the document that it is merged into.
  const said = Object.fromEntries(Object.entries(desired).filter(([, value]) => value !== null));
  const { url, sha256, signature, "based-on": basedOn, hash, version, urgent = false } = said;
  if (typeof sha256 !== "string" || !HASH.test(sha256)) throw refused("sha256: 64 hex digits in lower case");
  if (typeof basedOn !== "string" || !(HASH.test(basedOn) || basedOn === BASED_ON_NOTHING)) {
    throw refused('based-on: the reported description/hash, or "none" when the file on site is broken or missing');
  }
  if (hash !== undefined && (typeof hash !== "string" || !HASH.test(hash))) throw refused("hash: 64 hex digits");
  if (version !== undefined && (typeof version !== "string" || version.length > VERSION_LENGTH_MAX)) {
    throw refused(`version: a text of at most ${VERSION_LENGTH_MAX} letters`);
  }
  if (typeof urgent !== "boolean") throw refused("urgent: true or false");
  if (typeof signature !== "string" || signature.length > SIGNATURE_LENGTH_MAX) {
    throw refused("signature: the text of the file that minisign writes");
  }
  return {
    id: createHash("sha256").update(`${sha256}\n${basedOn}\n${signature}`).digest("hex"),
    url: usableUrl(url, isPlainAllowed),
    sha256,
    signature: signatureFrom(signature),
    basedOn,
    ...(hash !== undefined && { hash }),
    ...(version !== undefined && { version }),
    isUrgent: urgent,
  };
}

/** As `readWanted`; why it can't be read as a value. */
export function readOrRefusal(desired: Json, isPlainAllowed: boolean): WantedUpdate | UpdateRefused {
  try {
    return readWanted(desired, isPlainAllowed);
  } catch (error) {
    if (error instanceof UpdateRefused) return error;
    throw error;
  }
}

const refused = (words: string): UpdateRefused => new UpdateRefused(400, words);

function usableUrl(url: Json | undefined, isPlainAllowed: boolean): string {
  if (typeof url !== "string" || url.length > URL_LENGTH_MAX || !URL.canParse(url)) {
    throw refused(`url: an address of at most ${URL_LENGTH_MAX} letters`);
  }
  const { protocol, username, password } = new URL(url);
  if (username !== "" || password !== "") throw refused("url: a password has no place in a twin; use a signed address");
  if (protocol === "https:" || (protocol === "http:" && isPlainAllowed)) return url;
  const advice = protocol === "http:" ? "; plain http needs downloads: plain-too in agent.yaml" : "";
  throw refused(`url: begins with ${protocol}, has to be https:${advice}`);
}

function signatureFrom(text: string): Signature {
  try {
    return readSignature(text);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
}
