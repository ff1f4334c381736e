/** `pump-station enrol` and `adopt`: the board gets its certificate while no agent runs on its data folder. */
import { dirname, resolve } from "node:path";
import { EXIT } from "../cli/exit.ts";
import { createChance } from "../linux/chance.ts";
import { createClock } from "../linux/clock.ts";
import { createFiles } from "../linux/files.ts";
import { lockFolder } from "../linux/folder-lock.ts";
import { createMqttClients } from "../linux/mqtt.ts";
import { giveToOwner } from "../linux/owner.ts";
import { createTimers } from "../linux/timers.ts";
import { Secret } from "../world.ts";
import { createServiceIdentity } from "./identity.ts";
import { type Program, readConfig } from "./main.ts";

export interface EnrolOrder {
  readonly config: string;
  readonly token: string;
  /** The station whose place this board takes. */
  readonly adopt?: string;
}

/** Resolves with the exit code. Throws Error in words for who typed it. */
export async function enrolBoard(
  order: EnrolOrder,
  program: Program,
  out: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const folder = dirname(resolve(order.config));
  const read = readConfig(order.config, folder, program);
  if (!read) return EXIT.configuration;
  const { config, places } = read;
  if (order.adopt !== undefined && order.adopt !== config.station)
    throw new Error(
      `adopt ${order.adopt}: ${order.config} says "station: ${config.station}". Change that line to "station: ${order.adopt}", and put that station's station.yaml in place; then again`,
    );
  const files = createFiles();
  const [timers, chance] = [createTimers(), createChance()];
  const unlock = lockOrSay(places.data);
  try {
    const clock = createClock({ trustClock: config["trust-clock"] });
    const deps = { clock, timers, chance, files, log: () => {}, mqtt: createMqttClients() };
    const identity = createServiceIdentity(deps, { config, places, folder });
    await identity.enrol(new Secret(order.token), { adopt: order.adopt !== undefined }, signal);
    const { certificate } = identity.status();
    out(
      `${certificate?.name ?? config.station}: enrolled with ${config.cloud.text}, certificate until ${dayOf(certificate?.untilMs)}, renewed by itself from ${dayOf(certificate?.renewAtMs)}\n` +
        `${order.adopt === undefined ? "" : `The board that was ${order.adopt} before is refused from now on. Its description isn't kept by the bridge: bring station.yaml along.\n`}` +
        "Start the agent: sudo systemctl start pump-station\n",
    );
    return EXIT.ok;
  } finally {
    giveToOwner(places.data, ["state", "lock.sqlite"]);
    unlock();
  }
}

function lockOrSay(data: string): () => void {
  try {
    return lockFolder(data);
  } catch (error) {
    if (error instanceof Error && "code" in error) throw error;
    throw new Error(`an agent runs on ${data}; stop it first: sudo systemctl stop pump-station`, { cause: error });
  }
}

const dayOf = (ms: number | undefined): string => (ms === undefined ? "?" : new Date(ms).toISOString().slice(0, 10));
