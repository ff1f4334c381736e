/** Rejected texts are kept by name, so that the work in them isn't lost when the file is put right. */
import type { SourceText } from "../description.ts";
import { REJECTED_MAX } from "../limits.ts";
import type { Clock, Files, Log } from "../world.ts";

export interface Kept {
  readonly path?: string;
  /** Lists of paths, oldest first; what is no longer in it was removed. */
  readonly all: readonly (readonly string[])[];
}

/**
 * Writes the station file as FOLDER/station-2026-05-02T10-12.yaml (UTC) and changed device files beside it as
 * …-TYPE.yaml. Bounded in number by order, since the clock may have been wrong. Without a path when the disk says no.
 */
export function keepRejected(
  deps: { readonly files: Files; readonly clock: Clock; readonly log: Log },
  folder: string,
  rejected: { readonly files: readonly SourceText[]; readonly lastGood: readonly SourceText[] },
  earlier: readonly (readonly string[])[],
): Kept {
  const [station, ...types] = rejected.files;
  if (!station) return { all: earlier };
  const stem = freeStem(deps, folder, baseName(station.path));
  const changed = types.filter(({ path, text }) => deps.files.read(path) && !isAmong(rejected.lastGood, path, text));
  const copies: SourceText[] = [
    { path: `${stem}.yaml`, text: station.text },
    ...changed.map(({ path, text }) => ({ path: `${stem}-${baseName(path)}.yaml`, text })),
  ];
  try {
    for (const { path, text } of copies) deps.files.writeDurably(path, new TextEncoder().encode(text));
  } catch (error) {
    deps.log("error", "rejected-not-kept", { folder, error: String(error) });
    return { all: earlier };
  }
  const all = [...earlier, copies.map(({ path }) => path)];
  for (const path of all.slice(0, -REJECTED_MAX).flat()) deps.files.remove(path);
  return { path: `${stem}.yaml`, all: all.slice(-REJECTED_MAX) };
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1).replace(/\.yaml$/, "");

const isAmong = (files: readonly SourceText[], path: string, text: string): boolean =>
  files.some((file) => file.path === path && file.text === text);

function freeStem(
  { files, clock }: { readonly files: Files; readonly clock: Clock },
  folder: string,
  name: string,
): string {
  const minute = new Date(clock.wallMs()).toISOString().slice(0, 16).replace(":", "-");
  const taken = new Set(files.list(folder));
  for (let count = 1; ; count++) {
    const stem = `${name}-${minute}${count === 1 ? "" : `-${count}`}`;
    if (!taken.has(`${stem}.yaml`)) return `${folder}/${stem}`;
  }
}
