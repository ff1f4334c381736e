/**
 * What the twin remembers across restarts, as one small JSON document:
 *
 *   current    {version, desired}   what the station was last told and accepted
 *   lastGood   {version, desired}   the last one that was applied from beginning to end
 *   trying     version              being applied now; a process that starts with it set refuses that version
 *   refused    {version, desired}   ended a process
 */
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import type { Log } from "../world.ts";
import type { Versioned } from "./mirror.ts";

/** A durable file of one JSON document; `save` returns when it is on disk. */
export interface TwinStateFile {
  /** undefined when there is none. */
  load(): JsonObject | undefined;
  save(document: JsonObject): void;
}

export interface Remembered {
  readonly current?: Versioned | undefined;
  readonly lastGood?: Versioned | undefined;
  readonly trying?: number | undefined;
  readonly refused?: Versioned | undefined;
}

export interface Memory {
  readonly now: Remembered;
  /**
   * Members that are undefined are forgotten. Whether it is durable: a disk that is full or read-only is told in the log,
   * and the process goes on with what it knows.
   */
  change(changes: Partial<Remembered>): boolean;
}

export function createMemory(deps: { readonly file: TwinStateFile; readonly log: Log }): Memory {
  let now = rememberedFrom(deps.file.load());
  return {
    get now() {
      return now;
    },
    change: (changes) => {
      now = { ...now, ...changes };
      try {
        deps.file.save(documentFrom(now));
        return true;
      } catch (error) {
        // What the file system says has a code; everything else is a bug.
        if (!(error instanceof Error && "code" in error)) throw error;
        deps.log("error", "twin-state-not-saved", { error: error.message });
        return false;
      }
    },
  };
}

function rememberedFrom(document: JsonObject = {}): Remembered {
  const { current, lastGood, trying, refused } = document;
  return {
    current: versionedFrom(current),
    lastGood: versionedFrom(lastGood),
    trying: typeof trying === "number" ? trying : undefined,
    refused: versionedFrom(refused),
  };
}

function versionedFrom(value: Json | undefined): Versioned | undefined {
  if (!isObject(value) || typeof value["version"] !== "number" || !isObject(value["desired"])) return undefined;
  return { version: value["version"], desired: value["desired"] };
}

/** JSON drops what is undefined. */
const documentFrom = (remembered: Remembered): JsonObject => JSON.parse(JSON.stringify(remembered)) as JsonObject;
