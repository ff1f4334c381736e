/**
 * The station file has one master, who stands before it: an update from the cloud names the description that it is based
 * on, and where another one lies on disk it is refused, with what was changed on site in words.
 */
import { loadDescription, loadKept, type SourceText } from "../description.ts";
import { differences } from "../going-live/differences.ts";
import type { GoingLive } from "../going-live/going-live.ts";
import { fileHash } from "../going-live/said.ts";
import { UPDATE_HISTORY_MAX } from "../limits.ts";
import type { Files, Log } from "../world.ts";
import type { Places } from "./candidate.ts";
import { lineDifference } from "./line-difference.ts";
import type { RanBefore, StateFile } from "./memory.ts";
import { BASED_ON_NOTHING } from "./wanted.ts";

export interface OnSite {
  /** Remembers what runs, so that later it can be said what was changed since. */
  note(): void;
  /** Hash of what is on disk now; null when that is broken or missing. Costs a load. */
  hash(): string | null;
  /** Whether an update that is based on that may replace what is on disk. */
  isBase(basedOn: string, hash: string | null): boolean;
  /** "409: …", at most 400 letters; the log has the lines. `hash`: of what is on disk. */
  changedSince(basedOn: string, hash: string | null): string;
}

export interface OnSiteDeps {
  readonly files: Files;
  readonly log: Log;
  readonly goingLive: Pick<GoingLive, "running">;
  /** Hash of what runs; empty when nothing does. */
  readonly runs: () => string;
  readonly history: StateFile<readonly RanBefore[]>;
}

const WORDS_MAX = 230;

export function createOnSite(deps: OnSiteDeps, { path, folders }: Places): OnSite {
  const { files, log, goingLive, runs } = deps;
  let known = deps.history.load() ?? [];
  let saidOf = "";
  let said = "";

  const now = () => loadDescription(files, path, folders);

  const sayChanged = (basedOn: string): string => {
    const disk = now();
    const hash = fileHash(disk);
    if (hash === null || !disk.station) {
      const [first] = disk.problems.filter(({ severity }) => severity === "error");
      const what = first ? `${nameOf(first.path)}:${first.line}:${first.column} ${first.message}` : "it can't be read";
      return `409: the file on site is broken: ${what.slice(0, WORDS_MAX)}; "based-on": "none" replaces it`;
    }
    if (basedOn === BASED_ON_NOTHING) return `409: the file on site is good; it is ${hash}`;
    const base = known.find((one) => one.hash === basedOn);
    const before = base && loadKept({ files: base.files });
    if (!before?.station) return `409: the file on site isn't the one that this is based on; it is ${hash}`;
    const lines = differences(
      { station: before.station, files: before.files },
      { station: disk.station, files: disk.files },
    );
    log("warn", "description-changed-on-site", {
      based: basedOn,
      hash,
      lines: lineDifference(stationText(before.files), stationText(disk.files)),
    });
    const words = lines.length > 0 ? lines.join("; ") : "comments only";
    return `409: the file was changed on site: ${shortened(words)}; it is ${hash}`;
  };

  return {
    note: () => {
      const hash = runs();
      if (hash === "" || known.at(-1)?.hash === hash) return;
      const texts = goingLive.running();
      // Another one may have gone live by now; the next look notes it.
      if (loadKept({ files: texts }).station?.hash !== hash) return;
      known = [...known.filter((one) => one.hash !== hash), { hash, files: texts }].slice(-UPDATE_HISTORY_MAX);
      try {
        deps.history.save(known);
      } catch (error) {
        log("error", "description-history-not-saved", { error: String(error) });
      }
    },
    hash: () => fileHash(now()),
    isBase: (basedOn, hash) => (basedOn === BASED_ON_NOTHING ? hash === null : hash === basedOn),
    changedSince: (basedOn, hash) => {
      const key = `${basedOn} ${hash} ${files.read(path)?.length}`;
      if (key !== saidOf) said = sayChanged(basedOn);
      saidOf = key;
      return said;
    },
  };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const stationText = (files: readonly SourceText[]): string => files[0]?.text ?? "";
const shortened = (words: string): string => (words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX)}…` : words);
