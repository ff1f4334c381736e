/**
 * The digest that a cloud computes from its own two documents, by other code than the agent's: from what is written in
 * agent/wire/twin-document.ts, as a cloud team would. Pure.
 */
import { createHash } from "node:crypto";
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";

/** `acAt`: how the station answers at a path; undefined: not there, so the answer stands above it, or nowhere. */
export function digestByCloud(desired: JsonObject, acAt: (path: string) => number | undefined): string {
  const lines = Object.entries(desired)
    .flatMap(([key, value]) => linesOf(key, value, acAt, undefined))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return createHash("sha256").update(lines.join("")).digest("hex").slice(0, 12);
}

function linesOf(
  path: string,
  value: Json,
  acAt: (path: string) => number | undefined,
  above: number | undefined,
): readonly string[] {
  if (value === null || path.startsWith("$") || path.includes("/$")) return [];
  const ac = acAt(path) ?? above;
  if (isObject(value))
    return Object.entries(value).flatMap(([key, inner]) => linesOf(`${path}/${key}`, inner, acAt, ac));
  return [`${path}=${ac === 200 ? asText(value) : `!${ac ?? 400}`}\n`];
}

/** As ECMAScript writes it; the proof desires no objects within arrays. */
const asText = (value: Json): string => JSON.stringify(value);
