/** Commands from the cloud: each runs at most once, whatever is delivered twice and whoever restarts in between. */
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import type { CommandAnswer, CommandCall } from "../cloud/cloud.ts";
import type { CommandOutcome } from "../outcome.ts";
import type { Clock, Log } from "../world.ts";
import type { Apply } from "./apply.ts";
import type { Memory } from "./memory.ts";

/** Ids kept: a broker redelivers within minutes, and nobody gives more commands than this in that time. */
const IDS_MAX = 32;

const STATUS: Readonly<Record<CommandOutcome["done"], number>> = {
  confirmed: 200,
  answered: 200,
  sent: 202,
  interlocked: 409,
  refused: 422,
  unknown: 500,
};

export interface CommandDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly station: () => Station;
  readonly apply: Pick<Apply, "command">;
  readonly memory: Memory;
}

export function createCommands(deps: CommandDeps): (call: CommandCall) => Promise<CommandAnswer> {
  const { memory, log } = deps;

  const remember = (id: string, answer?: CommandAnswer): boolean => {
    const others = memory.now.commands.filter((command) => command.id !== id);
    return memory.change({ commands: [...others, { id, ...answer }].slice(-IDS_MAX) });
  };

  return async (call) => {
    const known = memory.now.commands.find(({ id }) => id === call.id);
    if (known) {
      if (known.status !== undefined) return { status: known.status, text: known.text ?? "" };
      return { status: 500, text: "was begun before; nobody knows how it ended" };
    }
    const { device, command } = call;
    if (device === undefined) return { status: 404, text: `the station has no command ${command}` };
    const refusal = refusalOf(deps, call, device);
    if (refusal) return refusal;
    // On disk before it runs: a process that ends meanwhile must not run it again.
    if (!remember(call.id)) {
      const answer = { status: 503, text: "not run: the station's disk can't be written, so it might run twice" };
      remember(call.id, answer);
      return answer;
    }
    log("info", "command", { id: call.id, device, command });
    const { done, reason } = await deps.apply.command(device, command);
    const answer = { status: STATUS[done], text: reason === "" ? done : `${done}: ${reason}` };
    remember(call.id, answer);
    return answer;
  };
}

function refusalOf({ clock, station }: CommandDeps, call: CommandCall, named: string): CommandAnswer | undefined {
  const device = station().devices.find(({ name }) => name === named);
  if (!device) return { status: 404, text: `no device ${named}` };
  if (!device.commands.some(({ name }) => name === call.command)) {
    return { status: 404, text: `${named} has no command ${call.command}` };
  }
  if (device.paused !== undefined) return { status: 409, text: `paused: ${device.paused}` };
  if (call.expiresMs === undefined) return undefined;
  if (!clock.isWallTrusted()) return { status: 503, text: "the station's clock is not set: it can't tell the expiry" };
  return clock.wallMs() > call.expiresMs ? { status: 410, text: "expired" } : undefined;
}
