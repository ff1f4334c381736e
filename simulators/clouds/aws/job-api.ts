/**
 * Jobs as a cloud team makes them, in the forms of AWS's control plane (API reference: CreateJob, DescribeJob, CancelJob,
 * DeleteJob, DescribeJobExecution, CancelJobExecution, ListJobExecutionsForThing):
 *
 *   PUT    /jobs/{job}                    {targets, document, timeoutConfig?, jobExecutionsRetryConfig?}
 *   GET    /jobs, /jobs/{job}, /jobs/{job}/job-document
 *   PUT    /jobs/{job}/cancel[?force=true]                 {comment?}; without force what is in progress goes on
 *   DELETE /jobs/{job}[?force=true]
 *   GET    /things/{thing}/jobs, /things/{thing}/jobs/{job}[?executionNumber=N]
 *   PUT    /things/{thing}/jobs/{job}/cancel[?force=true]
 *
 * A target is a thing's name or an ARN that ends with it; a document is a text that holds JSON, or that JSON.
 */
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { ApiError, objectFrom } from "./api-error.ts";
import type { AwsCloud } from "./aws-cloud.ts";
import {
  type Execution,
  type ExecutionStatus,
  executionOf,
  isTerminal,
  type Job,
  type JobPlan,
  summaryOf,
} from "./jobs.ts";
import { JOB_DOCUMENT_BYTES_MAX } from "./limits.ts";
import type { ApiResponse, Call } from "./service-api.ts";
import type { Things } from "./things.ts";

const JOB_ID = /^[A-Za-z0-9_-]{1,64}$/;
const COUNTED: readonly (readonly [ExecutionStatus, string])[] = [
  ["QUEUED", "numberOfQueuedThings"],
  ["IN_PROGRESS", "numberOfInProgressThings"],
  ["SUCCEEDED", "numberOfSucceededThings"],
  ["FAILED", "numberOfFailedThings"],
  ["REJECTED", "numberOfRejectedThings"],
  ["CANCELED", "numberOfCanceledThings"],
  ["TIMED_OUT", "numberOfTimedOutThings"],
  ["REMOVED", "numberOfRemovedThings"],
];

const ok = (json: unknown): ApiResponse => ({ status: 200, json });
const invalid = (message: string): ApiError => new ApiError(400, message, "InvalidRequestException");
const conflict = (message: string): ApiError => new ApiError(409, message, "InvalidStateTransitionException");
const missing = (message: string): ApiError => new ApiError(404, message, "ResourceNotFoundException");

