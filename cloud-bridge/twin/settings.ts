/** Desired and acknowledged side by side, as the contract's `TwinSetting`. Pure. */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { TwinSetting } from "../api/contract.ts";
import type { StoredTwin } from "../store/store.ts";

type Scalar = number | string | boolean | null;

/**
 * Every desired value, and every value the station acknowledges without a desired one (what its own file says).
 * Converged: the station runs the desired value and says so for the version that set it.
 */
export function settingsOf({ desired, reported, versions }: StoredTwin): TwinSetting[] {
  const wanted = leavesOf(desired);
  const acknowledged = acknowledgementsOf(reported);
  const paths = [...new Set([...wanted.keys(), ...acknowledged.keys()])].sort();
  return paths.map((path) => {
    const answer = acknowledged.get(path);
    const value = wanted.get(path);
    const version = versionIn(versions, path) ?? 0;
    const runs = answer?.ac === 200 || answer?.ac === 203;
    return {
      path,
      desired: value === undefined ? null : scalarFrom(outcomeOf(path, value, answer)),
      desiredVersion: version,
      reported: answer ? scalarFrom(answer.value) : null,
      ac: answer?.ac ?? null,
      av: answer?.av ?? null,
      ad: answer?.ad ?? null,
      converged:
        runs && (value === undefined || (answer.av >= version && isSame(answer.value, outcomeOf(path, value, answer)))),
    };
  });
}

/** The version that gave each desired value, after a patch made `version`: values that stay equal keep theirs. */
export function versionsAfter(before: StoredTwin, desired: JsonObject, version: number): Record<string, number> {
  const old = leavesOf(before.desired);
  const versions: Record<string, number> = {};
  for (const [path, value] of leavesOf(desired)) {
    const known = versionIn(before.versions, path);
    const previous = old.get(path);
    versions[path] = known !== undefined && previous !== undefined && isSame(previous, value) ? known : version;
  }
  return versions;
}

/** Paths come from outside: "constructor" is one, and no version. */
const versionIn = (versions: Readonly<Record<string, number>>, path: string): number | undefined =>
  Object.hasOwn(versions, path) ? versions[path] : undefined;

/** Desired as an address with a signature, answered as one value: the hash of what runs. */
const DESCRIPTION = "description";

/** What the station reports once it has done what is desired. */
function outcomeOf(path: string, desired: Json, answer: Answer | undefined): Json {
  if (path !== DESCRIPTION || !isObject(desired)) return desired;
  const { hash, sha256 } = desired;
  // Who doesn't say what an archive becomes has to take the station's word for it.
  return hash ?? (answer?.ac === 200 ? answer.value : `archive ${typeof sha256 === "string" ? sha256 : ""}`);
}

function leavesOf(document: JsonObject): Map<string, Json> {
  const leaves = new Map<string, Json>();
  const walk = (value: Json, path: string): void => {
    if (!isObject(value) || path === DESCRIPTION) leaves.set(path, value);
    else for (const [key, inner] of Object.entries(value)) if (key !== "$version") walk(inner, join(path, key));
  };
  walk(document, "");
  leaves.delete("");
  return leaves;
}

interface Answer {
  readonly value: Json;
  readonly ac: number;
  readonly av: number;
  readonly ad: string;
}

function acknowledgementsOf(reported: JsonObject): Map<string, Answer> {
  const found = new Map<string, Answer>();
  const walk = (value: Json | undefined, path: string): void => {
    if (!isObject(value)) return;
    const { ac, av, ad } = value;
    if (typeof ac === "number" && typeof av === "number") {
      found.set(path, { value: value["value"] ?? null, ac, av, ad: typeof ad === "string" ? ad : "" });
    } else for (const [key, inner] of Object.entries(value)) walk(inner, join(path, key));
  };
  walk(reported, "");
  return found;
}

const join = (path: string, key: string): string => (path ? `${path}/${key}` : key);

const scalarFrom = (value: Json): Scalar =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value;

const isSame = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);
