/** A trial and its verdict in words. */
import type { Fate, TrialAnswer, TrialDevice, TrialStatus, Verdict } from "../going-live/status.ts";
import { spokenDuration } from "./table.ts";

/** "about 75 s left: pump 7 of 10 good, climate 2 of 10 good, rain new": what a narrow terminal cuts off is the devices. */
export function trialText({ devices, leftMs }: TrialStatus): string {
  const seen = devices.filter(({ fate }) => fate !== "removed").map(deviceText);
  return [`about ${spokenDuration(leftMs)} left`, ...(seen.length > 0 ? [seen.join(", ")] : [])].join(": ");
}

const FATES: Partial<Record<Fate, string>> = {
  new: "new, ",
  "re-typed": "other type, ",
  "bad-before": "not judged, ",
  "unknown-before": "not judged, ",
};

function deviceText({ device, fate, polls, good, wanted }: TrialDevice): string {
  if (fate === "paused" && polls === 0) return `${device} paused`;
  const bad = polls > good ? `, ${polls - good} bad` : "";
  return `${device} ${FATES[fate] ?? ""}${good} of ${Math.max(wanted, polls)} good${bad}`;
}

/** What became of it, in a paragraph. */
export function verdictText(path: string, { outcome, because, listed, rejected }: Verdict): string {
  const lines =
    outcome === "kept"
      ? [`Kept: ${path} runs.${because.length > 0 ? ` (${because.join("; ")})` : ""}`]
      : [
          `Rolled back: what ran before ${path} runs again.`,
          ...because.map((line) => `  ${line}`),
          ...(rejected === undefined ? [] : [`  the rejected text is at ${rejected}`]),
        ];
  return [
    ...lines,
    ...(listed.length > 0 ? ["Not judged, or worth a look:", ...listed.map((line) => `  ${line}`)] : []),
  ].join("\n");
}

/** The verdict on this very text; undefined while there is none. */
export const verdictOn = ({ verdict, trial }: TrialAnswer, hash: string): Verdict | undefined =>
  trial?.hash !== hash && verdict?.hash === hash ? verdict : undefined;
