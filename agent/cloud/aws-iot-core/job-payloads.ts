/**
 * What AWS IoT Jobs sends, checked before anybody uses it, and what it is told (developer guide, "Jobs device MQTT API";
 * API reference, "AWS IoT jobs data", for the bounds).
 *
 *   notify-next, $next/get/accepted   {execution?: {jobId, status, versionNumber, executionNumber, jobDocument}, clientToken?}
 *   {job}/update/accepted             {clientToken?}
 *   …/rejected                        {code: "InvalidStateTransition", message, executionState?: {status}, clientToken?}
 */
import { isObject, type Json, type JsonObject } from "../../wire/twin-document.ts";
import type { CommandAnswer, CommandCall } from "../cloud.ts";
import { commandFrom, isVersion, objectFrom, PayloadError } from "../payloads.ts";

/** A document of 32 KB and what is around it. */
const BOUNDS = { bytesMax: 128 * 1024, depthMax: 12 };
const JOB_ID = /^[A-Za-z0-9_-]{1,64}$/;
const TEXT_MAX = 200;
/** A status detail's value: no control characters, none unassigned, 1 to 1,024 of the others. */
const DETAIL_MAX = 1024;
const NOT_PRINTED = /\p{C}+/gu;

export interface JobExecution {
  readonly job: string;
  readonly isBegun: boolean;
  readonly version: number;
  /** Counts the attempts where whoever made the job lets it be tried again. */
  readonly execution: number;
  readonly document: Json | undefined;
}

export interface JobReply {
  readonly token: string | undefined;
  readonly execution: JobExecution | undefined;
}

export interface JobRejection {
  readonly token: string | undefined;
  readonly code: string;
  readonly message: string;
  /** The execution's status as it is, where the code speaks of it. */
  readonly status: string | undefined;
}

export type JobOutcome = "SUCCEEDED" | "FAILED" | "REJECTED";

/** notify-next, get/accepted, update/accepted. Throws PayloadError. */
export function jobReplyFrom(payload: Uint8Array): JobReply {
  const message = objectFrom(payload, BOUNDS);
  const { execution = null } = message;
  if (execution !== null && !isObject(execution)) throw new PayloadError("execution is not an object");
  // Where none waits the member is left out, or empty.
  const isThere = execution !== null && execution["jobId"] !== undefined;
  return { token: tokenOf(message), execution: isThere ? executionFrom(execution) : undefined };
}

function executionFrom({ jobId, status, versionNumber, executionNumber, jobDocument }: JsonObject): JobExecution {
  if (typeof jobId !== "string" || !JOB_ID.test(jobId)) throw new PayloadError("jobId is not a job's name");
  if (!isVersion(versionNumber)) throw new PayloadError("versionNumber is not a whole number from 0");
  return {
    job: jobId,
    isBegun: status === "IN_PROGRESS",
    version: versionNumber,
    execution: isVersion(executionNumber) ? executionNumber : 1,
    document: jobDocument,
  };
}

/** Throws PayloadError. */
export function jobRejectionFrom(payload: Uint8Array): JobRejection {
  const message = objectFrom(payload, BOUNDS);
  const { code, message: text, executionState: state = null } = message;
  if (typeof code !== "string") throw new PayloadError("code is not a text");
  const status = isObject(state) ? state["status"] : undefined;
  return {
    token: tokenOf(message),
    code: code.slice(0, TEXT_MAX),
    message: typeof text === "string" ? text.slice(0, TEXT_MAX) : "without a reason",
    status: typeof status === "string" ? status : undefined,
  };
}

/**
 * A job is a command under the job's name, so that it runs once, whatever is delivered twice; another attempt that
 * somebody asked for (`execution` 2, 3, …) is another command. Throws PayloadError in words for whoever made the job.
 */
export function callFrom({ job, execution, document }: JobExecution): CommandCall {
  const id = execution <= 1 ? job : `${job}.${execution}`;
  try {
    // The document comes as JSON, or as a text that holds some.
    const text = typeof document === "string" ? document : JSON.stringify(document ?? null);
    const call = commandFrom(id, new TextEncoder().encode(text));
    return { ...call, by: call.by ?? "AWS IoT job" };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    throw new PayloadError(
      `the job document is no command of this station: ${error.message}; write {"command": "read-now"}, with "device", "arguments" and "expiresMs" where they are needed`,
      { cause: error },
    );
  }
}

/** What can't be done here, as it was asked, is declined; what could have been done later, or in part, has failed. */
export function outcomeOf({ status }: CommandAnswer): JobOutcome {
  if (status < 300) return "SUCCEEDED";
  return status === 400 || status === 404 || status === 410 ? "REJECTED" : "FAILED";
}

/** `elsewhere`: where a body is sent that is too long to be a status detail. */
export function detailsFrom({ status, text, body }: CommandAnswer, elsewhere: string): Record<string, string> {
  const json = body === undefined ? "" : printed(JSON.stringify(body));
  const said = json.length <= DETAIL_MAX ? json : `${json.length} bytes, sent to ${elsewhere}`;
  const details = { status: String(status), text: printed(printed(text).slice(0, DETAIL_MAX)), body: said };
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== ""));
}

export const isTooLong = ({ body }: CommandAnswer): boolean =>
  body !== undefined && printed(JSON.stringify(body)).length > DETAIL_MAX;

const printed = (text: string): string => text.replaceAll(NOT_PRINTED, " ").trim();

const tokenOf = ({ clientToken }: JsonObject): string | undefined =>
  typeof clientToken === "string" ? clientToken : undefined;
