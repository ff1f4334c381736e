/** Who says that the wall clock is right: files that time services touch when they have set it, and chrony when asked. */
import { statSync } from "node:fs";
import { askChrony, createChronyWord } from "./chrony.ts";

/** systemd-timesyncd touches it at each synchronisation; /run is empty after a boot. */
const TIMESYNCD_DONE = "/run/systemd/timesync/synchronized";
/** chronyd writes its drift file only while synchronised, so one written since the boot is its word. */
const CHRONYD_RUNS = "/run/chrony";
const CHRONYD_DRIFT_FILES = ["/var/lib/chrony/chrony.drift", "/var/lib/chrony/drift"];
/** Times of files are rounded by some file systems. */
const ROUNDED_MS = 50;

export interface Vouchers {
  /** Whether the clock has been set in this boot. `bootWallMs`: when that began, by the clock as it is now. */
  isSet(bootWallMs: number): boolean;
  /** The clock has stepped after `earliestMs`, by the clock as it is now. */
  onStep(earliestMs: number): void;
  /** Whether it was set by that step or after it. */
  isSetSinceStep(): boolean;
}

interface Voucher {
  readonly path: string;
  /** Empty after each boot. */
  readonly isVolatile: boolean;
}

export function createVouchers(root: string, setFile: string | undefined, ask = askChrony): Vouchers {
  const chrony = createChronyWord(ask);
  const doesChronyRun = (): boolean => touchedMs(`${root}${CHRONYD_RUNS}`) !== undefined;
  const vouchers = (): Voucher[] => [
    { path: `${root}${TIMESYNCD_DONE}`, isVolatile: true },
    ...(doesChronyRun() ? CHRONYD_DRIFT_FILES : []).map((path) => ({
      path: `${root}${path}`,
      isVolatile: false,
    })),
    ...(setFile === undefined ? [] : [{ path: setFile, isVolatile: false }]),
  ];
  let atStep = new Map<string, number | undefined>();
  return {
    isSet: (bootWallMs) =>
      vouchers().some(({ path, isVolatile }) => {
        const ms = touchedMs(path);
        return ms !== undefined && (isVolatile || (ms > bootWallMs && ms <= Date.now() + ROUNDED_MS));
      }) ||
      (doesChronyRun() && chrony.isSet()),
    onStep: (earliestMs) => {
      const nowMs = Date.now();
      // What was touched between the last look and this one was touched by the step; all else was before, and an old
      // time may lie in the future now.
      const isByStep = (ms: number) => ms >= earliestMs - ROUNDED_MS && ms <= nowMs + ROUNDED_MS;
      const touched = vouchers().map(({ path }) => [path, touchedMs(path)] as const);
      atStep = new Map(touched.filter(([, ms]) => ms === undefined || !isByStep(ms)));
    },
    isSetSinceStep: () =>
      vouchers().some(({ path }) => {
        const ms = touchedMs(path);
        return ms !== undefined && (!atStep.has(path) || atStep.get(path) !== ms);
      }),
  };
}

/** undefined for what isn't there or may not be looked at: chrony's folder is its group's alone (Debian: 0750, _chrony). */
function touchedMs(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  } catch {
    return undefined;
  }
}
