/** What the medium under the readings and its mount cost, in words: for `check`, `buffer` and `cost`. */
import { readDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { textAt } from "../description.ts";
import { type CommitPace, commitPace, type Journal } from "../flash.ts";
import type { FlashEstimate } from "../uplink/flash-estimate.ts";
import type { CliDeps } from "./command.ts";
import { spokenBytes, spokenDuration } from "./table.ts";

/** With it ext4's journal is a tenth of the rest; what it leaves open after a power cut is what nobody synced. */
export const JOURNAL_SPARING_S = 300;
const DATA = "/var/lib/pump-station";

/**
 * By the two lines of agent.yaml that decide it, whatever else is in it: the file itself is judged by the program that
 * runs with it. Undefined where there is none, which is no board.
 */
export function commitPaceOf(files: CliDeps["files"], configPath: string): CommitPace | undefined {
  const text = textAt(files, configPath);
  if (text === undefined) return undefined;
  const said = readDuration(lineIn(text, "commit-interval") ?? "");
  const interval = "ok" in said && said.ok > 0 ? said.ok : "by-flash";
  return commitPace(files, { "commit-interval": interval }, lineIn(text, "data") ?? DATA);
}

function lineIn(text: string, key: string): string | undefined {
  const found = new RegExp(`^${key}[ \\t]*:([^#\\r\\n]*)`, "m").exec(text)?.[1]?.trim();
  return found?.replaceAll(/^["']|["']$/g, "");
}

/** Which medium, and whether that or the configuration decides: "SD card; commit-interval: by-flash". */
export const mediumText = ({ kind, isByFlash, commitEveryMs }: CommitPace): string =>
  `${kind === "unknown" ? "medium unknown" : kind}; commit-interval: ${isByFlash ? "by-flash" : `${commitEveryMs / 1_000}s`}`;

/** Sentences without indentation. */
export function flashLines(pace: CommitPace, { bytesPerDay, journalBytesPerDay }: FlashEstimate): string[] {
  const all = `About ${spokenBytes(Math.round(bytesPerDay))} a day to flash, written every ${spokenDuration(pace.commitEveryMs)} (${mediumText(pace)})`;
  if (!pace.journal || journalBytesPerDay === 0) return [`${all}.`];
  return [
    `${all}:`,
    `  ${spokenBytes(Math.round(journalBytesPerDay))} of it is the journal of ${pace.journal.fileSystem}, ${journalText(pace.journal, pace.commitEveryMs)}.`,
  ];
}

/** "once in 5 min (commit=300)", or what would make it rarer. */
export function journalText({ place, everyMs }: Journal, commitEveryMs: number): string {
  const isRare = everyMs >= JOURNAL_SPARING_S * 1_000;
  if (isRare) return `once in ${spokenDuration(everyMs)} (${place} is mounted with commit=${everyMs / 1_000})`;
  const often = everyMs > commitEveryMs ? `once in ${spokenDuration(everyMs)}` : "after each of these writes";
  return `${often}; once in ${spokenDuration(JOURNAL_SPARING_S * 1_000)} with ${place} mounted with commit=${JOURNAL_SPARING_S} (README, "On a board")`;
}
