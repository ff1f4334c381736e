/**
 * The description that this station runs: the file on disk, and the last good one for the day when the file is broken
 * (a broken description can't kill a station: with a last good one it runs, loudly; without, nothing is read).
 */
import {
  type KeptTree,
  type LoadedStation,
  loadStation,
  type Origins,
  type SourceFile,
} from "@pump-station/sensor-descriptions/load.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { Problem } from "@pump-station/sensor-descriptions/problems.ts";
import type { Files } from "./world.ts";

export interface SourceText {
  readonly path: string;
  readonly text: string;
}

export interface LoadedDescription {
  readonly station?: Station;
  readonly problems: readonly Problem[];
  /** Per device: which line each of its values is from. */
  readonly origins: ReadonlyMap<string, Origins>;
  readonly described?: LoadedStation["described"];
  /** Every file that was read, station file first: for code frames, and to keep as the last good one. */
  readonly files: readonly SourceText[];
}

/** What is stored of a description that ran. */
export interface KeptDescription {
  readonly files: readonly SourceText[];
}

/** After a device file's name: what the file was read as when the program was built (tools/compile-check.mjs). */
const KEPT_TREE = ".tree.json";
const TYPE_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Looks for TYPE.yaml in the folders, in their order (own device files come before the catalogue). */
export const createTypeFinder =
  (files: Files, folders: readonly string[]) =>
  (type: string): SourceFile | undefined => {
    if (!TYPE_NAME.test(type)) return undefined;
    for (const folder of folders) {
      const path = `${folder}/${type}.yaml`;
      const text = textAt(files, path);
      if (text !== undefined) return { path, text, ...keptBeside(files, path) };
    }
    return undefined;
  };

/** The catalogue's files are read when it is built, and what they were read as lies beside them. */
function keptBeside(files: Files, path: string): Pick<SourceFile, "kept"> {
  const json = textAt(files, path + KEPT_TREE);
  try {
    return json === undefined ? {} : { kept: JSON.parse(json) as KeptTree };
  } catch {
    // Cut off, or anything else: then the file itself is read.
    return {};
  }
}

/** Loads the station file at `path`; one that is missing or can't be read is a problem like any other. */
export function loadDescription(files: Files, path: string, folders: readonly string[]): LoadedDescription {
  try {
    const text = textAt(files, path);
    if (text !== undefined) {
      return loadFrom({ path, text }, createTypeFinder(files, folders), knownTypes(files, folders));
    }
    return unusable(path, "there is no such file", "name the station file, for example /etc/pump-station/station.yaml");
  } catch (error) {
    // What the file system says names the file; everything else is a bug.
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EISDIR") return unusable(path, "this is a folder", `name its files: ${path}/*.yaml`);
    return unusable(path, error.message, "let the agent read it: chmod a+r, and a+x for its folders");
  }
}

const unusable = (path: string, message: string, advice: string): LoadedDescription => ({
  problems: [{ code: "P000", path, line: 1, column: 1, severity: "error", message, advice }],
  origins: new Map(),
  files: [],
});

export const NOTHING: LoadedDescription = { problems: [], origins: new Map(), files: [] };

export const knownTypes = (files: Files, folders: readonly string[]): string[] =>
  [...new Set(folders.flatMap((folder) => files.list(folder)))]
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -5));

/** Loads a kept description from its own texts, whatever stands on disk now. */
export function loadKept(kept: KeptDescription): LoadedDescription {
  const [station, ...types] = kept.files;
  if (!station) return NOTHING;
  return loadFrom(station, (type) => types.find(({ path }) => path.endsWith(`/${type}.yaml`)), []);
}

function loadFrom(
  source: SourceText,
  findType: (type: string) => SourceFile | undefined,
  types: readonly string[],
): LoadedDescription {
  const used = new Map<string, SourceText>();
  const find = (type: string): SourceFile | undefined => {
    const found = findType(type);
    if (found) used.set(type, { path: found.path, text: found.text });
    return found;
  };
  const loaded = loadStation(source, find, types);
  return { ...loaded, files: [source, ...used.values()] };
}

/** undefined when there is no such file. A byte that isn't UTF-8 becomes U+FFFD, which the loader reports at its place. */
export function textAt(files: Files, path: string): string | undefined {
  const bytes = files.read(path);
  return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
