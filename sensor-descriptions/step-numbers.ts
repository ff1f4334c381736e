/** The numbers of a channel's filter: what can be said of each step from elsewhere, where the description has the step. */
import type { FilterStep } from "./preprocessing.ts";

export interface StepNumber {
  /** As the language calls the step: "median"; of one with two numbers, each by its own: "clamp-low". */
  readonly name: string;
  /** A time in ms; an amount or a value in the channel's unit. */
  readonly is: "time" | "amount" | "value";
  /** undefined where the step has no such number. */
  of(step: FilterStep): number | undefined;
  /** Of a step that has it. */
  put(step: FilterStep, number: number): FilterStep;
}

/** A row for a number that is a field of its step. */
function numberOf<D extends FilterStep["do"]>(
  name: string,
  is: StepNumber["is"],
  does: D,
  field: Exclude<keyof Extract<FilterStep, { do: D }>, "do">,
): StepNumber {
  const numbers = (step: FilterStep) => step as unknown as Readonly<Record<typeof field, number>>;
  return {
    name,
    is,
    of: (step) => (step.do === does ? numbers(step)[field] : undefined),
    put: (step, number) => ({ ...step, [field]: number }),
  };
}

export const STEP_NUMBERS: readonly StepNumber[] = [
  numberOf("median", "time", "median", "overMs"),
  numberOf("average", "time", "average", "overMs"),
  numberOf("exponential-average", "time", "exponential-average", "timeConstantMs"),
  numberOf("clamp-low", "value", "clamp", "low"),
  numberOf("clamp-high", "value", "clamp", "high"),
  numberOf("round", "amount", "round", "step"),
  numberOf("skip-jumps", "amount", "skip-jumps", "by"),
  numberOf("skip-jumps-within", "time", "skip-jumps", "withinMs"),
  numberOf("throttle", "time", "throttle", "everyMs"),
  numberOf("timeout", "time", "timeout", "afterMs"),
  numberOf("debounce", "time", "debounce", "forMs"),
];

/** Of the first step that has it; undefined where none has. */
export function numberIn(steps: readonly FilterStep[], row: StepNumber): number | undefined {
  for (const step of steps) {
    const number = row.of(step);
    if (number !== undefined) return number;
  }
  return undefined;
}

/** By name; what no step has is left out of account. Of several steps of one kind it is the first that changes. */
export function stepsWith(steps: readonly FilterStep[], numbers: ReadonlyMap<string, number>): readonly FilterStep[] {
  return STEP_NUMBERS.reduce<readonly FilterStep[]>((changed, row) => {
    const number = numbers.get(row.name);
    const at = number === undefined ? -1 : changed.findIndex((step) => row.of(step) !== undefined);
    return number === undefined ? changed : changed.map((step, other) => (other === at ? row.put(step, number) : step));
  }, steps);
}
