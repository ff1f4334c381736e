/**
 * Desired values on their way to running ones. Each has an acknowledgement that says what runs and why it isn't what was
 * asked for. Settings of hardware are set again (which reads first) at start, when a device reappears, and now and then.
 */
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { READ_BACK_EVERY_MS } from "../limits.ts";
import type { LiveOutcome, WriteOutcome } from "../outcome.ts";
import type { DeviceTuning, UploadPolicy } from "../tuning.ts";
import type { Acknowledged } from "../wire/twin-document.ts";
import type { Clock } from "../world.ts";
import type { Apply } from "./apply.ts";
import type { SettingValue } from "./setting-shape.ts";
import type { Reading, Wanted } from "./settings.ts";

/** How soon an interlocked setting is tried again: people wait for a pump to stop. */
const INTERLOCKED_RETRY_MS = 10_000;
/** …and one of which nobody knows whether it was written: soon, since trying reads first and mostly finds it done. */
const UNKNOWN_RETRY_MS = 15_000;

export interface Acknowledgement {
  readonly path: string;
  readonly ack: Acknowledged;
  /** What was asked for, as it was said: a state by its name or its number; undefined when that can't be used. */
  readonly wanted: number | string | undefined;
  /** ms since boot at which `ac` or the value last changed. */
  readonly since: number;
  /** ms since boot at which what runs was last looked at: read back from the hardware, or set in the station. */
  readonly checkedAt?: number;
  /** It can't be answered in its place, see refusals.ts. */
  readonly isListed?: true;
}

export interface Applied {
  /** What shall run. `version` is what acknowledgements answer; values that run already aren't touched. */
  aim(target: Target): void;
  /** Applies what is due, one after the other; stops early when `isSuperseded`. */
  applyDue(isSuperseded: () => boolean): Promise<void>;
  /** ms since boot; Infinity when nothing is left to do. */
  readonly nextAt: number;
  /** Settings of this device are read back at the next turn. */
  readBackSoon(device: string): void;
  /** Everything is applied once more at the next turn: what runs has been made anew and knows of nothing. */
  applyAgain(): void;
  acknowledgements(): readonly Acknowledgement[];
  /** Refused values without an acknowledgement: there is no room to name them. */
  readonly unnamed: number;
}

export interface Target {
  readonly version: number;
  readonly reading: Reading;
  /** Values of that version that aren't applied: doing so ended a process, or cut the link. */
  readonly failed: readonly { readonly path: string; readonly reason: string }[];
  /** Values that run and may yet be rolled back; with the reason why that isn't decided. */
  readonly onTrial?: ReadonlyMap<string, string>;
}

interface Item {
  wanted: Wanted;
  ac: 200 | 202 | 400 | 500;
  ad: string;
  running: SettingValue | undefined;
  since: number;
  checkedAt?: number;
  dueAt: number;
  /** What runs may have been lost since: polls before that prove nothing. */
  isDoubted?: boolean;
}

export interface AppliedDeps {
  readonly clock: Clock;
  readonly station: () => Station;
  readonly apply: Apply;
}

