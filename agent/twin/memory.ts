/**
 * What the twin remembers across restarts, as one small JSON document:
 *
 *   current    {version, desired}   what the station was last told and accepted
 *   lastGood   {version, desired}   the last one that was applied from beginning to end
 *   trying     version              being applied now; a process that starts with it set refuses that version
 *   refused    {version, desired,   ended a process, or several
 *               because, tries, isRetried, instead?: {version, desired}}   instead: what runs in its place
 *   settled    {version, desired}   the last one with which a process lived for SETTLED_AFTER_MS
 *   process    {boot, at, isSettled?}   the one that runs; still there at the next start: it ended out of order
 *   crashes    [{boot, at}]         ends out of order, until a process has settled; oldest first
 *   link       {good, trial?, blamed}   settings that can cut the link: link-memory.ts
 */
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import type { Log } from "../world.ts";
import { type LinkMemory, linkMemoryFrom } from "./link-memory.ts";
import type { Versioned } from "./mirror.ts";

/** A durable file of one JSON document; `save` returns when it is on disk. */
export interface TwinStateFile {
  /** undefined when there is none. */
  load(): JsonObject | undefined;
  save(document: JsonObject): void;
}

export interface Refused extends Versioned {
  /** In words, for the acknowledgement. */
  readonly because: string;
  /** How often it was tried. */
  readonly tries: number;
  /** It is being tried once more. */
  readonly isRetried: boolean;
  readonly instead?: Versioned | undefined;
}

/** ms since that boot. */
export interface ProcessMark {
  readonly boot: string;
  readonly at: number;
  readonly isSettled?: boolean;
}

export interface Remembered {
  readonly current?: Versioned | undefined;
  readonly lastGood?: Versioned | undefined;
  readonly trying?: number | undefined;
  readonly refused?: Refused | undefined;
  readonly settled?: Versioned | undefined;
  readonly process?: ProcessMark | undefined;
  readonly crashes?: readonly ProcessMark[] | undefined;
  readonly link?: LinkMemory | undefined;
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
    refused: refusedFrom(refused),
    settled: versionedFrom(document["settled"]),
    process: markFrom(document["process"])[0],
    crashes: Array.isArray(document["crashes"]) ? (document["crashes"] as readonly Json[]).flatMap(markFrom) : [],
    link: linkMemoryFrom(document["link"]),
  };
}

function versionedFrom(value: Json | undefined): Versioned | undefined {
  if (!isObject(value) || typeof value["version"] !== "number" || !isObject(value["desired"])) return undefined;
  return { version: value["version"], desired: value["desired"] };
}

/** Of an earlier release: without what was added since. */
function refusedFrom(value: Json | undefined): Refused | undefined {
  const versioned = versionedFrom(value);
  if (!versioned || !isObject(value)) return undefined;
  const { because, tries, isRetried, instead } = value;
  return {
    ...versioned,
    because: typeof because === "string" ? because : `the agent ended while version ${versioned.version} was applied`,
    tries: typeof tries === "number" ? tries : 1,
    isRetried: isRetried === true,
    instead: versionedFrom(instead),
  };
}

function markFrom(value: Json | undefined): ProcessMark[] {
  if (!isObject(value) || typeof value["boot"] !== "string" || typeof value["at"] !== "number") return [];
  return [{ boot: value["boot"], at: value["at"], ...(value["isSettled"] === true && { isSettled: true }) }];
}

/** JSON drops what is undefined. */
const documentFrom = (remembered: Remembered): JsonObject => JSON.parse(JSON.stringify(remembered)) as JsonObject;
