/** Command calls, a few side by side (what waits for what, their listener knows); each gets exactly one answer, whatever happens. */
import type { Log } from "../world.ts";
import type { CommandAnswer, CommandCall } from "./cloud.ts";
import { createInbox } from "./inbox.ts";
import { commandFrom, PayloadError } from "./payloads.ts";

/** More than a person presses; a flood is answered 429 instead of queued. */
const CALLS_MAX = 16;

export interface CommandDesk {
  /** A call as it came from the broker. */
  arrive(id: string, payload: Uint8Array): void;
  /** A call that can't be taken, for this reason. */
  refuse(id: string, why: string): void;
  listen(listener: (call: CommandCall) => Promise<CommandAnswer>): void;
}

export function createCommandDesk(deps: {
  readonly log: Log;
  /** Sends the answer; must not reject. */
  readonly answer: (id: string, answer: CommandAnswer) => Promise<void>;
}): CommandDesk {
  const inbox = createInbox<CommandCall>(CALLS_MAX);
  let underWay = 0;

  const attend = async (work: () => Promise<void>): Promise<void> => {
    underWay++;
    try {
      await work();
    } finally {
      underWay--;
    }
  };

  /** Twice as many: there is room to refuse a few, and after that a flood isn't worth an answer. */
  const isFlooded = (id: string): boolean => {
    if (underWay < 2 * CALLS_MAX) return false;
    deps.log("warn", "command-flood", { id });
    return true;
  };

  const refuse = (id: string, status: number, text: string): void =>
    void attend(() => deps.answer(id, { status, text }));

  return {
    refuse: (id, why) => {
      if (isFlooded(id)) return;
      refuse(id, 400, why);
    },
    arrive: (id, payload) => {
      if (isFlooded(id)) return;
      if (underWay >= CALLS_MAX) return refuse(id, 429, "too many commands at once");
      try {
        if (!inbox.put(commandFrom(id, payload))) refuse(id, 503, "the station is starting");
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
        refuse(id, 400, `command call: ${error.message}`);
      }
    },
    listen: (listener) =>
      inbox.listen((call) => void attend(async () => deps.answer(call.id, await answerOf(listener, call, deps.log)))),
  };
}

/** What the listener says, or that it failed to. */
export async function answerOf(
  listener: (call: CommandCall) => Promise<CommandAnswer>,
  call: CommandCall,
  log: Log,
): Promise<CommandAnswer> {
  try {
    return await listener(call);
  } catch (error) {
    // The caller waits for an answer; whoever threw has not said whether the command ran.
    log("error", "command-failed", { id: call.id, device: call.device, command: call.command, error: String(error) });
    const what = [call.device, call.command].filter((word) => word !== undefined).join(" ");
    return { status: 500, text: `${what}: failed, and may or may not have run` };
  }
}
