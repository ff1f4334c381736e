/** The conversation with the cloud: one full twin per connection and after each gap, patches between, reports back. */
import { type CloudConnection, CloudError, type PatchBasis } from "../cloud/cloud.ts";
import { TWIN_BYTES_MAX, TWIN_FETCH_EVERY_MS } from "../limits.ts";
import type { DesiredDocument } from "../wire/twin-document.ts";
import type { Clock, Log } from "../world.ts";
import type { Mirror } from "./mirror.ts";
import type { Reporter } from "./reporter.ts";

/** A twin that can't be had (the bridge is away, the broker isn't) is asked for again after this, doubling to the max. */
const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 600_000;

export interface Sync {
  connection(connection: CloudConnection | undefined): void;
  /** Fetches the twin if that is due. */
  fetch(): Promise<void>;
  /** Reports if that is due, and not before `heldUntil` (ms since boot). */
  report(heldUntil: number): Promise<void>;
  /** ms since boot at which one of them has something to do. */
  nextAt(reportHeldUntil: number): number;
}

export interface SyncDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly mirror: Mirror;
  readonly reporter: Reporter;
  /** The mirror has something new, or is known to lack something. */
  readonly onDesired: () => void;
  /** A twin GET that was begun then (ms since boot) was answered. */
  readonly onFetched: (startedAt: number) => void;
}

export function createSync(deps: SyncDeps): Sync {
  const { clock, log, mirror, reporter } = deps;
  let connection: CloudConnection | undefined;
  let fetchAt = Infinity;
  /** A GET is due or to be repeated: patches before it say nothing that it won't. */
  let isOwed = false;
  let retryMs = RETRY_FIRST_MS;
  /** Highest version heard while a GET was under way: its answer may be older than that. */
  let heardMeanwhile: number | undefined;

  const fetchSoon = (): void => {
    isOwed = true;
    fetchAt = Math.min(fetchAt, clock.bootMs());
  };

  const onDesired = (patch: DesiredDocument, basis?: PatchBasis): void => {
    if (heardMeanwhile !== undefined) heardMeanwhile = Math.max(heardMeanwhile, patch.$version);
    else if (!isOwed && mirror.merge(patch, basis) === "gap") {
      log("info", "twin-gap", { version: patch.$version, have: mirror.current?.version });
      fetchSoon();
    }
    deps.onDesired();
  };

  const known = (): DesiredDocument | undefined =>
    mirror.current && { ...mirror.current.desired, $version: mirror.current.version };

  /** Whatever went wrong, what the cloud has is unknown now. */
  const retryLater = (what: string, error: unknown): void => {
    if (!(error instanceof CloudError)) throw error;
    log("warn", `twin-${what}-failed`, { error: error.message });
    reporter.forget();
    isOwed = true;
    fetchAt = clock.bootMs() + Math.max(retryMs, error.afterMs ?? 0);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  };

  return {
    connection: (next) => {
      connection = next;
      reporter.forget();
      retryMs = RETRY_FIRST_MS;
      isOwed = true;
      fetchAt = next ? clock.bootMs() : Infinity;
      next?.onDesired((patch, basis) => {
        if (connection === next) onDesired(patch, basis);
      });
    },
    fetch: async () => {
      const asked = connection;
      if (!asked || fetchAt > clock.bootMs()) return;
      heardMeanwhile = 0;
      const startedAt = clock.bootMs();
      try {
        const { desired, reported } = await asked.getTwin(known());
        if (connection !== asked) return;
        // A notification that got lost is noticed by the next one, or else now and then.
        fetchAt = clock.bootMs() + TWIN_FETCH_EVERY_MS;
        isOwed = false;
        retryMs = RETRY_FIRST_MS;
        mirror.take(desired);
        reporter.remoteIs(reported, asked.reportBytesMax && (() => asked.reportBytesMax?.() ?? TWIN_BYTES_MAX));
        deps.onFetched(startedAt);
        if (heardMeanwhile > desired.$version) fetchSoon();
        deps.onDesired();
      } catch (error) {
        if (connection === asked) retryLater("get", error);
        else if (!(error instanceof CloudError)) throw error;
      } finally {
        heardMeanwhile = undefined;
      }
    },
    report: async (heldUntil) => {
      const to = connection;
      if (!to || Math.max(heldUntil, reporter.dueAt()) > clock.bootMs()) return;
      try {
        await reporter.send(to);
      } catch (error) {
        if (connection === to) retryLater("report", error);
        else if (!(error instanceof CloudError)) throw error;
      }
    },
    nextAt: (heldUntil) => (connection ? Math.min(fetchAt, Math.max(heldUntil, reporter.dueAt())) : Infinity),
  };
}
