/** Instead of cloud-bridge/store/sqlite-schema.ts: no index forbids that a run of samples is there twice. */
import { migrate as migrateStrictly } from "@pump-station/cloud-bridge/store/sqlite-schema.ts";
import type { Database } from "@pump-station/cloud-bridge/world.ts";

export function migrate(database: Database): void {
  migrateStrictly(database);
  database.exec(`DROP INDEX IF EXISTS block_by_sequence;
                 CREATE INDEX block_by_sequence ON block (stream_id, epoch_id, first_sequence);`);
}
