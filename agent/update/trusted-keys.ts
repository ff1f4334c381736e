/** Public keys that may sign descriptions for this station: NAME.pub in one folder, as minisign makes them. */
import { textAt } from "../description.ts";
import type { Files } from "../world.ts";
import { readPublicKey, type TrustedKey } from "./signature.ts";

export interface TrustedKeys {
  readonly keys: readonly TrustedKey[];
  /** What is wrong with the others, in words. */
  readonly unusable: readonly string[];
}

export function trustedKeys(files: Files, folder: string): TrustedKeys {
  const keys: TrustedKey[] = [];
  const unusable: string[] = [];
  for (const name of files.list(folder).filter((one) => one.endsWith(".pub"))) {
    const path = `${folder}/${name}`;
    try {
      keys.push(readPublicKey(path, textAt(files, path) ?? ""));
    } catch (error) {
      unusable.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { keys, unusable };
}
