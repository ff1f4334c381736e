/**
 * Joins the steps of a reading's way by passing functions:
 * cadence → source → preprocess → buffer → uplink → cloud, and back: cloud → twin → source.
 */
import { setMaxListeners } from "node:events";
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { createActing, createDeviceCommand } from "./acting.ts";
import type { AgentDeps, AgentPlaces } from "./agent-deps.ts";
import { createCommitter } from "./buffer/committer.ts";
import { createSqliteBuffer } from "./buffer/sqlite-buffer.ts";
import { createCommanding } from "./commanding.ts";
import type { AgentConfig } from "./config.ts";
import { createEconomy } from "./economy.ts";
import { explainDevice } from "./explain.ts";
import { deviceStatus, emptyStation, factsFrom, modelOf, readBackFrom, readBackWithin } from "./facts.ts";
import { commitPace } from "./flash.ts";
import { createGoingLive } from "./going-live/going-live.ts";
import { createHandlers, type Handlers, valuesNow } from "./handlers.ts";
import { createLastErrors } from "./last-errors.ts";
import { createNewest } from "./newest.ts";
import type { AlarmTransition, Sample } from "./reading.ts";
import { createRunningStation, type RunningStation } from "./running-station.ts";
import { createSending } from "./sending.ts";
import { createStateStore } from "./state/state-store.ts";
import { createActiveAlarms, createTotals } from "./station-memory.ts";
import type { AgentStatus } from "./status.ts";
import { createTappedPorts } from "./tap/tapped-ports.ts";
import { createTaps } from "./tap/taps.ts";
import { createTwin } from "./twin/twin.ts";
import { uploadSettingsFrom } from "./twin-config.ts";
import { createHandingOver, createUpdating } from "./updating.ts";

export interface Agent {
  /** Resolves after everything staged is committed and every port closed. */
  run(signal: AbortSignal): Promise<void>;
  /** What the control socket answers. */
  readonly handlers: Handlers;
}

