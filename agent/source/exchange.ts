/**
 * One request and its answer on a line that can't be trusted: bytes may wait from before, an answer may come late,
 * broken, in pieces, or from somebody else.
 */
import type { SerialExchange, SerialTiming, Values } from "@pump-station/sensor-descriptions/model.ts";
import { FRAME_BYTES_MAX } from "../limits.ts";
import { PortError } from "../world.ts";
import type { HealthCounter } from "./health.ts";
import type { Conversation } from "./serial-port.ts";

export type ExchangeResult =
  | { readonly kind: "answer"; readonly values: Values; readonly bootMs: number }
  | { readonly kind: "refused"; readonly code: number }
  /** `text` says what was heard instead. */
  | { readonly kind: "timeout" | "checksum" | "malformed" | "port-absent" | "busy"; readonly text: string };

/** A pause inside an answer that a busy event loop or a USB adapter (16 ms latency timer) may cause. */
const GAP_MS = 30;

/** Asks once. Never throws: the line's troubles are results. */
export async function exchangeOnce(
  conversation: Conversation,
  exchange: SerialExchange,
  timing: SerialTiming,
  health: HealthCounter,
): Promise<ExchangeResult> {
  await conversation.settle(timing);
  countUnasked(conversation, exchange, health);
  const result = await ask(conversation, exchange, timing, health);
  // What failed may still be on its way. An answer that comes late must meet a port that asks for nothing.
  const isSettled = result.kind === "answer" || result.kind === "refused";
  conversation.keepQuiet(isSettled ? timing.pauseBeforeNextMs : Math.max(timing.lateMs, timing.pauseBeforeNextMs));
  if (result.kind === "timeout") health.timeout();
  if (result.kind === "checksum") health.checksumError();
  if ("text" in result) health.failed(`${exchange.what}: ${result.text}`, conversation.clock.bootMs());
  return result;
}

/**
 * Bytes that waited go through a recogniser of their own, which is then thrown away: frames are told from noise for
 * the statistics, and a late answer, however right it looks, answers nothing.
 */
function countUnasked(conversation: Conversation, exchange: SerialExchange, health: HealthCounter): void {
  const bytes = conversation.takeUnasked();
  if (bytes.length === 0) return;
  const recogniser = exchange.recognise();
  const outcome = recogniser.push(bytes);
  const otherFrames = recogniser.otherFrames + (outcome && outcome.kind !== "bad" ? 1 : 0);
  health.line({ otherFrames, strayBytes: otherFrames > 0 ? recogniser.strayBytes : bytes.length });
}

async function ask(
  conversation: Conversation,
  exchange: SerialExchange,
  timing: SerialTiming,
  health: HealthCounter,
): Promise<ExchangeResult> {
  const { clock, timers } = conversation;
  const recogniser = exchange.recognise();
  let heard = 0;

  const answered = new Promise<ExchangeResult>((resolve) => {
    let isDone = false;
    let cancel = (): void => {};
    let endMs = Number.POSITIVE_INFINITY;
    let endMsMax = Number.POSITIVE_INFINITY;
    const end = (result: ExchangeResult): void => {
      isDone = true;
      cancel();
      conversation.listen(undefined);
      resolve(result);
    };
    const expire = (): void => {
      const leftMs = endMs - clock.bootMs();
      if (leftMs > 0) cancel = timers.after(leftMs, expire);
      else end(withoutOutcome(heard, recogniser.otherFrames, timing));
    };
    const onBytes = (bytes: Uint8Array): void => {
      heard += bytes.length;
      const outcome = recogniser.push(bytes);
      if (outcome) end(resultOf(outcome, clock.bootMs()));
      // An answer that has begun may end, within the time of the longest frame.
      else endMs = Math.min(Math.max(endMs, clock.bootMs() + GAP_MS), endMsMax);
    };
    const onWritten = (): void => {
      if (isDone) return;
      endMs = clock.bootMs() + timing.answerWithinMs;
      endMsMax = endMs + conversation.lineMs(FRAME_BYTES_MAX);
      cancel = timers.after(timing.answerWithinMs, expire);
    };
    conversation.listen(onBytes, (reason) => end({ kind: "port-absent", text: `the port closed: ${reason}` }));
    conversation.write(exchange.request).then(onWritten, (error: unknown) => end(resultOfPortError(error)));
  });

  const result = await answered;
  health.line(recogniser);
  return result;
}

type Outcome = NonNullable<ReturnType<ReturnType<SerialExchange["recognise"]>["push"]>>;

function resultOf(outcome: Outcome, bootMs: number): ExchangeResult {
  if (outcome.kind === "answer") return { kind: "answer", values: outcome.values, bootMs };
  if (outcome.kind === "refused") return outcome;
  return { kind: outcome.reason, text: `answer of ${outcome.frame.length} bytes: ${outcome.reason}` };
}

/** Silence and other people's frames are a timeout; a beginning without an end is a broken answer. */
function withoutOutcome(heard: number, otherFrames: number, { answerWithinMs }: SerialTiming): ExchangeResult {
  if (heard === 0) return { kind: "timeout", text: `no byte within ${answerWithinMs} ms` };
  if (otherFrames > 0) return { kind: "timeout", text: `${otherFrames} other frames within ${answerWithinMs} ms` };
  return { kind: "malformed", text: `${heard} bytes within ${answerWithinMs} ms that make no frame` };
}

/** Throws what is no PortError: that is a bug. */
export function resultOfPortError(error: unknown): ExchangeResult {
  if (!(error instanceof PortError)) throw error;
  const isBusy = error.failure === "busy" || error.failure === "stuck";
  return { kind: isBusy ? "busy" : "port-absent", text: error.message };
}
