/** A text that is to become the station file or a device file: its problems in place, and what it changes. */
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems, hasErrors, type Problem } from "@pump-station/sensor-descriptions/problems.ts";
import { type LoadedDescription, loadDescription, loadKept, type SourceText, textAt } from "../description.ts";
import { type Described, differences } from "../going-live/differences.ts";
import type { Files } from "../world.ts";

export interface Candidate {
  /** Of the edited file. */
  readonly problems: readonly Problem[];
  /** Of the other files, which this edit can't mend and doesn't make worse. */
  readonly elsewhere: readonly Problem[];
  readonly isGood: boolean;
  /** Line by line against what runs; undefined when nothing runs or the station can't be loaded. */
  readonly changes?: readonly string[];
  /** For code frames. */
  readonly textOf: (path: string) => string | undefined;
}

export interface Place {
  /** The file that is edited. */
  readonly path: string;
  /** The station file that uses it, which may be the same. */
  readonly station: string;
  readonly folders: readonly string[];
}

/** A device file names its type where a station file names its station. */
export const isDeviceFile = (text: string): boolean => /^type\s*:/m.test(text) && !/^station\s*:/m.test(text);

/** `runs`: the texts of what runs; without them it is compared with the files on disk. */
export function judgeCandidate(files: Files, place: Place, text: string, runs: readonly SourceText[]): Candidate {
  const { path, station, folders } = place;
  const laidOver = overlay(files, path, text);
  const whole = isDeviceFile(text) ? station : path;
  const loaded = loadDescription(laidOver, whole, folders);
  const own = isDeviceFile(text) ? loadDeviceType({ path, text }).problems : [];
  const among = loaded.problems.filter((problem) => problem.path === path);
  const problems = among.length > 0 ? among : own;
  const before = runs.length > 0 ? loadKept({ files: runs }) : loadDescription(files, whole, folders);
  const changes = changesBetween(before, loaded);
  return {
    problems,
    elsewhere: loaded.problems.filter((problem) => problem.path !== path),
    isGood: !hasErrors(problems),
    ...(changes && { changes }),
    textOf: (name) => (name === path ? text : loaded.files.find((file) => file.path === name)?.text),
  };
}

export const problemText = (candidate: Candidate, problems: readonly Problem[], colour: boolean): string =>
  formatProblems(problems, candidate.textOf, { colour });

function changesBetween(before: LoadedDescription, after: LoadedDescription): readonly string[] | undefined {
  const [one, other] = [described(before), described(after)];
  return one && other ? differences(one, other) : undefined;
}

const described = ({ station, problems, files }: LoadedDescription): Described | undefined =>
  station && !hasErrors(problems) ? { station, files } : undefined;

/** The files as they will be when this one is saved. */
function overlay(files: Files, path: string, text: string): Files {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    ...files,
    read: (asked) => (asked === path ? new TextEncoder().encode(text) : files.read(asked)),
    list: (asked) => {
      const names = files.list(asked);
      return asked === folder && !names.includes(name) ? [...names, name].sort() : names;
    },
  };
}

/** undefined when there is none. */
export const currentText = (files: Files, path: string): string | undefined => textAt(files, path);
