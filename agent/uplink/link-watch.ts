/** Looks now and then whether the network has come up, so that nobody waits out a back-off in front of an open door. */
import type { Network, Timers } from "../world.ts";

/** Two small reads of /proc and /sys each time. */
const LOOK_EVERY_MS = 5_000;

/** Resolves when aborted. `onUp`: the network was down, or is another one now. */
export async function watchLink(
  deps: { readonly timers: Timers; readonly network: Network; readonly onUp: () => void },
  signal: AbortSignal,
): Promise<void> {
  const upAs = (): string | undefined => (deps.network.isUp() ? deps.network.name() : undefined);
  for (let before = upAs(); !signal.aborted; ) {
    await deps.timers.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    const now = upAs();
    if (now !== undefined && now !== before) deps.onUp();
    before = now;
  }
}
