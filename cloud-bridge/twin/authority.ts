/**
 * Master of the twins of stations on plain MQTT: desired comes from the API, reported from the station, both are stored
 * before anybody is told. `$version` counts each side's changes.
 */
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { isObject, type Json, type JsonObject, mergePatch } from "@pump-station/agent/wire/twin-document.ts";
import type { Twin } from "../api/contract.ts";
import type { Store, StoredTwin } from "../store/store.ts";
import type { Log } from "../world.ts";
import { convergenceOf, settingsOf, versionsAfter } from "./settings.ts";
import { checkPatch, checkSize, TwinError } from "./validate.ts";

export interface TwinAuthority {
  twin(station: string): Promise<Twin>;
  /**
   * Resolves when it is stored, with the station told or not: one that isn't reached asks for everything when it
   * connects. Throws TwinError; "conflict" when desired is no longer at `ifVersion`.
   */
  patchDesired(station: string, patch: Json | undefined, ifVersion?: number): Promise<Twin>;
  /** A station asks for both documents. */
  onGet(station: string, rid: string): Promise<void>;
  /** A station reports; it is answered with the new version, or with what was wrong. */
  onReport(station: string, rid: string, payload: Uint8Array): Promise<void>;
}

export function createTwinAuthority(deps: {
  readonly store: Store;
  readonly log: Log;
  readonly send: (topic: string, payload: Uint8Array) => Promise<void>;
  readonly onChanged: (twin: Twin) => void;
}): TwinAuthority {
  const { store, log } = deps;
  const send = (topic: string, body: JsonObject) => deps.send(topic, new TextEncoder().encode(JSON.stringify(body)));
  const change = async (station: string, next: (twin: StoredTwin) => StoredTwin): Promise<Twin> => {
    const twin = shownTwin(station, await store.changeTwin(station, next));
    deps.onChanged(twin);
    return twin;
  };

  return {
    twin: async (station) => shownTwin(station, await store.twin(station)),

    patchDesired: async (station, given, ifVersion) => {
      const patch = checkPatch(given);
      const twin = await change(station, (stored) => {
        const current = versionOf(stored.desired);
        if (ifVersion !== undefined && ifVersion !== current) {
          throw new TwinError("conflict", `desired is at version ${current}, not ${ifVersion}`);
        }
        const desired = merged(stored.desired, patch, "desired");
        return { ...stored, desired, versions: versionsAfter(stored, desired, current + 1) };
      });
      const version = versionOf(twin.desired);
      log("info", "twin-desired-changed", { station, version });
      send(topicsOf(station).twinDesired, { ...patch, $version: version }).catch((error: unknown) =>
        log("error", "twin-desired-not-sent", { station, version, error }),
      );
      return twin;
    },

    onGet: async (station, rid) => {
      const { desired, reported } = await store.twin(station);
      await send(topicsOf(station).twinFull(rid), { desired, reported });
    },

    onReport: async (station, rid, payload) => {
      try {
        const patch = checkPatch(parsed(payload));
        const twin = await change(station, (stored) => ({
          ...stored,
          reported: merged(stored.reported, patch, "reported"),
        }));
        await send(topicsOf(station).twinReported(rid), { version: versionOf(twin.reported) });
      } catch (error) {
        if (!(error instanceof TwinError)) throw error;
        log("warn", "twin-report-refused", { station, reason: error.reason, message: error.message });
        await send(topicsOf(station).twinRefused(rid), { error: error.message });
      }
    },
  };
}

function shownTwin(station: string, stored: StoredTwin): Twin {
  const settings = settingsOf(stored);
  const { desired, reported } = stored;
  return { station, desired, reported, settings, convergence: convergenceOf(stored, settings) };
}

const versionOf = (document: JsonObject): number => Number(document["$version"]);

function merged(document: JsonObject, patch: JsonObject, side: "desired" | "reported"): JsonObject {
  const next = mergePatch(document, patch) as JsonObject;
  return checkSize({ ...next, $version: versionOf(document) + 1 }, side);
}

/** Without $version, which is ours to count. Throws TwinError "not-an-object". */
function parsed(payload: Uint8Array): JsonObject {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)) as Json;
    if (isObject(value)) return Object.fromEntries(Object.entries(value).filter(([key]) => key !== "$version"));
  } catch {
    // Said below, the same as for JSON that is no object.
  }
  throw new TwinError("not-an-object", "twin report: not a JSON object in UTF-8");
}
