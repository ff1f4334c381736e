/** A port that a command opens itself: found by its name or path, and only when no agent holds it. */
import { dirname, isAbsolute, join } from "node:path";
import type { Port } from "@pump-station/sensor-descriptions/model.ts";
import { Option } from "commander";
import { parseConfig } from "../config.ts";
import { openControl } from "../control/client.ts";
import { loadDescription, textAt } from "../description.ts";
import type { HeldPort } from "../status.ts";
import { PortError } from "../world.ts";
import { type CliDeps, CONFIG, deviceFolders, type Machine, SOCKET, STATION_FILE } from "./command.ts";

/** Where a command looks before it opens a port itself. */
export const accessOptions = (file = "station file, for the names of ports"): Option[] => [
  new Option("--file <file>", file).default(STATION_FILE),
  new Option("--control <socket>", "the agent's socket").default(SOCKET),
  new Option("--config <file>", "agent.yaml, to see whether an agent runs").default(CONFIG),
];

export interface AccessOptions {
  /** Station file, agent.yaml and the agent's socket. */
  readonly file: string;
  readonly config: string;
  readonly control: string;
}

/** A port by its name in the station file, or by what it is: a device path, a GPIO chip's label or name. Throws Error. */
export async function findPort(deps: CliDeps, machine: Machine, said: string, file: string): Promise<Port> {
  const { station, problems } = loadDescription(deps.files, file, deviceFolders(deps, file, []));
  const named = station?.ports.get(said);
  if (named) return named;
  if (/^\/dev\/i2c-\d+$/.test(said)) return { name: said.slice(5), kind: "i2c", path: said };
  const chip = await chipOf(machine, said);
  if (chip !== undefined) return { name: nameFrom(chip), kind: "gpio", path: chip };
  if (said.startsWith("/")) return { name: nameFrom(said.split("/").at(-1) ?? ""), kind: "serial", path: said };
  const names = [...(station?.ports.keys() ?? [])];
  const why = station
    ? `the station file has ${names.length > 0 ? names.join(", ") : "none"}`
    : `${file} can't be used${problems[0] ? ` (${problems[0].message})` : ""}`;
  throw new Error(
    `port ${said}: there is no such port: ${why}; or give a path such as /dev/i2c-1. What is there: pump-station scan`,
  );
}

async function chipOf(machine: Machine, said: string): Promise<string | undefined> {
  const name = said.replace(/^\/dev\//, "");
  if (said.startsWith("/") && !/^gpiochip\d+$/.test(name)) return undefined;
  const chips = await machine.listing.gpio().catch((error: unknown) => {
    if (/^gpiochip\d+$/.test(name)) throw error;
    return [];
  });
  const chip = chips.find((one) => one.label === said || one.name === name);
  if (chip || !/^\/dev\/gpiochip/.test(said)) return chip?.label;
  throw new Error(`port ${said}: there is no such chip; there are: ${chips.map(({ label }) => label).join(", ")}`);
}

/** A name that a station file takes. */
const nameFrom = (text: string): string => {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return name.slice(0, 24) || "port";
};

/** Nobody else of us opens the port until what is returned is called. Throws Error that says who holds it and what to do. */
export async function claimPort(
  deps: CliDeps,
  machine: Machine,
  port: Port,
  options: AccessOptions,
): Promise<() => void> {
  await checkFree(deps, machine, port, options);
  // Pins are asked for one by one, and a simulator serves whoever comes.
  if ((port.kind !== "serial" && port.kind !== "i2c") || port.simulator !== undefined) return () => undefined;
  const lock = await machine.lockPort(port.path);
  if ("by" in lock) throw new Error(`port ${port.path}: ${lock.by} has it. Wait until that has ended`);
  return lock.release;
}

async function checkFree(deps: CliDeps, machine: Machine, port: Port, options: AccessOptions): Promise<void> {
  const held = await heldPorts(deps, machine, options);
  const real = (path: string): string => machine.listing.real(path);
  const holder = held.find(
    (one) =>
      one.kind === port.kind &&
      one.simulator === port.simulator &&
      real(one.path) === real(port.path) &&
      one.devices.length > 0,
  );
  if (!holder) return;
  const devices = holder.devices.join(", ");
  throw new Error(
    `port ${port.path}: the running agent holds it (${holder.name}: ${devices}).\n` +
      `  Pause what is asked there (paused: "looking for devices", at ${devices}), or: systemctl stop pump-station`,
  );
}

/** What the running agent holds; empty when none runs. Throws Error when an agent runs that can't be asked. */
async function heldPorts(deps: CliDeps, machine: Machine, options: AccessOptions): Promise<readonly HeldPort[]> {
  const running = await agentOn(deps, options.control);
  if (running) return running;
  const data = dataFolder(deps, options.config);
  const isHeld = data === undefined ? false : machine.isFolderHeld(data);
  if (isHeld === false) return [];
  const what =
    isHeld === true
      ? `an agent runs on ${data} and doesn't answer at ${options.control}`
      : `whether an agent runs on ${data} can't be seen from here; join the group pump-station`;
  throw new Error(`${what}.\n  Name its socket with --control, or: systemctl stop pump-station`);
}

/** undefined: nobody listens there. */
async function agentOn(deps: CliDeps, control: string): Promise<readonly HeldPort[] | undefined> {
  const isNobody = (error: unknown): boolean => /no agent runs here/.test(String(error));
  const client = await openControl(deps.connectControl, control).catch((error: unknown) => {
    if (isNobody(error)) return undefined;
    throw error;
  });
  if (!client) return undefined;
  try {
    return (await client.ask("ports")) as HeldPort[];
  } finally {
    client.close();
  }
}

/** Whether no agent is in the way of opening ports. Throws as claiming does when that can't be known. */
export async function isAgentAway(deps: CliDeps, machine: Machine, options: AccessOptions): Promise<boolean> {
  if (await agentOn(deps, options.control)) return false;
  await heldPorts(deps, machine, options);
  return true;
}

function dataFolder(deps: CliDeps, config: string): string | undefined {
  const text = textAt(deps.files, config);
  if (text === undefined) return undefined;
  try {
    const { data } = parseConfig(config, text);
    return isAbsolute(data) ? data : join(dirname(config), data);
  } catch {
    // An agent with a broken configuration doesn't run.
    return undefined;
  }
}

const GROUPS = { serial: "dialout", i2c: "i2c", gpio: "gpio", counter: "root" } as const;

/** What to do when a port can't be opened. */
export async function accessAdvice(
  machine: Machine,
  port: Pick<Port, "kind" | "path">,
  error: unknown,
): Promise<Error> {
  if (!(error instanceof PortError)) return error instanceof Error ? error : new Error(String(error));
  const said = error.message;
  if (error.failure === "denied") {
    const group = GROUPS[port.kind];
    return new Error(`${said}\n  Join the group ${group}: sudo usermod -aG ${group} "$USER", then log in again`, {
      cause: error,
    });
  }
  if (error.failure === "busy") {
    return new Error(`${said}\n  Another program has it. Which one: sudo fuser -v ${port.path}`, { cause: error });
  }
  const there = port.kind === "i2c" ? await machine.listing.i2c() : await machine.listing.serial();
  const list = there.map(({ path }) => path).join(", ") || "none";
  return new Error(`${said}\n  What there is: ${list}`, { cause: error });
}
