/**
 * The audit: each command that ran, with who asked for it and how it ended; the newest 200 or so. It is also what makes a
 * command run at most once: its entry is on disk before it begins, and whoever comes with the same id finds it there.
 *
 * A ring of small state documents, so that a command writes a few KB and not all of it:
 *
 *   audit-a … audit-h   {first: number of its first entry, entries: [{id, command, began, …}]}
 */
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import { AUDIT_FILE_ENTRIES, AUDIT_FILES, AUDIT_TEXT_MAX } from "../limits.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import type { Clock, Log } from "../world.ts";

export interface AuditEntry {
  readonly id: string;
  /** Left out: the station itself. */
  readonly device?: string;
  readonly command: string;
  /** As JSON, cut where it is long. */
  readonly arguments?: string;
  /** Whoever asked, if the cloud said so. */
  readonly by?: string;
  /** ms since 1970; by a guess while the clock isn't set. */
  readonly began: number;
  readonly isClockUnset?: true;
  /** Without it nobody knows how it ended. */
  readonly ended?: number;
  readonly status?: number;
  readonly text?: string;
  /** Of the answer, when it is short. */
  readonly body?: Json;
}

export interface Audit {
  /** Whether it is durable. */
  begin(call: CommandCall): boolean;
  /** Once more for one that goes on after its time limit: the later end holds. */
  end(id: string, answer: CommandAnswer): boolean;
  find(id: string): AuditEntry | undefined;
  /** Newest first. */
  list(): readonly AuditEntry[];
}

export interface AuditFile {
  load(): unknown;
  save(document: JsonObject): void;
}

export interface AuditDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** A durable document by its name. */
  readonly file: (name: string) => AuditFile;
}

interface Part {
  readonly file: AuditFile;
  first: number;
  entries: AuditEntry[];
}

export function createAudit({ clock, log, file }: AuditDeps): Audit {
  const parts = Array.from({ length: AUDIT_FILES }, (_, at) => partFrom(file(`audit-${String.fromCharCode(97 + at)}`)));
  let count = Math.max(0, ...parts.map(({ first, entries }) => first + entries.length));

  const save = (part: Part): boolean => {
    try {
      part.file.save(JSON.parse(JSON.stringify({ first: part.first, entries: part.entries })) as JsonObject);
      return true;
    } catch (error) {
      // What the file system says has a code; everything else is a bug.
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "audit-not-saved", { error: error.message });
      return false;
    }
  };
  const partOf = (id: string): Part | undefined =>
    parts.find(({ entries }) => entries.some((entry) => entry.id === id));

  return {
    begin: (call) => {
      const part = parts[Math.floor(count / AUDIT_FILE_ENTRIES) % AUDIT_FILES];
      if (!part) throw new RangeError("audit: no part");
      if (count % AUDIT_FILE_ENTRIES === 0) Object.assign(part, { first: count, entries: [] });
      part.entries.push(entryFrom(call, clock));
      count++;
      return save(part);
    },
    end: (id, { status, text, body }) => {
      const part = partOf(id);
      if (!part) return false;
      const isShort = body !== undefined && JSON.stringify(body).length <= AUDIT_TEXT_MAX;
      const ended = { ended: clock.wallMs(), status, text: text.slice(0, AUDIT_TEXT_MAX), ...(isShort && { body }) };
      part.entries = part.entries.map((entry) => (entry.id === id ? { ...entry, ...ended } : entry));
      return save(part);
    },
    find: (id) => partOf(id)?.entries.find((entry) => entry.id === id),
    list: () =>
      parts
        .toSorted((one, other) => one.first - other.first)
        .flatMap(({ entries }) => entries)
        .reverse(),
  };
}

const entryFrom = (call: CommandCall, clock: Clock): AuditEntry => ({
  id: call.id,
  ...(call.device !== undefined && { device: call.device }),
  command: call.command,
  ...(call.arguments && { arguments: JSON.stringify(call.arguments).slice(0, AUDIT_TEXT_MAX) }),
  ...(call.by !== undefined && { by: call.by }),
  began: clock.wallMs(),
  ...(clock.isWallTrusted() ? {} : { isClockUnset: true as const }),
});

/** What isn't an audit counts as an empty one: the state store has told of damage, and a new one begins. */
function partFrom(file: AuditFile): Part {
  const document = file.load() as Partial<Part> | undefined;
  const isWhole = document && Number.isSafeInteger(document.first) && Array.isArray(document.entries);
  return isWhole
    ? { file, first: document.first ?? 0, entries: (document.entries ?? []).slice(0, AUDIT_FILE_ENTRIES) }
    : { file, first: 0, entries: [] };
}
