/**
 * The month's account: bytes at the network interface, metering units of hubs, the forecast, and what the station does
 * without to stay within its budget. Looked at once a minute; kept across restarts and reboots as one small document.
 */
import type { ZoneOffset } from "../time-zone/time-zone.ts";
import type { Clock, Log, Network, Timers } from "../world.ts";
import { type CounterReading, forecastBytes, hoursLeft, type MonthUse, NO_USE, withReading } from "./budget.ts";
import {
  DEGRADATION_STEPS,
  type Degradation,
  type DegradationStep,
  degradationNow,
  forNewMonth,
  NO_DEGRADATION,
} from "./degradation.ts";
import { type MeteredUnits, NO_UNITS, withMessage } from "./metering.ts";
import { createMonths, type Month } from "./month.ts";

export interface AccountStatus {
  /** "2026-11"; "" before any clock could be trusted. */
  readonly month: string;
  /** Where bytes are counted; undefined: there is no way out, or no such interface. */
  readonly interface?: string;
  readonly usedBytes: number;
  /** At the month's end; undefined while it is measured for less than an hour. */
  readonly forecastBytes?: number;
  readonly budgetBytes?: number;
  readonly step: number;
  readonly stepName: string;
  readonly units: MeteredUnits;
}

export interface AccountFile {
  load(): unknown;
  save(document: AccountDocument): void;
}

interface AccountDocument {
  readonly use: MonthUse;
  readonly units: MeteredUnits;
  readonly degradation: Degradation;
}

export interface MonthAccount {
  run(signal: AbortSignal): Promise<void>;
  meter(kind: keyof MeteredUnits, bytes: number): void;
  /** Bytes a month from now on; undefined: nothing is done without any more. */
  setBudget(bytes: number | undefined): void;
  step(): DegradationStep;
  status(): AccountStatus;
}

const LOOK_EVERY_MS = 60_000;
/** Counted bytes are read again from the kernel after a restart; a reboot forgets at most these minutes. */
const SAVE_EVERY_MS = 1_800_000;
const FORECAST_AFTER_HOURS = 1;
const BACK_OVER_MIDNIGHT_MS = 36 * 3_600_000;

