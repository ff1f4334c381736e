/** The token that writing through the API needs. Made at first start, kept in a file that only its owner reads. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Chance, Files } from "../world.ts";

export interface Token {
  /** What stands in the file; shown once, when `isNew`. */
  readonly value: string;
  readonly isNew: boolean;
}

export function loadToken({ files, chance }: { readonly files: Files; readonly chance: Chance }, path: string): Token {
  const bytes = files.read(path);
  const known = bytes && new TextDecoder().decode(bytes).trim();
  if (known) return { value: known, isNew: false };
  const value = Buffer.from(chance.bytes(24)).toString("base64url");
  files.writeDurably(path, new TextEncoder().encode(`${value}\n`), 0o600);
  return { value, isNew: true };
}

/** Whether an Authorization header bears the token; takes the same time wherever it differs. */
export function createTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected = digestOf(token);
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
    return timingSafeEqual(digestOf(given), expected);
  };
}
