/**
 * The desired document as the cloud has it, merged by `$version`. Clouds don't keep patches for a station that is away
 * and may deliver one twice: anything but the very next version means that the whole document has to be fetched.
 */
import { type DesiredDocument, type JsonObject, mergePatch } from "../wire/twin-document.ts";

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
  merge(patch: DesiredDocument): "merged" | "known" | "gap";
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
    merge: ({ $version, ...patch }) => {
      if (current?.version === $version) return "known";
      if (current === undefined || $version !== current.version + 1) return "gap";
      current = { version: $version, desired: mergePatch(current.desired, patch) as JsonObject };
      return "merged";
    },
  };
}
