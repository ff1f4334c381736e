/**
 * How a connection to an MQTT broker begins, whichever dialect is spoken on it: credentials and clock as they are now,
 * subscriptions before anything is asked, the station's birth retained and its death in the will.
 */
import { BUILD_DATE_MS, CONNECT_TIMEOUT_MS } from "../limits.ts";
import type { Chance, Clock, Log, MqttClients, MqttConnection, MqttOptions, Timers } from "../world.ts";
import { type CloudConnection, CloudError } from "./cloud.ts";
import type { Credentials } from "./credentials.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { createKeptConnection, type KeptConnection } from "./kept-connection.ts";

export interface SessionDeps {
  readonly clients: MqttClients;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  /** Asked at each connect; default: none. */
  readonly credentials?: () => Credentials;
}

export interface SessionPlan {
  /** Without credentials, clock and will. */
  readonly options: Omit<MqttOptions, "keepAliveS" | "will" | "notBeforeMs">;
  readonly keepAlive: KeepAlive;
  readonly subscriptions: readonly string[];
  /** Says who is there, retained. */
  readonly aliveTopic: string;
}

const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** Throws CloudError, or what `signal` was aborted with. */
export async function openSession(
  deps: SessionDeps,
  { options, keepAlive, subscriptions, aliveTopic }: SessionPlan,
  listen: (mqtt: KeptConnection) => CloudConnection,
  signal: AbortSignal,
): Promise<CloudConnection> {
  const all: MqttOptions = {
    ...options,
    keepAliveS: keepAlive.announceS(),
    will: { topic: aliveTopic, payload: json({ online: false }), retain: true },
    ...tlsOptionsFrom(deps.credentials?.() ?? {}),
    ...judgedBy(deps.clock),
  };
  const mqtt = createKeptConnection(deps, await connectOnce(deps.clients, all, signal), keepAlive);
  const abort = () => void mqtt.close();
  signal.addEventListener("abort", abort, { once: true });
  try {
    // Listening comes before subscribing: a broker may deliver together with its SUBACK.
    const connection = listen(mqtt);
    await mqtt.subscribe(subscriptions);
    await mqtt.publish(aliveTopic, json(birth(deps.clock)), { retain: true, deadlineMs: CONNECT_TIMEOUT_MS });
    signal.throwIfAborted();
    return connection;
  } catch (error) {
    await mqtt.close();
    signal.throwIfAborted();
    if (error instanceof CloudError) throw error;
    throw new CloudError("retry", `open the session with ${options.url}: ${textOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const tlsOptionsFrom = ({ ca, password, certificate, privateKey }: Credentials): Partial<MqttOptions> => ({
  ...(ca !== undefined && { ca }),
  ...(password && { password }),
  ...(certificate !== undefined && { cert: certificate }),
  ...(privateKey && { key: privateKey }),
});

/** Certificates are judged by the system's clock only when something vouches for it. */
const judgedBy = (clock: Clock): Pick<MqttOptions, "notBeforeMs"> =>
  clock.isWallTrusted() ? {} : { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) };

/** `since` only from a clock that something vouches for. */
const birth = (clock: Clock): object =>
  clock.isWallTrusted() ? { online: true, since: clock.wallMs() } : { online: true };

async function connectOnce(clients: MqttClients, options: MqttOptions, signal: AbortSignal): Promise<MqttConnection> {
  try {
    return await clients.connect(options, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof CloudError) throw error;
    const refused = error instanceof Error && "code" in error && error.code === "refused";
    const why = refused ? `; ${refusalOf(options)}` : "";
    throw new CloudError(refused ? "reprovision" : "retry", `connect to ${options.url}: ${textOf(error)}${why}`, {
      cause: error,
    });
  }
}

/** In words for who can mend it, here or there. */
function refusalOf({ clientId, username = clientId, password, cert }: MqttOptions): string {
  const proofs = [password && `user ${username} with what password-file holds`, cert && "the certificate-file"].filter(
    Boolean,
  );
  const proof = proofs.length > 0 ? proofs.join(" and ") : `user ${username}, who has no password-file`;
  return `the broker doesn't take ${proof}, as client ${clientId}`;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
