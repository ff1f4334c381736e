/** Instead of agent/buffer/offers.ts: what is handed out leaves the buffer at once, before anybody has acknowledged it. */
import { forgetMessage, rowsOfMessage } from "@pump-station/agent/buffer/messages.ts";
import { createOffers as createCareful, type Offers } from "@pump-station/agent/buffer/offers.ts";
import type { Session } from "@pump-station/agent/buffer/session.ts";
import type { TravellingForm } from "@pump-station/agent/wire/batch.ts";
import type { Clock } from "@pump-station/agent/world.ts";
import { deleteRows } from "./delete-rows.ts";

export function createOffers(session: Session, clock: Clock, form: TravellingForm): Offers {
  const careful = createCareful(session, clock, form);
  const { tables } = session;
  return {
    next: (lane, seal) => {
      const offer = careful.next(lane, seal);
      if (!offer) return undefined;
      tables.transaction(() => {
        deleteRows(tables, rowsOfMessage(tables, offer.id));
        forgetMessage(tables, offer.id);
      });
      return offer;
    },
  };
}
