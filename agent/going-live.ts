/**
 * Which description runs, from the first start to the next saved file: a good file goes live, a broken one never does.
 * What ran last is kept with all its device files, so that a restart with a broken file still reads the sensors.
 */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { hasErrors } from "@pump-station/sensor-descriptions/problems.ts";
import {
  type KeptDescription,
  type LoadedDescription,
  loadDescription,
  loadKept,
  NOTHING,
  textAt,
} from "./description.ts";
import type { AgentStatus } from "./status.ts";
import type { Files, Log } from "./world.ts";

export interface GoingLiveDeps {
  readonly files: Files;
  readonly log: Log;
  readonly kept: { load(): unknown; save(kept: KeptDescription): void };
  /** Puts a description to work in place of the one that runs. */
  readonly run: (station: Station) => Promise<void>;
}

export interface GoingLive {
  start(): Promise<void>;
  status(): AgentStatus["description"];
  stop(): Promise<void>;
}

export function createGoingLive(
  deps: GoingLiveDeps,
  config: { readonly path: string; readonly folders: readonly string[]; readonly station: string },
): GoingLive {
  let runs: AgentStatus["description"]["runs"] = "nothing";
  let running: Station | undefined;
  let problems: readonly string[] = [];
  let watches: (() => void)[] = [];
  let turn: Promise<void> = Promise.resolve();

  const take = async (loaded: LoadedDescription, as: "file" | "last good"): Promise<boolean> => {
    const { station } = loaded;
    if (!station || hasErrors(loaded.problems)) return false;
    if (station.hash !== running?.hash) {
      await deps.run(station);
      running = station;
      deps.log("info", "description-live", { from: as, hash: station.hash, devices: station.devices.length });
    }
    runs = as;
    return true;
  };

  const look = async (): Promise<void> => {
    problems = [];
    const loaded = loadDescription(deps.files, config.path, config.folders);
    watchAll([config.path, ...loaded.files.map(({ path }) => path)]);
    if (isSavedMeanwhile(loaded)) next();
    problems = [
      ...loaded.problems.map((p) => `${p.path}:${p.line}:${p.column} ${p.message}`),
      ...stationMismatch(loaded, config.station),
    ];
    if (await take(loaded, "file")) {
      deps.kept.save({ files: loaded.files });
      return;
    }
    deps.log("error", "description-broken", { path: config.path, problems: problems.slice(0, 20) });
    if (running) runs = "last good";
    else await take(keptDescription(deps.kept.load()), "last good");
  };

  /** Loading takes its time, and which files to watch is known only after it. */
  const isSavedMeanwhile = ({ files }: LoadedDescription): boolean =>
    files.some(({ path, text }) => textAt(deps.files, path) !== text);

  const watchAll = (paths: readonly string[]): void => {
    for (const stop of watches) stop();
    watches = [...new Set(paths)].map((path) => deps.files.watch(path, next));
  };
  /** One look at a time, in order; a look that fails is told and the next one may succeed. */
  const next = (): void => {
    turn = turn.then(look).catch((error: unknown) => {
      deps.log("error", "description-failed", { error: String(error) });
      problems = [
        ...problems,
        `${config.path}: going live failed: ${error instanceof Error ? error.message : String(error)}`,
      ];
    });
  };

  return {
    start: () => {
      next();
      return turn;
    },
    status: () => ({ path: config.path, runs, hash: running?.hash ?? null, problems }),
    stop: () => {
      for (const stop of watches) stop();
      return turn;
    },
  };
}

/** The station file names another station than agent.yaml: data would be stored under the wrong name. Told, not fatal. */
const stationMismatch = ({ station }: LoadedDescription, configured: string): string[] =>
  station && station.name !== configured
    ? [
        `station: the file says "${station.name}", agent.yaml says "${configured}"; the cloud knows this board as "${configured}"`,
      ]
    : [];

function keptDescription(stored: unknown): LoadedDescription {
  const files = (stored as Partial<KeptDescription> | undefined)?.files;
  const isText = (file: unknown): boolean =>
    typeof file === "object" &&
    file !== null &&
    "path" in file &&
    "text" in file &&
    typeof file.path === "string" &&
    typeof file.text === "string";
  if (!Array.isArray(files) || !files.every(isText)) return NOTHING;
  return loadKept({ files });
}
