/** What stands there in the run of one seed: hardware, cloud, and a process of the agent that ends and begins anew. */
import { createMemoryFiles } from "@pump-station/agent/testing/memory-files.ts";
import { createSimulatedTime, type SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import { isObject, type Json, type JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import type { Databases } from "@pump-station/agent/world.ts";
import { createDraws, type Draws } from "../chance.ts";
import { drawChange } from "./changes.ts";
import type { CloudDeps, ProvenCloud } from "./cloud.ts";
import { OWN_UPLOAD_S, stationFile, TYPE_FILES } from "./description.ts";
import { createHardware, type Hardware } from "./hardware.ts";
import { createKeptDatabases, type Life, type Machine, startLife } from "./life.ts";
import { untruths } from "./verdict.ts";

export const STATION = "proven";
const MINUTE_MS = 60_000;
/** Settings are read back every ten minutes; a report may lie on its way for another one. */
const TRUE_WITHIN_MS = 13 * MINUTE_MS;

export interface Counts {
  changes: number;
  refusable: number;
  offline: number;
  longestOfflineMs: number;
  crashes: number;
  stops: number;
  reboots: number;
  bridgeRestarts: number;
  recreated: number;
  powerLosses: number;
  pumping: number;
  faults: number;
}

export interface Scene {
  readonly time: SimulatedTime;
  readonly draws: Draws;
  readonly cloud: ProvenCloud;
  readonly hardware: Hardware;
  readonly counts: Counts;
  /** What was promised always and wasn't kept, first ones first. */
  readonly broken: string[];
  /** Newest log lines of the agent, for a seed that fails. */
  readonly trace: string[];
  life(): Life | undefined;
  start(): void;
  stop(): Promise<void>;
  crash(): void;
  reboot(): void;
  /** A change as drawn, or this one. */
  desire(patch?: JsonObject): Promise<void>;
  recreate(desired: JsonObject): Promise<void>;
  versionOf(path: string): number;
  /** A process ended by itself since this was last forgotten: it may have died while applying. */
  mayBeAfterCrash: boolean;
  say(what: string): void;
  close(): void;
}

export interface SceneDeps {
  readonly agentDatabases: Databases;
  readonly createCloud: (deps: CloudDeps) => Promise<ProvenCloud>;
  /** A new folder for the database of one run. */
  readonly folderFor: (seed: number) => string;
}

const TRACE_KEPT = 4_000;

export async function createScene(deps: SceneDeps, seed: number): Promise<Scene> {
  const draws = createDraws(seed);
  const time = createSimulatedTime({ wallMs: Date.UTC(2026, 10, 20, 8) });
  const nowMs = (): number => time.clock.bootMs();
  const hardware = createHardware(nowMs);
  const cloud = await deps.createCloud({ time, draws: draws.fork(1), station: STATION });
  const files = createMemoryFiles();
  files.write("/station.yaml", stationFile(STATION));
  for (const [name, text] of TYPE_FILES) files.write(`/types/${name}.yaml`, text);
  const databases = createKeptDatabases(deps.agentDatabases, deps.folderFor(seed));
  const trace: string[] = [];
  const say = (what: string): void => {
    trace.push(`${(nowMs() / 1000).toFixed(1)} ${what}`);
    if (trace.length > TRACE_KEPT) trace.shift();
  };
  const machine: Machine = {
    ...{ time, files, databases, hardware, draws: draws.fork(2) },
    log: (level, event, fields) => {
      if (level !== "debug") say(`  ${event} ${JSON.stringify(fields ?? {})}`);
    },
    mqtt: cloud.mqtt,
    ...(cloud.hubs && { hubs: cloud.hubs }),
    ...(cloud.credentials && { credentials: cloud.credentials }),
    config: configOf(draws, cloud.configLines),
    boot: { id: bootId(0), atMs: 0, isClockTrusted: true },
  };
  const versions = new Map<string, number>();
  const broken: string[] = [];
  let life: Life | undefined;
  let boots = 0;

  cloud.onReport((reported) => {
    say(`reported ${JSON.stringify(reported).slice(0, 1_500)}`);
    const sinceMs = nowMs() - TRUE_WITHIN_MS;
    for (const untruth of untruths(reported, hardware, sinceMs))
      broken.push(`at ${(nowMs() / 1000).toFixed(0)} s: ${untruth}`);
  });

  const leave = (): void => {
    const why = life?.failure();
    if (why !== undefined) broken.push(`the agent failed: ${why}`);
    life = undefined;
  };
  const scene: Scene = {
    ...{ time, draws, cloud, hardware, broken, trace, say, mayBeAfterCrash: false },
    counts: emptyCounts(),
    life: () => life,
    start: () => {
      if (life) return;
      say("the agent starts");
      life = startLife(machine);
    },
    stop: async () => {
      say("the agent is stopped");
      await life?.stop();
      leave();
      scene.counts.stops++;
    },
    crash: () => {
      if (!life) return;
      say("the agent crashes");
      life.crash();
      leave();
      cloud.cut();
      scene.counts.crashes++;
      scene.mayBeAfterCrash = true;
    },
    reboot: () => {
      boots++;
      machine.boot = { id: bootId(boots), atMs: nowMs() - 20_000, isClockTrusted: false };
      const { boot } = machine;
      time.timers.after(draws.fraction() * 5 * MINUTE_MS, () => {
        boot.isClockTrusted = true;
      });
      scene.counts.reboots++;
    },
    desire: async (given) => {
      const { desired } = await cloud.documents();
      const change = given ? { kind: "sense", patch: given } : drawChange(draws, desired, time.clock.wallMs());
      const version = await cloud.patchDesired(change.patch).catch((error: unknown) => {
        say(`the cloud doesn't take ${JSON.stringify(change.patch).slice(0, 200)}: ${String(error)}`);
      });
      if (version === undefined) return;
      for (const path of leavesOf(change.patch)) versions.set(path, version);
      say(`desired ${version} ${JSON.stringify(change.patch).slice(0, 400)}`);
      scene.counts.changes++;
      if (change.kind === "nonsense" || change.kind === "strange") scene.counts.refusable++;
    },
    recreate: async (desired) => {
      versions.clear();
      await cloud.recreate(desired);
      say(`recreated ${JSON.stringify(desired)}`);
      scene.counts.recreated++;
    },
    // Of "devices/pump": 7 only the path itself is known; what is below a changed path changed with it.
    versionOf: (path) => Math.max(0, ...prefixesOf(path).map((prefix) => versions.get(prefix) ?? 0)),
    close: () => {
      life?.crash();
      cloud.close();
    },
  };
  return scene;
}

function configOf(draws: Draws, cloudLines: string): string {
  const keepAlive = draws.happens(0.5) ? "learn" : "5min";
  const connection = draws.happens(0.5) ? "standing" : "by-cost";
  return `format: 1
station: ${STATION}
description: /station.yaml
data: /data
${cloudLines}
upload-interval: ${OWN_UPLOAD_S}s
commit-interval: 1s
keep-alive: ${keepAlive}
connection: ${connection}
`;
}

const bootId = (boot: number): string => `00000000-0000-4000-8000-${String(boot).padStart(12, "0")}`;

const emptyCounts = (): Counts => ({
  ...{ changes: 0, refusable: 0, offline: 0, longestOfflineMs: 0, crashes: 0, stops: 0, reboots: 0 },
  ...{ bridgeRestarts: 0, recreated: 0, powerLosses: 0, pumping: 0, faults: 0 },
});

function* leavesOf(value: Json, path = ""): Generator<string> {
  if (path !== "" && (!isObject(value) || Object.keys(value).length === 0)) yield path;
  if (isObject(value))
    for (const [key, inner] of Object.entries(value)) yield* leavesOf(inner, path === "" ? key : `${path}/${key}`);
}

const prefixesOf = (path: string): readonly string[] =>
  path.split("/").map((_, at, keys) => keys.slice(0, at + 1).join("/"));
