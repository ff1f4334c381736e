/** Joins all that decides when and whether bytes leave: cloud, uplink, keep-alive, the month's budget, live, link-up. */
import type { SampleBuffer } from "./buffer/buffer.ts";
import type { PlugAndPlay } from "./cloud/azure-iot-hub/azure-iot-hub.ts";
import { createChosenCloud } from "./cloud/chosen-cloud.ts";
import type { Cloud } from "./cloud/cloud.ts";
import type { Credentials } from "./cloud/credentials.ts";
import type { AgentConfig } from "./config.ts";
import type { LiveOutcome } from "./outcome.ts";
import type { StateStore } from "./state/state-store.ts";
import type { ZoneOffset } from "./time-zone/time-zone.ts";
import type { UploadPolicy } from "./tuning.ts";
import type { DegradationStep } from "./uplink/degradation.ts";
import { createLink, type LinkConfig } from "./uplink/link.ts";
import { watchLink } from "./uplink/link-watch.ts";
import { createLive } from "./uplink/live.ts";
import { meteredCloud } from "./uplink/metering.ts";
import { type AccountStatus, createMonthAccount } from "./uplink/month-account.ts";
import { createNetworkMemory } from "./uplink/network-memory.ts";
import { createUplink, type Uplink } from "./uplink/uplink.ts";
import { createStationWindows, type UploadWindow } from "./uplink/windows.ts";
import type { Chance, Clock, HubClients, Log, MqttClients, Network, Timers } from "./world.ts";

export interface Sending {
  readonly uplink: Uplink;
  /** What is left out is as the configuration says. Keep-alive and connection count from the next connection on. */
  setPolicy(policy: UploadPolicy): void;
  setLive(live: { readonly everyMs: number; readonly untilMs: number } | undefined): LiveOutcome;
  step(): DegradationStep;
  month(): AccountStatus;
  /** Why nothing that can wait should be downloaded now, in words. */
  obstacle(): string | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export interface SendingDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly mqtt: MqttClients;
  /** Left out where no cloud of that kind can be chosen. */
  readonly hubs?: HubClients;
  readonly network: Network;
  readonly credentials: () => Credentials;
  /** Watches who the cloud lets in; default: nobody does. */
  readonly identity?: { guard(cloud: Cloud): Cloud; onChange(listener: () => void): void };
  readonly buffer: SampleBuffer;
  readonly state: StateStore;
  readonly model: () => PlugAndPlay;
  /** Of the running description. */
  readonly timeZone: () => string;
  /** Default: ICU's. */
  readonly zoneOffset?: ZoneOffset;
  readonly onStep: (step: DegradationStep) => void;
}

const NO_HUBS: HubClients = { connect: () => Promise.reject(new Error("there is no way to an Azure hub here")) };
const ALWAYS: readonly UploadWindow[] = [];

export function createSending(deps: SendingDeps, config: AgentConfig): Sending {
  const { state, network, timeZone, zoneOffset } = deps;
  let policy: UploadPolicy = {};
  const intervalMs = (): number =>
    live.everyMs() ?? (policy.intervalMs ?? config["upload-interval"]) * account.step().intervalFactor;
  const changeInterval = (): void => uplink.setInterval(intervalMs());

  const account = createMonthAccount(
    {
      ...deps,
      file: state.document("month"),
      onStep: (step) => {
        if (step.intervalFactor > 1) live.end();
        changeInterval();
        deps.onStep(step);
      },
    },
    { timeZone, ...(zoneOffset && { zoneOffset }), ...(config.budget !== undefined && { budgetBytes: config.budget }) },
  );
  const live = createLive({
    ...deps,
    obstacle: () =>
      account.step().intervalFactor > 1 ? `the month's budget is short: ${account.step().name}` : undefined,
    onChange: changeInterval,
  });
  const memory = createNetworkMemory({ ...deps, file: state.document("networks"), network: () => network.name() });
  const linkConfig = (): LinkConfig => ({
    keepAlive: policy.keepAlive ?? config["keep-alive"],
    connection: policy.connection ?? config.connection,
  });
  const link = createLink({ ...deps, memory }, linkConfig(), intervalMs);
  const chosen = createChosenCloud(
    { ...deps, clients: deps.mqtt, hubs: deps.hubs ?? NO_HUBS, assignment: state.document("hub") },
    {
      address: config.cloud,
      station: config.station,
      keepAlive: link.keepAlive,
      mqttVersion: config["mqtt-version"],
      tokenLifeMs: config["token-life"],
      keyOf: config["access-key-of"],
      ...(config.user !== undefined && { user: config.user }),
    },
  );
  const cloud = deps.identity?.guard(chosen) ?? chosen;
  const windows = createStationWindows(
    () => policy.windows ?? config["upload-windows"] ?? ALWAYS,
    timeZone,
    zoneOffset,
  );
  const uplink = createUplink(
    {
      ...deps,
      cloud: meteredCloud(cloud, (kind, bytes) => account.meter(kind, bytes)),
      link,
      isLateWaiting: () => account.step().isLateWaiting,
    },
    {
      station: config.station,
      intervalMs: intervalMs(),
      windows,
    },
  );
  deps.identity?.onChange(() => uplink.linkUp());

  return {
    uplink,
    setPolicy: (next) => {
      policy = next;
      link.use(linkConfig());
      account.setBudget(policy.budgetBytes ?? config.budget);
      if (intervalMs() !== uplink.status().intervalMs) changeInterval();
    },
    setLive: (wanted) => live.set(wanted),
    step: () => account.step(),
    month: () => account.status(),
    obstacle: () => {
      const { isLateWaiting, name } = account.step();
      if (isLateWaiting) return `the month's budget is short (${name})`;
      const isClosed = deps.clock.isWallTrusted() && !windows.isOpen(deps.clock.wallMs());
      return isClosed ? "no upload window is open" : undefined;
    },
    run: async (signal) => {
      await Promise.all([
        uplink.run(signal),
        account.run(signal),
        watchLink({ ...deps, onUp: () => uplink.linkUp() }, signal),
      ]);
    },
  };
}
