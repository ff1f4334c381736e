/**
 * Jobs and their executions as AWS IoT Jobs keeps them (developer guide, "Jobs and job execution states"): a job has one
 * execution for each thing, which is QUEUED, then IN_PROGRESS, then ended. Pure state; who is told, job-service.ts says.
 */
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Timers } from "@pump-station/agent/world.ts";

export type ExecutionStatus =
  | "QUEUED"
  | "IN_PROGRESS"
  | "SUCCEEDED"
  | "FAILED"
  | "TIMED_OUT"
  | "REJECTED"
  | "REMOVED"
  | "CANCELED";

export interface Execution {
  readonly job: Job;
  readonly thing: string;
  readonly number: number;
  status: ExecutionStatus;
  details: Readonly<Record<string, string>>;
  version: number;
  /** ms since 1970 */
  readonly queuedAtMs: number;
  startedAtMs: number | undefined;
  updatedAtMs: number;
  /** Of this step, set by the thing; and of the whole, set by whoever made the job. */
  cancelStep: () => void;
  cancelWhole: () => void;
}

export interface JobPlan {
  readonly id: string;
  readonly things: readonly string[];
  readonly document: Json;
  /** An execution that is in progress for longer has timed out. */
  readonly inProgressMinutes?: number | undefined;
  /** So often another execution is made after one that has failed or timed out. */
  readonly retries?: Readonly<Partial<Record<"FAILED" | "TIMED_OUT" | "ALL", number>>> | undefined;
}

export interface Job extends JobPlan {
  readonly executions: Execution[];
  readonly createdAtMs: number;
  isCancelled: boolean;
  comment?: string;
}

export interface Jobs {
  /** Throws RangeError when there is one of that name. */
  create(plan: JobPlan): Job;
  find(id: string): Job | undefined;
  list(): readonly Job[];
  /** Forgotten, with its executions, whatever state they are in. */
  remove(id: string): void;
  /** The latest, or the one of that number. */
  execution(id: string, thing: string, number?: number): Execution | undefined;
  /** Those in progress before those queued, and then in the order in which they came. */
  pending(thing: string): readonly Execution[];
  /** Takes a timer's minutes, default: leaves it. */
  change(execution: Execution, status: ExecutionStatus, by: Change): void;
}

export interface Change {
  readonly details?: Readonly<Record<string, string>> | undefined;
  readonly stepMinutes?: number | undefined;
}

const TERMINAL: readonly ExecutionStatus[] = ["SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "REMOVED", "CANCELED"];
export const isTerminal = (status: ExecutionStatus): boolean => TERMINAL.includes(status);
const MINUTE_MS = 60_000;
const nothing = (): void => undefined;

export function createJobs(deps: {
  readonly wallMs: () => number;
  readonly timers: Timers;
  /** The thing's list of pending executions may be another one. */
  readonly onChange: (thing: string) => void;
}): Jobs {
  const { wallMs, timers, onChange } = deps;
  const jobs = new Map<string, Job>();

  const queue = (job: Job, thing: string, number: number): void => {
    const nowMs = wallMs();
    job.executions.push({
      ...{ job, thing, number, status: "QUEUED", details: {}, version: 1 },
      ...{ queuedAtMs: nowMs, startedAtMs: undefined, updatedAtMs: nowMs, cancelStep: nothing, cancelWhole: nothing },
    });
  };

  const change = (execution: Execution, status: ExecutionStatus, { details, stepMinutes }: Change): void => {
    const { job, thing, number } = execution;
    const wasStarted = execution.startedAtMs !== undefined;
    execution.status = status;
    execution.details = details ?? execution.details;
    execution.version++;
    execution.updatedAtMs = wallMs();
    const timeOut = (): void => change(execution, "TIMED_OUT", {});
    if (status === "IN_PROGRESS" && !wasStarted) {
      execution.startedAtMs = wallMs();
      if (job.inProgressMinutes !== undefined)
        execution.cancelWhole = timers.after(job.inProgressMinutes * MINUTE_MS, timeOut);
    }
    if (stepMinutes !== undefined || isTerminal(status)) execution.cancelStep();
    if (stepMinutes !== undefined) execution.cancelStep = timers.after(stepMinutes * MINUTE_MS, timeOut);
    if (isTerminal(status)) execution.cancelWhole();
    if ((status === "FAILED" || status === "TIMED_OUT") && isTriedAgain(execution)) queue(job, thing, number + 1);
    onChange(thing);
  };

  const isTriedAgain = ({ job, status, number }: Execution): boolean => {
    const most = job.retries?.[status as "FAILED" | "TIMED_OUT"] ?? job.retries?.ALL ?? 0;
    return !job.isCancelled && number <= most;
  };

  return {
    create: (plan) => {
      if (jobs.has(plan.id)) throw new RangeError(`job ${plan.id} exists`);
      const job: Job = { ...plan, executions: [], createdAtMs: wallMs(), isCancelled: false };
      jobs.set(plan.id, job);
      for (const thing of plan.things) queue(job, thing, 1);
      for (const thing of plan.things) onChange(thing);
      return job;
    },
    find: (id) => jobs.get(id),
    list: () => [...jobs.values()],
    remove: (id) => {
      const job = jobs.get(id);
      jobs.delete(id);
      for (const execution of job?.executions ?? []) {
        execution.cancelStep();
        execution.cancelWhole();
        onChange(execution.thing);
      }
    },
    execution: (id, thing, number) =>
      jobs
        .get(id)
        ?.executions.findLast((each) => each.thing === thing && (number === undefined || each.number === number)),
    pending: (thing) => {
      const own = [...jobs.values()].flatMap(({ executions }) => executions.filter((each) => each.thing === thing));
      const begun = own.filter(({ status }) => status === "IN_PROGRESS");
      return [...begun, ...own.filter(({ status }) => status === "QUEUED")];
    },
    change,
  };
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** JobExecutionSummary. */
export const summaryOf = (execution: Execution): JsonObject => ({
  jobId: execution.job.id,
  queuedAt: seconds(execution.queuedAtMs),
  lastUpdatedAt: seconds(execution.updatedAtMs),
  ...(execution.startedAtMs !== undefined && { startedAt: seconds(execution.startedAtMs) }),
  executionNumber: execution.number,
  versionNumber: execution.version,
});

/** JobExecutionState. */
export const stateOf = ({ status, details, version }: Execution): JsonObject => ({
  status,
  ...(Object.keys(details).length > 0 && { statusDetails: { ...details } }),
  versionNumber: version,
});

/** JobExecution. */
export const executionOf = (execution: Execution, withDocument = true): JsonObject => ({
  ...summaryOf(execution),
  ...stateOf(execution),
  thingName: execution.thing,
  ...(withDocument && { jobDocument: execution.job.document }),
});
