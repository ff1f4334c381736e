/**
 * The jobs service behind the broker: requests on `$aws/things/{thing}/jobs/…` become answers to whoever asked, and
 * changes of a thing's pending executions notifications (developer guide, "Jobs device MQTT API", "Jobs notifications").
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Timers } from "@pump-station/agent/world.ts";
import { createJobs, type Execution, executionOf, isTerminal, type Jobs, stateOf, summaryOf } from "./jobs.ts";
import {
  CLIENT_TOKEN_BYTES_MAX,
  JOBS_LISTED_MAX,
  STATUS_DETAIL_CHARACTERS_MAX,
  STATUS_DETAIL_KEY_MAX,
  STEP_TIMEOUT_MINUTES_MAX,
} from "./limits.ts";
import type { Publication } from "./shadow-service.ts";

export interface JobRequest {
  readonly thing: string;
  /** The topic below `jobs/`. */
  readonly path: string;
}

export interface JobService {
  readonly jobs: Jobs;
  /** The answer, for who asked alone. */
  request(request: JobRequest, payload: Uint8Array): Publication;
  /** …when it is refused before it is looked at. */
  refuse(request: JobRequest, payload: Uint8Array, code: JobErrorCode, message: string): Publication;
}

export type JobErrorCode =
  | "InvalidTopic"
  | "InvalidJson"
  | "InvalidRequest"
  | "InvalidStateTransition"
  | "ResourceNotFound"
  | "VersionMismatch"
  | "InternalError"
  | "RequestThrottled"
  | "TerminalStateReached";

class JobError extends Error {
  readonly code: JobErrorCode;
  /** As it is. */
  readonly execution: Execution | undefined;
  constructor(code: JobErrorCode, message: string, execution?: Execution) {
    super(message);
    this.code = code;
    this.execution = execution;
  }
}

const TOPIC = /^\$aws\/things\/([^/]+)\/jobs\/(.+)$/;
const OPERATION = /^(?:(get|start-next)|([\w-]+|\$next)\/(get|update))$/;
const KEY = /^[a-zA-Z0-9:_-]+$/;
const UPDATES = ["IN_PROGRESS", "FAILED", "SUCCEEDED", "REJECTED"] as const;

/** undefined when it is no request to the jobs service. */
export function jobRequestFrom(topic: string): JobRequest | undefined {
  const [, thing, path] = TOPIC.exec(topic) ?? [];
  return thing === undefined || path === undefined ? undefined : { thing, path };
}

const rootOf = (thing: string): string => `$aws/things/${thing}/jobs`;
const publication = (topic: string, body: JsonObject): Publication => ({
  topic,
  payload: new TextEncoder().encode(JSON.stringify(body)),
});

