/**
 * Whoever was thrown out doesn't stay either: connections of revoked and ended certificates are closed. The store is
 * looked at again and again, because a command line beside the bridge writes to it, too.
 */
import { REVOCATION_LOOK_MS } from "../limits.ts";
import type { Identities } from "../store/identities.ts";
import type { Admission, Broker, Clock, Log, Timers } from "../world.ts";

export interface Revocations {
  /** Looks at once: somebody may have been thrown out by this process. */
  look(): void;
  /** Thrown out between being let in and being connected? */
  check(who: Admission): void;
  close(): void;
}

export async function createRevocations(deps: {
  readonly identities: Identities;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly disconnect: Broker["disconnect"];
}): Promise<Revocations> {
  const { identities, clock, timers, log, disconnect } = deps;
  let seen = await identities.lastRevocation();
  let cancel = (): void => undefined;
  let isClosed = false;

  const throwOut = (isMeant: (who: Admission) => boolean, because: string): void => {
    const stations = new Set<string>();
    disconnect((who) => {
      if (!isMeant(who)) return false;
      stations.add(who.station);
      return true;
    });
    for (const station of stations) log("warn", "station-thrown-out", { station, because });
  };

  const lookNow = async (): Promise<void> => {
    for (const { id, station, serial } of await identities.revocationsAfter(seen)) {
      seen = Math.max(seen, id);
      const isMeant = (who: Admission): boolean =>
        who.station === station && (serial === null ? who.by === "password" : who.serial === serial);
      throwOut(isMeant, serial === null ? "its password was revoked" : `certificate ${serial} was revoked`);
    }
    const nowMs = clock.wallMs();
    throwOut(({ untilMs }) => untilMs !== undefined && untilMs < nowMs, "its certificate or token has ended");
  };
  const inBackground = (work: Promise<void>): void => {
    work.catch((error: unknown) => log("error", "revocations-not-read", { error }));
  };
  const lookAgain = (): void => {
    if (isClosed) return;
    cancel = timers.after(REVOCATION_LOOK_MS, () => {
      inBackground(lookNow());
      lookAgain();
    });
  };
  const checkNow = async (who: Admission): Promise<void> => {
    const { serial } = who;
    if (serial === undefined) return;
    const kept = await identities.certificate(serial);
    if (kept && kept.revokedMs === null) return;
    throwOut((other) => other.serial === serial, `certificate ${serial} was revoked`);
  };
  lookAgain();

  return {
    look: () => inBackground(lookNow()),
    check: (who) => inBackground(checkNow(who)),
    close: () => {
      isClosed = true;
      cancel();
    },
  };
}
