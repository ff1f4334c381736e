/** Instead of agent/buffer/messages.ts: what the cloud has accepted counts as stored, and its rows go. */
import { receipt } from "@pump-station/agent/buffer/fates.ts";
import { forgetMessage as forget, rowsOfMessage } from "@pump-station/agent/buffer/messages.ts";
import { headsOf } from "@pump-station/agent/buffer/row.ts";
import type { Tables } from "@pump-station/agent/buffer/tables.ts";
import { deleteRows } from "./delete-rows.ts";

export * from "@pump-station/agent/buffer/messages.ts";

export const forgetMessage = (tables: Tables, id: number): boolean =>
  tables.transaction(() => {
    const rows = rowsOfMessage(tables, id);
    for (const row of rows) {
      const { epoch, heads } = headsOf(row);
      for (const { stream, sequence, samples } of heads) {
        receipt(tables, epoch, stream, [{ first: sequence, last: sequence + samples - 1 }]);
      }
    }
    deleteRows(tables, rows);
    return forget(tables, id);
  });
