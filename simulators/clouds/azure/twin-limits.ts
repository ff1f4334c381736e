/**
 * What Azure accepts as a part of a twin ("Understand and use device twins in IoT Hub", limits): sizes, depth, keys,
 * strings, integers. Numbers count 8 bytes, booleans 4, keys and strings their UTF-8 without control characters.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import {
  TWIN_DEPTH_MAX,
  TWIN_INTEGER_MAX,
  TWIN_INTEGER_MIN,
  TWIN_KEY_BYTES_MAX,
  TWIN_STRING_BYTES_MAX,
} from "./limits.ts";

export interface TwinProblem {
  readonly status: 400 | 413;
  readonly text: string;
}

/** C0, DEL and C1. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
const FORBIDDEN_IN_KEYS = /[\u0000-\u001f\u007f-\u009f.$ ]/;

/** The first thing in a patch that Azure would refuse; nulls are deletions. */
export function problemOfPatch(patch: JsonObject): TwinProblem | undefined {
  return problemOfObject(patch, "", 1);
}

/** Whether the merged section still fits. */
export function problemOfSize(section: JsonObject, bytesMax: number, name: string): TwinProblem | undefined {
  const bytes = twinBytes(section);
  if (bytes <= bytesMax) return undefined;
  return { status: 413, text: `${name} would have ${bytes} bytes; ${bytesMax} are allowed` };
}

export function twinBytes(value: Json): number {
  if (typeof value === "number") return 8;
  if (typeof value === "boolean") return 4;
  if (typeof value === "string") return textBytes(value);
  if (value === null) return 0;
  if (!isObject(value)) return value.reduce<number>((sum, item) => sum + twinBytes(item), 0);
  return Object.entries(value).reduce((sum, [key, item]) => sum + textBytes(key) + twinBytes(item), 0);
}

const textBytes = (text: string): number => Buffer.byteLength(text.replace(CONTROL, ""));

function problemOfObject(object: JsonObject, path: string, depth: number): TwinProblem | undefined {
  if (depth > TWIN_DEPTH_MAX) return refusal(`${path} lies deeper than ${TWIN_DEPTH_MAX} levels`);
  for (const [key, value] of Object.entries(object)) {
    const place = path === "" ? key : `${path}.${key}`;
    const problem = problemOfKey(key, place) ?? problemOfValue(value, place, depth);
    if (problem) return problem;
  }
  return undefined;
}

function problemOfKey(key: string, place: string): TwinProblem | undefined {
  if (key === "") return refusal(`${place}: a key is empty`);
  if (FORBIDDEN_IN_KEYS.test(key)) return refusal(`${place}: a key has ".", "$", a space or a control character`);
  if (Buffer.byteLength(key) > TWIN_KEY_BYTES_MAX) return refusal(`a key is longer than ${TWIN_KEY_BYTES_MAX} bytes`);
  return undefined;
}

function problemOfValue(value: Json, place: string, depth: number): TwinProblem | undefined {
  if (typeof value === "string" && Buffer.byteLength(value) > TWIN_STRING_BYTES_MAX)
    return refusal(`${place} is longer than ${TWIN_STRING_BYTES_MAX} bytes`);
  if (typeof value === "number" && Number.isInteger(value) && (value > TWIN_INTEGER_MAX || value < TWIN_INTEGER_MIN))
    return refusal(`${place} = ${value} is beyond ±2^52`);
  if (isObject(value)) return problemOfObject(value, place, depth + 1);
  if (!Array.isArray(value)) return undefined;
  if (depth + 1 > TWIN_DEPTH_MAX) return refusal(`${place} lies deeper than ${TWIN_DEPTH_MAX} levels`);
  for (const [index, item] of value.entries()) {
    const problem = problemOfValue(item as Json, `${place}[${index}]`, depth + 1);
    if (problem) return problem;
  }
  return undefined;
}

const refusal = (text: string): TwinProblem => ({ status: 400, text });
