/** Deletes rows and keeps their counts, so that nothing is amiss but the samples themselves. */
import { raiseLast } from "@pump-station/agent/buffer/epochs.ts";
import { headsOf, type Row } from "@pump-station/agent/buffer/row.ts";
import type { Tables } from "@pump-station/agent/buffer/tables.ts";

export function deleteRows(tables: Tables, rows: readonly Row[]): void {
  for (const row of rows) {
    for (const { stream, sequence, samples } of headsOf(row).heads) {
      raiseLast(tables, row.epochId, stream, sequence + samples - 1);
    }
    tables.run("DELETE FROM rows WHERE id = ?", row.id);
  }
}
