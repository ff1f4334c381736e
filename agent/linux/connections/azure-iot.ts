/**
 * Azure IoT Hub through Microsoft's SDK, unmodified, as a supervised pipe: no retries of its own, a fresh Client for each
 * connection, and nothing that it throws or forgets reaches beyond the connection in which it happens.
 *
 * Client is used for what it does well (open, send, close). Twin and methods go by the transport below it: the Client's
 * twin merges arrays by index and takes errors for success, its methods have to be named beforehand (and are read from
 * their topics in hub-methods.ts), and its listeners' failures end the process.
 */
import { EventEmitter } from "node:events";
import { CloudError } from "../../cloud/cloud.ts";
import { createInbox } from "../../cloud/inbox.ts";
import type { HubAnswer, HubClients, HubConnection, HubMessage, HubMethodCall, HubOptions, Log } from "../../world.ts";
import { loadSdk, type Sdk, type SdkMessage } from "./azure-sdk.ts";
import { createHubPipe, type HubPipe } from "./hub-pipe.ts";
import { CLOSE_GRACE_MS } from "./mqtt-client.ts";
import { REFUSED_RETURN_CODES } from "./mqtt-reasons.ts";
import { createTlsSessions, type TlsSessions } from "./tls-sessions.ts";

/** The SDK's word for who comes with a token (AuthenticationType.Token), and with a certificate (X509). */
const AUTHENTICATION = { x509: 0, token: 1 } as const;
/** A hub may deliver together with its acknowledgement of the subscription. */
const EARLY_MAX = 32;
const METHOD_SHOWN_MAX = 100;

export function createHubClients(deps: { readonly log?: Log } = {}): HubClients {
  const sessions = createTlsSessions();
  let sdk: Promise<Sdk> | undefined;
  return {
    connect: async (options, signal) => {
      signal.throwIfAborted();
      sdk ??= loadSdk();
      return connectWith(await sdk, { ...deps, sessions }, options, signal);
    },
  };
}

interface Deps {
  readonly log?: Log;
  readonly sessions: TlsSessions;
}

