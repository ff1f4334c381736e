/** The local Azure IoT Hub in memory, behind the agent's hub seam: keys, throttles and limits as the hub has them. */
import { type Components, hubFrom, reportedFromHub } from "@pump-station/agent/cloud/azure-iot-hub/plug-and-play.ts";
import { type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import { Secret } from "@pump-station/agent/world.ts";
import type { Fault } from "../../clouds/azure/faults.ts";
import { createAzureHub } from "../../clouds/azure/hub.ts";
import { createPacketHubClients } from "../../clouds/azure/testing/packet-hub-clients.ts";
import { createMemoryClients } from "../../clouds/memory-clients.ts";
import { type CloudDeps, type CloudFaults, createUploads, faultSwitches, type ProvenCloud } from "./cloud.ts";
import { ADDRESS } from "./description.ts";

const HUB = "proof.azure-devices.net";
const ALWAYS = 1_000_000;

const FAULTS: Readonly<Record<keyof CloudFaults, readonly Fault[]>> = {
  loseDesired: [{ on: "desired", do: "lose" }],
  doubleDesired: [{ on: "desired", do: "twice" }],
  throttle: [
    { on: "twin-get", do: "refuse", status: 429, body: "empty" },
    { on: "twin-report", do: "refuse", status: 429, body: "json" },
  ],
  loseReportAnswers: [{ on: "twin-report", do: "lose-answer" }],
  refuseReports: [{ on: "twin-report", do: "refuse", status: 400, body: "json" }],
};

export function createAzureCloud({ time, draws, station }: CloudDeps): ProvenCloud {
  const components: Components = new Set(Object.keys(ADDRESS));
  const chance = {
    fraction: () => draws.fraction(),
    bytes: (count: number) => Uint8Array.from({ length: count }, () => Math.floor(draws.fraction() * 256)),
  };
  const hub = createAzureHub({ ...time, chance }, { hostNames: [HUB] });
  const { auth } = hub.addDevice(station);
  const accessKey = new Secret(auth.type === "sas" ? auth.primaryKey : "");
  const placed = new Map<keyof CloudFaults, readonly number[]>();
  const reports: ((reported: JsonObject) => void)[] = [];
  const uploads = createUploads();
  /** In the words of the cloud team: what is proven shall not go by the agent's own mapping. */
  let desired: JsonObject = {};
  const reported = () => reportedFromHub(hub.twin(station).reported.properties, components);

  hub.events.onEvent((event) => {
    if (event.kind === "telemetry" && event.properties["kind"] === "batch") uploads.add(time.clock.bootMs());
    if (event.kind === "reported" && event.status < 300) for (const listener of reports) listener(reported());
  });

  return {
    configLines: `cloud: azure-iot-hub://${HUB}\naccess-key-file: key`,
    credentials: () => ({ accessKey }),
    mqtt: createMemoryClients({ timers: time.timers, accept: () => undefined }),
    hubs: createPacketHubClients({ timers: time.timers, server: () => hub }),
    faults: faultSwitches((name, share) => {
      for (const id of placed.get(name) ?? []) hub.faults.remove(id);
      const wanted = share > 0 ? FAULTS[name] : [];
      placed.set(
        name,
        wanted.map((fault) => hub.faults.add({ ...fault, times: ALWAYS, chance: share })),
      );
    }),
    reach: (isReachable) => hub.setAway(!isReachable),
    patchDesired: async (patch) => {
      const version = hub.setDesired(station, hubFrom(patch, components));
      desired = mergePatch(desired, patch) as JsonObject;
      return version;
    },
    documents: async () => {
      const { version } = hub.twin(station).desired;
      return { desired: { ...desired, $version: version }, reported: { ...reported(), $version: 0 } };
    },
    recreate: async (next) => {
      desired = next;
      hub.recreateTwin(station, { desired: hubFrom(next, components) });
      hub.disconnect(station, "fin");
    },
    cut: () => void hub.disconnect(station, "reset"),
    restart: () => {
      hub.setAway(true);
      time.timers.after(20_000, () => hub.setAway(false));
    },
    onReport: (listener) => reports.push(listener),
    uploads: uploads.atMs,
    close: () => undefined,
  };
}
