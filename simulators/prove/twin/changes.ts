/** What a cloud team may desire: sense and nonsense, one leaf or everything. All from draws. */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Draws } from "../chance.ts";

const oneOf = <T>(draws: Draws, ...all: readonly [T, ...T[]]): T =>
  all[Math.floor(draws.fraction() * all.length)] ?? all[0];
const whole = (draws: Draws, low: number, high: number): number =>
  low + Math.floor(draws.fraction() * (high - low + 1));

/** Each path with values that can run. */
const SENSE: Readonly<Record<string, (draws: Draws) => Json>> = {
  "devices/pump/target": (draws) => 200 + 10 * whole(draws, 0, 80),
  "devices/pump/mode": (draws) => oneOf<Json>(draws, 0, 1, 2, "eco", "normal", "boost"),
  "devices/pump/every": (draws) => oneOf(draws, 20, 30, 60, 120),
  "devices/valve/position": (draws) => whole(draws, 0, 200) / 2,
  "devices/valve/every": (draws) => oneOf(draws, 30, 60, 90, 120),
  "devices/fan/every": (draws) => oneOf(draws, 30, 60, 300, 900),
  "upload/interval": (draws) => oneOf(draws, 60, 120, 300, 900, 1_800),
};
const PATHS = Object.keys(SENSE);
const NONSENSE: readonly Json[] = [
  ...["fast", "", "900", true, false, -1, 1e9, 1e308, -1e-300, 905.5, 0.0001],
  ...[[1, 2], [], {}, { value: 900 }, "x".repeat(300), "constructor"],
];
const STRANGE_PATHS = [
  ...["devices/tap/target", "devices/pump/colour", "devices/fan/target", "upload/colour", "colour", "colour/of/pump"],
  ...["devices/constructor/target", "devices/pump/constructor", "devices/tap", "devices/toString"],
];

export type Change =
  | { readonly kind: "sense" | "nonsense" | "strange" | "null" | "live"; readonly patch: JsonObject }
  | { readonly kind: "all"; readonly patch: JsonObject };

/** `wallMs`: of the cloud team's clock. */
export function drawChange(draws: Draws, document: JsonObject, wallMs: number): Change {
  const desired = Object.fromEntries(Object.entries(document).filter(([key]) => key !== "$version"));
  const draw = draws.fraction();
  if (draw < 0.5) return { kind: "sense", patch: drawSense(draws) };
  if (draw < 0.64) return { kind: "nonsense", patch: at(pick(draws, PATHS), pick(draws, NONSENSE)) };
  if (draw < 0.7) return { kind: "strange", patch: at(pick(draws, STRANGE_PATHS), pick(draws, [1, "x", {}])) };
  if (draw < 0.84) return { kind: "null", patch: drawNull(draws, desired) };
  if (draw < 0.92) return { kind: "live", patch: { live: drawLive(draws, wallMs) } };
  return { kind: "all", patch: replacing(desired, drawDocument(draws)) };
}

/** A patch with one to three values that can run. */
export function drawSense(draws: Draws): JsonObject {
  let patch: JsonObject = {};
  for (let count = whole(draws, 1, 3); count > 0; count--) {
    const path = pick(draws, PATHS);
    patch = withAt(patch, path, SENSE[path]?.(draws) ?? null);
  }
  return patch;
}

/** A document of a hub that was made anew. */
export function drawDocument(draws: Draws): JsonObject {
  let document: JsonObject = {};
  for (const path of PATHS) {
    if (draws.happens(0.4)) document = withAt(document, path, SENSE[path]?.(draws) ?? null);
  }
  return draws.happens(0.2) ? withAt(document, pick(draws, PATHS), pick(draws, NONSENSE)) : document;
}

/** The merge patch after which only `next` is left. */
export function replacing(desired: JsonObject, next: JsonObject): JsonObject {
  const gone = Object.fromEntries(Object.keys(desired).map((key) => [key, null]));
  const kept = Object.entries(next).map(([key, value]) => {
    const before = desired[key];
    return [key, isObject(value) && isObject(before) ? replacing(before, value) : value] as const;
  });
  return { ...gone, ...Object.fromEntries(kept) };
}

function drawNull(draws: Draws, desired: JsonObject): JsonObject {
  const keys = Object.keys(desired);
  const key = keys[Math.floor(draws.fraction() * keys.length)];
  if (key === undefined) return {};
  const inner = desired[key];
  return {
    [key]: isObject(inner) && Object.keys(inner).length > 0 && draws.happens(0.7) ? drawNull(draws, inner) : null,
  };
}

function drawLive(draws: Draws, wallMs: number): Json {
  const minutes = oneOf(draws, 1, 10, 29, -5, 120);
  const until = draws.happens(0.5) ? wallMs + minutes * 60_000 : new Date(wallMs + minutes * 60_000).toISOString();
  return oneOf<Json>(
    draws,
    ...([
      { every: 5, until },
      { every: 10, until },
      { every: 30, until },
    ] as const),
    ...([{ every: 0, until }, { every: 5 }, { every: 5, until: "soon" }, null] as const),
  );
}

const pick = <T>(draws: Draws, all: readonly T[]): T => all[Math.floor(draws.fraction() * all.length)] as T;

const at = (path: string, value: Json): JsonObject => withAt({}, path, value);

function withAt(document: JsonObject, path: string, value: Json): JsonObject {
  const [key = "", ...rest] = path.split("/");
  if (rest.length === 0) return { ...document, [key]: value };
  const inner = Object.hasOwn(document, key) ? document[key] : undefined;
  return { ...document, [key]: withAt(isObject(inner) ? inner : {}, rest.join("/"), value) };
}
