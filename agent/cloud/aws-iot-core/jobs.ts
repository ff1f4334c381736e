/**
 * Commands as AWS IoT jobs: queued by AWS while the station is away, one after the other, each told how it went.
 *
 *   $next/get → a job → is its document a command? → {job}/update IN_PROGRESS → the command → {job}/update with its end
 *
 * A job runs only when AWS has agreed that it is in progress, so one that was cancelled meanwhile doesn't run. One that
 * is in progress already was begun before a restart or a lost link: the command's audit knows how it ended, and runs it
 * if it never began. A silent connection costs nothing: AWS tells when there is another job (`notify-next`).
 */
import { PUBLISH_DEADLINE_MS } from "../../limits.ts";
import { topicsOf } from "../../wire/topics.ts";
import type { Chance, Log, Timers } from "../../world.ts";
import { CloudError, type CommandAnswer, type CommandCall } from "../cloud.ts";
import { answerOf } from "../command-desk.ts";
import type { KeptConnection } from "../kept-connection.ts";
import { PayloadError } from "../payloads.ts";
import { ask, createReplies, createRequestIds } from "../replies.ts";
import { createWaker } from "../waker.ts";
import * as payloads from "./job-payloads.ts";
import { type JobAnswer, jobTopicsOf } from "./job-topics.ts";
import type { JobsGate } from "./jobs-gate.ts";

export interface Jobs {
  /** Begins to ask. */
  listen(listener: (call: CommandCall) => Promise<CommandAnswer>): void;
  /** False when nobody waits for it. Throws PayloadError. */
  route(answer: JobAnswer, payload: Uint8Array): boolean;
  /** The connection is over. */
  end(error: CloudError): void;
}

export interface JobsDeps {
  readonly mqtt: KeptConnection;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly gate: JobsGate;
}

/** AWS tells of each job, and a new connection asks; this often it is asked all the same. */
const LOOK_EVERY_MS = 7 * 24 * 3_600_000;
/** After AWS said that it was too much, or failed: doubling. */
const PAUSE_FIRST_MS = 10_000;
const PAUSE_MAX_MS = 3_600_000;

/** The job isn't to be done any more: cancelled, timed out, deleted, or changed by somebody else. */
const GONE = ["InvalidStateTransition", "ResourceNotFound", "TerminalStateReached", "VersionMismatch"];
const LATER = ["RequestThrottled", "InternalError"];

class JobRefused extends Error {
  readonly rejection: payloads.JobRejection;
  constructor(rejection: payloads.JobRejection) {
    super(`${rejection.code}: ${rejection.message}`);
    this.rejection = rejection;
  }
}

interface Update {
  readonly status: payloads.JobOutcome | "IN_PROGRESS";
  readonly statusDetails?: Record<string, string>;
  readonly expectedVersion?: number;
}

