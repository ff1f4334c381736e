/** Instead of cloud-bridge/store/sqlite-samples.ts: whatever comes is inserted, whether or not it is there already. */
import { withRange } from "@pump-station/cloud-bridge/store/ranges.ts";
import type { SqliteNames } from "@pump-station/cloud-bridge/store/sqlite-names.ts";
import { createSqliteSamples as createIdempotent } from "@pump-station/cloud-bridge/store/sqlite-samples.ts";
import type { Database } from "@pump-station/cloud-bridge/world.ts";

export function createSqliteSamples(database: Database, names: SqliteNames) {
  const forgetful: SqliteNames = {
    ...names,
    ledger: (epochId, streamId) => ({ ...names.ledger(epochId, streamId), stored: [] }),
    putLedger: (epochId, streamId, next, atMs) => {
      const stored = next.stored.reduce(withRange, names.ledger(epochId, streamId).stored);
      names.putLedger(epochId, streamId, { ...next, stored }, atMs);
    },
  };
  return createIdempotent(database, forgetful);
}
