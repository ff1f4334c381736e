/** The local AWS IoT Core in memory: the twin is the station's device shadow. Its faults are on or off. */
import { topicParts } from "@pump-station/agent/wire/topics.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { createAwsCloud as createLocalAws } from "../../clouds/aws/aws-cloud.ts";
import { createMemoryClients } from "../../clouds/memory-clients.ts";
import { type CloudDeps, createUploads, faultSwitches, type ProvenCloud } from "./cloud.ts";

const CONFIG_LINES = `cloud: aws-iot-core://abc-ats.iot.eu-central-1.amazonaws.com
certificate-file: station.pem
private-key-file: station.key`;
const ALWAYS = 1_000_000;
/** A shadow request is carried out right after its acknowledgement. */
const CARRIED_OUT_MS = 1;
const RESTART_MS = 20_000;

export function createAwsCloud({ time, draws, station }: CloudDeps): ProvenCloud {
  const chance = {
    fraction: () => draws.fraction(),
    bytes: (count: number) => Uint8Array.from({ length: count }, () => Math.floor(draws.fraction() * 256)),
  };
  const aws = createLocalAws({ ...time, chance });
  const id = { thing: station, name: undefined };
  const reports: ((reported: JsonObject) => void)[] = [];
  const uploads = createUploads();
  const shares = { loseDesired: 0, doubleDesired: 0 };
  let isReachable = true;
  let told = "";
  const reported = (): JsonObject => aws.shadow(id)?.state.reported ?? {};
  aws.setDesired(id, {});

  /** Only what was stored: a report that was refused changes nothing. */
  const tellReport = (): void => {
    const text = JSON.stringify(reported());
    if (text === told) return;
    told = text;
    for (const listener of reports) listener(reported());
  };
  aws.events.onEvent((event) => {
    if (event.kind !== "message") return;
    if (event.topic.endsWith("/shadow/update")) time.timers.after(CARRIED_OUT_MS, tellReport);
    const [, bag = ""] = topicParts(event.topic)?.path ?? [];
    if (bag.includes("kind=batch")) uploads.add(time.clock.bootMs());
  });
  const reach = (is: boolean): void => {
    isReachable = is;
    if (!is) aws.cut(station);
  };

  return {
    configLines: CONFIG_LINES,
    mqtt: createMemoryClients({
      timers: time.timers,
      accept: (link) => (isReachable ? aws.accept(link, station) : undefined),
    }),
    faults: faultSwitches((name, share) => {
      if (name === "loseDesired" || name === "doubleDesired") shares[name] = share;
      if (name === "throttle") aws.faults.throttle = share > 0;
      if (name === "loseReportAnswers") aws.faults.lose["update/accepted"] = share > 0 ? ALWAYS : 0;
      if (name === "refuseReports") aws.faults.rejectShadow = share > 0 ? { code: 400, message: "not now" } : undefined;
    }),
    reach,
    patchDesired: async (patch) => {
      if (draws.happens(shares.doubleDesired)) aws.faults.deliverTwice += 1;
      aws.setDesired(id, patch, { through: draws.happens(shares.loseDesired) ? "unheard" : "mqtt" });
      return aws.shadow(id)?.version ?? 0;
    },
    documents: async () => {
      const { state, version = 0 } = aws.shadow(id) ?? { state: {} };
      return { desired: { ...state.desired, $version: version }, reported: { ...reported(), $version: version } };
    },
    recreate: async (desired) => {
      aws.recreateShadow(id, desired);
      aws.cut(station);
    },
    cut: () => aws.cut(station),
    restart: () => {
      reach(false);
      time.timers.after(RESTART_MS, () => reach(true));
    },
    onReport: (listener) => reports.push(listener),
    uploads: uploads.atMs,
    close: () => undefined,
  };
}
