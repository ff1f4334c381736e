/** The pins of a GPIO chip played from a recording: each pulse and each change of a level at its time. */
import type { BusRecording } from "@pump-station/agent/tap/recording.ts";
import type { Clock, GpioPin, Timers } from "@pump-station/agent/world.ts";
import type { PortService } from "../hardware/port-service.ts";

export const pinsIn = ({ events }: BusRecording): Set<GpioPin> =>
  new Set(events.flatMap((event) => ("pin" in event ? [event.pin] : [])));

/** Resolves when it is played, or the signal comes; with `repeat` only then. */
export async function playPins(
  deps: { readonly clock: Pick<Clock, "bootMs">; readonly timers: Timers; readonly ports: PortService },
  { head, events }: BusRecording,
  repeat: boolean,
  stop: AbortSignal,
): Promise<void> {
  const chip = head.port.path;
  const edges = events.flatMap((event) => ("edge" in event ? [event] : []));
  do {
    const startedMs = deps.clock.bootMs();
    for (const { ms, pin, edge } of edges) {
      const waitMs = startedMs + ms - deps.clock.bootMs();
      await deps.timers.sleep(Math.max(0, waitMs), stop).catch(() => undefined);
      if (stop.aborted) return;
      const atMs = deps.clock.bootMs();
      // A level's recording says that it changed, not to what: from low, each change is to the other.
      if (edge === "both") deps.ports.put(chip, pin, deps.ports.level(chip, pin) === 1 ? 0 : 1, atMs);
      else deps.ports.edge(chip, pin, { edge, atMs });
    }
  } while (repeat && edges.length > 0 && !stop.aborted);
}
