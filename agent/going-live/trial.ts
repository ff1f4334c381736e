/**
 * A description at work in place of the one before, until enough was seen of it. Enough: two minutes, and ten polls of
 * every device that is judged, or the time in which it should have made them, at most a quarter of an hour. A device
 * that is polled once an hour is thus judged by the poll that every description begins with.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { TRIAL_MAX_MS, TRIAL_POLLS } from "../limits.ts";
import type { Clock } from "../world.ts";
import { type AnswerLog, type Answers, createAnswerLog, type DeviceAnswers } from "./answers.ts";
import { fatesOf, implausibleNow, notJudgedBecause, worseBecause } from "./judge.ts";
import type { Fate, TrialStatus, Verdict } from "./status.ts";

export interface Trial {
  /** What the devices answered before, for a trial that takes the place of this one. */
  readonly before: Answers;
  readonly log: AnswerLog;
  status(): TrialStatus;
  isDue(): boolean;
  /** `outcome` as it stands now. */
  judge(): Pick<Verdict, "outcome" | "because" | "listed">;
}

export interface Contest {
  /** The last good one, how its devices answered, and the new one. */
  readonly from: Station;
  readonly before: Answers;
  readonly to: Station;
  readonly changes: readonly string[];
  /** Two minutes, unless the configuration says otherwise. */
  readonly minMs: number;
}

export function createTrial(clock: Clock, contest: Contest): Trial {
  const { from, before, to, minMs } = contest;
  const startedMs = clock.bootMs();
  const log = createAnswerLog(to);
  const fates = fatesOf(from, to, before);
  const elapsedMs = (): number => clock.bootMs() - startedMs;

  const leftFor = (device: Device): number => {
    const missing = TRIAL_POLLS - (log.answers().get(device.name)?.polls ?? 0);
    return missing <= 0 ? 0 : Math.min(missing * device.everyMs, windowOf(device, minMs) - elapsedMs());
  };
  const leftMs = (): number => {
    const judged = to.devices.filter(({ name }) => fates.get(name) === "judged");
    return Math.max(0, minMs - elapsedMs(), ...judged.map(leftFor));
  };

  const whyWorse = (device: Device): string[] => {
    const was = fates.get(device.name) === "judged" ? before.get(device.name) : undefined;
    const now = log.answers().get(device.name);
    // Seldom enough to have said nothing yet: no evidence.
    if (!was || (!now && device.everyMs > elapsedMs())) return [];
    const words = worseBecause(was, now);
    return words === undefined ? [] : [`${device.name} ${words}`];
  };
  /** A device that is worse after its own window decides; what the slower ones will say changes nothing. */
  const isDecided = (): boolean =>
    elapsedMs() >= minMs && to.devices.some((device) => leftFor(device) <= 0 && whyWorse(device).length > 0);

  return {
    before,
    log,
    isDue: () => leftMs() <= 0 || isDecided(),
    status: () => {
      const answers = log.answers();
      return {
        hash: to.hash,
        elapsedMs: Math.round(elapsedMs()),
        leftMs: Math.round(leftMs()),
        changes: contest.changes,
        devices: [...fates].map(([device, fate]) => {
          const { polls = 0, good = 0 } = answers.get(device) ?? {};
          return { device, fate, polls, good, wanted: TRIAL_POLLS };
        }),
      };
    },
    judge: () => {
      const answers = log.answers();
      const because = to.devices.flatMap(whyWorse);
      const listed = [...fates].flatMap(([name, fate]) => listedOf(name, fate, before.get(name), answers.get(name)));
      return { outcome: because.length > 0 ? "rolled-back" : "kept", because, listed };
    },
  };
}

/** One interval more than its polls take, since the first may fall anywhere between two slots. */
const windowOf = ({ everyMs }: Device, minMs: number): number =>
  Math.max(minMs, Math.min(TRIAL_MAX_MS, (TRIAL_POLLS + 1) * everyMs));

function listedOf(name: string, fate: Fate, was: DeviceAnswers | undefined, now: DeviceAnswers | undefined): string[] {
  const why = notJudgedBecause(fate);
  if (why !== undefined) {
    const silent = now && now.good === 0 ? `; it doesn't answer (${[...now.reasons.values()][0] ?? "no value"})` : "";
    return [`${name}: ${why}${silent}`];
  }
  if (!was || !now) return [`${name}: asked too seldom to be judged`];
  const channels = implausibleNow(was, now);
  return channels.length > 0 ? [`${name}: no longer plausible: ${channels.join(", ")}`] : [];
}
