/** `pump-station enrol` and `adopt`: the board gets its certificate while no agent runs on its data folder. */
import { dirname, resolve } from "node:path";
import { hasErrors } from "@pump-station/sensor-descriptions/problems.ts";
import { EXIT } from "../cli/exit.ts";
import { CloudError } from "../cloud/cloud.ts";
import type { AgentConfig } from "../config.ts";
import { loadDescription } from "../description.ts";
import type { Identity } from "../identity/identity.ts";
import { createChance } from "../linux/chance.ts";
import { createClock } from "../linux/clock.ts";
import { createMqttClients } from "../linux/connections/mqtt.ts";
import { createFiles } from "../linux/files.ts";
import { lockFolder } from "../linux/folder-lock.ts";
import { createOwnedFiles, giveToOwner } from "../linux/owner.ts";
import { createTimers } from "../linux/timers.ts";
import { type Adopted, placeAdopted } from "../update/adopted.ts";
import { type Clock, type Files, Secret } from "../world.ts";
import { type Program, readConfig } from "./configuration.ts";
import { type Configured, createServiceIdentity } from "./identity.ts";
import { notEnrolledHere, replacedText } from "./replaced-board.ts";

export interface EnrolOrder {
  readonly config: string;
  /** Left out: the board shows its claim, or is that station already and only fetches its description. */
  readonly token?: string;
  /** The station whose place this board takes. */
  readonly adopt?: string;
  /** Hash of the description that is taken over; "none": nothing is. */
  readonly description?: string;
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
      `adopt ${order.adopt}: ${order.config} says "station: ${config.station}". Change that line to "station: ${order.adopt}"; then again`,
    );
  const files = createOwnedFiles(createFiles());
  const [timers, chance] = [createTimers(), createChance()];
  const unlock = lockOrSay(places.data);
  try {
    const clock = createClock({ trustClock: config["trust-clock"] });
    const deps = { clock, timers, chance, files, log: () => {}, mqtt: createMqttClients() };
    const nowhere = notEnrolledHere(config);
    if (nowhere !== undefined && (order.token !== undefined || order.adopt === undefined)) throw new Error(nowhere);
    const identity = createServiceIdentity(deps, { config, places, folder });
    // With a claim it could be had again and again; once more is for the description.
    const isClaiming = isClaimed(config) && identity.credentials().certificate === undefined;
    const isEnrolling = nowhere === undefined && (order.token !== undefined || !order.adopt || isClaiming);
    if (isEnrolling) {
      const token = order.token === undefined ? undefined : new Secret(order.token);
      await identity.enrol(token, { adopt: order.adopt !== undefined }, signal);
      out(enrolledText(identity, config));
    }
    if (order.adopt !== undefined) {
      const isForPeople = config.cloud.dialect !== "mqtt";
      if (isEnrolling || isForPeople) out(`${replacedText(config, identity.credentials().certificate)}\n`);
      out(`${await describe(order, identity, { files, clock }, { config, places, folder }, signal)}\n`);
    }
    out("Start the agent: sudo systemctl start pump-station\n");
    return EXIT.ok;
  } finally {
    giveToOwner(places.data, ["state", "lock.sqlite"]);
    unlock();
  }
}

const isClaimed = (config: AgentConfig): boolean => config["provisioning-template"] !== undefined;

const enrolledText = (identity: Identity, { station, cloud }: AgentConfig): string => {
  const { certificate } = identity.status();
  return `${station}: enrolled with ${cloud.text}, certificate until ${dayOf(certificate?.untilMs)}, renewed by itself from ${dayOf(certificate?.renewAtMs)}\n`;
};

/** The description is what ran before, as far as it can be had; the identity is the board's whatever comes of it. */
async function describe(
  { adopt = "", description }: EnrolOrder,
  identity: Identity,
  deps: { readonly files: Files; readonly clock: Clock },
  { config, places, folder }: Configured,
  signal: AbortSignal,
): Promise<string> {
  const bring = `bring ${adopt}'s station.yaml along and put it into ${places.description}`;
  if (config.cloud.dialect !== "mqtt") {
    const { station, problems } = loadDescription(deps.files, places.description, places.deviceFolders);
    const isBrought = station?.name === adopt && !hasErrors(problems);
    return isBrought
      ? `${places.description} describes ${adopt}: that will run.`
      : `This cloud keeps no description: ${bring}`;
  }
  if (description === "none") return `Its description wasn't asked for: ${bring}`;
  const own = config.devices[0];
  const where = {
    station: config.station,
    path: places.description,
    folders: places.deviceFolders,
    trustedKeys: resolve(folder, config["trusted-keys"]),
    ...(own !== undefined && { deviceFolder: resolve(folder, own) }),
  };
  try {
    const given = await identity.handedOver(signal);
    if (!given) return `Its description was never handed over to the bridge: ${bring}`;
    return adoptedText(await placeAdopted(deps, where, given, description), bring);
  } catch (error) {
    const isDisk = error instanceof Error && "code" in error;
    if (!(error instanceof CloudError) && !isDisk) throw error;
    return `Its description could not be had: ${error.message}\nTry again (no token is needed): sudo pump-station adopt ${adopt}; or ${bring}`;
  }
}

function adoptedText(adopted: Adopted, bring: string): string {
  switch (adopted.did) {
    case "same":
      return `Its description lies here already: ${adopted.hash}`;
    case "left":
      return `Its description is not in place: ${adopted.because}\nOr ${bring}`;
    case "placed": {
      const copies = adopted.copies.length > 0 ? ` (copied before: ${adopted.copies.join(", ")})` : "";
      return `Its description is in place, as it ran before: ${adopted.hash}, ${adopted.paths.join(", ")}${copies}`;
    }
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
