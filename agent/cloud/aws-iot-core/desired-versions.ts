/**
 * The portable `$version` of the desired document, out of a shadow's one version for both sides.
 *
 * It is the shadow's version at which desired last changed: the number that whoever wrote it got back, so that `av` in
 * the report answers it. The shadow's newest version won't do: a report raises it, acknowledgements name it, and each
 * would need another report, for ever.
 *
 * Patches come from `update/accepted`: it repeats each update by anybody as it was asked for, nulls too, so it *is* the
 * merge patch, and since every update counts one, a hole in the versions is a patch that was missed. `update/delta`
 * isn't one: it holds what differs from reported, all of it, and nothing of what was taken away; and as reported
 * acknowledges ({value, ac, av, ad}) instead of repeating, it always differs. `update/documents` would tell everything,
 * twice over, at each report. A delta only says that there is a newer version, which matters where an update came over
 * the service's REST interface: of that one the guide promises a delta and nothing else.
 */
import { type DesiredDocument, isSame, type JsonObject, mergePatch } from "../../wire/twin-document.ts";
import type { PatchBasis } from "../cloud.ts";

export interface DesiredPatch {
  readonly patch: DesiredDocument;
  readonly basis: PatchBasis;
}

export interface DesiredVersions {
  /** A GET was answered with the shadow's version: desired with its own. */
  fetched(version: number, desired: JsonObject, known: DesiredDocument | undefined): DesiredDocument;
  /** An update was accepted, ours or another's. undefined: nothing new about desired. */
  accepted(version: number, desired: JsonObject | null | undefined): DesiredPatch | undefined;
  /** True when that version isn't known yet: its `accepted` may be under way, or never come. */
  isAhead(version: number): boolean;
  /** Something happened that nobody told in full: the whole has to be fetched. */
  missed(version: number): DesiredPatch;
  /** As far as it is known; bytes of JSON. */
  readonly desiredBytes: number;
}

/** A delta may come after the next update's `accepted`; one that is older than so many updates is of another shadow. */
const LATE_MAX = 16;

export function createDesiredVersions(): DesiredVersions {
  /** The shadow's version that was heard of last. */
  let seen: number | undefined;
  /** …and the one at which desired last changed. */
  let changedAt: number | undefined;
  let desired: JsonObject = {};

  const missed = (version: number): DesiredPatch => {
    seen = version;
    return { patch: { $version: version }, basis: "unknown" };
  };

  return {
    fetched: (version, document, known) => {
      seen = version;
      desired = document;
      changedAt =
        known && known.$version <= version && isSame(document, withoutVersion(known)) ? known.$version : version;
      return { ...document, $version: changedAt };
    },
    accepted: (version, patch) => {
      // null: all of desired went, and a merge patch has no word for that.
      const merged = patch === null ? undefined : (mergePatch(desired, patch ?? {}) as JsonObject);
      if (seen !== undefined && version !== seen + 1) {
        // Late, or delivered again, which its version tells; else a hole, or backwards: the shadow was made anew.
        const isKnown = (version === seen || (version < seen && patch !== undefined)) && isSame(merged, desired);
        if (!isKnown) return missed(version);
        return patch && version === changedAt
          ? { patch: { ...patch, $version: version }, basis: version - 1 }
          : undefined;
      }
      if (merged === undefined) return missed(version);
      seen = version;
      if (!patch) return undefined;
      const basis = changedAt ?? version - 1;
      changedAt = version;
      desired = merged;
      return { patch: { ...patch, $version: version }, basis };
    },
    isAhead: (version) => seen === undefined || version > seen || version < seen - LATE_MAX,
    missed,
    get desiredBytes() {
      return Buffer.byteLength(JSON.stringify(desired));
    },
  };
}

const withoutVersion = (document: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(document).filter(([key]) => key !== "$version"));