export function createApplied(deps: AppliedDeps): Applied {
  const { clock, apply } = deps;
  const items = new Map<string, Item>();
  let target: Target = { version: 0, reading: { wanted: [], refused: [], unnamed: 0 }, failed: [] };
  let refusedSince = clock.bootMs();

  const fresh = (wanted: Wanted): Item => ({
    wanted,
    ac: 202,
    ad: "being applied",
    running: undefined,
    since: clock.bootMs(),
    dueAt: clock.bootMs(),
  });

  const settle = (item: Item, change: Pick<Item, "ac" | "ad" | "running" | "dueAt">, checkedAt?: number): void => {
    if (item.ac !== change.ac || item.running !== change.running) item.since = clock.bootMs();
    Object.assign(item, change, { checkedAt: checkedAt ?? clock.bootMs(), isDoubted: false });
  };

  const wantedNow = (): Wanted[] => [...items.values()].map(({ wanted }) => wanted);

  /** All at once, since whoever is told compares: only differences are acted on. */
  const tune = (device: string): void => {
    const mine = wantedNow().flatMap((one) => (one.kind === "tuning" && one.device === device ? [one] : []));
    apply.tune(
      device,
      mine.reduce<DeviceTuning>((tuning, { declared, value }) => declared.into(tuning, value), {}),
    );
  };
  const setUpload = (): void => {
    const parts = wantedNow().flatMap((one) => (one.kind === "upload" ? [one.known.into(one.value)] : []));
    apply.setUpload(Object.assign({}, ...parts) as UploadPolicy);
  };
  /** Values that are no longer desired: the file's again; a setting of the hardware stays as it is. */
  const fallBack = (gone: readonly Wanted[]): void => {
    for (const device of new Set(gone.flatMap((one) => (one.kind === "tuning" ? [one.device] : [])))) tune(device);
    if (gone.some(({ kind }) => kind === "upload")) setUpload();
    if (gone.some(({ kind }) => kind === "live")) apply.setLive(undefined);
  };

  const applyOne = async (item: Item): Promise<void> => {
    const { wanted } = item;
    switch (wanted.kind) {
      case "tuning":
        tune(wanted.device);
        return settle(item, { ac: 200, ad: "", running: wanted.value, dueAt: Infinity });
      case "upload":
        setUpload();
        return settle(item, { ac: 200, ad: "", running: wanted.value, dueAt: Infinity });
      case "live": {
        const outcome = apply.setLive({ everyMs: wanted.value * 1000, untilMs: wanted.untilMs });
        return settle(item, afterLive(wanted.value, outcome, clock.bootMs()));
      }
      case "setting": {
        const device = deps.station().devices.find(({ name }) => name === wanted.device);
        const outcome: WriteOutcome =
          device?.paused === undefined
            ? await apply.set(wanted.device, wanted.setting, wanted.value, provenAt(item))
            : { done: "interlocked", reason: `paused: ${device.paused}` };
        const readMs = outcome.done === "applied" ? outcome.readMs : undefined;
        return settle(item, afterSet(wanted, outcome, device, clock.bootMs()), readMs);
      }
    }
  };

  return {
    aim: (next) => {
      const wantedPaths = new Set(next.reading.wanted.map(({ path }) => path));
      const gone = wantedNow().filter(({ path }) => !wantedPaths.has(path));
      for (const { path } of gone) items.delete(path);
      fallBack(gone);
      for (const wanted of next.reading.wanted) {
        const known = items.get(wanted.path);
        if (known && isSameWanted(known.wanted, wanted)) known.wanted = wanted;
        else items.set(wanted.path, fresh(wanted));
      }
      if (next.version !== target.version) refusedSince = clock.bootMs();
      target = next;
    },
    applyDue: async (isSuperseded) => {
      for (const item of [...items.values()]) {
        if (isSuperseded()) return;
        if (item.dueAt <= clock.bootMs()) await applyOne(item);
      }
    },
    get nextAt() {
      return Math.min(Infinity, ...[...items.values()].map(({ dueAt }) => dueAt));
    },
    readBackSoon: (device) => {
      for (const item of items.values()) {
        if (item.wanted.kind !== "setting" || item.wanted.device !== device) continue;
        item.isDoubted = true;
        item.dueAt = Math.min(item.dueAt, clock.bootMs());
      }
    },
    applyAgain: () => {
      for (const item of items.values()) Object.assign(item, { dueAt: clock.bootMs(), isDoubted: true });
    },
    get unnamed() {
      return target.reading.unnamed;
    },
    acknowledgements: () => {
      const { version, reading, failed } = target;
      const applied = [...items.values()].map((item): Acknowledgement => {
        const { wanted, running, since, checkedAt } = item;
        const trial = item.ac === 200 ? target.onTrial?.get(wanted.path) : undefined;
        const { ac, ad } = trial === undefined ? item : { ac: 202 as const, ad: trial };
        return {
          path: wanted.path,
          ack: { value: running === undefined ? null : said(wanted, running), ac, av: version, ad },
          wanted: said(wanted, wanted.value),
          since,
          ...(checkedAt !== undefined && { checkedAt }),
        };
      });
      const not = (path: string, ac: 400 | 500, ad: string): Acknowledgement => ({
        path,
        ack: { value: items.get(path)?.running ?? null, ac, av: version, ad },
        wanted: undefined,
        since: refusedSince,
      });
      return [
        ...applied.filter(({ path }) => !failed.some((failure) => failure.path === path)),
        ...reading.refused.map(
          ({ path, reason, isListed }): Acknowledgement => ({
            ...not(path, 400, reason),
            ...(isListed && { isListed }),
          }),
        ),
        ...failed.map(({ path, reason }) => not(path, 500, reason)),
      ];
    },
  };
}

