/** A bridge on real parts (TLS, MQTT, SQLite, HTTP by injection) in a temporary folder, and stations that talk to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { topicsOf } from "@pump-station/agent/wire/topics.ts";
import { connectAsync, type MqttClient } from "mqtt";
import { createApi } from "../api/server.ts";
import { createTokenCheck } from "../auth/token.ts";
import { createBridge } from "../bridge.ts";
import { listenForStations } from "../host/aedes-broker.ts";
import { loadServerCertificate } from "../host/certificates.ts";
import { createChance, createClock, createTimers } from "../host/clock.ts";
import { createFiles } from "../host/files.ts";
import { createDatabases } from "../host/sqlite.ts";
import { loadStationAuthority } from "../host/station-authority.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { LogLevel } from "../world.ts";

export const TOKEN = "test-token";

export type RunningBridge = Awaited<ReturnType<typeof startBridge>>;

export async function startBridge(
  options: {
    readonly folder?: string;
    readonly receiptEveryMs?: number;
    readonly wrapStore?: (store: Store) => Store;
    readonly certificateLifeMs?: number;
    readonly renewalGraceMs?: number;
  } = {},
) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "bridge-"));
  const [clock, timers, chance, files] = [createClock(), createTimers(), createChance(), createFiles()];
  const events: { readonly level: LogLevel; readonly event: string; readonly fields: unknown }[] = [];
  const log = (level: LogLevel, event: string, fields?: unknown): void => void events.push({ level, event, fields });
  const now = { files, nowMs: Date.now() };
  const authority = await loadStationAuthority(now, folder, options.certificateLifeMs ?? 365 * 86_400_000);
  const certificate = {
    ...(await loadServerCertificate(now, folder, ["localhost"])),
    stationCa: authority.pem,
  };
  const store = createSqliteStore({ database: createDatabases().open(join(folder, "bridge.sqlite")) });
  const bridge = await createBridge({
    clock,
    timers,
    chance,
    log,
    store: options.wrapStore?.(store) ?? store,
    receiptEveryMs: options.receiptEveryMs ?? 86_400_000,
    askAfterMs: 300_000,
    authority,
    renewalGraceMs: options.renewalGraceMs ?? 0,
    listen: (handlers) => listenForStations({ certificate, host: "127.0.0.1", port: 0 }, handlers, log),
  });
  const api = createApi({
    bridge,
    clock,
    timers,
    log,
    version: "0.0.0",
    page: (name) => (name === "index.html" ? new TextEncoder().encode("<!doctype html>") : undefined),
    mayWrite: createTokenCheck(TOKEN),
    hostNames: ["localhost", "127.0.0.1", "::1"],
  });
  const stop = async (): Promise<void> => {
    await api.close();
    await bridge.close();
    await store.close();
  };

  return {
    folder,
    bridge,
    store,
    api,
    events,
    ca: certificate.ca,
    url: `mqtts://localhost:${bridge.mqttPort}`,
    addStation: async (station: string): Promise<string> => {
      const password = await bridge.credentials.add(station, Date.now());
      if (password === undefined) throw new Error(`${station} is there already`);
      return password;
    },
    stop,
    remove: async (): Promise<void> => {
      await stop();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface TestStation {
  readonly client: MqttClient;
  /** The next message on a topic that begins so, also one that came before. */
  next(topicBegin: string): Promise<{ readonly topic: string; readonly payload: Uint8Array }>;
  leave(): Promise<void>;
}

export async function connectStation(
  running: Pick<RunningBridge, "url" | "ca">,
  station: string,
  password: string,
  options: { readonly subscribe?: boolean } = {},
): Promise<TestStation> {
  const client = await connectAsync(
    running.url,
    {
      ca: running.ca,
      clientId: station,
      username: station,
      password,
      reconnectPeriod: 0,
      connectTimeout: 5_000,
    },
    false,
  );
  client.on("error", () => undefined);
  const inbox: { topic: string; payload: Uint8Array }[] = [];
  const waiting = new Set<() => void>();
  client.on("message", (topic, payload) => {
    inbox.push({ topic, payload });
    for (const look of [...waiting]) look();
  });
  if (options.subscribe !== false) await client.subscribeAsync(topicsOf(station).down, { qos: 1 });
  return {
    client,
    next: (topicBegin) =>
      new Promise((resolve) => {
        const look = (): void => {
          const at = inbox.findIndex(({ topic }) => topic.startsWith(topicBegin));
          const [message] = at < 0 ? [] : inbox.splice(at, 1);
          if (!message) return;
          waiting.delete(look);
          resolve(message);
        };
        waiting.add(look);
        look();
      }),
    leave: async () => client.endAsync(true),
  };
}