export function createAgent(machine: AgentDeps, config: AgentConfig, places: AgentPlaces): Agent {
  const lastErrors = createLastErrors(machine);
  const deps = { ...machine, log: lastErrors.log };
  const { clock, log, timers, identity } = deps;
  const startedMs = clock.bootMs();
  const taps = createTaps(deps);
  const ports = createTappedPorts(deps.ports, taps, clock);
  const state = createStateStore(deps, `${places.data}/state`);
  const buffer = createSqliteBuffer(deps, {
    path: `${places.data}/readings.db`,
    bytesMax: config.buffer,
    body: config.body === "open" ? "deflated" : "trends",
    whenFull: config["when-full"],
    thinToMs: config["thin-out-to"],
  });
  const pace = commitPace(deps.files, config, places.data);
  const committer = createCommitter({ timers, buffer }, { intervalMs: pace.commitEveryMs });
  const newest = createNewest(clock);
  let running: RunningStation | undefined;
  const restart = new AbortController();
  const station = (): Station => running?.station ?? emptyStation(config.station);
  const sending = createSending(
    {
      ...deps,
      credentials: () => identity?.credentials() ?? places.credentials?.() ?? {},
      buffer,
      state,
      timeZone: () => station().timeZone,
      model: () => modelOf(station()),
      onStep: (step) => {
        economy.begin(step);
        twin.changed();
      },
    },
    config,
  );
  const { uplink } = sending;
  const economy = createEconomy(
    {
      declare: (schema, folds) => buffer.declare(schema, folds),
      keep: (sample) => {
        buffer.append(sample);
        committer.staged();
      },
    },
    sending.step(),
  );

  const putToWork = (next: Station): void => {
    economy.use(next);
    newest.keep(next);
    running = createRunningStation(stationDeps, next, { fullSpeed: config.poll === "full-speed" });
    twin.stationChanged();
  };
  const goingLive = createGoingLive(
    {
      ...deps,
      kept: state.document("description"),
      state: state.document("going-live"),
      run: async (next) => {
        const before = running;
        await before?.stop();
        try {
          putToWork(next);
        } catch (error) {
          // What can't be put to work must not leave a station that reads nothing.
          if (before) putToWork(before.station);
          throw error;
        }
      },
    },
    {
      path: places.description,
      folders: places.deviceFolders,
      station: config.station,
      rejected: `${places.data}/rejected`,
      trialMs: config["trial-window"],
    },
  );
  const updates =
    deps.updates &&
    createUpdating(
      { ...deps, state, goingLive, sending, runs: () => station().hash, onChanged: () => twin.changed() },
      config,
      places,
      deps.updates,
    );
  const twin = createTwin(
    {
      ...deps,
      state: state.document("twin"),
      ...(updates && { description: updates }),
      station,
      apply: createActing({
        running: () => running,
        sending,
        obstacle: () => commanding.onSite.obstacle(),
        readBack: (device, setting) => readBackWithin(station(), newest, device, setting),
        buffer,
        setCommitInterval: (ms) => committer.setInterval(ms ?? pace.commitEveryMs),
      }),
      facts: () =>
        factsFrom({
          version: places.version,
          clock,
          buffer: buffer.status(),
          description: goingLive.status(),
          station: station(),
          newest,
          month: sending.month(),
          errors: lastErrors.facts(),
          certificateUntilMs: identity?.status().certificate?.untilMs,
          schemaOf: (device) => economy.schemaOf(device),
          onSite: commanding.onSite.now(),
        }),
      readBack: (device, setting) => readBackFrom(station(), newest, device, setting),
    },
    { upload: uploadSettingsFrom(config, pace.commitEveryMs) },
  );
  const commanding = createCommanding({
    ...deps,
    state,
    station,
    device: createDeviceCommand({ running: () => running }),
    asked: () => [...(running?.sources.keys() ?? [])],
    poll: async (device) => running?.cadence.pollNow(device),
    values: (device, channel) => valuesNow({ station, running: () => running, newest }, device, channel),
    upload: () => {
      buffer.commit();
      return uplink.sendNow();
    },
    explain: (device) => explainDevice({ clock, station: station(), running, buffer, uplink: uplink.status() }, device),
    settings: () => twin.status(),
    busy: () => (goingLive.status().trial ? "a description is on trial" : undefined),
    restart: () => restart.abort(),
    isShort: () => (sending.step().isLateWaiting ? `the month's budget is short: ${sending.step().name}` : undefined),
    status: () => status(),
    twin: () => state.document("twin").load() ?? null,
    config,
    description: () => goingLive.running(),
    recentLog: deps.recentLog ?? (() => []),
    machine: deps.machine ?? (() => ({})),
    filePath: `${places.data}/sending`,
    tell: (event) => buffer.appendAlarm(event),
    onChange: () => twin.changed(),
  });
  const handingOver = createHandingOver(
    { ...deps, state, goingLive, sending, runs: () => station().hash, sender: commanding.files },
    config,
    places,
  );
  const stationDeps = {
    ...deps,
    ports,
    totals: createTotals(state),
    activeAlarms: createActiveAlarms(state, log),
    onFresh: (device: Device, sample: Sample): void => {
      const before = newest.health(device.name);
      newest.take(device, sample);
      goingLive.took(device, sample);
      commanding.took(device, sample);
      const now = newest.health(device.name);
      if (before === now) return;
      log(now === "good" ? "info" : "warn", "device-health", { device: device.name, health: now, was: before });
      if (now === "good" && before !== "waiting") twin.deviceReappeared(device.name);
      twin.changed();
    },
    onSample: (sample: Sample): void => economy.take(sample),
    onAlarm: (transition: AlarmTransition): void => {
      log("warn", "alarm", { ...transition });
      buffer.appendAlarm(commanding.marked(transition));
      uplink.urgent();
    },
  };
  uplink.onConnection((connection) => {
    twin.onConnection(connection);
    connection?.onCommand(commanding.call);
    updates?.onConnection(connection);
    identity?.onConnection(connection);
    commanding.files.onConnection(connection);
  });

  const onSite = (): Pick<AgentStatus, "onSite"> => {
    const now = commanding.onSite.now();
    return now ? { onSite: now } : {};
  };
  const status = (): AgentStatus => ({
    station: config.station,
    version: places.version,
    uptimeMs: Math.round(clock.bootMs() - startedMs),
    now: clock.wallMs(),
    ...(clock.isWallTrusted() ? {} : { isClockUnset: true as const }),
    description: goingLive.status(),
    devices: station().devices.map((device) => deviceStatus(device, running, newest, clock)),
    activeAlarms: running?.activeAlarms() ?? [],
    buffer: buffer.status(),
    commits: pace,
    cloud: config.cloud.text,
    ...(identity && { identity: identity.status() }),
    uplink: uplink.status(),
    month: sending.month(),
    settings: twin.status(),
    ...onSite(),
    commands: commanding.audit.list().slice(0, COMMANDS_SHOWN),
    timeZone: station().timeZone,
    process: deps.resources(),
  });

  return {
    run: async (signal) => {
      commanding.start();
      updates?.recover();
      await goingLive.start();
      // A loop that ends by a bug takes the process along: half an agent would look alive for ever.
      const ending = new AbortController();
      const asked = AbortSignal.any([signal, restart.signal]);
      const either = AbortSignal.any([asked, ending.signal]);
      // Six loops and what they wait for: at more than ten Node would warn of a leak.
      setMaxListeners(LISTENERS_MAX, either);
      const serving = Promise.allSettled(
        [sending, twin, updates, identity, commanding.files, handingOver].flatMap(
          (part) => part?.run(either).finally(() => ending.abort()) ?? [],
        ),
      );
      await aborted(either);
      // What was read is made durable before anything that could take its time.
      await goingLive.stop(asked.aborted);
      await running?.stop();
      economy.flush();
      committer.stop();
      const failed = (await serving).find((loop) => loop.status === "rejected");
      buffer.close();
      if (failed) throw failed.reason;
    },
    handlers: createHandlers({
      clock,
      station,
      running: () => running,
      newest,
      buffer,
      uplink,
      goingLive,
      taps,
      status,
      commanding,
    }),
  };
}

/** In `status`; the audit has more. */
const COMMANDS_SHOWN = 5;
const LISTENERS_MAX = 40;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) =>
    signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true }),
  );
