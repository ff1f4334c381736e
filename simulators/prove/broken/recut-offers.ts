/**
 * Instead of agent/buffer/offers.ts: a message that wasn't acknowledged is cut anew when it is sent again, with what has
 * been committed meanwhile.
 */
import { createOffers as createCareful, type Offers } from "@pump-station/agent/buffer/offers.ts";
import { countWaiting } from "@pump-station/agent/buffer/rows.ts";
import type { Session } from "@pump-station/agent/buffer/session.ts";
import type { TravellingForm } from "@pump-station/agent/wire/batch.ts";
import type { Lane } from "@pump-station/agent/wire/topics.ts";
import type { Clock } from "@pump-station/agent/world.ts";

const CUT: readonly Lane[] = ["urgent", "normal"];

export function createOffers(session: Session, clock: Clock, form: TravellingForm): Offers {
  const { tables } = session;
  const unseal = (lane: Lane): void =>
    tables.transaction(() => {
      const ofRows = "first_row IS NOT NULL AND lane = ?";
      const first = tables.get(`SELECT min(first_row) AS first FROM sealed WHERE ${ofRows}`, lane)?.["first"];
      if (typeof first !== "number") return;
      tables.run(`DELETE FROM sealed WHERE ${ofRows}`, lane);
      tables.run("UPDATE cursors SET sealed_to = ? WHERE is_alarm = ?", first - 1, lane === "urgent" ? 1 : 0);
      session.waiting = countWaiting(tables);
    });
  for (const lane of CUT) unseal(lane);
  const careful = createCareful(session, clock, form);
  const offered = new Map<Lane, number>();
  return {
    next: (lane, seal) => {
      const offer = careful.next(lane, seal);
      if (!offer || !CUT.includes(lane) || offer.samples === 0) return offer;
      if (offered.get(lane) === offer.id) unseal(lane);
      const again = careful.next(lane, "now");
      if (again) offered.set(lane, again.id);
      return again;
    },
  };
}
