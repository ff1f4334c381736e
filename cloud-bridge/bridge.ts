/** Joins the steps: ingress → queue → store → route → api, and back to the stations. */
import type { StationSummary } from "./api/contract.ts";
import { createAdmission } from "./auth/admission.ts";
import { createCredentials } from "./auth/credentials.ts";
import { createEnrolment } from "./auth/enrolment.ts";
import { createEnrolmentTokens } from "./auth/enrolment-tokens.ts";
import { createHandedOver } from "./auth/handed-over.ts";
import { createRevocations } from "./auth/revocations.ts";
import { createIntake } from "./ingress/intake.ts";
import { mayPublish, maySubscribe } from "./ingress/permissions.ts";
import { createCommands } from "./route/commands.ts";
import { createLive } from "./route/live.ts";
import { createReceipts } from "./route/receipts.ts";
import type { Store } from "./store/store.ts";
import { createTwinAuthority } from "./twin/authority.ts";
import type { Broker, BrokerHandlers, Chance, Clock, Log, StationAuthority, Timers } from "./world.ts";

export interface BridgeDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly store: Store;
  readonly receiptEveryMs: number;
  readonly askAfterMs: number;
  readonly authority: StationAuthority;
  readonly renewalGraceMs: number;
  /** Starts listening for stations; messages come only after it has resolved. */
  readonly listen: (handlers: BrokerHandlers) => Promise<Broker>;
}

export type Bridge = Awaited<ReturnType<typeof createBridge>>;

export async function createBridge(deps: BridgeDeps) {
  const { clock, timers, chance, log, store } = deps;
  // The broker needs whom to hand messages to, they need the broker to answer: it is filled in once it listens.
  const link: { broker: Broker | undefined } = { broker: undefined };
  const send = async (topic: string, payload: Uint8Array): Promise<void> => link.broker?.publish(topic, payload);
  const isOnline = (station: string): boolean => link.broker?.isOnline(station) ?? false;
  const summaryOf = async (station: string): Promise<StationSummary | undefined> => {
    const stored = await store.station(station);
    return stored && { ...stored, online: isOnline(station) };
  };

  const credentials = createCredentials({ store, chance });
  const { identities } = store;
  const { authority, renewalGraceMs: graceMs } = deps;
  const tokens = createEnrolmentTokens({ identities, chance });
  const revocations = await createRevocations({
    ...{ identities, clock, timers, log },
    disconnect: (isMeant) => link.broker?.disconnect(isMeant) ?? 0,
  });
  const enrolment = createEnrolment({
    ...{ clock, log, identities, authority, send },
    description: createHandedOver(store),
    onRevoked: () => revocations.look(),
  });
  const live = createLive({ timers, log, summaryOf });
  const twins = createTwinAuthority({
    store,
    log,
    send,
    onChanged: (twin) => live.publish({ station: twin.station, event: "twin", data: twin }),
  });
  const commands = await createCommands({ clock, timers, chance, log, store, isOnline, send });
  const { receiptEveryMs: everyMs, askAfterMs } = deps;
  const receipts = createReceipts({ store, clock, timers, log, everyMs, askAfterMs, send });
  const intake = createIntake({ store, clock, timers, log, twins, commands, receipts, live });

  const broker = await deps.listen({
    authenticate: createAdmission({ clock, identities, credentials, authority, graceMs }),
    mayPublish,
    maySubscribe,
    onMessage: (message) => intake.accept(message),
    onEnrolment: (who, message) => enrolment.onRequest(who, message),
    onAdmitted: (who) => revocations.check(who),
    onSubscribed: (station, filters) => {
      if (filters.some((filter) => filter.endsWith("/ledger"))) receipts.greet(station);
      if (filters.some((filter) => filter.includes("/command/call/"))) commands.greet(station);
    },
    onOnline: (station) => {
      log("info", "station-online", { station });
      live.touch(station);
    },
    onOffline: (station) => {
      log("info", "station-offline", { station });
      receipts.leave(station);
      live.touch(station);
    },
  });

  link.broker = broker;

  return {
    store,
    credentials,
    tokens,
    revoke: async (station: string): Promise<boolean> => {
      const isKnown = await identities.revoke(station, clock.wallMs());
      revocations.look();
      return isKnown;
    },
    twins,
    commands,
    live,
    summaryOf,
    isOnline,
    mqttPort: broker.port,
    /** Stops taking messages, works off what waits. The store stays open. */
    close: async (): Promise<void> => {
      receipts.close();
      commands.close();
      revocations.close();
      await broker.close();
      await intake.close();
    },
  };
}
