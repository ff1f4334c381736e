/** Where everything of a demonstration lies, below one folder. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { SOCKET_PATH_BYTES_MAX } from "../limits.ts";

export interface Layout {
  readonly root: string;
  /** What the station is believed to be; a person may edit it. */
  readonly stationFile: string;
  /** What is really wired, for the simulated hardware. */
  readonly wiredFile: string;
  readonly deviceFolder: string;
  readonly terminals: string;
  readonly sockets: { readonly ports: string; readonly evidence: string; readonly control: string };
  readonly bridge: string;
  readonly agentConfig: string;
  readonly agentPassword: string;
  readonly agentData: string;
  readonly logs: string;
  /** Who runs here. */
  readonly running: string;
}

/** `root` and `temporary` are absolute. */
export function layoutOf(root: string, temporary: string): Layout {
  const sockets = socketFolder(root, temporary);
  return {
    root,
    stationFile: join(root, "station.yaml"),
    wiredFile: join(root, "hardware", "wired.yaml"),
    deviceFolder: join(root, "devices"),
    terminals: join(root, "ports"),
    sockets: {
      ports: join(sockets, "ports.sock"),
      evidence: join(sockets, "evidence.sock"),
      control: join(sockets, "control.sock"),
    },
    bridge: join(root, "bridge"),
    agentConfig: join(root, "agent", "agent.yaml"),
    agentPassword: join(root, "agent", "password"),
    agentData: join(root, "agent", "data"),
    logs: join(root, "logs"),
    running: join(root, "running.json"),
  };
}

/** Beside the rest, unless the path would be longer than a Unix socket's may be. */
function socketFolder(root: string, temporary: string): string {
  const beside = join(root, "sockets");
  if (Buffer.byteLength(join(beside, "evidence.sock")) <= SOCKET_PATH_BYTES_MAX) return beside;
  return join(temporary, `pump-station-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`);
}

/** The programs, as the build leaves them. */
export interface Programs {
  readonly agent: string;
  readonly bridge: string;
  readonly simulators: string;
  /** Folders of device files, and of station files. */
  readonly catalogue: string;
}
export const programsIn = (dist: string): Programs => ({
  agent: join(dist, "agent.mjs"),
  bridge: join(dist, "cloud-bridge.mjs"),
  simulators: join(dist, "simulators.mjs"),
  catalogue: join(dist, "catalogue"),
});
