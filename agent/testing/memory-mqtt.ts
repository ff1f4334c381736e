/**
 * A broker in memory behind the agent's MQTT seam: topic filters, retained messages, wills, take-over of a client id,
 * and the faults of a real one: unreachable, credentials refused, cut links, acknowledgements that never come.
 * Deliveries happen in later microtasks, in order per receiver, as on a socket.
 */
import { CloudError } from "../cloud/cloud.ts";
import { topicMatches } from "../wire/topic-filter.ts";
import type { MqttClients, MqttConnection, MqttOptions, Timers } from "../world.ts";

export interface MemoryBroker {
  readonly clients: MqttClients;
  /** The cloud's own way in: no credentials, no deadline. */
  publish(topic: string, payload: Uint8Array | string, options?: { retain?: boolean }): void;
  subscribe(filter: string, listener: (topic: string, payload: Uint8Array) => void): () => void;
  retained(topic: string): Uint8Array | undefined;
  /** Client ids that are connected. */
  readonly connected: readonly string[];
  /** The link breaks: no DISCONNECT, so the will is sent. */
  cut(clientId: string, reason?: string): void;
  cutAll(reason?: string): void;
  readonly faults: Faults;
}

export interface Faults {
  /** connect() rejects as a dead network does. */
  unreachable: boolean;
  /** undefined: everybody may come in. */
  mayConnect?: (options: MqttOptions) => boolean;
  /** Messages from stations get lost before they are taken over. */
  loseMessages: boolean;
  /** Messages are taken over, their acknowledgement gets lost. */
  loseAcknowledgements: boolean;
  /** The largest packet that is taken, and said to be (MQTT 5). */
  packetBytesMax?: number;
  /** A link without traffic for so long is forgotten by the network, ms: it swallows everything, and nobody is told. */
  forgetsIdleMs?: number | undefined;
}

interface Session {
  readonly options: MqttOptions;
  readonly filters: Set<string>;
  deliver(topic: string, payload: Uint8Array): void;
  close(reason: string): void;
}

export function createMemoryBroker(deps: { readonly timers: Timers }): MemoryBroker {
  const sessions = new Map<string, Session>();
  const retained = new Map<string, Uint8Array>();
  const ownListeners = new Set<{ filter: string; listener: (topic: string, payload: Uint8Array) => void }>();
  const faults: Faults = { unreachable: false, loseMessages: false, loseAcknowledgements: false };

  const publish = (topic: string, payload: Uint8Array | string, options: { retain?: boolean } = {}): void => {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    if (options.retain) {
      if (bytes.length === 0) retained.delete(topic);
      else retained.set(topic, bytes);
    }
    for (const { filter, listener } of ownListeners) if (topicMatches(filter, topic)) listener(topic, bytes);
    for (const session of sessions.values()) {
      if ([...session.filters].some((filter) => topicMatches(filter, topic))) session.deliver(topic, bytes);
    }
  };

  const cut = (clientId: string, reason = "connection reset"): void => {
    const session = sessions.get(clientId);
    if (!session) return;
    sessions.delete(clientId);
    session.close(reason);
    const will = session.options.will;
    if (will) publish(will.topic, will.payload, { retain: will.retain });
  };

  const connect = async (options: MqttOptions, signal: AbortSignal): Promise<MqttConnection> => {
    await Promise.resolve();
    signal.throwIfAborted();
    if (faults.unreachable) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    if (faults.mayConnect && !faults.mayConnect(options)) {
      throw Object.assign(new Error("not authorized"), { code: "refused" });
    }
    cut(options.clientId, "another connection took over");
    const { session, connection } = createSession(options, {
      ...deps,
      faults,
      publish,
      retained,
      leave: (left) => sessions.get(options.clientId) === left && sessions.delete(options.clientId),
    });
    sessions.set(options.clientId, session);
    return connection;
  };

  return {
    clients: { connect },
    publish,
    subscribe: (filter, listener) => {
      const entry = { filter, listener };
      ownListeners.add(entry);
      return () => ownListeners.delete(entry);
    },
    retained: (topic) => retained.get(topic),
    get connected() {
      return [...sessions.keys()];
    },
    cut,
    cutAll: (reason) => {
      for (const clientId of [...sessions.keys()]) cut(clientId, reason);
    },
    faults,
  };
}

