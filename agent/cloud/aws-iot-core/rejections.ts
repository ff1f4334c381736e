/** What a rejected shadow request means for whoever asked (AWS IoT developer guide, "Device Shadow error messages"). */
import { CloudError, type NextStep } from "../cloud.ts";
import type { Rejection } from "./shadow-payloads.ts";

/** There is no shadow yet, or nobody has it any more: an empty twin. */
export const NO_SHADOW = 404;

const NEXT: Readonly<Record<number, NextStep>> = {
  400: "drop-and-report", // no JSON, nested too deep, a member that isn't allowed
  401: "reprovision", // the certificate isn't known, or not active
  403: "reprovision", // its policy doesn't allow it
  404: "retry",
  409: "retry", // the document is another by now; a GET comes before the next report
  413: "drop-and-report", // with this update the document would be too large
  415: "drop-and-report",
  429: "retry-after", // more than 10 requests of one connection in flight, or too many in a second
  500: "retry-after",
};
/** Limits are counted by the second and shared by all things of an account. */
const PATIENCE_MS = 10_000;

export function errorFrom(what: string, { code, message }: Rejection): CloudError {
  const next = NEXT[code] ?? (code >= 500 ? "retry-after" : "drop-and-report");
  return new CloudError(next, `${what}: ${code} ${message}`, next === "retry-after" ? { afterMs: PATIENCE_MS } : {});
}
