/** Plain MQTT: a broker in memory, and behind it the bridge's own twin authority over its own store. */
import { createMemoryBroker } from "@pump-station/agent/testing/memory-mqtt.ts";
import { topicParts, topicsOf } from "@pump-station/agent/wire/topics.ts";
import type { JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import { createSqliteStore } from "@pump-station/cloud-bridge/store/sqlite-store.ts";
import { createTwinAuthority } from "@pump-station/cloud-bridge/twin/authority.ts";
import type { Database } from "@pump-station/cloud-bridge/world.ts";
import { type CloudDeps, createUploads, NO_FAULTS, type ProvenCloud } from "./cloud.ts";

/** Between bridge and station; patches stay in order, answers may pass them. */
const TRAVELS_MS = { least: 20, most: 1_500 } as const;

export async function createMqttCloud({
  time,
  draws,
  station,
  database,
}: CloudDeps & { readonly database: Database }): Promise<ProvenCloud> {
  const topics = topicsOf(station);
  const broker = createMemoryBroker(time);
  const store = createSqliteStore({ database });
  await store.addStation(station, "none", 0);
  const faults = { ...NO_FAULTS };
  const reports: ((reported: JsonObject) => void)[] = [];
  const uploads = createUploads();
  /** Counts restarts: what was under way in an earlier one is lost. */
  let life = 0;
  let lastPatchAt = 0;

  const later = (ms: number, run: () => void): void => {
    const asked = life;
    time.timers.after(ms, () => asked === life && run());
  };
  const travelMs = (): number => TRAVELS_MS.least + draws.fraction() * (TRAVELS_MS.most - TRAVELS_MS.least);
  const deliver = (topic: string, payload: Uint8Array, ms: number): void =>
    later(ms, () => broker.publish(topic, payload));

  const send = async (topic: string, payload: Uint8Array): Promise<void> => {
    if (topic === topics.twinDesired) {
      if (draws.happens(faults.loseDesired)) return;
      const now = time.clock.bootMs();
      lastPatchAt = Math.max(lastPatchAt, now + travelMs());
      deliver(topic, payload, lastPatchAt - now);
      if (draws.happens(faults.doubleDesired)) deliver(topic, payload, lastPatchAt - now + travelMs() * 10);
    } else if (topic.startsWith(`${topics.root}/twin/reported/`) && draws.happens(faults.loseReportAnswers)) return;
    else deliver(topic, payload, travelMs());
  };
  const authority = createTwinAuthority({ store, log: () => undefined, send, onChanged: () => undefined });

  const onTwin = async (what: string, rid: string, payload: Uint8Array): Promise<void> => {
    if (draws.happens(faults.throttle)) return;
    if (what === "get") return authority.onGet(station, rid);
    if (draws.happens(faults.refuseReports)) {
      return send(topics.twinRefused(rid), new TextEncoder().encode('{"error":"not now"}'));
    }
    await authority.onReport(station, rid, payload);
    const { reported } = await store.twin(station);
    for (const listener of reports) listener(reported);
  };
  for (const filter of topics.up) {
    broker.subscribe(filter, (topic, payload) => {
      const [room = "", what = "", rid = ""] = topicParts(topic)?.path ?? [];
      if (room === "twin") later(travelMs(), () => void onTwin(what, rid, payload));
      else if (what.includes("kind=batch")) {
        uploads.add(time.clock.bootMs());
      }
    });
  }

  return {
    configLines: "cloud: mqtts://bridge.example:8883",
    mqtt: broker.clients,
    faults,
    reach: (isReachable) => {
      broker.faults.unreachable = !isReachable;
      if (!isReachable) broker.cutAll("no network");
    },
    patchDesired: async (patch) => Number((await authority.patchDesired(station, patch)).desired["$version"]),
    documents: async () => {
      const { desired, reported } = await store.twin(station);
      return { desired: { ...desired, $version: Number(desired["$version"]) }, reported: { ...reported, $version: 0 } };
    },
    recreate: async (desired) => {
      await store.changeTwin(station, () => ({
        desired: { ...desired, $version: 1 },
        reported: { $version: 1 },
        versions: {},
      }));
      broker.cutAll("the hub was made anew");
    },
    cut: () => broker.cutAll("connection reset"),
    restart: () => {
      life++;
      lastPatchAt = 0;
      broker.cutAll("the bridge ended");
    },
    onReport: (listener) => reports.push(listener),
    uploads: uploads.atMs,
    close: () => database.close(),
  };
}
