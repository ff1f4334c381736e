/**
 * MQTT over TLS through mqtt.js 5: protocol 3.1.1 or 5, QoS 1, clean session, no store, no reconnect of its own. The uplink
 * supervises; what it needs to know is when a message was acknowledged and when and why the link ended.
 *
 * `ca` replaces the system's authorities. Host names and IP addresses are checked against the certificate by Node's
 * default `checkServerIdentity`. Certificates are judged by the system's clock; while nobody vouches for that one
 * (`notBeforeMs`), by tls-verify.ts before mqtt.js has the socket.
 */
import { ErrorWithSubackPacket, type IConnackPacket, MqttClient } from "mqtt";
import { CloudError } from "../../cloud/cloud.ts";
import { CONNECT_TIMEOUT_MS } from "../../limits.ts";
import type { Log, MqttClients, MqttConnection, MqttOptions } from "../../world.ts";
import { CLOSE_GRACE_MS, pingOver } from "./mqtt-client.ts";
import {
  type BrokerLimits,
  createTurns,
  limitsFrom,
  packetBytes,
  propertiesBytes,
  RETAIN_NOT_SUPPORTED,
  tooLarge,
} from "./mqtt-limits.ts";
import { clientOptionsFrom } from "./mqtt-options.ts";
import { isOldBroker, PACKET_TOO_LARGE, patienceAfter, REFUSED_RETURN_CODES, reasonError } from "./mqtt-reasons.ts";
import { type MqttStream, openStream } from "./mqtt-stream.ts";
import { createTlsSessions } from "./tls-sessions.ts";
import { connectUnclocked } from "./tls-verify.ts";

/** In SUBACK; what is below is a granted QoS. */
const REFUSED_FROM = 0x80;
const CLOSED_UNHEARD =
  "closed before an answer (CONNACK); something that isn't MQTT does so, and a broker that takes no QoS 1 or no such client: its log says why";

export function createMqttClients(deps: { readonly log?: Log } = {}): MqttClients {
  const sessions = createTlsSessions();
  /** Brokers that were found to speak 3.1.1 only. */
  const old = new Set<string>();
  /** …and such that retain nothing: birth and will are told to who listens. */
  const forgetful = new Set<string>();

  const connectOnce: MqttClients["connect"] = async (options, signal) => {
    signal.throwIfAborted();
    const isClocked = options.notBeforeMs === undefined || !options.url.startsWith("mqtts:");
    let link: MqttStream | undefined;
    const client = isClocked
      ? new MqttClient((opening) => {
          link = openStream(options, sessions, (error) => opening.emit("error", error));
          return link.stream;
        }, clientOptionsFrom(options))
      : await connectWithoutClock(options, options.notBeforeMs, deps.log, signal);
    // A closed client may still emit "error"; without a listener that would end the process.
    client.on("error", () => undefined);
    const limits = limitsFrom(await connected(client, signal));
    return createConnection(client, limits, () => link);
  };

  const connect: MqttClients["connect"] = async ({ will, ...options }, signal) => {
    const withWill = (retain: boolean): MqttOptions => ({ ...options, ...(will && { will: { ...will, retain } }) });
    if (!will?.retain || forgetful.has(options.url)) return connectOnce(withWill(false), signal);
    try {
      return await connectOnce(withWill(true), signal);
    } catch (error) {
      if (codeOf(error) !== RETAIN_NOT_SUPPORTED) throw error;
      forgetful.add(options.url);
      deps.log?.("warn", "mqtt-nothing-retained", { url: options.url, error: textOf(error) });
      return connectOnce(withWill(false), signal);
    }
  };

  return {
    connect: async ({ version, ...options }, signal) => {
      if (version === undefined || old.has(options.url)) return connect(options, signal);
      try {
        return await connect({ ...options, version }, signal);
      } catch (error) {
        if (!isOldBroker(error)) throw error;
        const connection = await connect(options, signal);
        deps.log?.("warn", "mqtt-5-not-spoken", { url: options.url, error: textOf(error) });
        old.add(options.url);
        return connection;
      }
    },
  };
}

