/**
 * The files that a description is made of, and the folders in which a device file may appear (one of a technician takes
 * the place of the catalogue's). Calls once per save, when what was written has settled.
 */
import { type SourceText, textAt } from "../description.ts";
import type { Files, Timers } from "../world.ts";
import { createSettling, looksCut } from "./settling.ts";

export interface Watching {
  /** These files were read with these texts; what was saved since is noticed, too. */
  follow(files: readonly SourceText[]): void;
  /** As if something was saved. */
  changed(): void;
  /** Whether what stands on disk looks like a part of these texts. */
  isCut(files: readonly SourceText[]): boolean;
  /** What was saved so far has been looked at. */
  cancel(): void;
  stop(): void;
}

export function createWatching(
  deps: { readonly files: Files; readonly timers: Timers },
  config: { readonly path: string; readonly folders: readonly string[] },
  onSaved: () => void,
): Watching {
  /** By path; undefined for one that wasn't there. */
  let known = new Map<string, string | undefined>();
  let stops: (() => void)[] = [];
  let watched = "";
  let seen = "";

  const now = (path: string): string | undefined => {
    try {
      return textAt(deps.files, path);
    } catch {
      // Why it can't be read is said by whoever loads it.
      return undefined;
    }
  };
  const namesIn = (folder: string): string => {
    try {
      const names = deps.files.list(folder);
      return names.filter((name) => name.endsWith(".yaml")).join("/");
    } catch {
      return ""; // As above.
    }
  };
  const names = (): string => config.folders.map(namesIn).join("\n");
  const texts = (): string => JSON.stringify([[...known.keys()].map(now), names()]);
  const isCut = (files: Iterable<readonly [string, string | undefined]>): boolean =>
    [...files].some(([path, before]) => looksCut(now(path), before));
  const settling = createSettling(deps, { texts, isCut: () => isCut(known) }, () => {
    // Put back as it was, or a file that nobody uses.
    if (texts() !== seen) onSaved();
  });

  const watchAll = (paths: readonly string[]): void => {
    const key = paths.join("\n");
    if (key === watched) return;
    watched = key;
    for (const stop of stops) stop();
    stops = paths.map((path) => deps.files.watch(path, () => settling.changed()));
  };

  return {
    follow: (files) => {
      known = new Map([[config.path, undefined], ...files.map(({ path, text }) => [path, text] as const)]);
      watchAll([...known.keys(), ...config.folders]);
      // Loading takes its time, and which files to watch is known only after it.
      const isSavedMeanwhile = files.some(({ path, text }) => now(path) !== text);
      seen = isSavedMeanwhile ? "" : texts();
      if (isSavedMeanwhile) settling.changed();
    },
    changed: () => {
      seen = "";
      settling.changed();
    },
    isCut: (files) => isCut(files.map(({ path, text }) => [path, text] as const)),
    cancel: () => settling.cancel(),
    stop: () => {
      settling.cancel();
      for (const stop of stops) stop();
    },
  };
}