/** When it was last seen to run as desired; undefined where that isn't so, or may not be any more. */
const provenAt = ({ ac, checkedAt, isDoubted }: Item): number | undefined =>
  ac === 200 && isDoubted !== true ? checkedAt : undefined;

/** In the words in which it was asked for, so that desired and running can be compared. */
const said = (wanted: Wanted, value: SettingValue): SettingValue =>
  (wanted.kind === "setting" && typeof value === "number" ? wanted.states?.get(value) : undefined) ?? value;

const isSameWanted = (a: Wanted, b: Wanted): boolean =>
  a.value === b.value && (b.kind !== "live" || (a.kind === "live" && a.untilMs === b.untilMs));

function afterLive(everyS: number, outcome: LiveOutcome, now: number): Pick<Item, "ac" | "ad" | "running" | "dueAt"> {
  switch (outcome.state) {
    case "runs":
      return { ac: 200, ad: "", running: everyS, dueAt: now + outcome.forMs };
    case "over":
      return { ac: 200, ad: "is over", running: undefined, dueAt: Infinity };
    case "waits":
      return { ac: 202, ad: outcome.reason, running: undefined, dueAt: now + INTERLOCKED_RETRY_MS };
    case "refused":
      return { ac: 400, ad: outcome.reason, running: undefined, dueAt: Infinity };
  }
}

function afterSet(
  wanted: Wanted & { readonly kind: "setting" },
  outcome: WriteOutcome,
  device: Device | undefined,
  now: number,
): Pick<Item, "ac" | "ad" | "running" | "dueAt"> {
  const running = "value" in outcome ? outcome.value : undefined;
  switch (outcome.done) {
    case "applied": {
      const dueAt = now + READ_BACK_EVERY_MS;
      if (Math.abs(outcome.value - wanted.value) <= toleranceOf(device, wanted.setting)) {
        return { ac: 200, ad: "", running: outcome.value, dueAt };
      }
      const ad = `set to ${said(wanted, wanted.value)}, reads back ${said(wanted, outcome.value)}`;
      return { ac: 500, ad, running: outcome.value, dueAt };
    }
    case "interlocked":
      return { ac: 202, ad: outcome.reason, running, dueAt: now + INTERLOCKED_RETRY_MS };
    case "refused":
      return { ac: 400, ad: outcome.reason, running, dueAt: now + READ_BACK_EVERY_MS };
    case "unknown":
      return { ac: 500, ad: outcome.reason, running: undefined, dueAt: now + UNKNOWN_RETRY_MS };
  }
}

/** Half a step of what the read-back channel can tell apart. */
function toleranceOf(device: Device | undefined, setting: string): number {
  const readBack = device?.settings.find(({ name }) => name === setting)?.readBack;
  return (device?.channels.find(({ name }) => name === readBack)?.resolution ?? 0) / 2 + 1e-9;
}
