/** How the twin acts on the station: settings to the devices' sources, cadence and upload to theirs. */
import type { ReadBack } from "./facts.ts";
import type { CommandOutcome } from "./outcome.ts";
import type { RunningStation } from "./running-station.ts";
import type { Sending } from "./sending.ts";
import type { Apply } from "./twin/apply.ts";

export interface ActingDeps {
  /** Asked at each call: another description may run by then. */
  readonly running: () => RunningStation | undefined;
  readonly sending: Pick<Sending, "setPolicy" | "setLive" | "uplink">;
  readonly buffer: { status(): { readonly waiting: number } };
  readonly setCommitInterval: (ms: number | undefined) => void;
  /** Why nothing from the cloud may move hardware now. */
  readonly obstacle: () => string | undefined;
  /** The newest value read of a setting's read-back channel, and how near to it is equal. */
  readonly readBack: (device: string, setting: string) => ReadBack | undefined;
}

export const createActing = ({
  running,
  sending,
  buffer,
  setCommitInterval,
  obstacle,
  readBack,
}: ActingDeps): Apply => ({
  set: async (device, setting, value, checkedMs) => {
    const reason = obstacle();
    const runs = readBack(device, setting);
    if (reason !== undefined) {
      // What runs already needs no write, and stays in force.
      if (runs && isAt(runs, value)) return { done: "applied", value: runs.value };
      return { done: "interlocked", reason, ...(runs && { value: runs.value }) };
    }
    if (checkedMs !== undefined && runs?.readMs !== undefined && runs.readMs > checkedMs && isAt(runs, value))
      return { done: "applied", value: runs.value, readMs: runs.readMs };
    const asked = running();
    const outcome = await asked?.sources.get(device)?.set(setting, value);
    // The read-back is an ordinary sample; the cloud needn't wait for the next one. One that says nothing new is none.
    if (outcome?.done === "applied" && !(runs && isAt(runs, outcome.value))) await asked?.cadence.pollNow(device);
    return outcome ?? { done: "refused", reason: `${device} is not asked` };
  },
  tune: (device, tuning) => {
    const asked = running();
    if (asked?.sources.has(device)) asked.tune(device, tuning);
  },
  setUpload: (policy) => {
    sending.setPolicy(policy);
    setCommitInterval(policy.commitIntervalMs);
  },
  proveLink: () => sending.uplink.reconnect(),
  linkProof: () => ({
    acknowledged: sending.uplink.status().messages,
    isNothingWaiting: buffer.status().waiting === 0,
    isOpen: sending.uplink.isOpen(),
  }),
  setLive: (live) => sending.setLive(live),
});

const isAt = ({ value, within }: ReadBack, wanted: number): boolean => Math.abs(value - wanted) <= within;

/** A device's command: its source judges the interlock on a fresh value. */
export const createDeviceCommand =
  ({ running }: Pick<ActingDeps, "running">) =>
  async (device: string, command: string): Promise<CommandOutcome> =>
    (await running()?.sources.get(device)?.command(command)) ?? { done: "refused", reason: `${device} is not asked` };
