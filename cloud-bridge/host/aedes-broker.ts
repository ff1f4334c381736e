/**
 * The embedded MQTT 3.1.1 broker (aedes) behind TLS. It keeps nothing: sessions are always clean, nothing is retained,
 * and PUBACK waits in `authorizePublish` until the handlers have the message durable.
 */
import type { EventEmitter } from "node:events";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { topicParts } from "@pump-station/agent/wire/topics.ts";
import { Aedes, type AedesOptions, type Client } from "aedes";
import {
  CONNECT_DEADLINE_MS,
  CONNECTIONS_MAX,
  INFLIGHT_QOS2_MAX,
  PACKET_BYTES_MAX,
  TCP_KEEPALIVE_MS,
  TLS_SESSION_S,
} from "../limits.ts";
import type { Admission, Broker, BrokerHandlers, Claim, Log } from "../world.ts";
import type { ServerCertificate } from "./certificates.ts";
import { createPacketGuard } from "./packet-guard.ts";

export interface BrokerOptions {
  readonly certificate: ServerCertificate;
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
}

/** MQTT 3.1.1, 3.2.2.3 */
const NOT_AUTHORIZED = 5;

export async function listenForStations(
  { certificate, host, port }: BrokerOptions,
  handlers: BrokerHandlers,
  log: Log,
): Promise<Broker> {
  const admitted: Admissions = new WeakMap();
  const broker = await Aedes.createBroker({
    connectTimeout: CONNECT_DEADLINE_MS,
    concurrency: 1_000,
    maxInflightInbound: INFLIGHT_QOS2_MAX,
    ...authentication(handlers, admitted, log),
    ...authorization(handlers, admitted, log),
  });
  const connected = watchConnections(broker, admitted, handlers);
  broker.on("subscribe", (subscriptions, client) => {
    const who = admitted.get(client);
    if (who?.role !== "station") return;
    handlers.onSubscribed(
      who.station,
      subscriptions.map(({ topic }) => topic),
    );
  });
  broker.on("clientError", ({ id }, error) => log("debug", "mqtt-client-error", { station: id, error }));
  // Absent from aedes' types: without a listener, a will that it can't publish ends the process.
  (broker as EventEmitter).on("error", (error: unknown) => log("error", "mqtt-broker-error", { error }));
  broker.on("connectionError", (_, error) => log("debug", "mqtt-connection-error", { error }));

  const tls = {
    key: certificate.key,
    cert: certificate.cert,
    minVersion: "TLSv1.2",
    handshakeTimeout: CONNECT_DEADLINE_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    sessionTimeout: TLS_SESSION_S,
    // Asked for, judged when the client says who it is: a station with a password has none, and what is wrong with one
    // (expired, revoked) decides what may still be done with it.
    requestCert: true,
    rejectUnauthorized: false,
    ...(certificate.stationCa !== undefined && { ca: certificate.stationCa }),
  } as const;
  const server = createServer(tls, (socket) => {
    guard(socket, log);
    broker.handle(socket);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on("tlsClientError", (error) => log("debug", "tls-client-error", { error }));
  await listening(server, host, port);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    isOnline: (station) => connected.has(station),
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        const packet = {
          cmd: "publish",
          topic,
          payload: Buffer.from(payload),
          qos: 1,
          retain: false,
          dup: false,
        } as const;
        broker.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    disconnect: (isMeant) => {
      const meant = [...connected.values()].filter((client) => {
        const who = admitted.get(client);
        return who !== undefined && isMeant(who);
      });
      for (const client of meant) client.conn.destroy();
      return meant.length;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(resolve));
      await closed;
    },
  };
}

type Admissions = WeakMap<Client, Admission>;

/**
 * The newest connection of each client id. Counted by sockets: when several of one name take over from each other at
 * once, aedes forgets a newer connection with an older one, and never says that it has gone.
 */
function watchConnections(broker: Aedes, admitted: Admissions, handlers: BrokerHandlers): ReadonlyMap<string, Client> {
  const connected = new Map<string, Client>();
  broker.on("client", (client) => {
    if (client.conn.destroyed) return;
    connected.set(client.id, client);
    client.conn.once("close", () => {
      if (connected.get(client.id) !== client) return;
      connected.delete(client.id);
      if (admitted.get(client)?.role === "station") handlers.onOffline(client.id);
    });
  });
  broker.on("clientReady", (client) => {
    const who = admitted.get(client);
    if (!who) return;
    handlers.onAdmitted(who);
    if (who.role === "station") handlers.onOnline(who.station);
  });
  return connected;
}

