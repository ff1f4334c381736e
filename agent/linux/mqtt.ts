/**
 * MQTT over TLS through mqtt.js 5: protocol 3.1.1, QoS 1, clean session, no store, no reconnect of its own. The uplink
 * supervises; what it needs to know is when a message was acknowledged and when and why the link ended.
 *
 * `ca` replaces the system's authorities. Host names and IP addresses are checked against the certificate by Node's
 * default `checkServerIdentity`. Certificates are judged by the system's clock; while nobody vouches for that one
 * (`notBeforeMs`), by tls-verify.ts before mqtt.js has the socket.
 */
import { ErrorWithSubackPacket, type IClientOptions, MqttClient } from "mqtt";
import { CloudError } from "../cloud/cloud.ts";
import { CONNECT_TIMEOUT_MS } from "../limits.ts";
import type { Log, MqttClients, MqttConnection, MqttOptions } from "../world.ts";
import { type MqttStream, openStream } from "./mqtt-stream.ts";
import { createTlsSessions } from "./tls-sessions.ts";
import { connectUnclocked } from "./tls-verify.ts";

/** MQTT 3.1.1 table 3.1: identifier rejected, bad user name or password, not authorized. */
const REFUSED_RETURN_CODES = new Set([2, 4, 5]);
/** A graceful end waits for the socket's last ACK, which a dead link never sends. */
const CLOSE_GRACE_MS = 2_000;

export function createMqttClients(deps: { readonly log?: Log } = {}): MqttClients {
  const sessions = createTlsSessions();
  return {
    connect: async (options, signal) => {
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
      await connected(client, options.url, signal);
      return createConnection(client, () => link);
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

const clientOptionsFrom = (options: MqttOptions): IClientOptions => ({
  clientId: options.clientId,
  protocolVersion: 4,
  clean: true,
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  // A table of all 65,536 numbers as bytes, which costs 6 MB of memory and saves nothing at a packet a minute.
  writeCache: false,
  keepalive: options.keepAliveS,
  connectTimeout: options.connectTimeoutMs,
  ...(options.username !== undefined && { username: options.username }),
  ...(options.password && { password: options.password.reveal() }),
  ...(options.will && {
    will: {
      topic: options.will.topic,
      payload: Buffer.from(options.will.payload),
      qos: 1 as const,
      retain: options.will.retain,
    },
  }),
});

/** Resolves at CONNACK 0. mqtt.js's own connect timeout starts anew for each attempt and covers TCP, TLS and CONNACK. */
function connected(client: MqttClient, url: string, signal: AbortSignal): Promise<void> {
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
    const onConnect = () => settle(resolve);
    const onError = (error: Error) => fail(withRefusal(error));
    const onClose = () => fail(new Error(`connect to ${url}: closed before CONNACK`));
    const onAbort = () => fail(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    client.on("connect", onConnect);
    client.on("error", onError);
    client.on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** mqtt.js puts CONNACK's return code into `code`; the seam's word for credentials is "refused". */
function withRefusal(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (typeof code !== "number" || !REFUSED_RETURN_CODES.has(code)) return error;
  return Object.assign(new Error(error.message, { cause: error }), { code: "refused" });
}

function createConnection(client: MqttClient, link: () => MqttStream | undefined): MqttConnection {
  let pings = 0;
  let closedBecause: string | undefined;
  let lastError: Error | undefined;
  const closedListeners: ((reason: string) => void)[] = [];
  const inFlight = new Set<(error: Error) => void>();

  const onClosed = (): void => {
    if (closedBecause !== undefined) return;
    closedBecause = client.disconnecting ? "closed by us" : (lastError?.message ?? "the broker closed the connection");
    for (const fail of [...inFlight]) fail(closedError("waiting for an acknowledgement"));
    for (const listener of closedListeners) listener(closedBecause);
  };
  const closedError = (what: string): CloudError =>
    new CloudError("reconnect", `${what}: connection closed: ${closedBecause ?? "closing"}`);

  client.on("error", (error: Error) => {
    lastError = error;
  });
  client.on("close", onClosed);

  /** Ends with the operation, its deadline or the link, whichever comes first. */
  const whileOpen = <T>(what: string, deadlineMs: number, operation: () => Promise<T>): Promise<T> =>
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
      inFlight.add(fail);
      operation().then(
        (value) => end(() => resolve(value)),
        (cause: unknown) =>
          fail(
            cause instanceof CloudError ? cause : new CloudError("reconnect", `${what}: ${textOf(cause)}`, { cause }),
          ),
      );
    });

  return {
    publish: async (topic, payload, { retain = false, deadlineMs }) => {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
      await whileOpen(`publish to ${topic}`, deadlineMs, () => client.publishAsync(topic, bytes, { qos: 1, retain }));
    },
    subscribe: async (topics) => {
      const deadlineMs = client.options.connectTimeout ?? CONNECT_TIMEOUT_MS;
      await whileOpen("subscribe", deadlineMs, async () => {
        try {
          await client.subscribeAsync([...topics], { qos: 1 });
        } catch (cause) {
          if (!(cause instanceof ErrorWithSubackPacket) || !cause.packet) throw cause;
          throw new CloudError("reprovision", `subscribe to ${topics.join(", ")}: ${cause.message}`, { cause });
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
        client.sendPing();
        return pong(client);
      }),
    use: () => ({ bytes: link()?.bytes() ?? 0, pings, isResumed: link()?.isResumed() ?? false }),
    close: () => closeWithin(client, CLOSE_GRACE_MS, onClosed),
  };
}

/** Never resolves when none comes: who waits has a deadline. */
const pong = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    const onPacket = ({ cmd }: { readonly cmd?: string }): void => {
      if (cmd !== "pingresp") return;
      client.off("packetreceive", onPacket);
      resolve();
    };
    client.on("packetreceive", onPacket);
  });

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
