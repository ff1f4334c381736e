/** Station files as the agent loads them, own device files before the catalogue. */
import { loadDescription } from "@pump-station/agent/description.ts";
import type { Files } from "@pump-station/agent/world.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { Programs } from "./layout.ts";

/** Throws Error with every problem, each with its place. */
export function stationFrom(files: Files, path: string, deviceFolder: string, programs: Programs): Station {
  const { catalogue } = programs;
  const { station, problems } = loadDescription(files, path, [
    deviceFolder,
    `${catalogue}/sensors`,
    `${catalogue}/boards`,
  ]);
  if (station) return station;
  const list = problems.map((problem) => `${problem.path}:${problem.line}:${problem.column} ${problem.message}`);
  throw new Error([`load ${path}:`, ...list].join("\n"));
}
