/** What an agent is given: the world, and what the program has read of its configuration. */
import type { Credentials } from "./cloud/credentials.ts";
import type { Identity } from "./identity/identity.ts";
import type { AgentStatus } from "./status.ts";
import type { ZoneOffset } from "./time-zone/time-zone.ts";
import type { UpdateSources } from "./updating.ts";
import type { Chance, Clock, Databases, Files, HubClients, Log, MqttClients, Network, Ports, Timers } from "./world.ts";

export interface AgentDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly log: Log;
  readonly files: Files;
  readonly databases: Databases;
  readonly ports: Ports;
  readonly mqtt: MqttClients;
  /** Left out where no cloud of that kind can be chosen. */
  readonly hubs?: HubClients;
  readonly network: Network;
  readonly resources: () => AgentStatus["process"];
  /** Left out: descriptions are not taken from the cloud. */
  readonly updates?: UpdateSources;
  readonly identity?: Identity;
  /** Left out: ICU's, which cost 8 MB. */
  readonly zoneOffset?: ZoneOffset;
  /** For diagnostics: the newest records of the log, and what the machine says of itself. */
  readonly recentLog?: () => readonly string[];
  readonly machine?: () => Readonly<Record<string, unknown>>;
}

/** What main.ts has resolved: absolute paths and credentials. */
export interface AgentPlaces {
  readonly description: string;
  readonly deviceFolders: readonly string[];
  /** Those of them that come with the program; default: none. */
  readonly catalogue?: readonly string[];
  readonly data: string;
  readonly version: string;
  /** Asked at each connect; default: none. */
  readonly credentials?: () => Credentials;
}
