/**
 * The desired document as the cloud has it, merged by `$version`. Clouds don't keep patches for a station that is away
 * and may deliver one twice: anything but the very next version means that the whole document has to be fetched.
 */
import type { PatchBasis } from "../cloud/cloud.ts";
import { type DesiredDocument, type JsonObject, mergePatch } from "../wire/twin-document.ts";
import { isSame } from "./patch-between.ts";

export interface Versioned {
  readonly version: number;
  /** Without $version. */
  readonly desired: JsonObject;
}

export interface Mirror {
  /** undefined until the first full document. */
  readonly current: Versioned | undefined;
  /** A GET was answered; versions may have gone backwards (a twin that was made anew), it is taken whole. */
  take(full: DesiredDocument): void;
  /** `basis`: the version it was made from; default: the one before its own. */
  merge(patch: DesiredDocument, basis?: PatchBasis): "merged" | "known" | "gap";
}

export function createMirror(stored: Versioned | undefined): Mirror {
  let current = stored;
  return {
    get current() {
      return current;
    },
    take: ({ $version, ...desired }) => {
      current = { version: $version, desired: desired };
    },
    merge: ({ $version, ...patch }, basis = $version - 1) => {
      if (basis === "unknown") return "gap";
      if (current?.version === $version) {
        // The same number with other words: a twin that was made anew, or rolled back, behind our back.
        return isSame(mergePatch(current.desired, patch), current.desired) ? "known" : "gap";
      }
      if (current === undefined || current.version !== basis) return "gap";
      current = { version: $version, desired: mergePatch(current.desired, patch) as JsonObject };
      return "merged";
    },
  };
}
