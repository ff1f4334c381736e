/**
 * What the station does without when the month's budget won't do, in declared steps, one after the other and back again.
 * Alarms are sent at every step. Pure.
 */
export interface DegradationStep {
  readonly name: string;
  /** Uploads are so many times rarer. */
  readonly intervalFactor: number;
  /** Numbers are so many times coarser. States and counters stay what they are. */
  readonly resolutionFactor: number;
  /** Instead of every sample one of each window: the mean of its numbers, the newest state and counter. */
  readonly averageMs?: number;
  /** What was kept while the station was cut off waits for better times; nothing of it is lost. */
  readonly isLateWaiting: boolean;
}

const MINUTE_MS = 60_000;
export const DEGRADATION_STEPS: readonly [DegradationStep, ...DegradationStep[]] = [
  { name: "everything", intervalFactor: 1, resolutionFactor: 1, isLateWaiting: false },
  { name: "uploads half as often", intervalFactor: 2, resolutionFactor: 1, isLateWaiting: false },
  { name: "uploads a quarter as often", intervalFactor: 4, resolutionFactor: 1, isLateWaiting: false },
  { name: "a tenth of the resolution", intervalFactor: 4, resolutionFactor: 10, isLateWaiting: false },
  {
    name: "averages of 15 min; what is late waits",
    intervalFactor: 4,
    resolutionFactor: 10,
    averageMs: 15 * MINUTE_MS,
    isLateWaiting: true,
  },
  {
    name: "averages of an hour; what is late waits",
    intervalFactor: 8,
    resolutionFactor: 10,
    averageMs: 60 * MINUTE_MS,
    isLateWaiting: true,
  },
];
export const LAST_STEP = DEGRADATION_STEPS.length - 1;

export interface Degradation {
  readonly step: number;
  /** How long it has run. */
  readonly hours: number;
  /** The pace at which each step was left for the next, bytes an hour. */
  readonly paces: readonly number[];
}

export const NO_DEGRADATION: Degradation = { step: 0, hours: 0, paces: [] };

export interface BudgetOutlook {
  readonly budgetBytes: number;
  readonly usedBytes: number;
  readonly bytesPerHour: number;
  /** How long that pace was measured, in this step. */
  readonly measuredHours: number;
  readonly hoursLeft: number;
}

/** A step is judged when it has run so long: a few uploads, and what a morning brings. */
const JUDGED_AFTER_HOURS = 6;
/** …sooner where the month would cost twice what it may. */
const FAR_OVER = 2;
const FAR_OVER_AFTER_HOURS = 1;
/** So near to its end a budget is kept for alarms. */
const NEARLY_USED = 0.97;
/** Back goes who would then stay so far below the budget, and not twice a day. */
const ROOM_SHARE = 0.9;
const BACK_AFTER_HOURS = 24;
/** The pace of the step before may have been a single download: after so long it is tried again. */
const FORGOTTEN_AFTER_HOURS = 72;
/** A step saves at most half where nobody knows better. */
const STEP_GAIN = 2;

/** The same object when nothing changes. */
export function degradationNow(before: Degradation, outlook: BudgetOutlook): Degradation {
  const { step, hours } = before;
  const { usedBytes, budgetBytes } = outlook;
  const forecast = (bytesPerHour: number): number => usedBytes + bytesPerHour * outlook.hoursLeft;
  const goTo = (next: number): Degradation => ({
    step: next,
    hours: 0,
    paces: Object.assign([...before.paces], next > step ? { [step]: outlook.bytesPerHour } : {}),
  });

  if (step < LAST_STEP && usedBytes >= NEARLY_USED * budgetBytes) return goTo(LAST_STEP);
  const isFarOver = forecast(outlook.bytesPerHour) > FAR_OVER * budgetBytes;
  const judgedAfter = isFarOver ? FAR_OVER_AFTER_HOURS : JUDGED_AFTER_HOURS;
  const isJudged = hours >= judgedAfter && outlook.measuredHours >= judgedAfter;
  if (isJudged && step < LAST_STEP && forecast(outlook.bytesPerHour) > budgetBytes) return goTo(step + 1);
  if (step === 0 || hours < BACK_AFTER_HOURS) return before;
  const known = hours < FORGOTTEN_AFTER_HOURS ? before.paces[step - 1] : undefined;
  const expected = known ?? outlook.bytesPerHour * STEP_GAIN;
  return forecast(expected) <= ROOM_SHARE * budgetBytes ? goTo(step - 1) : before;
}

/** A new month, a new budget: the first step of which nobody knows that its pace is too much for a whole month. */
export function forNewMonth(before: Degradation, budgetBytes: number, hoursOfMonth: number): Degradation {
  const isTooMuch = (pace: number | undefined): boolean =>
    pace !== undefined && pace * hoursOfMonth > ROOM_SHARE * budgetBytes;
  let step = 0;
  while (step < before.step && isTooMuch(before.paces[step])) step++;
  return step === before.step ? before : { step, hours: 0, paces: before.paces };
}
