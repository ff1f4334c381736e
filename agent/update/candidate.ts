/** What an archive would become on this station: judged as `pump-station check` does, beside the files that stay. */
import { hasErrors, type Problem } from "@pump-station/sensor-descriptions/problems.ts";
import { loadDescription } from "../description.ts";
import type { Files } from "../world.ts";
import { ArchiveError, type PackedFile, readArchive, STATION_NAME_IN_ARCHIVE } from "./archive.ts";
import { laidOver, type PlacedFile } from "./laid-over.ts";
import { UpdateRefused } from "./wanted.ts";

export interface Places {
  /** The name in agent.yaml. */
  readonly station: string;
  /** The station file. */
  readonly path: string;
  /** Where device files are looked for, in this order… */
  readonly folders: readonly string[];
  /** …and where those of an archive go; undefined when agent.yaml names no folder. */
  readonly deviceFolder?: string;
}

export interface Candidate {
  readonly hash: string;
  readonly files: readonly PlacedFile[];
}

/** So many problems fit an acknowledgement; `check` has them all. */
const PROBLEMS_MAX = 3;
const PROBLEM_LENGTH_MAX = 160;

/** Throws UpdateRefused, with the first problems in their places. */
export async function candidateFrom(files: Files, places: Places, archive: Uint8Array): Promise<Candidate> {
  const placed = (await unpacked(archive)).map((file) => placedFile(file, places));
  const { station, problems } = loadDescription(laidOver(files, placed), places.path, places.folders);
  if (!station || hasErrors(problems)) throw new UpdateRefused(400, problemWords(problems));
  if (station.name !== places.station) {
    throw new UpdateRefused(400, `it describes the station ${station.name}; this is ${places.station}`);
  }
  return { hash: station.hash, files: placed };
}

async function unpacked(archive: Uint8Array): Promise<readonly PackedFile[]> {
  try {
    return await readArchive(archive);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new UpdateRefused(400, `the archive can't be used: ${error.message}`);
  }
}

function placedFile({ name, bytes }: PackedFile, { path, deviceFolder }: Places): PlacedFile {
  if (name === STATION_NAME_IN_ARCHIVE) return { path, bytes };
  if (deviceFolder === undefined) {
    throw new UpdateRefused(
      400,
      `${name} has no place here: agent.yaml names no folder for device files (devices: [...])`,
    );
  }
  return { path: `${deviceFolder}/${name.slice(name.lastIndexOf("/") + 1)}`, bytes };
}

function problemWords(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === "error");
  const said = errors
    .slice(0, PROBLEMS_MAX)
    .map(({ path, line, column, message }) =>
      `${path.slice(path.lastIndexOf("/") + 1)}:${line}:${column} ${message}`.slice(0, PROBLEM_LENGTH_MAX),
    );
  const more = errors.length > PROBLEMS_MAX ? `; and ${errors.length - PROBLEMS_MAX} more` : "";
  return `${said.join("; ")}${more}`;
}
