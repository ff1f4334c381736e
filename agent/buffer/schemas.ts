/** The schemas that rows use, kept as long as the file; the cloud is told each once, again each week, and on request. */

import type { SchemaOf } from "../wire/batch.ts";
import { decodeLedger, encodeLedger } from "../wire/ledger.ts";
import { type StreamSchema, schemaHash } from "../wire/schema.ts";
import type { Clock } from "../world.ts";
import { queueLedger } from "./messages.ts";
import { bytesOf, type Tables, wholeOrNull } from "./tables.ts";

const ANNOUNCE_EVERY_MS = 7 * 24 * 3_600_000;

export interface Schemas {
  readonly of: SchemaOf;
  /** Keeps a schema and queues its message when it is new or was announced a week ago. Call inside a transaction. */
  declare(schema: StreamSchema): string;
  /** Queues a known schema's message again. Call inside a transaction. */
  announce(hash: string): void;
  /** Those declared in this process whose week is over. Call inside a transaction. */
  announceStale(): void;
  /** After a transaction that was rolled back: what it declared isn't there. */
  reread(): void;
}

/** Throws WireError when a stored schema is damaged. */
export function createSchemas(tables: Tables, clock: Clock): Schemas {
  const known = new Map<string, StreamSchema>();
  const announcedMs = new Map<string, number | null>();
  const inUse = new Set<string>();
  const reread = (): void => {
    known.clear();
    announcedMs.clear();
    for (const columns of tables.all("SELECT body, announced_ms FROM schemas")) {
      const message = decodeLedger(bytesOf(columns, "body"));
      if (message.kind !== "schema") continue;
      // The content is proved by its checksum, the column is not.
      const hash = schemaHash(message.schema);
      known.set(hash, message.schema);
      announcedMs.set(hash, wholeOrNull(columns, "announced_ms"));
    }
  };
  reread();

  const announce = (hash: string): void => {
    const schema = known.get(hash);
    if (!schema) return;
    const now = clock.isWallTrusted() ? Math.round(clock.wallMs()) : null;
    tables.run("UPDATE schemas SET announced_ms = ? WHERE hash = ?", now, hash);
    announcedMs.set(hash, now);
    // However often it is asked for: one that waits is enough.
    const waits = "SELECT 1 FROM sealed WHERE kind = 'schema' AND body = ? LIMIT 1";
    if (!tables.get(waits, encodeLedger({ kind: "schema", schema }))) queueLedger(tables, { kind: "schema", schema });
  };

  const isStale = (hash: string): boolean => {
    if (!clock.isWallTrusted()) return false;
    const told = announcedMs.get(hash) ?? null;
    // Announced while nobody knew the time: counted from now on, without another message.
    if (told === null) {
      tables.run("UPDATE schemas SET announced_ms = ? WHERE hash = ?", Math.round(clock.wallMs()), hash);
      announcedMs.set(hash, Math.round(clock.wallMs()));
      return false;
    }
    return Math.abs(clock.wallMs() - told) >= ANNOUNCE_EVERY_MS;
  };

  const announceStale = (): void => {
    for (const hash of inUse) if (isStale(hash)) announce(hash);
  };

  return {
    of: (hash) => known.get(hash),
    declare: (schema) => {
      const hash = schemaHash(schema);
      inUse.add(hash);
      if (!known.has(hash)) {
        const body = encodeLedger({ kind: "schema", schema });
        tables.run("INSERT INTO schemas VALUES (?, ?, NULL)", hash, body);
        known.set(hash, schema);
        announce(hash);
      } else if (isStale(hash)) announce(hash);
      return hash;
    },
    announce,
    announceStale,
    reread,
  };
}
