/** The agent's dialect beside a local hub, as the suites and the tests of defects want it. */
import { createAzureHubCloud } from "@pump-station/agent/cloud/azure-iot-hub/azure-iot-hub.ts";
import type { FaultyCloudUnderTest } from "@pump-station/agent/cloud/cloud-faults.conformance.ts";
import { fixedKeepAlive } from "@pump-station/agent/cloud/keep-alive.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createHubClients } from "@pump-station/agent/linux/connections/azure-iot.ts";
import { type HubClients, type Log, Secret } from "@pump-station/agent/world.ts";
import { type AzureHub, createAzureHub } from "../hub.ts";
import { createAzureFarSide } from "./azure-far-side.ts";
import { createHastenedTime, type HastenedTime } from "./hastened-time.ts";
import { createPacketHubClients } from "./packet-hub-clients.ts";
import { HUB_NAME, startTlsHub } from "./tls-hub.ts";

export const STATION = "demo-lake";
const COMPONENTS = new Set(["pump", "climate"]);

export interface AgentOptions {
  readonly log?: Log;
  readonly tokenLifeMs?: number;
}

export type AzureUnderTest = FaultyCloudUnderTest & { readonly hub: AzureHub; readonly time: HastenedTime };

interface Place {
  readonly hub: AzureHub;
  readonly clients: HubClients;
  readonly time: HastenedTime;
  readonly port: number;
  readonly ca?: string;
  readonly options: AgentOptions;
  /** How much faster than the hub's the agent's time runs. */
  readonly hastened: number;
  readonly dispose: () => Promise<void>;
}

function underTest({ hub, clients, time, port, ca, options, hastened, dispose }: Place): AzureUnderTest {
  hub.addDevice(STATION);
  const far = createAzureFarSide(hub, STATION, COMPONENTS);
  let secret = keyOf(hub);
  const cloud = createAzureHubCloud(
    {
      hubs: clients,
      ...time,
      chance: createChance(),
      log: options.log ?? (() => undefined),
      credentials: () => ({ accessKey: new Secret(secret), ...(ca !== undefined && { ca }) }),
      model: () => ({ id: "dtmi:pump_station:station:demo_lake;1", components: COMPONENTS }),
    },
    {
      host: "localhost",
      port,
      name: HUB_NAME,
      device: STATION,
      keepAlive: fixedKeepAlive(60),
      tokenLifeMs: options.tokenLifeMs ?? 86_400_000,
    },
  );
  return {
    hub,
    time,
    cloud,
    far,
    refusal: "400",
    cut: () => void hub.disconnect(STATION, "reset"),
    shut: async () => hub.setAway(true),
    dispose,
    pass: (ms) => time.timers.sleep(ms),
    faults: {
      loseAcknowledgement: () => void hub.faults.add({ on: "telemetry", do: "lose-answer" }),
      acknowledgeTwice: () => void hub.faults.add({ on: "telemetry", do: "twice" }),
      delayAcknowledgements: (ms) => {
        if (ms === 0) hub.faults.clear();
        else hub.faults.add({ on: "telemetry", do: "delay", ms: ms / hastened, times: 10 });
      },
      cutMidMessage: () => void hub.faults.add({ on: "desired", do: "cut", when: "middle" }),
      throttleMessage: () => void hub.faults.add({ on: "telemetry", do: "refuse", status: 429 }),
      expire: () => {
        secret = Buffer.alloc(32).toString("base64");
        hub.disconnect(STATION, "reset");
      },
      deliverTwice: () => void hub.faults.add({ on: "desired", do: "twice" }),
      throttle: () => void hub.faults.add({ on: "twin-get", do: "refuse", status: 429, body: "empty" }),
      refuse: () => {
        secret = Buffer.alloc(32).toString("base64");
      },
      admit: () => {
        secret = keyOf(hub);
      },
      freeze: () => void hub.disconnect(STATION, "silent"),
      takeOver: async () => {
        const twin = await cloud.connect(new AbortController().signal);
        await twin.close();
      },
      forgetSession: () => hub.forgetSession(STATION),
      skew: (ms) => {
        time.clock.skewMs = ms;
      },
    },
  };
}

function keyOf(hub: AzureHub): string {
  const { auth } = hub.devices.get(STATION);
  return auth.type === "sas" ? auth.primaryKey : "";
}

export async function azureInMemory(options: AgentOptions = {}): Promise<AzureUnderTest> {
  const time = createHastenedTime(100);
  const hub = createAzureHub({ ...time, chance: createChance() }, { hostNames: [HUB_NAME] });
  const clients = createPacketHubClients({ ...time, server: () => hub });
  return underTest({ hub, clients, time, port: 8883, options, hastened: 1, dispose: async () => undefined });
}

/** Microsoft's SDK, unmodified; the agent's time runs faster than the hub's. */
export async function azureOverTls(options: AgentOptions = {}): Promise<AzureUnderTest> {
  const { hub, port, ca, close } = await startTlsHub();
  const clients = createHubClients(options.log ? { log: options.log } : {});
  const hastened = 25;
  return underTest({ hub, clients, time: createHastenedTime(hastened), port, ca, options, hastened, dispose: close });
}
