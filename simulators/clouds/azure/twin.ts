/**
 * One device's twin. Desired and reported properties have versions of their own that rise with every write; a twin made
 * anew begins at 1, which is how a device meets a version that goes backwards.
 */
import { isObject, type Json, type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import { ServiceError } from "./errors.ts";
import { TWIN_DESIRED_BYTES_MAX, TWIN_REPORTED_BYTES_MAX, TWIN_TAGS_BYTES_MAX } from "./limits.ts";
import { problemOfPatch, problemOfSize } from "./twin-limits.ts";

export interface TwinSection {
  readonly properties: JsonObject;
  readonly version: number;
  readonly metadata: JsonObject;
}

/** As the service sees it. */
export interface TwinView {
  readonly etag: string;
  readonly version: number;
  readonly tags: JsonObject;
  readonly desired: TwinSection;
  readonly reported: TwinSection;
}

export interface Twin {
  view(): TwinView;
  /** What a device gets: `{"desired":{…,"$version":n},"reported":{…,"$version":n}}`. */
  document(): { readonly desired: JsonObject; readonly reported: JsonObject };
  /** Merges; returns the new version. Throws ServiceError 400, 413. */
  report(patch: JsonObject): number;
  /** Merges; returns the patch as the device gets it, and its version. Throws ServiceError 400, 412, 413. */
  patchDesired(patch: JsonObject, ifMatch?: string): { readonly patch: JsonObject; readonly version: number };
  /** Replaces; the returned patch deletes what is gone. Throws as above. */
  replaceDesired(properties: JsonObject, ifMatch?: string): { readonly patch: JsonObject; readonly version: number };
  /** Merges. Throws as above. */
  patchTags(patch: JsonObject, ifMatch?: string): void;
  /** As after the device was deleted and made again, or a hub came back from an old copy. */
  recreate(kept?: { readonly desired?: JsonObject; readonly version?: number }): void;
}

const MAX = { desired: TWIN_DESIRED_BYTES_MAX, reported: TWIN_REPORTED_BYTES_MAX } as const;

export function createTwin(nowMs: () => number): Twin {
  const empty = (): TwinSection => ({
    properties: {},
    version: 1,
    metadata: { $lastUpdated: stamp(nowMs()) },
  });
  let sections = { desired: empty(), reported: empty() };
  let tags: JsonObject = {};
  let version = 1;

  const etag = (): string => Buffer.from(`${version}`).toString("base64");
  const write = (name: "desired" | "reported", patch: JsonObject): number => {
    check(problemOfPatch(patch));
    const old = sections[name];
    const properties = mergePatch(old.properties, patch) as JsonObject;
    check(problemOfSize(properties, MAX[name], name));
    const updated = {
      $lastUpdated: stamp(nowMs()),
      ...(name === "desired" && { $lastUpdatedVersion: old.version + 1 }),
    };
    const metadata = { ...(metadataOf(old.metadata, patch, updated) as JsonObject), ...updated };
    sections = { ...sections, [name]: { properties, version: old.version + 1, metadata } };
    version += 1;
    return old.version + 1;
  };
  const checkMatch = (ifMatch: string | undefined): void => {
    const wanted = ifMatch?.replace(/^W\//, "").replaceAll('"', "");
    if (wanted !== undefined && wanted !== "*" && wanted !== etag())
      throw new ServiceError(412, 412002, `the twin has changed: its etag is ${etag()}, not ${wanted}`);
  };

  return {
    view: () => ({ etag: etag(), version, tags, ...sections }),
    document: () => ({
      desired: { ...sections.desired.properties, $version: sections.desired.version },
      reported: { ...sections.reported.properties, $version: sections.reported.version },
    }),
    report: (patch) => write("reported", patch),
    patchDesired: (patch, ifMatch) => {
      checkMatch(ifMatch);
      return { patch, version: write("desired", patch) };
    },
    replaceDesired: (properties, ifMatch) => {
      checkMatch(ifMatch);
      const patch = difference(sections.desired.properties, properties);
      return { patch, version: write("desired", patch) };
    },
    patchTags: (patch, ifMatch) => {
      checkMatch(ifMatch);
      check(problemOfPatch(patch));
      const merged = mergePatch(tags, patch) as JsonObject;
      check(problemOfSize(merged, TWIN_TAGS_BYTES_MAX, "tags"));
      tags = merged;
      version += 1;
    },
    recreate: ({ desired = {}, version: desiredVersion = 1 } = {}) => {
      sections = { desired: { ...empty(), properties: desired, version: desiredVersion }, reported: empty() };
      tags = {};
      version = 1;
    },
  };
}

/** The merge patch that makes `to` of `from`. */
function difference(from: JsonObject, to: JsonObject): JsonObject {
  const patch: Record<string, Json> = {};
  for (const key of Object.keys(from)) if (!(key in to)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const old = from[key];
    patch[key] = isObject(value) && isObject(old) ? difference(old, value) : value;
  }
  return patch;
}

/** `$metadata`: the shape of the properties, with a time at every key that was written. */
function metadataOf(old: Json | undefined, patch: Json, updated: JsonObject): Json {
  if (!isObject(patch)) return updated;
  const merged: Record<string, Json> = isObject(old) ? { ...old } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = { ...(metadataOf(merged[key], value, updated) as JsonObject), ...updated };
  }
  return merged;
}

function check(problem: { readonly status: 400 | 413; readonly text: string } | undefined): void {
  if (problem) throw new ServiceError(problem.status, problem.status === 413 ? 413001 : 400004, problem.text);
}

const stamp = (ms: number): string => new Date(ms).toISOString();
