/** The cloud's two documents and their versions, as the twin authority keeps them. */
import { type DesiredDocument, type JsonObject, mergePatch, type TwinDocuments } from "../wire/twin-document.ts";

export interface MemoryTwin {
  documents(): TwinDocuments;
  /** Merges and counts; returns the patch as it goes to the station. */
  setDesired(patch: JsonObject): DesiredDocument;
  /** Merges and counts; returns the new version. */
  report(patch: JsonObject): number;
  /** As when somebody deletes the station's twin and makes it anew: versions begin again. */
  recreate(desired: JsonObject): void;
}

export function createMemoryTwin(): MemoryTwin {
  let desired: JsonObject = { $version: 1 };
  let reported: JsonObject = { $version: 1 };
  const versionOf = (document: JsonObject): number => Number(document["$version"]);
  const next = (document: JsonObject, patch: JsonObject): JsonObject => ({
    ...(mergePatch(document, patch) as JsonObject),
    $version: versionOf(document) + 1,
  });
  return {
    documents: () =>
      structuredClone({
        desired: { ...desired, $version: versionOf(desired) },
        reported: { ...reported, $version: versionOf(reported) },
      }),
    setDesired: (patch) => {
      desired = next(desired, patch);
      return { ...patch, $version: versionOf(desired) };
    },
    report: (patch) => {
      reported = next(reported, patch);
      return versionOf(reported);
    },
    recreate: (fresh) => {
      desired = { ...(mergePatch({}, fresh) as JsonObject), $version: 1 };
      reported = { $version: 1 };
    },
  };
}
