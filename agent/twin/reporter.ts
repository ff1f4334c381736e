/**
 * The reported document on its way to the cloud: only differences, at once when an acknowledgement changed or a state
 * (unless states change all the time), else at most once per REPORT_QUIET_MS. Levels that creep (what waits in the buffer) have dead bands.
 */
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { REPORT_QUIET_MS, TWIN_BYTES_MAX } from "../limits.ts";
import { isObject, type Json, type JsonObject, mergePatch, type ReportedDocument } from "../wire/twin-document.ts";
import type { Clock, Log } from "../world.ts";
import { isNews, withinBands, withoutCreeping } from "./creeping.ts";
import { fitting, without } from "./fitting.ts";
import { isSame, patchBetween, withoutNulls } from "./patch-between.ts";

/** A burst of changes (a device that vanishes takes its states along) becomes one patch. */
const BURST_MS = 1_000;
/**
 * A device that flaps is news at every turn, and each report costs about 1 KB of a mobile link with its TLS and
 * acknowledgement. A dozen in an hour tells a real incident in full; after that it is known to flap, and every ten
 * minutes (6 KB an hour) is often enough for whoever is on the way.
 */
const NEWS_AT_ONCE_MAX = 12;
const NEWS_WINDOW_MS = 3_600_000;
const NEWS_GAP_MS = 600_000;
/** A report that was refused for what it is would be refused again; a cloud may err, so it is tried now and then. */
/** A cloud that hangs up so often in a row at a report refuses it, having no words for that (MQTT 3.1.1). */
const CUT_OFF_MAX = 3;
const REFUSED_RETRY = { firstMs: 60_000, factor: 4, maxMs: REPORT_QUIET_MS };

export interface Reporter {
  /** What the cloud has, from a GET, and what the document may measure there: it may change with what is desired. */
  remoteIs(reported: ReportedDocument, bytesMax?: () => number): void;
  /** Nothing is known until the next GET. */
  forget(): void;
  /** ms since boot; Infinity when there is nothing to report. */
  dueAt(): number;
  /** Throws CloudError when the report isn't known to be stored; one that the cloud refuses is logged and seldom repeated. */
  send(connection: CloudConnection): Promise<void>;
}

export function createReporter(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly document: () => JsonObject;
}): Reporter {
  const { clock, log } = deps;
  let remote: JsonObject | undefined;
  let bytesMax = (): number => TWIN_BYTES_MAX;
  let sentAt = -Infinity;
  /** When the last NEWS_AT_ONCE_MAX reports of news went, oldest first. */
  const newsSentAt: number[] = [];
  let refused: { readonly patch: JsonObject; readonly retryMs: number; readonly retryAt: number } | undefined;

  /** Reports in a row at which the connection ended. */
  let cutOff = 0;

  const refuse = (patch: JsonObject, error: CloudError): void => {
    const bytes = Buffer.byteLength(JSON.stringify(patch));
    const hint = error.next === "reconnect" && { hint: "the cloud hangs up at it: it may take nothing of this size" };
    log("error", "twin-report-refused", { bytes, error: error.message, ...hint });
    const { firstMs, factor, maxMs } = REFUSED_RETRY;
    const isAgain = refused && isSame(withoutCreeping(patch), withoutCreeping(refused.patch));
    const retryMs = refused && isAgain ? Math.min(refused.retryMs * factor, maxMs) : firstMs;
    refused = { patch, retryMs, retryAt: clock.bootMs() + retryMs };
  };

  const patchNow = (): JsonObject | undefined => {
    if (!remote) return undefined;
    return patchBetween(remote, withinBands(fitting(withoutNulls(deps.document()), bytesMax()), remote));
  };

  const newsDueAt = (): number => {
    const oldest = newsSentAt.length < NEWS_AT_ONCE_MAX ? -Infinity : (newsSentAt[0] ?? -Infinity);
    return Math.min(sentAt + NEWS_GAP_MS, Math.max(sentAt + BURST_MS, oldest + NEWS_WINDOW_MS));
  };

  return {
    remoteIs: (reported, room = () => TWIN_BYTES_MAX) => {
      bytesMax = room;
      remote = withoutNulls(without(reported, "$version"));
    },
    forget: () => {
      remote = undefined;
    },
    dueAt: () => {
      const patch = patchNow();
      if (!patch) return Infinity;
      if (refused && isSame(withoutCreeping(patch), withoutCreeping(refused.patch))) return refused.retryAt;
      if (isAcknowledging(patch, remote)) return sentAt + BURST_MS;
      return isNews(patch) ? newsDueAt() : sentAt + REPORT_QUIET_MS;
    },
    send: async (connection) => {
      const patch = patchNow();
      if (!patch) return;
      sentAt = clock.bootMs();
      if (isNews(patch) && !isAcknowledging(patch, remote)) {
        newsSentAt.push(sentAt);
        if (newsSentAt.length > NEWS_AT_ONCE_MAX) newsSentAt.shift();
      }
      try {
        await connection.report(patch);
        cutOff = 0;
      } catch (error) {
        if (!(error instanceof CloudError)) throw error;
        cutOff = error.next === "reconnect" ? cutOff + 1 : 0;
        const isRefused = error.next === "drop-and-report";
        if (isRefused || cutOff >= CUT_OFF_MAX) refuse(patch, error);
        if (!isRefused) throw error;
        return;
      }
      // A GET that was answered meanwhile is newer than what this patch was made from.
      if (remote) remote = mergePatch(remote, patch) as JsonObject;
      refused = undefined;
    },
  };
}

/**
 * Somebody waits for the answer to what they desired. A setting's own value (203) that shows up is none: it comes and
 * goes with its device.
 */
function isAcknowledging(patch: JsonObject, remote: Json | undefined): boolean {
  const before = isObject(remote) ? remote : {};
  // The version that was answered and the digest: who set something waits for them.
  if (isObject(patch["twin"]) && remote !== undefined && ("version" in patch["twin"] || "digest" in patch["twin"]))
    return true;
  if ("av" in patch || "ac" in patch) return patch["ac"] !== 203 || "ac" in before;
  return Object.entries(patch).some(([key, inner]) => isObject(inner) && isAcknowledging(inner, before[key]));
}
