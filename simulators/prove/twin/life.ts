/**
 * One process of the agent: the whole agent on seams that end with it. After `crash` nothing of it moves any more: its
 * timers don't fire, what it waits for never comes, what it would write isn't written. Files and database stay.
 */
import { type Agent, createAgent } from "@pump-station/agent/agent.ts";
import type { AgentDeps } from "@pump-station/agent/agent-deps.ts";
import type { Credentials } from "@pump-station/agent/cloud/credentials.ts";
import { parseConfig } from "@pump-station/agent/config.ts";
import type { AgentStatus } from "@pump-station/agent/status.ts";
import { createMemoryNetwork } from "@pump-station/agent/testing/memory-network.ts";
import { createScriptedGpio } from "@pump-station/agent/testing/scripted-gpio.ts";
import { createScriptedI2c } from "@pump-station/agent/testing/scripted-i2c.ts";
import type { SimulatedTime } from "@pump-station/agent/testing/simulated-time.ts";
import type {
  Database,
  Databases,
  Files,
  HubClients,
  Log,
  MqttClients,
  MqttConnection,
  Timers,
} from "@pump-station/agent/world.ts";
import type { Draws } from "../chance.ts";
import type { Hardware } from "./hardware.ts";

export interface Life {
  readonly status: () => AgentStatus;
  /** Why it ended by itself: a bug. */
  readonly failure: () => string | undefined;
  /** In order, as systemd stops it. */
  stop(): Promise<void>;
  crash(): void;
}

/** What outlives a process. */
export interface Machine {
  readonly time: SimulatedTime;
  readonly files: Files;
  readonly databases: ReturnType<typeof createKeptDatabases>;
  readonly hardware: Hardware;
  readonly draws: Draws;
  readonly log: Log;
  readonly mqtt: MqttClients;
  readonly hubs?: HubClients;
  readonly config: string;
  readonly credentials?: () => Credentials;
  /** The Linux board's own boot: its clock begins anew with each. */
  boot: { readonly id: string; readonly atMs: number; isClockTrusted: boolean };
}

/** Time for a stop in order; systemd gives 90 s. */
const STOPS_WITHIN_MS = 60_000;

export function startLife(machine: Machine): Life {
  const { time, hardware, draws } = machine;
  let isOver = false;
  const boot = machine.boot;
  const clock = {
    bootId: boot.id,
    bootMs: () => time.clock.bootMs() - boot.atMs,
    wallMs: () => time.clock.wallMs(),
    isWallTrusted: () => boot.isClockTrusted,
  };
  const timers = mortalTimers(time.timers, () => isOver);
  const deps: AgentDeps = {
    clock,
    timers,
    chance: {
      fraction: () => draws.fraction(),
      bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(draws.fraction() * 256)),
    },
    log: (level, event, fields) => (isOver ? undefined : machine.log(level, event, fields)),
    files: mortalFiles(machine.files, () => isOver),
    databases: machine.databases,
    mqtt: mortalClients(machine.mqtt, () => isOver),
    ...(machine.hubs && { hubs: mortalHubs(machine.hubs, () => isOver) }),
    network: createMemoryNetwork(),
    ports: {
      serial: hardware.serialFor({ timers, clock }),
      i2c: () => createScriptedI2c(),
      gpio: () => createScriptedGpio(),
    },
    resources: () => ({ rssBytes: 0, cpuMs: 0 }),
  };
  const agent: Agent = createAgent(deps, parseConfig("agent.yaml", machine.config), {
    description: "/station.yaml",
    deviceFolders: ["/types"],
    data: "/data",
    version: "proof",
    credentials: () => machine.credentials?.() ?? {},
  });
  const stopping = new AbortController();
  let failure: string | undefined;
  let hasEnded = false;
  void agent.run(stopping.signal).then(
    () => {
      hasEnded = true;
    },
    (error: unknown) => {
      hasEnded = true;
      if (!isOver) failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    },
  );
  return {
    status: () => agent.handlers["status"]?.({}) as AgentStatus,
    failure: () => failure ?? (hasEnded && !isOver && !stopping.signal.aborted ? "ended by itself" : undefined),
    stop: async () => {
      stopping.abort();
      for (let waited = 0; !hasEnded && waited < STOPS_WITHIN_MS; waited += 1_000) await time.advance(1_000);
      if (!hasEnded) failure = `did not stop within ${STOPS_WITHIN_MS / 1000} s`;
      isOver = true;
      machine.databases.closeAll();
    },
    crash: () => {
      isOver = true;
      machine.databases.closeAll();
    },
  };
}

