/** What a call means: which command of the station or of a device, with its arguments checked; or why it can't be. */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import type * as z from "zod";
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import { DEVICE_COMMAND_MS } from "../limits.ts";
import type { CommandOutcome } from "../outcome.ts";
import type { Json, JsonObject } from "../wire/twin-document.ts";
import { type ArgumentsOf, isStationCommand, STATION_COMMANDS, type StationCommandName } from "./table.ts";

export interface Plan {
  readonly kind: "read" | "write";
  readonly limitMs: number;
  run(call: CommandCall): Promise<CommandAnswer>;
  /** What can be said of it when its time is up. */
  readonly known?: () => Json;
}
export type Planned = Plan | { readonly refused: CommandAnswer };

/** What a station's command does. */
export interface StationRun<Arguments> {
  run(given: Arguments, call: CommandCall): Promise<CommandAnswer>;
  known?(given: Arguments): Json;
}
export type StationRuns = { readonly [Name in StationCommandName]: StationRun<ArgumentsOf<Name>> };

export interface PlanDeps {
  readonly station: () => Station;
  readonly runs: StationRuns;
  /** Judges the interlock on a fresh value, and writes once. */
  readonly device: (device: string, command: string) => Promise<CommandOutcome>;
  /** Why nothing from the cloud may move hardware now. */
  readonly obstacle: () => string | undefined;
}

const STATUS: Readonly<Record<CommandOutcome["done"], number>> = {
  confirmed: 200,
  answered: 200,
  sent: 202,
  interlocked: 409,
  refused: 422,
  unknown: 500,
};

export const createPlan =
  (deps: PlanDeps) =>
  (call: CommandCall): Planned =>
    call.device === undefined ? stationPlan(deps, call) : devicePlan(deps, call, call.device);

function stationPlan({ station, runs }: PlanDeps, { command, arguments: given = {} }: CommandCall): Planned {
  if (isStationCommand(command)) return planOf(command, runs[command], given);
  const owners = station().devices.filter(({ commands }) => commands.some(({ name }) => name === command));
  const hint = owners.length > 0 ? `; it is a command of ${owners.map(({ name }) => name).join(", ")}` : "";
  const known = Object.keys(STATION_COMMANDS).join(", ");
  return refusal(404, `the station has no command ${command}; there are ${known}${hint}`);
}

function planOf(name: StationCommandName, work: StationRun<unknown>, given: JsonObject): Planned {
  const { kind, limitMs, arguments: shape } = STATION_COMMANDS[name];
  const read = (shape as z.ZodType).safeParse(given);
  if (!read.success) return refusal(400, problemsOf(read.error, Object.keys(shape.shape)));
  return {
    kind,
    limitMs,
    run: (call) => work.run(read.data, call),
    ...(work.known && { known: () => work.known?.(read.data) ?? null }),
  };
}

function problemsOf(error: z.ZodError, known: readonly string[]): string {
  const lines = error.issues.map((issue) =>
    issue.code === "unrecognized_keys"
      ? `there is no argument ${issue.keys.join(", ")}; there ${known.length === 0 ? "are none" : `is ${known.join(", ")}`}`
      : `${issue.path.join(".")}: ${issue.message}`,
  );
  return `arguments: ${lines.join("; ")}`.slice(0, 400);
}

function devicePlan(deps: PlanDeps, { command: name, arguments: given }: CommandCall, named: string): Planned {
  const { devices } = deps.station();
  const device = devices.find((one) => one.name === named);
  if (!device) return refusal(404, `no device ${named}; there are ${namesOf(devices)}`);
  const command = device.commands.find((one) => one.name === name);
  if (!command) return refusal(404, `${named} has no command ${name}; ${commandsOf(device)}`);
  if (given && Object.keys(given).length > 0) return refusal(400, `${name} of ${named} takes no arguments`);
  if (device.paused !== undefined) return refusal(409, `paused: ${device.paused}`);
  const obstacle = deps.obstacle();
  if (obstacle !== undefined) return refusal(409, obstacle);
  return {
    kind: "write",
    limitMs: DEVICE_COMMAND_MS + (command.withinMs ?? 0),
    run: async () => {
      const { done, reason } = await deps.device(named, name);
      return { status: STATUS[done], text: reason === "" ? done : `${done}: ${reason}` };
    },
  };
}

const refusal = (status: number, text: string): Planned => ({ refused: { status, text: text.slice(0, 400) } });

const namesOf = (all: readonly { readonly name: string }[]): string =>
  all.length === 0 ? "none" : all.map(({ name }) => name).join(", ");

const commandsOf = ({ commands }: Device): string =>
  commands.length === 0 ? "it has none" : `there ${commands.length === 1 ? "is" : "are"} ${namesOf(commands)}`;
