/**
 * Azure IoT Hub: one connection after the other, each with a token of its own or the station's certificate. A hub drops
 * who stays longer than the token holds, so the station leaves a little before, at a moment when nothing is under way.
 */
import { BUILD_DATE_MS, CONNECT_TIMEOUT_MS } from "../../limits.ts";
import type { Chance, Clock, HubClients, HubConnection, HubOptions, Log, Timers } from "../../world.ts";
import { type Cloud, CloudError } from "../cloud.ts";
import type { Credentials } from "../credentials.ts";
import type { KeepAlive } from "../keep-alive.ts";
import { type AzureConnection, createAzureConnection, type TwinHearing } from "./connection.ts";
import type { Components } from "./plug-and-play.ts";
import { type AccessKey, readAccessKey, tokenFor } from "./shared-access.ts";

export interface AzureDeps {
  readonly hubs: HubClients;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  /** As they are now. */
  readonly credentials: () => Credentials;
  readonly model: () => PlugAndPlay;
}

/** Of the station that runs. */
export interface PlugAndPlay {
  readonly id?: string;
  readonly components: Components;
}

export interface AzureHubConfig {
  readonly host: string;
  readonly port: number;
  /** What the hub calls itself, unless a connection string says so: "my-hub.azure-devices.net". */
  readonly name: string;
  readonly device: string;
  readonly keepAlive: KeepAlive;
  readonly tokenLifeMs: number;
  /** Where the key of credentials is not the device's own. */
  readonly deviceKey?: (key: AccessKey) => AccessKey;
  /** The hub knows this device, its key or its certificate no more. */
  readonly onRefused?: () => void;
}

/** A token is left so much before its end, so that a slow clock and a busy moment fit in. */
const LEAVE_AT_SHARE = 0.95;
/** Stations that were started together don't renew together. */
const LEAVE_SPREAD_SHARE = 0.04;
const BUSY_LOOK_MS = 1_000;
/**
 * Nothing vouches for the clock: it may be behind by as long as the station was in a store room, and a token that has
 * ended already opens nothing. One that holds for too long is known to nobody but the hub.
 */
const UNCLOCKED_LIFE_MS = 366 * 86_400_000;

export function createAzureHubCloud(deps: AzureDeps, config: AzureHubConfig): Cloud {
  const hearing: TwinHearing = { isDeaf: false };
  const onRefused = config.onRefused ?? (() => undefined);
  return {
    connect: async (signal) => {
      const { options, tokenLifeMs } = optionsFrom(deps, config);
      const hub = await connectOnce(deps, options, signal, onRefused);
      const connection = createAzureConnection({
        ...deps,
        hub,
        hearing,
        onRefused,
        keepAlive: config.keepAlive,
        components: () => deps.model().components,
      });
      if (tokenLifeMs !== undefined) leaveInTime(deps, connection, tokenLifeMs);
      return connection;
    },
  };
}

function optionsFrom(deps: AzureDeps, config: AzureHubConfig): { options: HubOptions; tokenLifeMs?: number } {
  const { clock } = deps;
  const { ca, certificate, privateKey } = deps.credentials();
  const model = deps.model().id;
  const accessKey = certificate === undefined ? keyOf(deps.credentials(), config) : undefined;
  const hub = accessKey?.hub ?? config.name;
  const tokenLifeMs = clock.isWallTrusted() ? config.tokenLifeMs : Math.max(config.tokenLifeMs, UNCLOCKED_LIFE_MS);
  const resource = `${hub}/devices/${encodeURIComponent(config.device)}`;
  const options: HubOptions = {
    url: `mqtts://${config.host}:${config.port}`,
    hub,
    device: config.device,
    keepAliveS: config.keepAlive.announceS(),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    ...(model !== undefined && { modelId: model }),
    ...(ca !== undefined && { ca }),
    ...(accessKey && { token: tokenFor({ resource, key: accessKey.key, untilMs: clock.wallMs() + tokenLifeMs }) }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(privateKey && { key: privateKey }),
    ...(!clock.isWallTrusted() && { notBeforeMs: Math.max(BUILD_DATE_MS, clock.wallMs()) }),
  };
  return accessKey ? { options, tokenLifeMs } : { options };
}

/** Throws CloudError "stop": somebody has to give the station a key. */
function keyOf({ accessKey }: Credentials, { device, deviceKey }: AzureHubConfig): AccessKey {
  if (!accessKey) throw new CloudError("stop", "no access-key-file and no certificate-file say who this station is");
  const read = readAccessKey(accessKey.reveal());
  if (typeof read === "string") throw new CloudError("stop", `access-key-file: ${read}`);
  if (read.device !== undefined && read.device !== device)
    throw new CloudError("stop", `access-key-file: it is the key of ${read.device}, and this station is ${device}`);
  return deviceKey?.(read) ?? read;
}

async function connectOnce(
  { hubs, clock }: AzureDeps,
  options: HubOptions,
  signal: AbortSignal,
  onRefused: () => void,
): Promise<HubConnection> {
  try {
    return await hubs.connect(options, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error) || !("code" in error) || error.code !== "refused") {
      const text = error instanceof Error ? error.message : String(error);
      throw new CloudError("retry", text, { cause: error });
    }
    onRefused();
    const now = new Date(clock.wallMs()).toISOString().slice(0, 16);
    const clocked = clock.isWallTrusted()
      ? options.token
        ? `; a token is refused, too, where the clock is wrong: it is ${now}Z here`
        : ""
      : "; the clock isn't set, either";
    const what = options.token ? "its access key" : "its certificate";
    const text = `${error.message}: ${options.hub} doesn't know ${options.device}, or not with ${what}${clocked}`;
    throw new CloudError("reprovision", text, { cause: error });
  }
}

function leaveInTime({ timers, chance }: AzureDeps, connection: AzureConnection, lifeMs: number): void {
  let cancel = (): void => undefined;
  const leave = (): void => {
    if (connection.isBusy()) cancel = timers.after(BUSY_LOOK_MS, leave);
    else void connection.leave("its token ends soon; the next connection has a new one");
  };
  cancel = timers.after(
    Math.min(MAX_TIMER_MS, lifeMs * (LEAVE_AT_SHARE - chance.fraction() * LEAVE_SPREAD_SHARE)),
    leave,
  );
  connection.onClosed(() => cancel());
}

/** Timers hold 2^31 - 1 ms: 24 days. */
const MAX_TIMER_MS = 20 * 86_400_000;
