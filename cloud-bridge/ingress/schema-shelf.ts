/** The stations' schemas at hand, so that decoding needs no query. Holds what the store holds: `forget` after a failure. */
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import { SCHEMA_STATIONS_MAX } from "../limits.ts";
import type { Store } from "../store/store.ts";

export interface SchemaShelf {
  load(stations: Iterable<string>): Promise<void>;
  find(station: string, hash: string): StreamSchema | undefined;
  put(station: string, hash: string, schema: StreamSchema): void;
  forget(stations: Iterable<string>): void;
}

export function createSchemaShelf(store: Pick<Store, "schemasOf">): SchemaShelf {
  const shelf = new Map<string, Map<string, StreamSchema>>();
  return {
    load: async (stations) => {
      for (const station of stations) {
        // Moved to the end: the least lately used station goes first.
        const known = shelf.get(station) ?? new Map(await store.schemasOf(station));
        shelf.delete(station);
        shelf.set(station, known);
      }
      for (const station of shelf.keys()) {
        if (shelf.size <= SCHEMA_STATIONS_MAX) break;
        shelf.delete(station);
      }
    },
    find: (station, hash) => shelf.get(station)?.get(hash),
    put: (station, hash, schema) => void shelf.get(station)?.set(hash, schema),
    forget: (stations) => {
      for (const station of stations) shelf.delete(station);
    },
  };
}
