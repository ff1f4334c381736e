/** How the twin acts on the station: settings and commands to the devices' sources, cadence and upload to theirs. */
import type { RunningStation } from "./running-station.ts";
import type { Sending } from "./sending.ts";
import type { Apply } from "./twin/apply.ts";

export interface ActingDeps {
  /** Asked at each call: another description may run by then. */
  readonly running: () => RunningStation | undefined;
  readonly sending: Pick<Sending, "setInterval" | "setLive">;
}

export const createActing = ({ running, sending }: ActingDeps): Apply => ({
  set: async (device, setting, value) => {
    const asked = running();
    const outcome = await asked?.sources.get(device)?.set(setting, value);
    // The read-back is an ordinary sample; the cloud needn't wait for the next one.
    if (outcome?.done === "applied") await asked?.cadence.pollNow(device);
    return outcome ?? { done: "refused", reason: `${device} is not asked` };
  },
  command: async (device, command) =>
    (await running()?.sources.get(device)?.command(command)) ?? { done: "refused", reason: `${device} is not asked` },
  setEvery: (device, everyMs) => {
    const asked = running();
    if (asked?.sources.has(device)) asked.cadence.setEvery(device, everyMs);
  },
  setUploadInterval: (ms) => sending.setInterval(ms),
  setLive: (live) => sending.setLive(live),
});
