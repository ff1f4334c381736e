/**
 * One data folder, one station. A board that becomes another one (a spare that adopts a station, a name that was changed
 * in agent.yaml) must not send the readings of the one it was under the new name: they are set aside, and what the board
 * remembers of that station's cloud settings, alarms and counters is forgotten. The buffer then begins anew, with an epoch
 * of its own.
 */
import { createStateStore } from "../state/state-store.ts";
import type { Databases, Files, Log } from "../world.ts";

interface DataOf {
  readonly station: string;
}

/** Documents of `state/` that are about the station, and not about the board and its network. */
const OF_THE_STATION = [
  "twin",
  "totals",
  "active-alarms",
  "going-live",
  "description",
  "description-sent",
  "file-sending",
];

/** To be called before the buffer is opened. Throws what the file system says when the old readings can't be set aside. */
export function keepApart(
  deps: { readonly files: Files; readonly databases: Databases; readonly log: Log },
  { folder, station }: { readonly folder: string; readonly station: string },
): void {
  const { files, databases, log } = deps;
  const document = createStateStore(deps, `${folder}/state`).document<DataOf>("data-of");
  const before = document.load()?.station;
  if (before === station) return;
  if (before !== undefined) {
    const aside = databases.setAside(`${folder}/readings.db`, `of-${before}`);
    for (const name of OF_THE_STATION)
      for (const copy of ["", ".before"]) files.remove(`${folder}/state/${name}.json${copy}`);
    log("warn", "data-of-another-station", { station, before, aside });
  }
  try {
    document.save({ station });
  } catch (error) {
    // A disk that can't be written is no reason to read no sensor; whose data this is stays as it was said.
    log("error", "data-of-not-saved", { error: String(error) });
  }
}
