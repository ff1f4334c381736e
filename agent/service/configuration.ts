/** What the program reads of its configuration: agent.yaml, the paths and credentials that it names. */
import type { AgentPlaces } from "../agent-deps.ts";
import { type AgentConfig, ConfigError, parseConfig } from "../config.ts";
import { absolute, readTextIfThere } from "../linux/credential-files.ts";
import { createCredentialFiles } from "./credentials.ts";

/** What the program knows of itself. */
export interface Program {
  readonly version: string;
  readonly catalogue: readonly string[];
}

/** Says what is wrong on stderr; without a configuration no cloud can be asked for a better one (exit 78). */
export function readConfig(
  path: string,
  folder: string,
  program: Program,
): { config: AgentConfig; places: AgentPlaces } | undefined {
  try {
    const text = readTextIfThere(path);
    if (text === undefined) throw new ConfigError(missingConfig(path));
    const config = parseConfig(path, text);
    return { config, places: placesFrom(config, folder, program) };
  } catch (error) {
    const words =
      error instanceof ConfigError
        ? error.message
        : `${path}: ${error instanceof Error ? error.message : String(error)}`;
    process.stderr.write(`${words}\n`);
    return undefined;
  }
}

const missingConfig = (path: string): string =>
  `${path}: there is no such file. It says which station this is and which cloud it sends to; the wiring stands in the station file. Make it with:

sudo tee ${path} <<'YAML'
format: 1
station: my-station                       # the same name as in station.yaml
description: /etc/pump-station/station.yaml
devices: [/etc/pump-station/devices]
data: /var/lib/pump-station
cloud: mqtts://bridge.example:8883
ca: /etc/pump-station/ca.pem              # the bridge's ca.pem
password-file: mqtt-password              # printed by: pump-station-bridge station add NAME --data FOLDER
YAML

A station file to begin with: pump-station new station my-station. Another place: --config FILE`;

/** Paths in agent.yaml are relative to it. */
function placesFrom(config: AgentConfig, folder: string, program: Program): AgentPlaces {
  return {
    description: absolute(config.description, folder),
    deviceFolders: [...config.devices.map((path) => absolute(path, folder)), ...program.catalogue],
    catalogue: program.catalogue,
    data: absolute(config.data, folder),
    version: program.version,
    credentials: createCredentialFiles(config, folder),
  };
}
