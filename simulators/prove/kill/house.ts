/** The chain that is killed: the built agent and bridge as processes, the boards and the broken network in this one. */
import type { Clock, Files, Timers } from "@pump-station/agent/world.ts";
import type { SerialProtocol } from "@pump-station/sensor-descriptions/model.ts";
import { createBaseboard } from "../../hardware/baseboard.ts";
import type { ProxyJudge, ProxyOptions } from "../../host/mqtt-proxy.ts";
import { type BridgeApi, createBridgeApi } from "../../run/bridge.ts";
import { stationFrom } from "../../run/description.ts";
import { type Layout, layoutOf, type Programs } from "../../run/layout.ts";
import type { Child, Databases, Http, Processes, Terminal, TextFiles } from "../../world.ts";
import {
  BOARDS,
  type CountingBoard,
  createCountingBoard,
  DEVICE_FILE_NAME,
  deviceFile,
  STATION,
  stationFile,
} from "./proven-station.ts";

export interface ProveDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly files: TextFiles;
  readonly agentFiles: Files;
  readonly databases: Databases;
  readonly processes: Processes;
  readonly http: Http;
  readonly freePort: (preferred: number) => Promise<number>;
  readonly openTerminal: (link: string) => Terminal;
  readonly startMqttProxy: (options: ProxyOptions, judge: ProxyJudge) => Promise<() => Promise<void>>;
  readonly say: (line: string) => void;
  readonly pid: number;
  readonly temporary: string;
}

export interface ProvenHouse {
  readonly layout: Layout;
  readonly api: BridgeApi;
  readonly boards: readonly CountingBoard[];
  startAgent(): Child;
  startBridge(): Child;
  /** Resolves with its process when the bridge answers, and the agent may log in. */
  prepare(): Promise<Child>;
  close(): Promise<void>;
}

/** Below those that the kernel gives out, so that nobody has it while the bridge is dead. */
const PORTS_FROM = 12_000;
const READY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;
/** What a kill may cost is what was staged meanwhile; short, so that there is much to lose on disk and on its way. */
const COMMIT_EVERY = "200ms";
const UPLOAD_EVERY = "1s";
const RECEIPT_EVERY = "1s";
const ASK_AFTER = "1s";
/** More than a run produces: whatever is dropped is dropped wrongly. */
const BUFFER = "128 MB";

export async function openProvenHouse(
  deps: ProveDeps,
  programs: Programs,
  root: string,
  judge: ProxyJudge,
): Promise<ProvenHouse> {
  const layout = layoutOf(root, deps.temporary);
  const first = PORTS_FROM + 3 * (deps.pid % 2_500);
  const ports = {
    mqtt: await deps.freePort(first),
    http: await deps.freePort(first + 1),
    proxy: await deps.freePort(first + 2),
  };
  deps.files.write(layout.stationFile, stationFile(`${layout.terminals}/line`));
  deps.files.write(`${layout.deviceFolder}/${DEVICE_FILE_NAME}`, deviceFile());
  const boards = BOARDS.map(createCountingBoard);
  const closings: (() => Promise<void> | void)[] = [openLine(deps, programs, layout, boards)];
  const url = `http://127.0.0.1:${ports.http}`;
  let api: BridgeApi | undefined;

  const startBridge = (): Child => {
    const listen = ["--listen", "127.0.0.1", "--mqtt-port", `${ports.mqtt}`, "--http-port", `${ports.http}`];
    const pace = ["--receipt-every", RECEIPT_EVERY, "--ask-after", ASK_AFTER];
    const args = ["run", "--data", layout.bridge, ...listen, ...pace];
    return deps.processes.start({ program: programs.bridge, args, logPath: `${layout.logs}/cloud-bridge.log` });
  };
  const prepare = async (): Promise<Child> => {
    const bridge = startBridge();
    await untilAnswers(deps, url);
    const text = (name: string) => (deps.files.read(`${layout.bridge}/${name}`) ?? "").trim();
    api = createBridgeApi(deps.http, url, text("token"));
    deps.files.write(layout.agentPassword, `${(await api.register(STATION)) ?? ""}\n`, 0o600);
    deps.files.write(layout.agentConfig, agentConfig(layout, ports.proxy));
    const [ca, cert, key] = ["ca.pem", "server.pem", "server-key.pem"].map(text) as [string, string, string];
    closings.push(await deps.startMqttProxy({ ca, cert, key, port: ports.proxy, bridgePort: ports.mqtt }, judge));
    return bridge;
  };
  return {
    layout,
    get api() {
      if (!api) throw new Error("the bridge has not been prepared");
      return api;
    },
    boards,
    startBridge,
    startAgent: () => {
      const args = ["run", "--config", layout.agentConfig];
      return deps.processes.start({ program: programs.agent, args, logPath: `${layout.logs}/agent.log` });
    },
    prepare,
    close: async () => {
      for (const close of closings.reverse()) await close();
    },
  };
}

function openLine(deps: ProveDeps, programs: Programs, layout: Layout, boards: readonly CountingBoard[]): () => void {
  const station = stationFrom(deps.agentFiles, layout.stationFile, layout.deviceFolder, programs);
  const terminal = deps.openTerminal(`${layout.terminals}/line`);
  const wired = station.devices.map((device) => {
    const board = boards.find(({ name }) => name === device.name);
    if (!board) throw new Error(`wire ${device.name}: no such board`);
    return createBaseboard({
      protocol: device.protocol as SerialProtocol,
      address: device.address ?? 1,
      behaviour: { read: () => board.answer(), set: () => undefined, command: () => undefined },
      timers: deps.timers,
      send: (frame) => terminal.write(frame),
    });
  });
  terminal.onBytes((bytes) => {
    for (const board of wired) board.receive(bytes);
  });
  return () => terminal.close();
}

const agentConfig = (layout: Layout, port: number): string => `format: 1
station: ${STATION}
description: ${JSON.stringify(layout.stationFile)}
devices: [${JSON.stringify(layout.deviceFolder)}]
data: ${JSON.stringify(layout.agentData)}
cloud: mqtts://127.0.0.1:${port}
ca: ${JSON.stringify(`${layout.bridge}/ca.pem`)}
password-file: ${JSON.stringify(layout.agentPassword)}
upload-interval: ${UPLOAD_EVERY}
commit-interval: ${COMMIT_EVERY}
buffer: ${BUFFER}
trust-clock: always
control: ${JSON.stringify(layout.sockets.control)}
`;

/** Throws Error when the bridge's API doesn't answer in time. */
export async function untilAnswers(
  deps: Pick<ProveDeps, "clock" | "timers" | "http">,
  url: string,
  withinMs = READY_WITHIN_MS,
): Promise<void> {
  const endMs = deps.clock.bootMs() + withinMs;
  for (;;) {
    try {
      await deps.http.request("GET", `${url}/api/health`);
      return;
    } catch (error) {
      if (deps.clock.bootMs() > endMs) throw error;
      await deps.timers.sleep(LOOK_EVERY_MS);
    }
  }
}
