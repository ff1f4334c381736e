/**
 * The MQTT client that the Azure SDK is given instead of its own: mqtt.js 5 over our socket, so that TLS sessions are
 * resumed, bytes counted and certificates judged also while the clock isn't set; without the table of number buffers
 * that costs 6 MB. It also mends what the SDK can't bear: an answer to a twin request gets a body that says its status.
 */
import { EventEmitter } from "node:events";
import { type IClientOptions, type IClientPublishOptions, type IClientSubscribeOptions, MqttClient } from "mqtt";
import type { HubOptions, LinkUse, Log, MqttOptions } from "../../world.ts";
import { type MethodInTopic, methodIn } from "./hub-methods.ts";
import { pingOver, WITHOUT_ITS_OWN } from "./mqtt-client.ts";
import { type MqttStream, openStream } from "./mqtt-stream.ts";
import type { TlsSessions } from "./tls-sessions.ts";
import { connectUnclocked } from "./tls-verify.ts";

/** What the SDK asks for; it knows neither our socket nor our clock. */
interface SdkOptions extends IClientOptions {
  readonly clientId: string;
  readonly username: string;
}
type Done = (error?: Error | null, result?: unknown) => void;

export interface HubPipe {
  /** What the SDK's `mqtt` module is replaced by. One connection, then no more. */
  readonly provider: { connect(uri: string, options: SdkOptions): EventEmitter };
  /** What ended the connection, or kept it from standing. */
  failure(): Error | undefined;
  onClosed(listener: (reason: string) => void): void;
  /** Calls don't reach the SDK. At most one listener, added before the connection is opened. */
  onMethod(listener: (call: MethodInTopic) => void): void;
  use(): LinkUse;
  /** Resolves at PINGRESP; never when none comes. */
  ping(): Promise<void>;
  /** Drops the socket. */
  destroy(): void;
}

export interface HubPipeDeps {
  readonly sessions: TlsSessions;
  readonly log?: Log | undefined;
}

export function createHubPipe(deps: HubPipeDeps, options: HubOptions, signal: AbortSignal): HubPipe {
  let client: MqttClient | undefined;
  let link: MqttStream | undefined;
  let failure: Error | undefined;
  let closedBecause: string | undefined;
  let pings = 0;
  let methodListener: (call: MethodInTopic) => void = () => undefined;
  const closedListeners: ((reason: string) => void)[] = [];
  const facade = new Facade(() => client);

  const closed = (reason: string): void => {
    if (closedBecause !== undefined) return;
    closedBecause = reason;
    for (const listener of closedListeners) listener(reason);
    facade.emit("close");
  };
  const failed = (error: Error): void => {
    failure ??= error;
    facade.emit("error", error);
  };

  const watch = (opened: MqttClient): void => {
    client = opened;
    opened.on("connect", (connack) => facade.emit("connect", connack));
    opened.on("error", failed);
    opened.on("message", (topic, payload) => {
      const method = methodIn(topic, payload);
      if (method) methodListener(method);
      else facade.emit("message", topic, withStatus(topic, payload));
    });
    opened.on("close", () =>
      closed(opened.disconnecting && !failure ? "closed by us" : (failure?.message ?? "the hub closed the connection")),
    );
  };

  const open = async (asked: SdkOptions): Promise<void> => {
    const mqtt = { ...asked, ...OURS };
    if (options.notBeforeMs === undefined) {
      const ofTheStream = streamOptions(options, asked);
      const opened = new MqttClient((opening) => {
        link = openStream(ofTheStream, deps.sessions, (error) => opening.emit("error", error));
        return link.stream;
      }, mqtt);
      return watch(opened);
    }
    const { socket, isOverridden } = await connectUnclocked(unclocked(options, options.notBeforeMs), signal);
    if (isOverridden) deps.log?.("warn", "tls-clock-not-set", { url: options.url });
    watch(new MqttClient(() => socket, mqtt));
  };

  // Without a listener of its own an EventEmitter throws what nobody else listens to any more.
  facade.on("error", () => undefined);

  return {
    provider: {
      connect: (_uri, asked) => {
        if (client) throw new Error("a connection to the hub is made once");
        open(asked).catch((error: unknown) => {
          failed(error instanceof Error ? error : new Error(String(error)));
          closed(failure?.message ?? "no connection");
        });
        return facade;
      },
    },
    failure: () => failure,
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    onMethod: (listener) => {
      methodListener = listener;
    },
    use: () => ({ bytes: link?.bytes() ?? 0, pings, isResumed: link?.isResumed() ?? false }),
    ping: () => {
      pings++;
      return client ? pingOver(client) : Promise.reject(new Error("no connection"));
    },
    destroy: () => {
      client?.end(true);
      client?.stream.destroy();
      closed(failure?.message ?? "closed by us");
    },
  };
}

