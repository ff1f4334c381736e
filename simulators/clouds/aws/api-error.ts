/** What the service API refuses, and what it reads. */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";

export class ApiError extends Error {
  readonly status: number;
  /** AWS's name for it, where it has one. */
  readonly type: string | undefined;
  constructor(status: number, message: string, type?: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** Throws ApiError. */
export function objectFrom(body: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(body) as Json;
  } catch {
    throw new ApiError(400, "the body is no JSON");
  }
  if (!isObject(value)) throw new ApiError(400, "the body is no JSON object");
  return value;
}
