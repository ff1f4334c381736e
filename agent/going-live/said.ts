/** What is said of the file and of what runs: `DescriptionStatus` from its parts. Pure. */
import { hasErrors } from "@pump-station/sensor-descriptions/problems.ts";
import type { LoadedDescription } from "../description.ts";
import { differences } from "./differences.ts";
import type { Stage } from "./stage.ts";
import type { DescriptionStatus, Verdict } from "./status.ts";

export interface Said {
  readonly path: string;
  /** As it was looked at last. */
  readonly file: LoadedDescription;
  readonly stage: Pick<Stage, "live" | "trial">;
  readonly verdict: Verdict | undefined;
  /** The name in agent.yaml. */
  readonly station: string;
  /** Why going live failed, beside what is wrong with the file. */
  readonly failure: string | undefined;
}

/** Hash of the file on disk; null when it is broken. */
export const fileHash = ({ station, problems }: LoadedDescription): string | null =>
  station && !hasErrors(problems) ? station.hash : null;

export function descriptionStatus(said: Said): DescriptionStatus {
  const { path, file, stage, verdict, failure } = said;
  const hash = fileHash(file);
  const running = stage.live?.station.hash ?? null;
  const isFile = hash !== null && hash === running;
  const isRolledBack = !isFile && verdict?.outcome === "rolled-back" && verdict.hash === hash;
  return {
    path,
    runs: running === null ? "nothing" : isFile ? "file" : "last good",
    hash: running,
    problems: [
      ...(isRolledBack ? [rolledBackText(path, verdict)] : []),
      ...problemLines(file, said.station),
      ...(failure === undefined ? [] : [failure]),
    ],
    differs:
      !isFile && hash !== null && file.station && stage.live
        ? differences(stage.live, { station: file.station, files: file.files })
        : [],
    ...(stage.trial && { trial: stage.trial.status() }),
    ...(verdict && { verdict }),
  };
}

/** Each with its place, as it stands in the log and in the reported twin. */
export const problemLines = (file: LoadedDescription, configured: string): string[] => [
  ...file.problems.map((p) => `${p.path}:${p.line}:${p.column} ${p.message}`),
  ...stationMismatch(file, configured),
];

/** "station.yaml was rolled back: pump no longer answers (timeout 10 of 10); what ran before runs; the text is at …" */
function rolledBackText(path: string, { because, rejected }: Verdict): string {
  const where = rejected === undefined ? "" : `; the rejected text is at ${rejected}`;
  return `${path} was rolled back: ${because.join("; ")}; what ran before runs${where}`;
}

/** The station file names another station than agent.yaml: data would be stored under the wrong name. Told, not fatal. */
const stationMismatch = ({ station }: LoadedDescription, configured: string): string[] =>
  station && station.name !== configured
    ? [
        `station: the file says "${station.name}", agent.yaml says "${configured}"; the cloud knows this board as "${configured}"`,
      ]
    : [];