async function connectWith(sdk: Sdk, deps: Deps, options: HubOptions, signal: AbortSignal): Promise<HubConnection> {
  const ending = new AbortController();
  const pipe = createHubPipe(deps, options, AbortSignal.any([signal, ending.signal]));
  const base = new sdk.GuardedBase(pipe.provider);
  const transport = new sdk.Transport(identityOf(options) as never, base);
  const client = new sdk.Client(transport);
  client.setRetryPolicy(new sdk.NoRetry());
  // Each of them ends the process when nobody listens.
  for (const emitter of [client, transport, base]) emitter.on("error", () => undefined);
  base.onStray = (error) => deps.log?.("warn", "hub-stray-message", { error: String(error) });
  const connection = createConnection(sdk, { pipe, transport, client, log: deps.log });
  const giveUp = (reason: unknown): void => {
    ending.abort(reason);
    pipe.destroy();
  };
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const { url, connectTimeoutMs } = options;
  const timer = setTimeout(() => giveUp(new Error(`no answer within ${connectTimeoutMs} ms`)), connectTimeoutMs);
  try {
    await connection.open(options);
    return connection.seam;
  } catch (error) {
    const cause: unknown = ending.signal.aborted ? ending.signal.reason : (pipe.failure() ?? error);
    await connection.seam.close();
    signal.throwIfAborted();
    throw refusalOr(cause, url);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Never renews by itself: the SDK's renewal is a connection that ends without a word. */
function identityOf({ hub, device, token, cert, key }: HubOptions): EventEmitter {
  const credentials = {
    host: hub,
    deviceId: device,
    ...(token ? { sharedAccessSignature: token.reveal() } : { x509: { cert, key: key?.reveal() } }),
  };
  return Object.assign(new EventEmitter(), {
    type: token ? AUTHENTICATION.token : AUTHENTICATION.x509,
    getDeviceCredentials: (done: (error: null, found: typeof credentials) => void) => done(null, credentials),
    stop: () => undefined,
  });
}

/** mqtt.js puts CONNACK's return code into `code`; the seam's word for credentials is "refused". */
function refusalOr(cause: unknown, url: string): Error {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = "code" in error ? error.code : undefined;
  const failed = new Error(`connect to ${url}: ${error.message}`, { cause: error });
  return typeof code === "number" && REFUSED_RETURN_CODES.has(code)
    ? Object.assign(failed, { code: "refused" })
    : failed;
}

type Called<T = unknown> = (error?: Error | null, result?: T) => void;

interface Parts {
  readonly pipe: HubPipe;
  readonly transport: InstanceType<Sdk["Transport"]>;
  readonly client: InstanceType<Sdk["Client"]>;
  readonly log: Log | undefined;
}

function createConnection(sdk: Sdk, { pipe, transport, client, log }: Parts) {
  let closedBecause: string | undefined;
  const inFlight = new Set<(error: Error) => void>();
  const closedListeners: ((reason: string) => void)[] = [];

  const closed = (reason: string): void => {
    if (closedBecause !== undefined) return;
    closedBecause = reason;
    for (const fail of [...inFlight]) fail(closedError("waiting for the hub"));
    for (const listener of closedListeners) listener(reason);
  };
  const closedError = (what: string): CloudError =>
    new CloudError("reconnect", `${what}: connection closed: ${closedBecause ?? "closing"}`);

  pipe.onClosed(closed);
  // The SDK has given up although the socket stands: nobody would use it any more.
  const abandoned = (): void => {
    pipe.destroy();
    closed("the SDK gave the connection up");
  };
  client.on("disconnect", abandoned);

  /** Ends with the SDK's callback or with the link; some of the SDK's calls end with neither. */
  const call = <T>(what: string, act: (done: Called<T>) => void): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      if (closedBecause !== undefined) return reject(closedError(what));
      const end = (settle: () => void): void => {
        inFlight.delete(fail);
        settle();
      };
      const fail = (error: Error): void => end(() => reject(error));
      inFlight.add(fail);
      const failed = (cause: unknown): void =>
        fail(
          new CloudError("reconnect", `${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }),
        );
      try {
        act((error, result) => (error ? failed(error) : end(() => resolve(result))));
      } catch (error) {
        failed(error);
      }
    });

  const answerTo = async (what: string, act: (done: Called) => void): Promise<HubAnswer> => {
    const answer = await call(what, act);
    if (!isAnswer(answer)) throw new CloudError("reconnect", `${what}: the SDK answered without a status`);
    return answer;
  };

  const desired = createInbox<unknown>(EARLY_MAX);
  const methods = createInbox<HubMethodCall>(EARLY_MAX);
  const messages = createInbox<HubMessage>(EARLY_MAX);
  transport.on("twinDesiredPropertiesUpdate", (patch: unknown) => desired.put(patch));
  transport.on("message", ({ data, properties }: SdkMessage) =>
    messages.put({ properties: propertiesOf(properties), payload: new Uint8Array(data) }),
  );
  pipe.onMethod(({ request, ...call }) => {
    if (request !== undefined) methods.put({ ...call, request });
    else log?.("warn", "hub-stray-method", { method: call.method.slice(0, METHOD_SHOWN_MAX) });
  });

  const seam: HubConnection = {
    send: async ({ properties, payload, isJson }) => {
      const message = new sdk.Message(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength));
      for (const [name, value] of Object.entries(properties)) message.properties.add(name, value);
      if (isJson) Object.assign(message, { contentType: "application/json", contentEncoding: "utf-8" });
      await call("send", (done) => client.sendEvent(message, done));
    },
    getTwin: () => answerTo("twin get", (done) => transport.getTwin(done)),
    report: (patch) => answerTo("twin report", (done) => transport.updateTwinReportedProperties(patch, done)),
    onDesired: (listener) => desired.listen(listener),
    onMethod: (listener) => methods.listen(listener),
    onMessage: (listener) => messages.listen(listener),
    answer: async (requestId, status, payload) => {
      await call("answer a method", (done) =>
        transport.sendMethodResponse({ requestId, status, payload } as never, done),
      );
    },
    onClosed: (listener) => {
      if (closedBecause !== undefined) listener(closedBecause);
      else closedListeners.push(listener);
    },
    ping: async () => {
      await call("ping", (done) => {
        pipe.ping().then(() => done(), done);
      });
    },
    use: () => pipe.use(),
    close: async () => {
      client.off("disconnect", abandoned);
      if (closedBecause === undefined) await within(CLOSE_GRACE_MS, (done) => client.close(done));
      pipe.destroy();
      closed("closed by us");
    },
  };

  const open = async ({ modelId, ca, keepAliveS }: HubOptions): Promise<void> => {
    const settings = {
      keepalive: keepAliveS,
      ...(ca !== undefined && { ca }),
      ...(modelId !== undefined && { modelId }),
    };
    await call("set up", (done) => client.setOptions(settings as never, done));
    await call("open", (done) => client.open(done));
    await Promise.all([
      call("subscribe to settings", (done) => transport.enableTwinDesiredPropertiesUpdates(done)),
      call("subscribe to methods", (done) => transport.enableMethods(done)),
      call("subscribe to messages", (done) => transport.enableC2D(done)),
    ]);
  };
  return { seam, open };
}

/** Resolves when it is done, well or not, and at the latest after `ms`. */
const within = (ms: number, act: (done: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    act(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Made by hub-pipe.ts, handed through by the SDK. */
const isAnswer = (value: unknown): value is HubAnswer =>
  typeof value === "object" && value !== null && "status" in value && typeof value.status === "number";

const propertiesOf = ({ propertyList }: SdkMessage["properties"]): Record<string, string> =>
  Object.fromEntries(propertyList.map(({ key, value }) => [key, value]));
