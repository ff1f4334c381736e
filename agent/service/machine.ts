/** The hardware for commands that look at it themselves. */
import type { Machine } from "../cli/command.ts";
import { createChance } from "../linux/chance.ts";
import { createClock } from "../linux/clock.ts";
import { isFolderLocked } from "../linux/folder-lock.ts";
import { createPortListing } from "../linux/ports/port-listing.ts";
import { lockPort } from "../linux/ports/port-lock.ts";
import { createPorts } from "../linux/ports/ports.ts";
import { createTimers } from "../linux/timers.ts";

/** Ctrl-C (or a lost terminal) ends what the command does, and leaves it to close its ports; a second one ends it. */
export function createMachine(): Machine {
  const [clock, timers] = [createClock({ trustClock: "always" }), createTimers()];
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => interrupted.abort(new Error(signal)));
  return {
    clock,
    chance: createChance(),
    ports: createPorts({ clock, timers, log: () => {} }),
    listing: createPortListing(),
    isFolderHeld: isFolderLocked,
    lockPort: (path) => lockPort(path, "another pump-station command"),
    interrupted: interrupted.signal,
  };
}
