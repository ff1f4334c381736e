/** Desired and acknowledged side by side, as the contract's `TwinSetting`. Pure. */
import { twinDigest } from "@pump-station/agent/wire/twin-digest.ts";
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { TwinConvergence, TwinSetting } from "../api/contract.ts";
import type { StoredTwin } from "../store/store.ts";

type Scalar = number | string | boolean | null;

/**
 * Every desired value, and every value the station acknowledges without a desired one (what its own file says).
 * Converged: the station runs the desired value and says so for the version that set it.
 */
export function settingsOf({ desired, reported, versions }: StoredTwin): TwinSetting[] {
  const wanted = leavesOf(desired);
  const acknowledged = acknowledgementsOf(reported);
  const isRest = isRestConverged(desired, reported, acknowledged);
  const isWhole = (path: string): boolean => [...wanted.keys()].some((other) => other.startsWith(`${path}/`));
  const own = [...acknowledged.keys()].filter((path) => !isWhole(path));
  const paths = [...new Set([...wanted.keys(), ...own])].sort();
  return paths.map((path) => {
    const value = wanted.get(path);
    const version = versionIn(versions, path) ?? 0;
    const asked = value !== undefined && path === LIVE ? outcomeOf(path, value, undefined) : value;
    const rest = isRest && asked !== undefined ? leftOutOf(asked, version, reported) : undefined;
    const answer = acknowledged.get(path) ?? wholeAnswer(acknowledged, path) ?? rest;
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

/** A refused device is answered as a whole ("no such device"): the answer is each of its values'. */
function wholeAnswer(answers: ReadonlyMap<string, Answer>, path: string): Answer | undefined {
  const at = path.lastIndexOf("/");
  if (at < 0) return undefined;
  const whole = path.slice(0, at);
  const answer = answers.get(whole);
  return answer ? { ...answer, value: null } : wholeAnswer(answers, whole);
}

/**
 * What runs as desired is left out of a large report first: then the digest answers for it, or the station counts the
 * others, and all of those are there.
 */
function isRestConverged(desired: JsonObject, reported: JsonObject, answers: ReadonlyMap<string, Answer>): boolean {
  const { twin } = reported;
  if (!isObject(twin) || typeof twin["left-out"] !== "number") return false;
  const open = [...answers.values()].filter(({ ac }) => ac !== 200 && ac !== 203).length;
  return twin["digest"] === twinDigest(desired) || open === (twin["open"] ?? 0);
}

function leftOutOf(value: Json, version: number, { twin }: JsonObject): Answer | undefined {
  const av = isObject(twin) && typeof twin["version"] === "number" ? twin["version"] : 0;
  return av >= version ? { value, ac: 200, av, ad: "" } : undefined;
}

/** Reasons that a person reads at a glance. */
const REASONS_MAX = 5;

/** Whether the station runs all that is desired, by comparing digests; of stations without one, setting by setting. */
export function convergenceOf(stored: StoredTwin, settings: readonly TwinSetting[]): TwinConvergence {
  const { desired, reported } = stored;
  const twin = isObject(reported["twin"]) ? reported["twin"] : {};
  const digest = twinDigest(desired);
  const reportedDigest = typeof twin["digest"] === "string" ? twin["digest"] : null;
  const open = settings.filter((setting) => setting.desired !== null && !setting.converged);
  const converged = reportedDigest === null ? open.length === 0 : reportedDigest === digest;
  const reasons = [
    ...(typeof twin["refused"] === "string" ? [`the whole document is refused: ${twin["refused"]}`] : []),
    ...open.map(({ path, ac, ad }) => `${path}: ${ad || (ac === null ? "not answered yet" : `answered ${ac}`)}`),
  ];
  return {
    converged,
    since: typeof twin["since"] === "string" ? twin["since"] : null,
    why: converged ? [] : (reasons.length > 0 ? reasons : ["the station hasn't answered yet"]).slice(0, REASONS_MAX),
    digest,
    reportedDigest,
  };
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

/** Desired as {every, until}, neither of which means anything alone; answered as the interval that runs, null when over. */
const LIVE = "live";

/** What the station reports once it has done what is desired. */
function outcomeOf(path: string, desired: Json, answer: Answer | undefined): Json {
  if (path === LIVE && isObject(desired))
    return answer?.ac === 200 && answer.value === null ? null : (desired["every"] ?? null);
  if (path !== DESCRIPTION || !isObject(desired)) return desired;
  const { hash, sha256 } = desired;
  // Who doesn't say what an archive becomes has to take the station's word for it.
  return hash ?? (answer?.ac === 200 ? answer.value : `archive ${typeof sha256 === "string" ? sha256 : ""}`);
}

function leavesOf(document: JsonObject): Map<string, Json> {
  const leaves = new Map<string, Json>();
  const walk = (value: Json, path: string): void => {
    if (!isObject(value) || path === DESCRIPTION || path === LIVE) leaves.set(path, value);
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
  for (const [path, answer] of listedRefusals(reported)) found.set(path, answer);
  return found;
}

/** Values whose names can't stand in a reported document: {at, ac, av, ad}. */
function listedRefusals({ twin }: JsonObject): [string, Answer][] {
  const listed = isObject(twin) && Array.isArray(twin["refusals"]) ? (twin["refusals"] as readonly Json[]) : [];
  return listed.flatMap((entry): [string, Answer][] => {
    const { at, ac, av, ad } = isObject(entry) ? entry : {};
    if (typeof at !== "string" || typeof ac !== "number" || typeof av !== "number") return [];
    return [[at, { value: null, ac, av, ad: typeof ad === "string" ? ad : "" }]];
  });
}

const join = (path: string, key: string): string => (path ? `${path}/${key}` : key);

const scalarFrom = (value: Json): Scalar =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : value;

const isSame = (a: Json, b: Json): boolean => JSON.stringify(a) === JSON.stringify(b);
