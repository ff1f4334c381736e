/**
 * Asks the devices of the station file itself, once a round, when no agent runs. Only what asking can't change: pulses
 * are counted over a long time, and opening an output would switch it.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { loadDescription } from "../description.ts";
import { createNewest } from "../newest.ts";
import { meantSample } from "../preprocess/meant-sample.ts";
import { createSources } from "../source/sources.ts";
import { type CliDeps, deviceFolders } from "./command.ts";
import { type AccessOptions, isAgentAway } from "./port-access.ts";
import type { ValueReader } from "./read.ts";

/** Throws `noAgent` in its words when there is no station file either. */
export async function createOwnReader(
  deps: CliDeps,
  only: { readonly device?: string; readonly channel?: string },
  options: AccessOptions,
  noAgent: Error,
): Promise<ValueReader> {
  const { station, problems, files } = loadDescription(deps.files, options.file, deviceFolders(deps, options.file, []));
  if (!station) {
    const said = formatProblems(problems, (path) => files.find((file) => file.path === path)?.text, {
      colour: deps.colour,
    });
    throw new Error(`${noAgent.message}\nAnd it can't be read without one:\n${said}`);
  }
  const machine = await deps.machine();
  if (!(await isAgentAway(deps, machine, options))) throw noAgent;
  const asked = askable(deps, station, only.device);
  const newest = createNewest(machine.clock);
  const totals = { loadTotal: () => 0, saveTotal: () => undefined };
  const { clock, ports } = machine;
  const made = createSources({ clock, ports, timers: deps.timers, log: () => undefined, totals }, asked);
  deps.err(`No agent runs: ${options.file} is asked here and now.\n`);
  return {
    read: async () => {
      for (const device of asked.devices) {
        const sample = await made.sources.get(device.name)?.poll();
        if (sample) newest.take(device, meantSample(device, sample));
        sayFailure(deps, device, made.sources.get(device.name)?.health().lastError?.what);
      }
      return newest.values(asked, only.device, only.channel);
    },
    interrupted: machine.interrupted,
    close: () => made.close(),
  };
}

/** Throws Error that names what there is when there is no such device. */
function askable(deps: CliDeps, station: Station, only: string | undefined): Station {
  const wanted = station.devices.filter(({ name }) => only === undefined || name === only);
  if (wanted.length === 0 && only !== undefined) {
    const names = station.devices.map(({ name }) => name).join(", ");
    throw new Error(`there is no device "${only}"; there are: ${names}`);
  }
  const left = wanted.flatMap((device) => {
    const why = whyNot(device);
    return why === undefined ? [] : [`${device.name} (${why})`];
  });
  if (left.length > 0) deps.err(`Left out: ${left.join(", ")}.\n`);
  return { ...station, devices: wanted.filter((device) => whyNot(device) === undefined) };
}

function whyNot({ paused, protocol }: Device): string | undefined {
  if (paused !== undefined) return `paused: ${paused}`;
  if (protocol.kind === "pulses") return "pulses are counted by the agent";
  return protocol.kind === "outputs" ? "opening an output would switch it" : undefined;
}

const told = new WeakMap<Device, string>();

/** In the words of the port, once: "timeout" alone tells nobody that the cable is out. */
function sayFailure(deps: CliDeps, device: Device, what: string | undefined): void {
  if (what === undefined || told.get(device) === what) return;
  told.set(device, what);
  deps.err(`${device.name}: ${what}${/permission denied|EACCES/i.test(what) ? GROUPS : ""}\n`);
}

const GROUPS = '; join the groups: sudo usermod -aG dialout,i2c,gpio "$USER", then log in again';
