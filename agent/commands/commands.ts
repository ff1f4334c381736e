/**
 * Commands from the cloud: each runs at most once, whatever is delivered twice and whoever restarts in between; never
 * after its life; what changes something one after the other, what only reads beside it. Whoever asked gets an answer
 * within the command's time, though it may only say what is known by then.
 */
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import {
  ANSWERS_KEPT,
  COMMAND_BODY_BYTES_MAX,
  COMMAND_LATE_MS,
  COMMAND_WAIT_MS,
  COMMANDS_IN_LINE_MAX,
  COMMANDS_READING_MAX,
} from "../limits.ts";
import type { Clock, Log, Timers } from "../world.ts";
import type { Audit, AuditEntry } from "./audit.ts";
import { createLine } from "./line.ts";
import type { Plan, Planned } from "./plan.ts";

export interface CommandsDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly audit: Audit;
  /** What the command does, or why it isn't done; asked once more when its turn has come. */
  readonly plan: (call: CommandCall) => Planned;
  /** A command that may have changed something has ended. */
  readonly onEnded: (entry: AuditEntry) => void;
}

export type Commands = (call: CommandCall) => Promise<CommandAnswer>;

export function createCommands(deps: CommandsDeps): Commands {
  const { clock, timers, log, audit } = deps;
  const line = createLine(timers);
  const underWay = new Map<string, Promise<CommandAnswer>>();
  /** Of this process, whole: refusals, and bodies that are too long for the audit. */
  const answers = new Map<string, CommandAnswer>();
  let reading = 0;

  const judged = (call: CommandCall): Planned => {
    const planned = deps.plan(call);
    return "refused" in planned ? planned : (lifeOver(clock, call, planned) ?? planned);
  };

  const enter = async (call: CommandCall, { kind }: Plan): Promise<(() => void) | CommandAnswer> => {
    if (kind === "read") {
      if (reading >= COMMANDS_READING_MAX) return { status: 429, text: "too many commands read at once" };
      reading++;
      return () => void reading--;
    }
    if (line.length > COMMANDS_IN_LINE_MAX) return { status: 429, text: "too many commands in line" };
    const lifeMs = call.expiresMs === undefined ? Number.POSITIVE_INFINITY : call.expiresMs - clock.wallMs();
    const turn = await line.turn(Math.min(COMMAND_WAIT_MS, Math.max(0, lifeMs)));
    if (turn) return turn;
    if (lifeMs < COMMAND_WAIT_MS) return { status: 410, text: "expired while it waited for the commands before it" };
    return { status: 503, text: "not run: the commands before it took too long" };
  };

  const ended = (call: CommandCall, answer: CommandAnswer, { kind }: Plan): CommandAnswer => {
    const isNoted = audit.end(call.id, answer);
    log("info", "command", {
      ...namesOf(call),
      status: answer.status,
      text: answer.text,
      ...(!isNoted && { isNoted }),
    });
    const entry = audit.find(call.id);
    if (kind === "write" && entry) deps.onEnded(entry);
    return answer;
  };

  const run = async (call: CommandCall): Promise<CommandAnswer> => {
    const first = judged(call);
    if ("refused" in first) return refused(call, first.refused);
    const turn = await enter(call, first);
    if (typeof turn !== "function") return refused(call, turn);
    let isUnderWay = false;
    try {
      // Much may have happened while it waited: its life is over, somebody came on site, another description runs.
      const plan = judged(call);
      if ("refused" in plan) return refused(call, plan.refused);
      // On disk before it runs: a process that ends meanwhile must not run it again.
      if (!audit.begin(call) && plan.kind === "write") {
        const answer = { status: 503, text: "not run: the station's disk can't be written, so it might run twice" };
        audit.end(call.id, answer);
        return refused(call, answer);
      }
      const work = bounded(plan.run(call)).catch((error: unknown): CommandAnswer => {
        log("error", "command-failed", { ...namesOf(call), error: String(error) });
        return { status: 500, text: "failed, and may or may not have run" };
      });
      const answer = await within(plan.limitMs, work);
      isUnderWay = answer === undefined;
      if (answer) return ended(call, answer, plan);
      // Never for ever: those behind it would never run either.
      void within(COMMAND_LATE_MS, work)
        .then((late) => ended(call, late ? { ...late, text: `${late.text} (after its time limit)` } : GIVEN_UP, plan))
        .finally(turn);
      return ended(call, tooLate(plan), plan);
    } finally {
      // What goes on after its time limit keeps its turn.
      if (!isUnderWay) turn();
    }
  };

  /** undefined when there is none by then. */
  const within = (ms: number, work: Promise<CommandAnswer>): Promise<CommandAnswer | undefined> =>
    new Promise((resolve) => {
      const cancel = timers.after(ms, () => resolve(undefined));
      void work.then((answer) => {
        cancel();
        resolve(answer);
      });
    });

  const refused = (call: CommandCall, answer: CommandAnswer): CommandAnswer => {
    log("info", "command-refused", { ...namesOf(call), status: answer.status, text: answer.text });
    return answer;
  };

  const keep = (id: string, answer: CommandAnswer): void => {
    answers.delete(id);
    answers.set(id, answer);
    for (const [oldest] of [...answers].slice(0, -ANSWERS_KEPT)) answers.delete(oldest);
  };

  return (call) => {
    const known = underWay.get(call.id) ?? answers.get(call.id) ?? answerBefore(audit.find(call.id));
    if (known) return Promise.resolve(known);
    const answer = run(call)
      .then((given) => {
        keep(call.id, given);
        return given;
      })
      .finally(() => underWay.delete(call.id));
    underWay.set(call.id, answer);
    return answer;
  };
}

/** Of a command that came before: what was answered, as far as it is known. */
function answerBefore(entry: AuditEntry | undefined): CommandAnswer | undefined {
  if (!entry) return undefined;
  const { status, text = "", body } = entry;
  if (status === undefined) return { status: 500, text: "was begun before; nobody knows how it ended" };
  return { status, text, ...(body !== undefined && { body }) };
}

/** What only reads does no harm late, and is what somebody needs whose station has no clock. */
function lifeOver(clock: Clock, { expiresMs }: CommandCall, { kind }: Plan): Planned | undefined {
  if (expiresMs === undefined) return undefined;
  if (clock.isWallTrusted())
    return clock.wallMs() > expiresMs ? { refused: { status: 410, text: "expired" } } : undefined;
  if (kind === "read") return undefined;
  return { refused: { status: 503, text: "the station's clock is not set: it can't tell the expiry" } };
}

const GIVEN_UP: CommandAnswer = {
  status: 504,
  text: `given up ${COMMAND_LATE_MS / 60_000} min after its time limit; nobody knows whether it was done`,
};

function tooLate({ limitMs, known }: Plan): CommandAnswer {
  const body = known?.();
  const text = `not done after ${Math.round(limitMs / 1000)} s; it goes on, and may still be done`;
  return { status: 504, text, ...(body !== undefined && { body }) };
}

async function bounded(work: Promise<CommandAnswer>): Promise<CommandAnswer> {
  const answer = await work;
  const bytes = answer.body === undefined ? 0 : Buffer.byteLength(JSON.stringify(answer.body));
  if (bytes <= COMMAND_BODY_BYTES_MAX) return answer;
  return { status: 413, text: `the answer has ${bytes} bytes, at most ${COMMAND_BODY_BYTES_MAX}; ask for less` };
}

const namesOf = ({ id, device, command, by }: CommandCall) => ({
  id,
  ...(device !== undefined && { device }),
  command,
  ...(by !== undefined && { by }),
});
