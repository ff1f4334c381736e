/** What a hub's status says to do next (Azure: "Understand and use device twins", "IoT Hub quotas and throttling"). */
import { type DesiredDocument, isObject, type Json, type JsonObject } from "../../wire/twin-document.ts";
import type { Chance, HubAnswer } from "../../world.ts";
import { CloudError } from "../cloud.ts";

/** A hub throttles for all its devices at once; who comes back must not come back together. */
const THROTTLED_MS = { least: 30_000, spread: 60_000 };
/** The hub's own limit is 10; beside it the document and its side. */
const DEPTH_MAX = 12;
const REASON_MAX = 200;

/** undefined: it was done. */
export function refusalOf(what: string, { status, body }: HubAnswer, chance: Chance): CloudError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const text = `${what}: the hub says ${status}${reasonIn(body)}`;
  if (status === 429) {
    const afterMs = Math.round(THROTTLED_MS.least + chance.fraction() * THROTTLED_MS.spread);
    return new CloudError("retry-after", text, { afterMs });
  }
  if (status === 401 || status === 403 || status === 404) return new CloudError("reprovision", text);
  return new CloudError(status >= 400 && status < 500 ? "drop-and-report" : "retry", text);
}

function reasonIn(body: unknown): string {
  const words = isRecord(body) ? (body["message"] ?? body["Message"]) : undefined;
  return typeof words === "string" && words !== "" ? `: ${words.slice(0, REASON_MAX)}` : "";
}

export interface HubTwin {
  readonly desired: DesiredDocument;
  readonly reported: DesiredDocument;
}

/** Throws CloudError "retry": the hub answered with something else than a twin. */
export function twinIn(body: unknown): HubTwin {
  const [desired, reported] = isRecord(body) ? [documentIn(body["desired"]), documentIn(body["reported"])] : [];
  if (!desired || !reported) throw new CloudError("retry", "twin get: the answer is no twin");
  return { desired, reported };
}

/** undefined when it is no document with a version. */
export function documentIn(value: unknown): DesiredDocument | undefined {
  if (!isRecord(value) || !isShallow(value, DEPTH_MAX)) return undefined;
  const $version = value["$version"];
  if (typeof $version !== "number" || !Number.isSafeInteger($version) || $version < 0) return undefined;
  return { ...(value as JsonObject), $version };
}

const isRecord = (value: unknown): value is Record<string, unknown> => isObject(value as Json | undefined);

const isShallow = (value: unknown, depthLeft: number): boolean => {
  if (typeof value !== "object" || value === null) return true;
  return depthLeft > 0 && Object.values(value).every((inner) => isShallow(inner, depthLeft - 1));
};