function authentication(handlers: BrokerHandlers, admitted: Admissions, log: Log): AedesOptions {
  return {
    preConnect: (_, packet, callback) => {
      // A durable session would collect messages in RAM for a station that never comes back. Whatever matters is
      // asked for or repeated after the next connect.
      packet.clean = true;
      callback(null, true);
    },
    authenticate: (client, user, password, done) => {
      const refuse = (reason: string): void => {
        const clientId = client.id.slice(0, 80);
        log("warn", "mqtt-refused", { station: (user ?? client.id).slice(0, 64), clientId, reason });
        done(Object.assign(new Error("not authorized"), { returnCode: NOT_AUTHORIZED }), false);
      };
      handlers.authenticate(claimOf(client, user, password)).then(
        (outcome) => {
          if ("refused" in outcome) return refuse(outcome.refused);
          admitted.set(client, outcome);
          done(null, true);
        },
        (error: unknown) => {
          log("error", "mqtt-authentication-failed", { station: user, error });
          refuse("could not be checked");
        },
      );
    },
  };
}

function claimOf(client: Client, user: Readonly<string | undefined>, password: Buffer | undefined): Claim {
  // That the client holds the certificate's key is proved by the handshake, or by the one that this session began with.
  const shown = (client.conn as TLSSocket).getPeerX509Certificate();
  return {
    clientId: client.id,
    ...(user !== undefined && user !== null && user !== "" && { user }),
    ...(password && password.length > 0 && { password }),
    ...(shown && { certificate: shown.raw }),
  };
}

function authorization(handlers: BrokerHandlers, admitted: Admissions, log: Log): AedesOptions {
  return {
    authorizePublish: (client, packet, callback) => {
      // Identity is the connection's. A message without one (the will of a broker that died) says nothing new.
      const who = client && admitted.get(client);
      if (!who) return callback(new Error("no such client"));
      const { station } = who;
      if (!handlers.mayPublish(who, packet.topic)) {
        log("warn", "mqtt-topic-refused", { station, topic: packet.topic });
        return callback(new Error(`${station} may not publish to ${packet.topic}`));
      }
      // Retained messages would stay in RAM; what lasts is in the store.
      packet.retain = false;
      const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
      const message = { station, topic: packet.topic, payload };
      (isEnrolment(who, packet.topic) ? handlers.onEnrolment(who, message) : handlers.onMessage(message)).then(
        () => callback(null),
        (error: unknown) => {
          log("error", "mqtt-message-rejected", { station, topic: packet.topic, error });
          callback(new Error("the message could not be stored"));
        },
      );
    },
    authorizeSubscribe: (client, subscription, callback) => {
      const who = admitted.get(client);
      if (who && handlers.maySubscribe(who, subscription.topic)) return callback(null, subscription);
      log("warn", "mqtt-subscription-refused", { station: client.id, filter: subscription.topic });
      // Null is answered with 0x80 in the SUBACK, and the connection stays.
      callback(null, null);
    },
    // What stations publish goes to the store, never to other stations.
    authorizeForward: (client, packet) => {
      const who = admitted.get(client);
      return who && handlers.maySubscribe(who, packet.topic) ? packet : null;
    },
  };
}

/** A station that has come with a certificate asks for the next one in passing, where `mayPublish` allows it. */
const isEnrolment = ({ role }: Admission, topic: string): boolean =>
  role === "enrolling" || topicParts(topic)?.path[0] === "enrol";

/** aedes pulls its bytes with `read`; what the guard stops never reaches the parser. */
function guard(socket: TLSSocket, log: Log): void {
  const packets = createPacketGuard(PACKET_BYTES_MAX);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Uint8Array) || packets.passes(chunk)) return chunk;
    log("warn", "mqtt-packet-too-large", { from: socket.remoteAddress, bytesMax: PACKET_BYTES_MAX });
    socket.destroy();
    return null;
  };
}

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      server.on("error", () => undefined);
      resolve();
    });
  });