export function createJobService(deps: {
  readonly wallMs: () => number;
  readonly timers: Timers;
  /** To whoever has subscribed. */
  readonly notify: (publication: Publication) => void;
}): JobService {
  const told = new Map<string, { list: string; next: string }>();
  const timestamp = (): number => Math.floor(deps.wallMs() / 1000);

  /** Only when the list, or which is first, is another one: not when a job begins that was first anyhow. */
  const onChange = (thing: string): void => {
    const pending = jobs.pending(thing);
    const [first] = pending;
    const before = told.get(thing) ?? { list: "", next: "" };
    const now = {
      list: pending.map(nameOf).toSorted().join(),
      next: first ? nameOf(first) : "",
    };
    told.set(thing, now);
    if (now.list !== before.list) deps.notify(listNotification(thing, pending));
    if (now.next !== before.next) deps.notify(nextNotification(thing, first));
  };
  const jobs = createJobs({ ...deps, onChange });

  const listNotification = (thing: string, pending: readonly Execution[]): Publication => {
    const shown = pending.slice(0, JOBS_LISTED_MAX);
    const lists = (["IN_PROGRESS", "QUEUED"] as const).map(
      (status) => [status, shown.filter((each) => each.status === status).map(summaryOf)] as const,
    );
    const filled = Object.fromEntries(lists.filter(([, list]) => list.length > 0));
    return publication(`${rootOf(thing)}/notify`, { timestamp: timestamp(), jobs: filled });
  };

  const nextNotification = (thing: string, first: Execution | undefined): Publication =>
    publication(`${rootOf(thing)}/notify-next`, {
      timestamp: timestamp(),
      ...(first && { execution: executionOf(first) }),
    });

  const found = (thing: string, id: string, number: Json | undefined): Execution => {
    const which = typeof number === "number" ? number : undefined;
    const execution = jobs.execution(id, thing, which);
    if (!execution) throw new JobError("ResourceNotFound", `Job execution ${id} of ${thing} does not exist`);
    return execution;
  };

  const describe = (thing: string, id: string, body: JsonObject): JsonObject => {
    const withDocument = body["includeJobDocument"] !== false;
    if (id !== "$next") return { execution: executionOf(found(thing, id, body["executionNumber"]), withDocument) };
    const [first] = jobs.pending(thing);
    return first ? { execution: executionOf(first, withDocument) } : {};
  };

  const startNext = (thing: string, body: JsonObject): JsonObject => {
    const change = { details: detailsFrom(body), stepMinutes: stepFrom(body) };
    const [first] = jobs.pending(thing);
    if (first?.status === "QUEUED") jobs.change(first, "IN_PROGRESS", change);
    return first ? { execution: executionOf(first) } : {};
  };

  const update = (thing: string, id: string, body: JsonObject): JsonObject => {
    const status = UPDATES.find((each) => each === body["status"]);
    if (!status) throw new JobError("InvalidRequest", `status must be one of ${UPDATES.join(", ")}`);
    const change = { details: detailsFrom(body), stepMinutes: stepFrom(body) };
    const execution = found(thing, id, body["executionNumber"]);
    const { expectedVersion } = body;
    if (expectedVersion !== undefined && Number(expectedVersion) !== execution.version)
      throw new JobError("VersionMismatch", `the version is ${execution.version}`, execution);
    if (isTerminal(execution.status))
      throw new JobError("InvalidStateTransition", `${execution.status} can't become ${status}`, execution);
    jobs.change(execution, status, change);
    return {
      ...(body["includeJobExecutionState"] === true && { executionState: stateOf(execution) }),
      ...(body["includeJobDocument"] === true && { jobDocument: execution.job.document }),
    };
  };

  const carryOut = ({ thing, path }: JobRequest, body: JsonObject): JsonObject => {
    const [, whole, id = "", operation] = OPERATION.exec(path) ?? [];
    if (whole === "get") return pendingOf(jobs.pending(thing));
    if (whole === "start-next") return startNext(thing, body);
    if (operation === "get") return describe(thing, id, body);
    if (operation === "update") return update(thing, id, body);
    throw new JobError("InvalidTopic", `jobs/${path} is no API`);
  };

  const answer = (request: JobRequest, payload: Uint8Array, act: (body: JsonObject) => JsonObject): Publication => {
    const root = `${rootOf(request.thing)}/${request.path}`;
    const body = bodyFrom(payload);
    const token = tokenIn(body);
    const always = { timestamp: timestamp(), ...(token !== undefined && { clientToken: token }) };
    try {
      if (!body) throw new JobError("InvalidJson", "not a JSON object");
      return publication(`${root}/accepted`, { ...act(body), ...always });
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
      const { code, message, execution } = error;
      const state = execution && { executionState: stateOf(execution) };
      return publication(`${root}/rejected`, { code, message, ...state, ...always });
    }
  };

  return {
    jobs,
    request: (request, payload) => answer(request, payload, (body) => carryOut(request, body)),
    refuse: (request, payload, code, message) =>
      answer(request, payload, () => {
        throw new JobError(code, message);
      }),
  };
}

const nameOf = ({ job, number }: Execution): string => `${job.id} ${number}`;

const pendingOf = (pending: readonly Execution[]): JsonObject => ({
  inProgressJobs: pending.filter(({ status }) => status === "IN_PROGRESS").map(summaryOf),
  queuedJobs: pending.filter(({ status }) => status === "QUEUED").map(summaryOf),
});

/** API reference, `statusDetails`: keys of 1 to 128, values of 1 to 1,024 characters, none of them a control character. */
function detailsFrom({ statusDetails: given }: JsonObject): Record<string, string> | undefined {
  if (given === undefined || given === null) return undefined;
  if (!isObject(given)) throw new JobError("InvalidRequest", "statusDetails is not an object");
  for (const [key, value] of Object.entries(given)) {
    const isGood =
      KEY.test(key) &&
      key.length <= STATUS_DETAIL_KEY_MAX &&
      typeof value === "string" &&
      value.length > 0 &&
      value.length <= STATUS_DETAIL_CHARACTERS_MAX &&
      !/\p{C}/u.test(value);
    if (!isGood) throw new JobError("InvalidRequest", `statusDetails: ${key.slice(0, 40)} doesn't fit`);
  }
  return given as Record<string, string>;
}

function stepFrom({ stepTimeoutInMinutes: minutes }: JsonObject): number | undefined {
  if (minutes === undefined || minutes === null) return undefined;
  const isGood = typeof minutes === "number" && Number.isInteger(minutes) && minutes >= 1;
  if (!isGood || minutes > STEP_TIMEOUT_MINUTES_MAX)
    throw new JobError("InvalidRequest", `stepTimeoutInMinutes: 1 to ${STEP_TIMEOUT_MINUTES_MAX}`);
  return minutes;
}

function bodyFrom(payload: Uint8Array): JsonObject | undefined {
  // A request without a word is one without a token.
  if (payload.length === 0) return {};
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const tokenIn = (body: JsonObject | undefined): string | undefined => {
  const token = body?.["clientToken"];
  return typeof token === "string" && Buffer.byteLength(token) <= CLIENT_TOKEN_BYTES_MAX ? token : undefined;
};
