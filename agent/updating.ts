/** Joins descriptions from the cloud with what they need of the station: what runs, the uplink, the twin, its files. */
import type { AgentConfig } from "./config.ts";
import type { GoingLive } from "./going-live/going-live.ts";
import { UPDATE_PROOF_INTERVALS, UPDATE_PROOF_MIN_MS, UPDATE_PROOF_WINDOWS_MS } from "./limits.ts";
import type { Sending } from "./sending.ts";
import type { StateStore } from "./state/state-store.ts";
import { createHandOver, type HandOver, type HandOverDeps } from "./update/hand-over.ts";
import { createUpdates, type Updates } from "./update/updates.ts";
import type { Chance, Clock, Downloads, Files, Log, Timers } from "./world.ts";

/** Whoever receives from the plain dialect is the bridge; a hub keeps no files. */
export const createHandingOver = (
  deps: Pick<UpdatingDeps, "timers" | "log" | "state" | "goingLive" | "sending" | "runs"> & {
    readonly sender: HandOverDeps["sender"];
  },
  { cloud }: AgentConfig,
  { catalogue = [] }: { readonly catalogue?: readonly string[] },
): HandOver | undefined =>
  cloud.dialect === "mqtt"
    ? createHandOver(
        {
          ...deps,
          state: deps.state.document("description-sent"),
          kept: () => {
            const hash = deps.runs();
            const isTried = deps.goingLive.status().trial !== undefined;
            return hash === "" || isTried ? undefined : { hash, files: deps.goingLive.running() };
          },
          obstacle: () => deps.sending.obstacle(),
        },
        { catalogue, cloud: cloud.text },
      )
    : undefined;

/** What a station needs to take its description from the cloud. */
export interface UpdateSources {
  readonly downloads: Downloads;
  /** Folder of public keys, absolute. */
  readonly trustedKeys: string;
  /** Where device files of an update go; undefined when agent.yaml names no folder of its own. */
  readonly deviceFolder?: string;
}

export interface UpdatingDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly files: Files;
  readonly state: StateStore;
  readonly goingLive: GoingLive;
  readonly sending: Sending;
  /** Hash of what runs; empty when nothing does. */
  readonly runs: () => string;
  readonly onChanged: () => void;
}

export const createUpdating = (
  deps: UpdatingDeps,
  config: AgentConfig,
  places: { readonly description: string; readonly deviceFolders: readonly string[]; readonly data: string },
  { downloads, trustedKeys, deviceFolder }: UpdateSources,
): Updates =>
  createUpdates(
    {
      ...deps,
      downloads,
      state: deps.state.document("update"),
      history: deps.state.document("descriptions-before"),
      accepted: () => deps.sending.uplink.status().messages,
      obstacle: () => deps.sending.obstacle(),
    },
    {
      station: config.station,
      path: places.description,
      folders: places.deviceFolders,
      ...(deviceFolder !== undefined && { deviceFolder }),
      folder: `${places.data}/update`,
      trustedKeys,
      isPlainAllowed: config.downloads === "plain-too",
      proofMs: config["upload-windows"]
        ? UPDATE_PROOF_WINDOWS_MS
        : Math.max(UPDATE_PROOF_MIN_MS, UPDATE_PROOF_INTERVALS * config["upload-interval"]),
    },
  );