/** Whatever it waits for never comes once it is over. */
const mortal = <T>(work: Promise<T>, isOver: () => boolean): Promise<T> =>
  new Promise((resolve, reject) => {
    work.then(
      (value) => isOver() || resolve(value),
      (error: unknown) => isOver() || reject(error instanceof Error ? error : new Error(String(error))),
    );
  });

const mortalTimers = (timers: Timers, isOver: () => boolean): Timers => ({
  after: (ms, run) => timers.after(asNodeWaits(ms), () => isOver() || run()),
  sleep: (ms, signal) => mortal(timers.sleep(asNodeWaits(ms), signal), isOver),
});

/** Whole milliseconds, one at least: a wait until a fraction is never so short that no time passes. */
const asNodeWaits = (ms: number): number => Math.max(1, Math.ceil(ms));

const mortalFiles = (files: Files, isOver: () => boolean): Files => ({
  ...files,
  writeDurably: (path, bytes, mode) => (isOver() ? undefined : files.writeDurably(path, bytes, mode)),
  remove: (path) => (isOver() ? undefined : files.remove(path)),
  watch: (path, onChange) => files.watch(path, () => isOver() || onChange()),
});

function mortalClients(clients: MqttClients, isOver: () => boolean): MqttClients {
  const mortalConnection = (connection: MqttConnection): MqttConnection => ({
    ...connection,
    publish: (topic, payload, options) => mortal(connection.publish(topic, payload, options), isOver),
    subscribe: (topics) => mortal(connection.subscribe(topics), isOver),
    ping: (deadlineMs) => mortal(connection.ping(deadlineMs), isOver),
    close: () => mortal(connection.close(), isOver),
    onMessage: (listener) => connection.onMessage((topic, payload) => isOver() || listener(topic, payload)),
    onClosed: (listener) => connection.onClosed((reason, afterMs) => isOver() || listener(reason, afterMs)),
  });
  return {
    connect: (options, signal) => mortal(clients.connect(options, signal).then(mortalConnection), isOver),
  };
}

const mortalHubs = (hubs: HubClients, isOver: () => boolean): HubClients => ({
  connect: (options, signal) =>
    mortal(
      hubs.connect(options, signal).then((connection) => ({
        ...connection,
        send: (message) => mortal(connection.send(message), isOver),
        getTwin: () => mortal(connection.getTwin(), isOver),
        report: (patch) => mortal(connection.report(patch), isOver),
        answer: (request, status, payload) => mortal(connection.answer(request, status, payload), isOver),
        ping: () => mortal(connection.ping(), isOver),
        close: () => mortal(connection.close(), isOver),
        onDesired: (listener) => connection.onDesired((patch) => isOver() || listener(patch)),
        onMethod: (listener) => connection.onMethod((call) => isOver() || listener(call)),
        onMessage: (listener) => connection.onMessage((message) => isOver() || listener(message)),
        onClosed: (listener) => connection.onClosed((reason) => isOver() || listener(reason)),
      })),
      isOver,
    ),
});

/** The agent's databases in a folder of the machine that runs the proof; those of a process that ended are closed. */
export function createKeptDatabases(databases: Databases, folder: string): Databases & { closeAll(): void } {
  const open = new Set<Database>();
  const placed = (path: string): string => `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`;
  return {
    open: (path) => {
      const database = databases.open(placed(path));
      open.add(database);
      return database;
    },
    setAside: (path, suffix) => databases.setAside(placed(path), suffix),
    closeAll: () => {
      for (const database of open) database.close();
      open.clear();
    },
  };
}
