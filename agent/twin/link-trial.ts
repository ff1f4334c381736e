/**
 * Settings that can cut the link (upload windows, budget, keep-alive, connection) are on trial until the cloud has heard
 * the station since they run: a message acknowledged, and the twin fetched on a connection made after they were applied.
 * Else they are rolled back to those with which it was heard last.
 *
 *   wanted as they are good      nothing on trial
 *   wanted otherwise             they run, on trial; 202
 *   heard                        they are good; 200
 *   not heard for LINK_TRIAL_MS of open hours, or after LINK_TRIAL_STARTS_MAX starts
 *                                the good ones run; 500 with the reason
 *   …and the good ones are heard   tried again once the link has stood for long enough (link-rest.ts)
 *   …and the good ones aren't heard for as long either: it was the network. Once the station is heard again, they are
 *   tried again, LINK_TRIALS_MAX times in a row.
 *
 * Persisted at each step, so that a restart in the middle goes on where it was.
 */
import { LINK_TRIAL_MS, LINK_TRIAL_STARTS_MAX, LINK_TRIALS_MAX } from "../limits.ts";
import type { LinkProof } from "../tuning.ts";
import type { Clock, Log } from "../world.ts";
import { type Blamed, isOfLink, type LinkMemory, type LinkValues, PATHS, valuesOf } from "./link-memory.ts";
import { createLinkRest, whatNext } from "./link-rest.ts";
import type { Memory } from "./memory.ts";
import { isSame } from "./patch-between.ts";
import type { Reading, Wanted } from "./settings.ts";

export interface LinkTrial {
  /** What of a document shall run, what of it failed, and what is on trial. A new trial begins here, and is noted. */
  judge(reading: Reading): {
    readonly reading: Reading;
    readonly failed: readonly { readonly path: string; readonly reason: string }[];
    readonly onTrial: ReadonlyMap<string, string>;
  };
  /** What was judged runs now. Whether the link has to be made anew for it. */
  applied(): boolean;
  /** A twin GET that was begun then (ms since boot) was answered. */
  fetched(startedAt: number): void;
  /** To be called every now and then. Whether something was decided, so that it has to be judged anew. */
  look(proof: LinkProof): boolean;
}

const NOTHING: LinkMemory = { good: {}, blamed: {} };

type Tries = Pick<Blamed, "tries" | "rests">;
const FIRST: Tries = { tries: 0, rests: 0 };
const highest = (values: readonly (readonly [string, Tries])[]): Tries => ({
  tries: Math.max(0, ...values.map(([, { tries }]) => tries)),
  rests: Math.max(0, ...values.map(([, { rests }]) => rests)),
});

