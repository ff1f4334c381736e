/**
 * What a board keeps of who it is: one file, replaced as a whole, that its owner alone can read. Whatever happens in the
 * middle (a power cut, a bridge that goes away), the file says how far it came, and there is always a key that works.
 */
import type { StateDocument } from "../state/state-store.ts";

export interface KeptCertificate {
  /** PEM, both. */
  readonly privateKey: string;
  readonly certificate: string;
  /** Who gave it: the cloud as agent.yaml names it. */
  readonly cloud: string;
  /** When it had worked for the first time, ms since 1970; left out when the clock wasn't set. */
  readonly sinceMs?: number;
}

/** A new key on its way to a certificate that has worked. */
export interface NextCertificate {
  readonly privateKey: string;
  /** The request: the same again when the answer was lost. */
  readonly csr: string;
  /** Every other board of the name is thrown out by it. */
  readonly isAdoption?: true;
  /** Given, not tried yet. */
  readonly certificate?: string;
  /** How often in a row it was refused when it was tried. */
  readonly refusals?: number;
}

export interface KeptIdentity {
  readonly station: string;
  /** Has worked; stays until the next one has. */
  readonly current?: KeptCertificate;
  readonly next?: NextCertificate;
  /** Whose this board was, until it has become this one: an adoption that fails costs nothing. */
  readonly before?: KeptIdentity;
}

export interface IdentityMemory {
  readonly now: KeptIdentity;
  /** Another station's identity lies in this data folder: whose. Nothing of it is used. */
  readonly foreign: string | undefined;
  /** On the medium when it returns. Throws what the file system says; then nothing has changed. */
  keep(next: KeptIdentity): void;
}

export function createIdentityMemory(document: StateDocument<KeptIdentity>, station: string): IdentityMemory {
  const found = document.load();
  const own = [found, found?.before].find((kept) => kept?.station === station);
  let stranger = own ? undefined : found?.current ? found : found?.before;
  let now: KeptIdentity = own ?? { station };
  return {
    get now() {
      return now;
    },
    get foreign() {
      return stranger?.station;
    },
    keep: (next) => {
      const before = next.before ?? stranger;
      const kept = next.current || !before ? next : { ...next, before };
      document.save(kept);
      now = kept;
      stranger = undefined;
    },
  };
}