async function connectWithoutClock(
  options: MqttOptions,
  passedMs: number,
  log: Log | undefined,
  signal: AbortSignal,
): Promise<MqttClient> {
  const { key, connectTimeoutMs, url, ...tls } = options;
  const opening = { ...tls, url, passedMs, timeoutMs: connectTimeoutMs, ...(key && { key: key.reveal() }) };
  const { socket, isOverridden } = await connectUnclocked(opening, signal);
  if (isOverridden) log?.("warn", "tls-clock-not-set", { url, certificate: "valid but for the system's clock" });
  return new MqttClient(() => socket, clientOptionsFrom(options));
}

/** Resolves at CONNACK 0. mqtt.js's own connect timeout starts anew for each attempt and covers TCP, TLS and CONNACK. */
function connected(client: MqttClient, signal: AbortSignal): Promise<IConnackPacket> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      client.off("connect", onConnect);
      client.off("error", onError);
      client.off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (error: Error) =>
      settle(() => {
        client.end(true);
        reject(error);
      });
    const onConnect = (connack: IConnackPacket) => settle(() => resolve(connack));
    const onError = (error: Error) => fail(withRefusal(error));
    const onClose = () => fail(Object.assign(new Error(CLOSED_UNHEARD), { code: "no-connack" }));
    const onAbort = () => fail(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    client.on("connect", onConnect);
    client.on("error", onError);
    client.on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** mqtt.js puts CONNACK's return or reason code into `code`; the seam's word for credentials is "refused". */
function withRefusal(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (typeof code !== "number") return error;
  const next = reasonError(code, "connect", error);
  if (next)
    return next.next === "reprovision"
      ? Object.assign(new Error(error.message, { cause: error }), { code: "refused" })
      : next;
  return REFUSED_RETURN_CODES.has(code)
    ? Object.assign(new Error(error.message, { cause: error }), { code: "refused" })
    : error;
}

function createConnection(
  client: MqttClient,
  limits: BrokerLimits,
  link: () => MqttStream | undefined,
): MqttConnection {
  const inTurn = createTurns(limits.inFlightMax);
  const isV5 = client.options.protocolVersion === 5;
  let pings = 0;
  let closedBecause: string | undefined;
  let lastError: Error | undefined;
  /** MQTT 5: the broker's DISCONNECT says why. */
  let goodbye: { readonly reason: string; readonly code: number; readonly afterMs: number | undefined } | undefined;
  const closedListeners: ((reason: string, afterMs?: number) => void)[] = [];
  /** What waits for an acknowledgement, and how large it is. */
  const inFlight = new Map<(error: Error) => void, number>();

  const onClosed = (): void => {
    if (closedBecause !== undefined) return;
    closedBecause = client.disconnecting
      ? "closed by us"
      : (goodbye?.reason ?? lastError?.message ?? "the broker closed the connection");
    if (goodbye?.code === PACKET_TOO_LARGE) refuseLargest(goodbye.reason);
    for (const fail of [...inFlight.keys()]) fail(closedError("waiting for an acknowledgement"));
    for (const listener of closedListeners) listener(closedBecause, goodbye?.afterMs);
  };
  /** Sent again, it would end each connection that there will ever be. */
  const refuseLargest = (reason: string): void => {
    const [largest] = [...inFlight].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
    largest?.[0](new CloudError("drop-and-report", `publish ${largest[1]} bytes: ${reason}`));
  };
  const closedError = (what: string): CloudError =>
    new CloudError("reconnect", `${what}: connection closed: ${closedBecause ?? "closing"}`);

  client.on("error", (error: Error) => {
    lastError = error;
  });
  client.on("disconnect", ({ reasonCode = 0 }) => {
    const reason = `the broker closed the connection, reason 0x${reasonCode.toString(16)}`;
    goodbye = { reason, code: reasonCode, afterMs: patienceAfter(reasonCode) };
  });
  client.on("close", onClosed);

  /** Ends with the operation, its deadline or the link, whichever comes first. */
  const whileOpen = <T>(what: string, deadlineMs: number, operation: () => Promise<T>, bytes = 0): Promise<T> =>
    new Promise((resolve, reject) => {
      // mqtt.js would keep a QoS 1 message of a closed client for a reconnect that never comes.
      if (closedBecause !== undefined || !client.connected) return reject(closedError(what));
      const end = (act: () => void) => {
        clearTimeout(timer);
        inFlight.delete(fail);
        act();
      };
      const fail = (error: Error) => end(() => reject(error));
      const timer = setTimeout(
        () => fail(new CloudError("reconnect", `${what}: not acknowledged within ${deadlineMs} ms`)),
        deadlineMs,
      );
      inFlight.set(fail, bytes);
      operation().then(
        (value) => end(() => resolve(value)),
        (cause: unknown) =>
          fail(
            cause instanceof CloudError
              ? cause
              : (reasonError(codeOf(cause), what, cause) ??
                  new CloudError("reconnect", `${what}: ${textOf(cause)}`, { cause })),
          ),
      );
    });

  return {
    publish: async (topic, payload, { retain = false, deadlineMs, properties, mayWait = false }) => {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      const { packetBytesMax, takesRetain } = limits;
      const size = packetBytes(topic, bytes);
      if (size > packetBytesMax) throw tooLarge(size, packetBytesMax, mayWait);
      // The topic says the same: what goes without them is still understood.
      const isRoomForUser = isV5 && properties && size + propertiesBytes(properties) <= packetBytesMax;
      const user = isRoomForUser && { properties: { userProperties: { ...properties } } };
      const message = { qos: 1, retain: retain && takesRetain, ...user } as const;
      await whileOpen(
        `publish to ${topic}`,
        deadlineMs,
        () => inTurn(() => client.publishAsync(topic, bytes, message)),
        size,
      );
    },
    subscribe: async (topics) => {
      const deadlineMs = client.options.connectTimeout ?? CONNECT_TIMEOUT_MS;
      await whileOpen("subscribe", deadlineMs, async () => {
        try {
          await client.subscribeAsync([...topics], { qos: 1 });
        } catch (cause) {
          if (!(cause instanceof ErrorWithSubackPacket) || !cause.packet) throw cause;
          const refused = topics.filter((_, at) => Number(cause.packet?.granted[at] ?? REFUSED_FROM) >= REFUSED_FROM);
          throw new CloudError("reprovision", `subscribe to ${refused.join(", ")}: ${cause.message}`, { cause });
        }
      });
    },
    onMessage: (listener) => void client.on("message", (topic, payload) => listener(topic, payload)),
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    ping: (deadlineMs) =>
      whileOpen("ping", deadlineMs, () => {
        pings++;
        return pingOver(client);
      }),
    payloadBytesMax: (topic) => limits.packetBytesMax - packetBytes(topic, new Uint8Array()),
    use: () => ({ bytes: link()?.bytes() ?? 0, pings, isResumed: link()?.isResumed() ?? false }),
    close: () => closeWithin(client, CLOSE_GRACE_MS, onClosed),
  };
}

/** Says DISCONNECT when the link still carries it; drops the socket when that takes longer than `graceMs`. */
async function closeWithin(client: MqttClient, graceMs: number, onClosed: () => void): Promise<void> {
  const busy = Object.keys(client.outgoing).length > 0;
  const timer = setTimeout(() => client.stream.destroy(), graceMs);
  try {
    // With messages in flight a graceful end would wait for acknowledgements that nobody needs any more.
    if (!client.disconnecting) await client.endAsync(busy || !client.connected);
  } catch {
    // A farewell that fails leaves a link that nobody wants: it ends all the same, and `onClosed` is told.
    client.stream.destroy();
  } finally {
    clearTimeout(timer);
    onClosed();
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
