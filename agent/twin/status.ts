/** Each setting with what the file says, what the cloud wants, and what runs: for `pump-station status` and `show`. */
import type { Clock } from "../world.ts";
import type { Acknowledgement } from "./applied.ts";
import type { OwnValue } from "./reported.ts";

export interface SettingStatus {
  /** "devices/pump/target" */
  readonly path: string;
  /** The file's value, or for a device's setting the newest one that was read. */
  readonly own?: number | string;
  readonly desired?: number | string;
  /** The desired version that `ac` answers. */
  readonly desiredVersion?: number;
  readonly running?: number | string | boolean | null;
  /** 203: nobody desires anything, its own value runs. */
  readonly ac: 200 | 202 | 203 | 400 | 500;
  readonly reason: string;
  readonly converged: boolean;
  /** ms since 1970 of the last change, by the clock as it is now: when what runs was applied. */
  readonly since?: number;
  /** ms since 1970: when what runs was last read back from the hardware, or set in the station. */
  readonly checkedAt?: number;
}

export function statusFrom(parts: {
  readonly clock: Clock;
  readonly own: readonly OwnValue[];
  readonly acknowledgements: readonly Acknowledgement[];
}): readonly SettingStatus[] {
  const { clock } = parts;
  const own = new Map(parts.own.map(({ path, value }) => [path, value]));
  const answered = new Set(parts.acknowledgements.map(({ path }) => path));
  const asked = parts.acknowledgements.map(({ path, ack, wanted, since, checkedAt }): SettingStatus => {
    const ownValue = own.get(path);
    return {
      path,
      ...(ownValue !== undefined && { own: ownValue }),
      ...(wanted !== undefined && { desired: wanted }),
      desiredVersion: ack.av,
      running: ack.value,
      ac: ack.ac,
      reason: ack.ad,
      converged: ack.ac === 200,
      since: wallOf(clock, since),
      ...(checkedAt !== undefined && { checkedAt: wallOf(clock, checkedAt) }),
    };
  });
  const unasked = [...own]
    .filter(([path]) => !answered.has(path))
    .map(
      ([path, value]): SettingStatus => ({ path, own: value, running: value, ac: 203, reason: "", converged: true }),
    );
  return [...asked, ...unasked].sort((a, b) => a.path.localeCompare(b.path, "en"));
}

const wallOf = (clock: Clock, bootMs: number): number => Math.round(clock.wallMs() + bootMs - clock.bootMs());