/** The SDK's listeners and calls; the client below comes later where the handshake is judged first. */
class Facade extends EventEmitter {
  readonly #client: () => MqttClient | undefined;
  constructor(client: () => MqttClient | undefined) {
    super();
    this.#client = client;
  }
  publish(topic: string, payload: Buffer | string, options: IClientPublishOptions, done: Done): void {
    const client = this.#client();
    // mqtt.js keeps what it is given while it isn't connected, for a reconnect that never comes.
    if (!client?.connected) done(new Error("No connection to broker"));
    else client.publish(topic, payload, options, done);
  }
  subscribe(topic: string, options: IClientSubscribeOptions, done: Done): void {
    this.#client()?.subscribe(topic, options, done);
  }
  unsubscribe(topic: string, done: Done): void {
    this.#client()?.unsubscribe(topic, done);
  }
  /** Says goodbye only over a link that still carries it: with messages in flight mqtt.js would wait for their end. */
  end(force: boolean, done: () => void): void {
    const client = this.#client();
    if (!client || client.disconnecting) return void queueMicrotask(done);
    client.end(force || !client.connected || Object.keys(client.outgoing).length > 0, done);
  }
}

const OURS = {
  ...WITHOUT_ITS_OWN,
  // Pings are due after silence, not by a clock of their own.
  reschedulePings: true,
} satisfies IClientOptions;

const streamOptions = (options: HubOptions, asked: SdkOptions): MqttOptions => ({
  url: options.url,
  clientId: asked.clientId,
  username: asked.username,
  ...(options.ca !== undefined && { ca: options.ca }),
  ...(options.cert !== undefined && { cert: options.cert }),
  ...(options.key && { key: options.key }),
  keepAliveS: options.keepAliveS,
  connectTimeoutMs: options.connectTimeoutMs,
});

const unclocked = ({ url, ca, cert, key, connectTimeoutMs }: HubOptions, passedMs: number) => ({
  url,
  passedMs,
  timeoutMs: connectTimeoutMs,
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert }),
  ...(key && { key: key.reveal() }),
});

const TWIN_ANSWER = /^\$iothub\/twin\/res\/(\d{3})\/\?(.*)$/;

/**
 * The SDK goes by the body alone: without one, 429 is a success to it, and an answer to GET ends the process. What it is
 * given here it hands through as it is: {status, version, body}.
 */
function withStatus(topic: string, payload: Buffer): Buffer {
  const [, status, query] = TWIN_ANSWER.exec(topic) ?? [];
  if (status === undefined) return payload;
  const version = Number(new URLSearchParams(query).get("$version") ?? Number.NaN);
  const answer = { status: Number(status), ...(Number.isFinite(version) && { version }), body: jsonFrom(payload) };
  return Buffer.from(JSON.stringify(answer));
}

function jsonFrom(payload: Buffer): unknown {
  if (payload.length === 0) return null;
  try {
    return JSON.parse(payload.toString()) as unknown;
  } catch {
    return null;
  }
}
