/**
 * What has to become of a desired document, told from the station's description by other code than the agent's. Each path
 * either runs, in the number that the hardware holds, or is refused.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { ADDRESS } from "./description.ts";
import type { Register } from "./hardware.ts";

export type Expected =
  | { readonly path: string; readonly does: "run"; readonly value: number; readonly said: Json }
  | { readonly path: string; readonly does: "refuse" }
  /** Nothing to judge after it is over, but a time that can't be meant is refused. */
  | { readonly path: string; readonly does: "live" };

export const MODES = ["eco", "normal", "boost"] as const;
const LIVE_MS_MAX = 31 * 60_000;

interface Rule {
  readonly low: number;
  readonly high: number;
  readonly step?: number;
  readonly names?: readonly string[];
}
const RULES: Readonly<Record<Register, Rule>> = {
  "devices/pump/target": { low: 200, high: 1_000, step: 10 },
  "devices/pump/mode": { low: 0, high: 2, step: 1, names: MODES },
  "devices/valve/position": { low: 0, high: 100, step: 0.5 },
};
const EVERY: Rule = { low: 0.1, high: 86_400 };
const UPLOAD: Rule = { low: 1, high: 86_400 };

export function expectedOf(desired: JsonObject): readonly Expected[] {
  const all: Expected[] = [];
  for (const [key, value] of Object.entries(desired)) {
    if (key === "$version") continue;
    if (key === "devices" && isObject(value)) all.push(...ofDevices(value));
    else if (key === "upload" && isObject(value)) {
      for (const [name, inner] of Object.entries(value)) {
        all.push(name === "interval" ? judged("upload/interval", inner, UPLOAD) : refused(`upload/${name}`));
      }
    } else all.push(key === "live" ? { path: key, does: isObject(value) ? "live" : "refuse" } : refused(key));
  }
  return all;
}

function* ofDevices(devices: JsonObject): Generator<Expected> {
  for (const [device, values] of Object.entries(devices)) {
    if (!Object.hasOwn(ADDRESS, device) || !isObject(values)) {
      yield refused(`devices/${device}`);
      continue;
    }
    for (const [name, value] of Object.entries(values)) {
      const path = `devices/${device}/${name}`;
      const rule = name === "every" ? EVERY : Object.hasOwn(RULES, path) ? RULES[path as Register] : undefined;
      yield rule ? judged(path, value, rule) : refused(path);
    }
  }
}

const refused = (path: string): Expected => ({ path, does: "refuse" });

function judged(path: string, said: Json, { low, high, step, names }: Rule): Expected {
  const named = typeof said === "string" && names ? names.indexOf(said) : said;
  if (typeof named !== "number" || !(named >= low && named <= high)) return refused(path);
  if (step !== undefined && Math.abs((named - low) / step - Math.round((named - low) / step)) > 1e-6)
    return refused(path);
  return { path, does: "run", value: named, said };
}

/** Whether a `live` of this document may only be refused, as seen when it was set. */
export function isLiveNonsense(live: JsonObject, wallMs: number): boolean {
  const { every, until } = live;
  const untilMs = typeof until === "string" ? Date.parse(until) : until;
  if (typeof every !== "number" || every < 1 || every > 600) return true;
  return typeof untilMs !== "number" || !Number.isFinite(untilMs) || untilMs > wallMs + LIVE_MS_MAX;
}
