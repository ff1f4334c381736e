/**
 * Which of the descriptions that a station handed over is the one that it ran: what its twin reports, where that was handed
 * over; else the one that came last (the report may have been lost with the board).
 */
import type { Store } from "../store/store.ts";
import type { HandedOver } from "./enrolment.ts";

export const createHandedOver =
  (store: Pick<Store, "descriptions" | "twin">) =>
  async (station: string): Promise<HandedOver | undefined> => {
    const kept = await store.descriptions(station);
    const { reported } = await store.twin(station);
    const runs = hashIn(reported["description"]);
    const same = runs === undefined ? undefined : kept.find(({ hash }) => runs.startsWith(hash));
    return same && runs !== undefined ? { ...same, hash: runs } : kept[0];
  };

/** `hash` of what runs; while a desired description is acknowledged, its `value` says the same. */
function hashIn(description: unknown): string | undefined {
  const { hash, value } = (description ?? {}) as { readonly hash?: unknown; readonly value?: unknown };
  return [hash, value].find((one): one is string => typeof one === "string" && /^[0-9a-f]{64}$/.test(one));
}