export function createJobApi({ aws, things }: { readonly aws: AwsCloud; readonly things: Things }) {
  const { jobs } = aws;

  const jobOf = (id: string): Job => {
    const job = jobs.find(id);
    if (!job) throw missing(`no job ${id}`);
    return job;
  };

  const create = (id: string, body: JsonObject): ApiResponse => {
    if (jobs.find(id)) throw new ApiError(409, `job ${id} exists`, "ResourceAlreadyExistsException");
    const plan = planFrom(id, body);
    const known = things.list();
    for (const thing of plan.things) if (!known.includes(thing)) throw missing(`no thing ${thing}`);
    jobs.create(plan);
    return ok({ jobId: id, jobArn: arnOf(id) });
  };

  const cancelJob = (id: string, isForced: boolean, comment: Json | undefined): ApiResponse => {
    const job = jobOf(id);
    if (statusOf(job) === "COMPLETED") throw conflict(`job ${id} is COMPLETED`);
    job.isCancelled = true;
    if (typeof comment === "string") job.comment = comment;
    for (const execution of job.executions)
      if (execution.status === "QUEUED" || (isForced && execution.status === "IN_PROGRESS"))
        jobs.change(execution, "CANCELED", {});
    return ok({ jobId: id, jobArn: arnOf(id) });
  };

  const deleteJob = (id: string, isForced: boolean): ApiResponse => {
    if (!isForced && statusOf(jobOf(id)) === "IN_PROGRESS") throw conflict(`job ${id} is IN_PROGRESS`);
    jobs.remove(jobOf(id).id);
    return ok({});
  };

  const onJob = ({ method, path, body }: Call, id: string, isForced: boolean): ApiResponse => {
    switch (`${method} ${path[2] ?? ""}`) {
      case "PUT ":
        return create(id, objectFrom(body));
      case "GET ":
        return ok({ job: jobView(jobOf(id)) });
      case "GET job-document":
        return ok({ document: JSON.stringify(jobOf(id).document) });
      case "PUT cancel":
        return cancelJob(id, isForced, body === "" ? undefined : objectFrom(body)["comment"]);
      case "DELETE ":
        return deleteJob(id, isForced);
      default:
        throw new ApiError(404, `${method} /jobs/${id}: there is nothing here`);
    }
  };

  const onExecution = ({ method, path, query }: Call, thing: string, id: string, isForced: boolean): ApiResponse => {
    const number = query.get("executionNumber");
    const execution = jobs.execution(id, thing, number === null ? undefined : Number(number));
    if (!execution) throw missing(`no execution of ${id} on ${thing}`);
    if (method === "GET" && path.length === 4) return ok({ execution: executionView(execution) });
    if (method !== "PUT" || path[4] !== "cancel") throw new ApiError(404, `${method}: there is nothing here`);
    if (isTerminal(execution.status) || (execution.status === "IN_PROGRESS" && !isForced))
      throw conflict(`it is ${execution.status}`);
    jobs.change(execution, "CANCELED", {});
    return ok({});
  };

  return (call: Call): ApiResponse => {
    const [room, first, , job] = call.path;
    const isForced = call.query.get("force") === "true";
    if (room === "jobs" && first !== undefined) return onJob(call, first, isForced);
    if (room === "jobs") return ok({ jobs: jobs.list().map(jobView) });
    if (job !== undefined) return onExecution(call, first ?? "", job, isForced);
    const own = jobs.list().flatMap(({ executions }) => executions.filter(({ thing }) => thing === first));
    const summaries = own.map((each) => ({
      jobId: each.job.id,
      jobExecutionSummary: { ...summaryOf(each), status: each.status },
    }));
    return ok({ executionSummaries: summaries });
  };
}

function planFrom(
  id: string,
  { targets, document, timeoutConfig, jobExecutionsRetryConfig: again }: JsonObject,
): JobPlan {
  if (!JOB_ID.test(id)) throw invalid("jobId: letters, digits, - and _, at most 64");
  if (!Array.isArray(targets) || targets.length === 0) throw invalid("targets: a list of things");
  const text = typeof document === "string" ? document : JSON.stringify(document ?? null);
  if (Buffer.byteLength(text) > JOB_DOCUMENT_BYTES_MAX)
    throw invalid(`document: at most ${JOB_DOCUMENT_BYTES_MAX} bytes`);
  const minutes = isObject(timeoutConfig) ? timeoutConfig["inProgressTimeoutInMinutes"] : undefined;
  return {
    id,
    things: targets.map((target) => String(target).replace(/^arn:.*:thing\//, "")),
    document: objectFrom(text),
    ...(typeof minutes === "number" && { inProgressMinutes: minutes }),
    ...(isObject(again) && { retries: retriesFrom(again) }),
  };
}

function retriesFrom({ criteriaList }: JsonObject): Record<string, number> {
  const criteria: readonly Json[] = Array.isArray(criteriaList) ? criteriaList : [];
  return Object.fromEntries(
    criteria.flatMap((each) => {
      const { failureType, numberOfRetries } = isObject(each) ? each : {};
      return typeof failureType === "string" ? [[failureType, Number(numberOfRetries)]] : [];
    }),
  );
}

const arnOf = (id: string): string => `arn:aws:iot:local:000000000000:job/${id}`;

const statusOf = ({ isCancelled, executions }: Job): string => {
  if (isCancelled) return "CANCELED";
  return executions.every(({ status }) => isTerminal(status)) ? "COMPLETED" : "IN_PROGRESS";
};

const jobView = (job: Job): JsonObject => ({
  jobId: job.id,
  jobArn: arnOf(job.id),
  status: statusOf(job),
  targets: [...job.things],
  createdAt: Math.floor(job.createdAtMs / 1000),
  ...(job.comment !== undefined && { comment: job.comment }),
  jobProcessDetails: Object.fromEntries(
    COUNTED.map(([status, name]) => [name, job.executions.filter((each) => each.status === status).length]),
  ),
});

const executionView = (execution: Execution): JsonObject => {
  const { statusDetails = {}, ...rest } = executionOf(execution, false);
  return { ...rest, statusDetails: { detailsMap: statusDetails } };
};
