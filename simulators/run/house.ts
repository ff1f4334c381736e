/**
 * The whole chain as processes: bridge, simulated hardware, agent. Started in that order, stopped in the other one, so
 * that the agent still finds its bridge when it closes.
 */
import type { Timers } from "@pump-station/agent/world.ts";
import { READY_WITHIN_MS } from "../limits.ts";
import type { Http, LinePeer, Processes, TextFiles } from "../world.ts";
import { AS_ON_A_BOARD } from "./as-on-a-board.ts";
import { type BridgeApi, createBridgeApi } from "./bridge.ts";
import type { Layout, Programs } from "./layout.ts";
import { type KeepOptions, type Kept, keepRunning } from "./supervisor.ts";

export interface HouseDeps {
  readonly processes: Processes;
  readonly timers: Timers;
  readonly clock: { bootMs(): number; wallMs(): number };
  readonly files: TextFiles;
  readonly http: Http;
  readonly connectLines: (path: string) => Promise<LinePeer>;
  readonly freePort: (preferred: number) => Promise<number>;
  /** Of the bridge, unless somebody has them. */
  readonly ports: { readonly http: number; readonly mqtt: number };
  readonly say: (line: string) => void;
  readonly programs: Programs;
  readonly pid: number;
}

export interface HouseOptions {
  readonly layout: Layout;
  readonly station: string;
  /** Arguments of the `hardware` command besides the folder. */
  readonly hardwareArgs: readonly string[];
  readonly fullSpeed: boolean;
  /** As agent.yaml writes them; default: what somebody who watches wants. */
  readonly uploadInterval?: string;
  readonly commitInterval?: string;
}

export interface House {
  readonly api: BridgeApi;
  /** With the token, so that settings can be changed. */
  readonly pageUrl: string;
  /** The agent's process as it runs now. */
  readonly agentPid: number;
  stop(): Promise<void>;
}

const PORT_TRIES_MAX = 3;
/** A receipt a day is what a station gets; a demonstration shows what it does. */
const RECEIPT_EVERY = "30s";
const LOOK_EVERY_MS = 100;
const LOG_LINES_SHOWN = 12;