export function createJobs(deps: JobsDeps, thing: string): Jobs {
  const { mqtt, timers, log, gate } = deps;
  const topics = jobTopicsOf(thing);
  const own = topicsOf(thing);
  const replies = createReplies<payloads.JobReply | payloads.JobRejection>(deps);
  const nextToken = createRequestIds(deps.chance);
  const waker = createWaker({ timers });
  const over = new AbortController();
  let pauseMs = PAUSE_FIRST_MS;
  let isServed = false;

  const request = async (topic: string, what: string, body: object): Promise<payloads.JobReply> => {
    const clientToken = nextToken();
    const bytes = new TextEncoder().encode(JSON.stringify({ ...body, clientToken }));
    const reply = await ask(replies, clientToken, what, () =>
      mqtt.publish(topic, bytes, { deadlineMs: PUBLISH_DEADLINE_MS }),
    );
    if ("code" in reply) throw new JobRefused(reply);
    return reply;
  };

  const next = async (): Promise<payloads.JobExecution | undefined> => {
    try {
      return (await request(topics.next, "get the next job", {})).execution;
    } catch (error) {
      if (error instanceof JobRefused && GONE.includes(error.rejection.code)) return undefined;
      throw error;
    }
  };

  /** False when the job is gone. */
  const update = async (job: string, change: Update): Promise<boolean> => {
    try {
      await request(topics.update(job), `update the job ${job}`, change);
      return true;
    } catch (error) {
      if (!(error instanceof JobRefused)) throw error;
      const { code, message, status } = error.rejection;
      // Whether a job that is in progress can still be declined isn't written anywhere.
      if (change.status === "REJECTED" && code === "InvalidStateTransition" && status === "IN_PROGRESS")
        return update(job, { ...change, status: "FAILED" });
      // A text that isn't to AWS's liking is no reason to leave the job open.
      if (code === "InvalidRequest" && change.statusDetails) return update(job, { status: change.status });
      if (!GONE.includes(code)) throw error;
      log("info", "job-gone", { job, status: change.status, code, message });
      return false;
    }
  };

  const attend = async (
    execution: payloads.JobExecution,
    listener: (call: CommandCall) => Promise<CommandAnswer>,
  ): Promise<void> => {
    const { job, version, isBegun } = execution;
    let call: CommandCall;
    try {
      call = payloads.callFrom(execution);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      log("warn", "job-rejected", { job, why: error.message });
      const answer = { status: 400, text: error.message };
      await update(job, { status: "REJECTED", statusDetails: payloads.detailsFrom(answer, "") });
      return;
    }
    if (!isBegun && !(await update(job, { status: "IN_PROGRESS", expectedVersion: version }))) return;
    const answer = await answerOf(listener, call, log);
    const elsewhere = own.commandAnswer(call.id);
    if (payloads.isTooLong(answer)) await tellWhole(elsewhere, answer);
    const statusDetails = payloads.detailsFrom(answer, elsewhere);
    await update(job, { status: payloads.outcomeOf(answer), statusDetails });
  };

  const tellWhole = (topic: string, answer: CommandAnswer): Promise<void> =>
    mqtt.publish(topic, new TextEncoder().encode(JSON.stringify(answer)), { deadlineMs: PUBLISH_DEADLINE_MS });

  /** All that wait; resolves with how long to wait before the next look. */
  const attendAll = async (listener: (call: CommandCall) => Promise<CommandAnswer>): Promise<number> => {
    let before = "";
    for (;;) {
      const execution = await next();
      isServed = true;
      gate.answered();
      if (!execution) return LOOK_EVERY_MS;
      const now = `${execution.job} ${execution.execution} ${execution.version}`;
      // It was told how this one ended, and offers it as if it hadn't been.
      if (now === before) throw new CloudError("retry-after", `the job ${execution.job} is offered again`);
      before = now;
      await attend(execution, listener);
      pauseMs = PAUSE_FIRST_MS;
    }
  };

  const pauseAfter = (error: unknown): number => {
    const isKnown = error instanceof CloudError || error instanceof JobRefused || error instanceof PayloadError;
    if (!isKnown) throw error;
    const isBrief = error instanceof JobRefused ? LATER.includes(error.rejection.code) : error instanceof PayloadError;
    log(isBrief ? "info" : "warn", "jobs-not-attended", { error: error.message });
    // Nobody answers where there is no such service.
    if (!isServed && error instanceof CloudError && error.next === "retry") gate.refused(error.message);
    const ms = pauseMs;
    pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    return ms;
  };

  const run = async (listener: (call: CommandCall) => Promise<CommandAnswer>): Promise<void> => {
    gate.asks();
    try {
      await mqtt.subscribe(topics.down);
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      if (error.next === "reprovision") gate.refused(error.message);
      return;
    }
    while (!over.signal.aborted) {
      const waitMs = await attendAll(listener).catch((error: unknown) => (over.signal.aborted ? 0 : pauseAfter(error)));
      if (!gate.isOpen) return;
      await waker.wait(waitMs, over.signal);
    }
  };

  return {
    listen: (listener) => {
      if (gate.isOpen) void run(listener);
    },
    route: (answer, payload) => {
      if (answer === "get/rejected" || answer === "update/rejected") {
        const rejection = payloads.jobRejectionFrom(payload);
        return rejection.token !== undefined && replies.resolve(rejection.token, rejection);
      }
      const reply = payloads.jobReplyFrom(payload);
      if (answer !== "notify-next") return reply.token !== undefined && replies.resolve(reply.token, reply);
      if (reply.execution) waker.wake();
      return true;
    },
    end: (error) => {
      over.abort();
      replies.rejectAll(error);
    },
  };
}
