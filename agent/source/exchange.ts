/**
 * One request and its answer on a line that can't be trusted: bytes may wait from before, an answer may come late,
 * broken, in pieces, or from somebody else.
 */
import type {
  SerialExchange,
  SerialProtocol,
  SerialTiming,
  Texts,
  Values,
} from "@pump-station/sensor-descriptions/model.ts";
import { FRAME_BYTES_MAX } from "../limits.ts";
import { PortError } from "../world.ts";
import type { Conversation } from "./conversation.ts";
import type { HealthCounter } from "./health.ts";

export type ExchangeResult =
  | { readonly kind: "answer"; readonly values: Values; readonly texts?: Texts; readonly bootMs: number }
  /** `text`: "refused: illegal data address (2)" */
  | { readonly kind: "refused"; readonly code: number; readonly text: string }
  /** A broadcast has left; nobody answers one. */
  | { readonly kind: "sent" }
  /** `text` says what was heard instead. */
  | { readonly kind: "timeout" | "checksum" | "malformed" | "port-absent" | "busy"; readonly text: string };

type Manner = Pick<SerialProtocol, "timing" | "quirks">;

/** A pause inside an answer that a busy event loop or a USB adapter (16 ms latency timer) may cause. */
const GAP_MS = 30;

/** A timer later than this: the process itself stood still (a commit to a slow card, a swap), and hasn't heard since. */
const STALL_MS = 20;

/** Asks once. Never throws: the line's troubles are results. */
export async function exchangeOnce(
  conversation: Conversation,
  exchange: SerialExchange,
  manner: Manner,
  health: HealthCounter,
): Promise<ExchangeResult> {
  const { timing } = manner;
  await conversation.settle(timing);
  const result = await afterWaking(conversation, manner, () => {
    countUnasked(conversation, exchange, health);
    return exchange.isBroadcast
      ? broadcast(conversation, exchange, manner, health)
      : ask(conversation, exchange, manner, health);
  });
  conversation.keepQuiet(quietAfter(result, timing));
  if (result.kind === "timeout") health.timeout();
  if (result.kind === "checksum") health.checksumError();
  if (result.kind === "answer" && result.texts) health.told(result.texts);
  if ("text" in result) health.failed(`${exchange.what}: ${result.text}`, conversation.clock.bootMs());
  return result;
}

function quietAfter({ kind }: ExchangeResult, { lateMs, pauseBeforeNextMs, turnaroundMs }: SerialTiming): number {
  if (kind === "sent") return Math.max(turnaroundMs ?? 0, pauseBeforeNextMs);
  // What failed may still be on its way. An answer that comes late must meet a port that asks for nothing.
  return kind === "answer" || kind === "refused" ? pauseBeforeNextMs : Math.max(lateMs, pauseBeforeNextMs);
}

/** What a device says while it wakes up is no answer. */
async function afterWaking(
  conversation: Conversation,
  { quirks }: Manner,
  talk: () => Promise<ExchangeResult>,
): Promise<ExchangeResult> {
  if (!quirks?.wake) return talk();
  try {
    if (quirks.hearsItself) conversation.expectEcho(quirks.wake.bytes);
    await conversation.write(quirks.wake.bytes, quirks.pauseBetweenBytesMs);
  } catch (error) {
    return resultOfPortError(error);
  }
  await conversation.timers.sleep(quirks.wake.pauseMs);
  conversation.endListening();
  return talk();
}

/**
 * Bytes that waited go through a recogniser of their own, which is then thrown away: frames are told from noise for
 * the statistics, and a late answer, however right it looks, answers nothing.
 */
function countUnasked(conversation: Conversation, exchange: SerialExchange, health: HealthCounter): void {
  const { bytes, uncounted } = conversation.takeUnasked();
  if (bytes.length === 0) return;
  const recogniser = exchange.recognise();
  const outcome = recogniser.push(bytes);
  const otherFrames = recogniser.otherFrames + (outcome && outcome.kind !== "bad" ? 1 : 0);
  const strayBytes = otherFrames > 0 ? recogniser.strayBytes : bytes.length;
  health.line({ otherFrames, strayBytes: strayBytes + uncounted });
}

async function broadcast(
  conversation: Conversation,
  { what, request }: SerialExchange,
  { quirks }: Manner,
  health: HealthCounter,
): Promise<ExchangeResult> {
  try {
    if (quirks?.hearsItself) conversation.expectEcho(request);
    const traffic = health.traffic.begin(what, request, conversation.clock.bootMs());
    await conversation.write(request, quirks?.pauseBetweenBytesMs);
    traffic.ended("sent, nobody answers it");
    return { kind: "sent" };
  } catch (error) {
    return resultOfPortError(error);
  }
}

async function ask(
  conversation: Conversation,
  exchange: SerialExchange,
  { timing, quirks }: Manner,
  health: HealthCounter,
): Promise<ExchangeResult> {
  const { clock, timers } = conversation;
  const recogniser = exchange.recognise();
  const traffic = health.traffic.begin(exchange.what, exchange.request, clock.bootMs());
  let heard = 0;

  const answered = new Promise<ExchangeResult>((resolve) => {
    let isDone = false;
    let cancel = (): void => {};
    let endMs = Number.POSITIVE_INFINITY;
    let endMsMax = Number.POSITIVE_INFINITY;
    let hasStalled = false;
    const end = (result: ExchangeResult, answer?: Uint8Array): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      conversation.endListening(answer);
      resolve(result);
    };
    const expire = (): void => {
      const leftMs = endMs - clock.bootMs();
      if (leftMs > 0) cancel = timers.after(leftMs, expire);
      // What was said in time may still lie in the kernel: read it before the silence is judged.
      else if (leftMs < -STALL_MS && !hasStalled) {
        hasStalled = true;
        cancel = timers.after(GAP_MS, expire);
      } else end(withoutOutcome(heard, recogniser.otherFrames, timing));
    };
    const onBytes = (bytes: Uint8Array): void => {
      heard += bytes.length;
      traffic.heard(bytes);
      const outcome = recogniser.push(bytes);
      if (outcome) end(resultOf(outcome, clock.bootMs()), outcome.kind === "bad" ? undefined : outcome.frame);
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
    if (quirks?.hearsItself) conversation.expectEcho(exchange.request);
    conversation
      .write(exchange.request, quirks?.pauseBetweenBytesMs)
      .then(onWritten, (error: unknown) => end(resultOfPortError(error)));
  });

  const result = await answered;
  traffic.ended("text" in result ? `${result.kind}: ${result.text}` : result.kind);
  // On a line with reports, what was heard beside the answer is counted when it is known to be no report.
  if (!conversation.isShared) health.line(recogniser);
  return result;
}

type Outcome = NonNullable<ReturnType<ReturnType<SerialExchange["recognise"]>["push"]>>;

function resultOf(outcome: Outcome, bootMs: number): ExchangeResult {
  switch (outcome.kind) {
    case "answer":
      return {
        kind: "answer",
        values: outcome.values,
        ...(outcome.texts && { texts: outcome.texts }),
        bootMs,
      };
    case "refused":
      return { kind: "refused", code: outcome.code, text: `refused: ${spokenCode(outcome.code, outcome.name)}` };
    case "bad":
      return { kind: outcome.reason, text: `answer of ${outcome.frame.length} bytes: ${outcome.reason}` };
  }
}

const spokenCode = (code: number, name: string | undefined): string =>
  name === undefined ? `code ${code}` : `${name} (${code})`;

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