export function createLinkTrial(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Memory;
}): LinkTrial {
  const { clock, log, memory } = deps;
  /** Of what runs now: since when, and what was heard since. */
  let since:
    | { readonly at: number; acknowledged?: number; isFetched: boolean; openMs: number; lookedAt: number }
    | undefined;
  /** Judged differently than what runs: the link is made anew once it does. */
  let isNew = false;
  let isFirst = true;

  const now = (): LinkMemory => memory.now.link ?? NOTHING;
  const note = (changes: Partial<LinkMemory>): void => void memory.change({ link: { ...now(), ...changes } });

  const shallRun = (wanted: LinkValues): LinkValues => {
    const { blamed, good } = now();
    return valuesOf((path) => {
      const found = blamed[path];
      const value = wanted[path] ?? null;
      return found && found.value === value ? (good[path] ?? null) : value;
    });
  };

  /** A start in the middle of a trial. */
  const countStart = (): void => {
    isFirst = false;
    const { trial } = now();
    if (!trial) return;
    if (trial.starts >= LINK_TRIAL_STARTS_MAX) rollBack(`the agent started ${trial.starts} times meanwhile`);
    else note({ trial: { ...trial, starts: trial.starts + 1 } });
  };

  const rollBack = (what: string): void => {
    const { trial, good, blamed } = now();
    if (!trial) return;
    const reason = `rolled back: the cloud didn't hear the station with it; ${what}`;
    const { tries, rests } = trial;
    const more = PATHS.flatMap(({ path }): [string, Blamed][] => {
      const value = trial.values[path] ?? null;
      return value === (good[path] ?? null) ? [] : [[path, { value, reason, tries, rests, restedMs: 0 }]];
    });
    log("error", "link-settings-rolled-back", { values: trial.values, because: what });
    note({ trial: undefined, blamed: { ...blamed, ...Object.fromEntries(more) } });
  };

  const heard = (): boolean => {
    const { trial, blamed } = now();
    if (trial) {
      log("info", "link-settings-kept", { values: trial.values });
      note({ good: trial.values, trial: undefined });
      return true;
    }
    const innocent = Object.entries(blamed).filter(([, one]) => one.isGuilty === false && one.tries < LINK_TRIALS_MAX);
    const others = Object.entries(blamed).filter(
      ([path, one]) => one.isGuilty !== true && !innocent.some(([other]) => other === path),
    );
    if (others.length > 0) {
      note({
        blamed: { ...blamed, ...Object.fromEntries(others.map(([path, one]) => [path, { ...one, isGuilty: true }])) },
      });
    }
    const { tries, rests } = highest(innocent);
    if (innocent.length > 0) tryAgain(innocent, { tries, rests });
    return innocent.length > 0 || others.length > 0;
  };
  const tryAgain = (values: readonly [string, Blamed][], after: Tries): void => {
    const paths = new Set(values.map(([path]) => path));
    log("info", "link-settings-tried-again", { paths: [...paths] });
    again = after;
    note({ blamed: Object.fromEntries(Object.entries(now().blamed).filter(([path]) => !paths.has(path))) });
  };
  /** What the next trial follows. */
  let again: Tries = FIRST;

  const rest = createLinkRest({ clock, blamed: () => now().blamed, note: (blamed) => note({ blamed }) });
  /** Whether values that waited for a link that stands are tried once more. */
  const lookAtRest = (acknowledged: number): boolean => {
    const over = rest.look(acknowledged);
    const due = Object.entries(now().blamed).filter(([path]) => over.includes(path));
    if (due.length > 0) tryAgain(due, { tries: 0, rests: highest(due).rests + 1 });
    return due.length > 0;
  };
  let hasApplied = false;

  const notHeard = (): boolean => {
    const { trial, blamed } = now();
    if (trial) {
      rollBack(`${LINK_TRIAL_MS / 60_000} min without an acknowledged message and a twin`);
      return true;
    }
    const open = Object.entries(blamed).filter(([, { isGuilty }]) => isGuilty === undefined);
    if (open.length > 0) {
      note({
        blamed: { ...blamed, ...Object.fromEntries(open.map(([path, one]) => [path, { ...one, isGuilty: false }])) },
      });
    }
    return false;
  };

  return {
    judge: (reading) => {
      if (isFirst) countStart();
      const wanted = valuesIn(reading.wanted);
      forgetOthers(now(), wanted, note);
      const values = shallRun(wanted);
      const { good, trial, blamed } = now();
      const isGood = isSame(values, good);
      if (isGood && trial) note({ trial: undefined });
      if (!isGood && !(trial && isSame(trial.values, values))) {
        note({ trial: { values, starts: 1, tries: again.tries + 1, rests: again.rests } });
        again = FIRST;
        isNew = true;
        since = undefined;
      }
      if (isGood && trial) isNew = true;
      const failed = PATHS.flatMap(({ path }) => {
        const found = blamed[path];
        return found && found.value === (wanted[path] ?? null)
          ? [{ path, reason: `${found.reason}; ${whatNext(found)}` }]
          : [];
      });
      const changed = isGood ? [] : PATHS.filter(({ path }) => (values[path] ?? null) !== (good[path] ?? null));
      const ad = `on trial: kept once the cloud has heard the station with it, else rolled back after ${LINK_TRIAL_MS / 60_000} min`;
      return {
        reading: {
          ...reading,
          wanted: [...reading.wanted.filter(({ path }) => !isOfLink(path)), ...wantedFrom(values)],
        },
        failed,
        onTrial: new Map(changed.map(({ path }) => [path, ad])),
      };
    },
    applied: () => {
      const { trial, blamed } = now();
      const isWatched = trial !== undefined || Object.values(blamed).some(({ isGuilty }) => isGuilty !== true);
      // A process that starts in the midst of it makes a message due: the next one by itself may be an hour away.
      const mustRenew = isNew || (isWatched && !hasApplied);
      isNew = false;
      hasApplied = true;
      if (!isWatched) since = undefined;
      else since ??= { at: clock.bootMs(), isFetched: false, openMs: 0, lookedAt: clock.bootMs() };
      return mustRenew;
    },
    fetched: (startedAt) => {
      if (since && startedAt >= since.at) since.isFetched = true;
    },
    look: ({ acknowledged, isNothingWaiting, isOpen }) => {
      if (!since) return lookAtRest(acknowledged);
      rest.pause();
      since.acknowledged ??= acknowledged;
      if (isOpen) since.openMs += clock.bootMs() - since.lookedAt;
      since.lookedAt = clock.bootMs();
      const isHeard = since.isFetched && (acknowledged > since.acknowledged || isNothingWaiting);
      if (!isHeard && since.openMs < LINK_TRIAL_MS) return false;
      const isDecided = isHeard ? heard() : notHeard();
      // What is rolled back is watched in its turn; what was heard, or can't be helped, isn't.
      since =
        isDecided || !isHeard ? { ...since, at: clock.bootMs(), isFetched: false, openMs: 0, acknowledged } : undefined;
      if (isDecided && !isHeard) isNew = true;
      return isDecided;
    },
  };
}

/** A value that is no longer wanted is no longer blamed. */
function forgetOthers({ blamed }: LinkMemory, wanted: LinkValues, note: (changes: Partial<LinkMemory>) => void): void {
  const kept = Object.entries(blamed).filter(([path, { value }]) => value === (wanted[path] ?? null));
  if (kept.length < Object.keys(blamed).length) note({ blamed: Object.fromEntries(kept) });
}

const valuesIn = (wanted: readonly Wanted[]): LinkValues =>
  valuesOf((path) => wanted.find((one) => one.path === path)?.value ?? null);

const wantedFrom = (values: LinkValues): Wanted[] =>
  PATHS.flatMap(({ path, known }) => {
    const value = values[path] ?? null;
    return value === null ? [] : [{ path, kind: "upload" as const, known, value }];
  });
