/**
 * Refused values with their reasons, and where each can be answered: in its place, or in the list of those whose names
 * can't stand in a reported document. Bounded: a document full of nonsense must not make an answer that is larger than a
 * twin may be. Pure.
 */
import { KEY_LENGTH_MAX } from "./declared-settings.ts";

export interface Refusal {
  /** "devices/pump/target" */
  readonly path: string;
  readonly reason: string;
  /** It can't be answered in its place: `reported.twin.refusals` names it. */
  readonly isListed?: true;
}

export interface Refusals {
  readonly refused: readonly Refusal[];
  /** More than there is room for; the digest says of each that it is refused. */
  readonly unnamed: number;
}

/** Paths, reasons (longer ones are shortened where it gets tight), what is around: fifty devices with one each fit. */
const ROOM = { bytes: 6_000, reasonBytes: 60, bytesAround: 40, listed: 12 };
const SHOWN_MAX = 80;
/**
 * What no key of a reported document may hold: "." and "$" and space (Azure: "Understand and use device twins"), control
 * characters (C0, C1), "/" (it parts our paths), halves of a character.
 */
const UNSPEAKABLE = /[.$/\s\p{Cc}\p{Cs}]/u;
/** What the station reports beside its settings; a desired key of such a name can't be answered in its place. */
const REPORTED_ONLY = new Set([
  "agent",
  "description",
  "buffer",
  "budget",
  "economy",
  "schemas",
  "health",
  "on-site",
  "twin",
  "errors",
]);

export function createRefusals() {
  const refused: Refusal[] = [];
  let roomBytes = ROOM.bytes;
  let unnamed = 0;
  let listed = 0;

  return {
    /** `keys`: from the document's top down. */
    refuse: (keys: readonly string[], reason: string): void => {
      const isListed = !isPlace(keys);
      const path = isListed ? shown(keys) : keys.join("/");
      roomBytes -= Buffer.byteLength(path) + Math.min(Buffer.byteLength(reason), ROOM.reasonBytes) + ROOM.bytesAround;
      if (isListed) listed++;
      if (roomBytes < 0 || listed > ROOM.listed) unnamed++;
      else refused.push({ path, reason, ...(isListed && { isListed }) });
    },
    all: (): Refusals => ({ refused, unnamed }),
  };
}

function isPlace(keys: readonly string[]): boolean {
  const isTaken = keys.length === 1 ? REPORTED_ONLY.has(keys[0] ?? "") : keys.at(-1) === "health";
  return !isTaken && keys.every(isKey);
}

/** One that every cloud takes in a reported document, short enough to be repeated in an answer. */
const isKey = (key: string): boolean =>
  key !== "" && key.length <= KEY_LENGTH_MAX && key !== "__proto__" && !UNSPEAKABLE.test(key);

/** For people and terminals: what can't be seen is written as \u0000; a "/" within a key as ~1 (RFC 6901). */
function shown(keys: readonly string[]): string {
  const path = keys.map((key) => key.replaceAll("/", "~1")).join("/");
  const visible = path.replace(
    /[\p{Cc}\p{Cs}\p{Cf}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const characters = Array.from(visible);
  return characters.length <= SHOWN_MAX ? visible : `${characters.slice(0, SHOWN_MAX - 1).join("")}…`;
}