export function createMonthAccount(
  deps: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly log: Log;
    readonly network: Network;
    readonly file: AccountFile;
    /** Another step begins. */
    readonly onStep: (step: DegradationStep) => void;
  },
  config: { readonly budgetBytes?: number; readonly timeZone: () => string; readonly zoneOffset?: ZoneOffset },
): MonthAccount {
  const { clock, log, network } = deps;
  const monthAt = createMonths(config.timeZone, config.zoneOffset);
  let { use, units, degradation } = documentFrom(deps.file.load());
  let budgetBytes = config.budgetBytes;
  // Without a budget nothing is done without, also if there was one before.
  if (budgetBytes === undefined) degradation = NO_DEGRADATION;
  let savedAt = clock.bootMs();

  const monthNow = (): Month | undefined => {
    if (!clock.isWallTrusted()) return undefined;
    const month = monthAt(clock.wallMs());
    // Back over midnight, by a clock that was mended or another time zone: the account isn't closed a second time.
    const isBack = month.key < use.month && month.endMs - clock.wallMs() < BACK_OVER_MIDNIGHT_MS;
    return isBack ? monthAt(month.endMs) : month;
  };
  const stepNow = (): DegradationStep => DEGRADATION_STEPS[degradation.step] ?? DEGRADATION_STEPS[0];

  const save = (): void => {
    savedAt = clock.bootMs();
    try {
      deps.file.save({ use, units, degradation });
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      log("warn", "month-account-not-saved", { error: error.message });
    }
  };

  const begin = (next: Degradation, month: Month): void => {
    const isLess = next.step > degradation.step;
    degradation = next;
    const forecast = forecastBytes(use, month, clock.wallMs());
    // The pace of the step before says nothing about this one.
    use = { ...use, measuredHours: 0 };
    const figures = { usedBytes: use.bytes, forecastBytes: forecast, budgetBytes };
    log(isLess ? "warn" : "info", "budget-step", { step: next.step, name: stepNow().name, ...figures });
    save();
    deps.onStep(stepNow());
  };

  const judge = (month: Month, hours: number): void => {
    if (budgetBytes === undefined) return;
    degradation = { ...degradation, hours: degradation.hours + hours };
    const next = degradationNow(degradation, {
      budgetBytes,
      usedBytes: use.bytes,
      bytesPerHour: use.bytesPerHour,
      measuredHours: use.measuredHours,
      hoursLeft: hoursLeft(month, clock.wallMs()),
    });
    if (next !== degradation) begin(next, month);
  };

  const renew = (month: Month): void => {
    if (budgetBytes === undefined) return;
    const next = forNewMonth(degradation, budgetBytes, hoursLeft(month, month.startMs));
    if (next !== degradation) begin(next, month);
  };

  const look = (elapsedMs: number): void => {
    const name = network.interface();
    const counters = name === undefined ? undefined : network.counters(name);
    const month = monthNow();
    if (month && use.month !== "" && month.key !== use.month) {
      log("info", "month-closed", { month: use.month, bytes: use.bytes, units });
      units = NO_UNITS;
    }
    const isNewMonth = month !== undefined && use.month !== "" && month.key !== use.month;
    if (name !== undefined && counters) {
      const reading: CounterReading = { bootId: clock.bootId, bootMs: clock.bootMs(), interface: name, ...counters };
      use = withReading(use, reading, month?.key);
    } else if (month) use = { ...use, ...(isNewMonth && { bytes: 0 }), month: month.key };
    if (month && isNewMonth) renew(month);
    if (month) judge(month, elapsedMs / 3_600_000);
    if (clock.bootMs() - savedAt >= SAVE_EVERY_MS) save();
  };

  return {
    run: async (signal) => {
      look(0);
      for (let before = clock.bootMs(); !signal.aborted; ) {
        await deps.timers.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
        look(clock.bootMs() - before);
        before = clock.bootMs();
      }
      save();
    },
    meter: (kind, bytes) => {
      units = withMessage(units, kind, bytes);
    },
    setBudget: (bytes) => {
      if (bytes === budgetBytes) return;
      budgetBytes = bytes;
      if (bytes !== undefined || degradation.step === 0) return;
      degradation = NO_DEGRADATION;
      save();
      deps.onStep(stepNow());
    },
    step: stepNow,
    status: () => {
      const month = monthNow();
      const name = network.interface();
      return {
        month: use.month,
        ...(name !== undefined && { interface: name }),
        usedBytes: use.bytes,
        ...(month &&
          use.measuredHours >= FORECAST_AFTER_HOURS && { forecastBytes: forecastBytes(use, month, clock.wallMs()) }),
        ...(budgetBytes !== undefined && { budgetBytes }),
        step: degradation.step,
        stepName: stepNow().name,
        units,
      };
    },
  };
}

/** A file of another release, or of a disk that lies, begins anew. */
function documentFrom(document: unknown): AccountDocument {
  const { use, units, degradation } = (document ?? {}) as Partial<AccountDocument>;
  const isWhole =
    typeof use?.bytes === "number" &&
    typeof use.month === "string" &&
    typeof use.bytesPerHour === "number" &&
    typeof use.measuredHours === "number" &&
    typeof units?.telemetry.azure === "number" &&
    typeof units.other.azure === "number" &&
    typeof degradation?.hours === "number" &&
    Array.isArray(degradation.paces) &&
    DEGRADATION_STEPS[degradation.step] !== undefined;
  return isWhole ? { use, units, degradation } : { use: NO_USE, units: NO_UNITS, degradation: NO_DEGRADATION };
}