/** Resolves when both processes are ready. Throws Error naming what isn't ready in time, after stopping the rest. */
export async function openHouse(deps: HouseDeps, options: HouseOptions): Promise<House> {
  const { layout } = options;
  const kept: Kept[] = [];
  const noteWhoRuns = () => {
    const pids = Object.fromEntries(kept.map(({ name, pid }) => [name, pid]));
    deps.files.write(layout.running, `${JSON.stringify({ demo: deps.pid, ...pids })}\n`);
  };
  const keep = (part: Omit<KeepOptions, "logPath">, log: string) => {
    const logPath = `${layout.logs}/${log}.log`;
    const running = keepRunning({ ...deps, onStarted: noteWhoRuns }, { ...part, logPath });
    kept.push(running);
    noteWhoRuns();
    return { part: running, logPath };
  };
  const stop = async () => {
    for (const part of [...kept].reverse()) await part.stop();
    deps.files.remove(layout.running);
  };
  try {
    const bridge = await startBridge(deps, options, keep);
    await startHardware(deps, options, keep);
    const agent = await startAgent(deps, options, bridge, keep);
    return {
      api: bridge.api,
      pageUrl: bridge.pageUrl,
      get agentPid() {
        return agent.pid;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Started {
  readonly part: Kept;
  readonly logPath: string;
}
type Keep = (part: Omit<KeepOptions, "logPath">, log: string) => Started;

/** A port that was free may be somebody else's before the bridge has it; then it is tried with other ones. */
async function startBridge(deps: HouseDeps, options: HouseOptions, keep: Keep) {
  for (let tries = 1; ; tries++) {
    const httpPort = await deps.freePort(deps.ports.http);
    const mqttPort = await deps.freePort(deps.ports.mqtt);
    try {
      return await startBridgeAt(deps, options, { httpPort, mqttPort }, keep);
    } catch (error) {
      const isTaken = (await deps.freePort(httpPort)) !== httpPort || (await deps.freePort(mqttPort)) !== mqttPort;
      if (!isTaken || tries === PORT_TRIES_MAX) throw error;
    }
  }
}

async function startBridgeAt(
  deps: HouseDeps,
  { layout }: HouseOptions,
  { httpPort, mqttPort }: { readonly httpPort: number; readonly mqttPort: number },
  keep: Keep,
) {
  const readyFile = `${layout.bridge}/ready.json`;
  deps.files.remove(readyFile);
  const listen = ["--mqtt-port", `${mqttPort}`, "--http-port", `${httpPort}`, "--listen", "127.0.0.1"];
  const args = ["run", "--data", layout.bridge, ...listen, "--receipt-every", RECEIPT_EVERY];
  const bridge = keep({ name: "the bridge", program: deps.programs.bridge, args }, "cloud-bridge");
  const ready = await untilReady(deps, bridge, async () => deps.files.read(readyFile));
  const ports = JSON.parse(ready) as { mqttPort: number; httpPort: number };
  const token = (deps.files.read(`${layout.bridge}/token`) ?? "").trim();
  const url = `http://127.0.0.1:${ports.httpPort}`;
  return { api: createBridgeApi(deps.http, url, token), mqttPort: ports.mqttPort, pageUrl: `${url}/#token=${token}` };
}

async function startHardware(deps: HouseDeps, { layout, hardwareArgs }: HouseOptions, keep: Keep): Promise<void> {
  const args = ["hardware", "--data", layout.root, ...hardwareArgs];
  const hardware = keep({ name: "the simulated hardware", program: deps.programs.simulators, args }, "hardware");
  await untilReady(deps, hardware, () => answers(deps, layout.sockets.evidence));
}

async function startAgent(
  deps: HouseDeps,
  options: HouseOptions,
  bridge: { readonly api: BridgeApi; readonly mqttPort: number },
  keep: Keep,
): Promise<Kept> {
  const { layout, station } = options;
  const password = await bridge.api.register(station);
  if (password !== undefined) deps.files.write(layout.agentPassword, `${password}\n`, 0o600);
  else if (deps.files.read(layout.agentPassword) === undefined) {
    throw new Error(
      `${station} is registered, but its password in ${layout.agentPassword} is gone; start with --reset`,
    );
  }
  deps.files.write(layout.agentConfig, agentConfig(options, bridge.mqttPort));
  const args = ["run", "--config", layout.agentConfig];
  const agent = keep({ name: "the agent", program: deps.programs.agent, args, ...AS_ON_A_BOARD }, "agent");
  await untilReady(deps, agent, () => answers(deps, layout.sockets.control));
  return agent.part;
}

const agentConfig = ({ layout, station, ...options }: HouseOptions, mqttPort: number): string => `format: 1
station: ${station}
description: ${JSON.stringify(layout.stationFile)}
devices: [${JSON.stringify(layout.deviceFolder)}]
data: ${JSON.stringify(layout.agentData)}
cloud: mqtts://127.0.0.1:${mqttPort}
ca: ${JSON.stringify(`${layout.bridge}/ca.pem`)}
user: ${station}
password-file: ${JSON.stringify(layout.agentPassword)}
upload-interval: ${options.uploadInterval ?? "5s"}               # a station's default is 15min
commit-interval: ${options.commitInterval ?? "1s"}
trust-clock: always
control: ${JSON.stringify(layout.sockets.control)}
${options.fullSpeed ? "poll: full-speed\n" : ""}`;

/** Somebody listens on that socket. */
async function answers(deps: HouseDeps, socket: string): Promise<true | undefined> {
  try {
    (await deps.connectLines(socket)).close();
    return true;
  } catch {
    return undefined;
  }
}

/** Throws Error with the end of its log when it has ended, or isn't ready in time. */
async function untilReady<T>(deps: HouseDeps, started: Started, look: () => Promise<T | undefined>): Promise<T> {
  const { part, logPath } = started;
  const endMs = deps.clock.bootMs() + READY_WITHIN_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) {
      part.ready();
      return found;
    }
    const isLate = deps.clock.bootMs() > endMs;
    if (part.failed !== undefined || isLate) {
      const what = part.failed ?? `not ready within ${READY_WITHIN_MS / 1000} s`;
      const log = (deps.files.read(logPath) ?? "").trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
      throw new Error([`start ${part.name}: ${what}. The end of ${logPath}:`, ...log].join("\n"));
    }
    await deps.timers.sleep(LOOK_EVERY_MS);
  }
}