/** TCP payload of a handshake and of a ping with its answer, over TLS. */
const HANDSHAKE_BYTES = 4_253;
const PING_BYTES = 48;
/** Of a PUBLISH around topic and payload. */
const HEAD_BYTES = 10;

interface SessionDeps {
  readonly timers: Timers;
  readonly faults: Faults;
  readonly retained: ReadonlyMap<string, Uint8Array>;
  publish(topic: string, payload: Uint8Array, options: { retain?: boolean }): void;
  leave(session: Session): void;
}

function createSession(options: MqttOptions, deps: SessionDeps): { session: Session; connection: MqttConnection } {
  let closedBecause: string | undefined;
  const messageListeners: ((topic: string, payload: Uint8Array) => void)[] = [];
  const closedListeners: ((reason: string) => void)[] = [];
  const inFlight = new Set<(error: Error) => void>();
  let pings = 0;
  let bytes = HANDSHAKE_BYTES;
  let isForgotten = false;
  let cancelForgetting = (): void => undefined;
  const traffic = (count: number): void => {
    bytes += count;
    cancelForgetting();
    const { forgetsIdleMs } = deps.faults;
    if (forgetsIdleMs === undefined || closedBecause !== undefined) return;
    cancelForgetting = deps.timers.after(forgetsIdleMs, () => {
      isForgotten = true;
    });
  };

  const session: Session = {
    options,
    filters: new Set(),
    deliver: (topic, payload) => {
      queueMicrotask(() => {
        if (closedBecause !== undefined || isForgotten) return;
        traffic(payload.length);
        for (const listener of messageListeners) listener(topic, payload);
      });
    },
    close: (reason) => {
      if (closedBecause !== undefined) return;
      closedBecause = reason;
      cancelForgetting();
      for (const fail of [...inFlight]) fail(new CloudError("reconnect", `connection closed: ${reason}`));
      for (const listener of closedListeners) listener(reason);
    },
  };

  /** Never resolves by itself: fails when the deadline passes or the link goes. */
  const lost = (what: string, deadlineMs: number): Promise<never> =>
    new Promise((_, reject) => {
      const fail = (error: Error) => {
        cancel();
        inFlight.delete(fail);
        reject(error);
      };
      const cancel = deps.timers.after(deadlineMs, () =>
        fail(new CloudError("reconnect", `${what}: not acknowledged within ${deadlineMs} ms`)),
      );
      inFlight.add(fail);
    });

  const open = (what: string): void => {
    if (closedBecause !== undefined) throw new CloudError("reconnect", `${what}: connection closed: ${closedBecause}`);
  };

  const connection: MqttConnection = {
    payloadBytesMax: (topic) => (deps.faults.packetBytesMax ?? Number.POSITIVE_INFINITY) - HEAD_BYTES - topic.length,
    publish: async (topic, payload, { retain = false, deadlineMs }) => {
      await Promise.resolve();
      open(`publish to ${topic}`);
      if (HEAD_BYTES + topic.length + payload.length > (deps.faults.packetBytesMax ?? Number.POSITIVE_INFINITY))
        throw new CloudError("drop-and-report", `publish to ${topic}: the packet is too large`);
      if (deps.faults.loseMessages || isForgotten) return lost(`publish to ${topic}`, deadlineMs);
      traffic(payload.length);
      deps.publish(topic, payload.slice(), { retain });
      if (deps.faults.loseAcknowledgements) return lost(`publish to ${topic}`, deadlineMs);
      await Promise.resolve();
      open(`publish to ${topic}`);
    },
    subscribe: async (topics) => {
      await Promise.resolve();
      open("subscribe");
      for (const filter of topics) {
        session.filters.add(filter);
        for (const [topic, payload] of deps.retained) if (topicMatches(filter, topic)) session.deliver(topic, payload);
      }
    },
    onMessage: (listener) => messageListeners.push(listener),
    ping: async (deadlineMs) => {
      await Promise.resolve();
      open("ping");
      pings++;
      if (isForgotten || deps.faults.loseMessages) return lost("ping", deadlineMs);
      traffic(PING_BYTES);
    },
    use: () => ({ bytes, pings, isResumed: false }),
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    close: async () => {
      deps.leave(session);
      session.close("closed by us");
    },
  };
  return { session, connection };
}
