/**
 * A column of whole numbers, in the form that costs least. Forms, by coin slots 0, 1, 2:
 *
 *   0 constant    its value, signed
 *   10 plain      the first value, signed; the others as distances (residual-coder.ts)
 *   110 stepped   the first value, signed; step - 2, unsigned; then k of the others as distances, from k = 0:
 *                 value = first + k · step
 *   111 ranks     a table of at most 32 different values (rank-table.ts); the first value's rank, 5 raw bits; the
 *                 other ranks as distances, or by their rhythm (rhythm.ts) where the table says so
 *
 * A column of one value is that value, signed, without a form; one of no values is nothing.
 */
import { codeCoin, createSlots } from "./adaptive-bits.ts";
import { NumberCoder } from "./numbers.ts";
import type { BitCoder } from "./range-coder.ts";
import { codeRanks, type RankTable, rankTableFrom } from "./rank-table.ts";
import { ResidualCoder } from "./residual-coder.ts";
import { codeRhythm } from "./rhythm.ts";
import { WireError } from "./wire-error.ts";

const FORMS = 3;

export class ColumnCoder {
  readonly numbers: NumberCoder;
  private readonly coder: BitCoder;
  private readonly residuals: ResidualCoder;
  private readonly forms = createSlots(FORMS);
  private readonly gaps = createSlots(FORMS);

  constructor(coder: BitCoder, knowsTrends: boolean) {
    this.coder = coder;
    this.numbers = new NumberCoder(coder);
    this.residuals = new ResidualCoder(coder, this.numbers, knowsTrends);
  }

  /** Writes the values, or reads them into the array. Throws WireError. */
  column(values: Float64Array): void {
    if (values.length === 0) return;
    const first = values[0] ?? 0;
    if (values.length === 1) {
      values[0] = this.numbers.signed(first);
      return;
    }
    const plan = this.coder.isEncoder ? planOf(values) : undefined;
    if (this.choice(0, plan?.form !== "constant") === 0) values.fill(this.numbers.signed(first));
    else if (this.choice(1, plan?.form !== "plain") === 0) this.plain(values);
    else if (this.choice(2, plan?.form !== "stepped") === 0) this.stepped(values, plan?.step ?? 0);
    else this.ranks(values, plan?.table);
  }

  private choice(slot: number, isSet: boolean): number {
    return codeCoin(this.coder, this.forms, slot, isSet ? 1 : 0);
  }

  private plain(values: Float64Array): void {
    values[0] = this.numbers.signed(values[0] ?? 0);
    this.residuals.column(values);
  }

  private stepped(values: Float64Array, planned: number): void {
    const first = this.numbers.signed(values[0] ?? 0);
    const step = this.numbers.unsigned(planned - 2) + 2;
    const steps = this.coder.isEncoder ? stepsOf(values, step) : values;
    steps[0] = 0;
    this.residuals.column(steps);
    if (this.coder.isEncoder) return;
    for (let at = 0; at < values.length; at++) {
      // A product beyond 2^53 is not exact, and one that isn't is beyond, so that the check sees it.
      const value = first + safe((values[at] ?? 0) * step);
      values[at] = safe(value);
    }
  }

  private ranks(values: Float64Array, planned: RankTable | undefined): void {
    const table = codeRanks(this.coder, this.numbers, this.gaps, planned);
    const ranks = planned?.ranks ?? values;
    ranks[0] = this.coder.raw(5, ranks[0] ?? 0);
    if (table.isRhythm) codeRhythm(this.coder, ranks);
    else this.residuals.column(ranks);
    if (planned) return;
    for (let at = 0; at < values.length; at++) {
      const value = table.values[values[at] ?? 0];
      if (value === undefined) throw new WireError("malformed", "decode body: a rank without a value");
      values[at] = value;
    }
  }
}

function stepsOf(values: Float64Array, step: number): Float64Array {
  const steps = new Float64Array(values.length);
  const first = values[0] ?? 0;
  for (let at = 0; at < steps.length; at++) steps[at] = ((values[at] ?? 0) - first) / step;
  return steps;
}

function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new WireError("malformed", "decode body: a value beyond 2^53");
}

interface Plan {
  readonly form: "constant" | "plain" | "stepped" | "ranks";
  readonly step?: number;
  readonly table?: RankTable;
}

function planOf(values: Float64Array): Plan {
  const step = stepOf(values);
  if (step === 0) return { form: "constant" };
  const table = rankTableFrom(values, step);
  if (table) return { form: "ranks", table };
  return step > 1 ? { form: "stepped", step } : { form: "plain" };
}

/** The largest whole number that divides all distances, 0 when there are none; 1 when they are too wide to be exact. */
function stepOf(values: Float64Array): number {
  const first = values[0] ?? 0;
  let step = 0;
  for (let at = 1; at < values.length; at++) {
    let distance = Math.abs((values[at] ?? 0) - first);
    if (distance > Number.MAX_SAFE_INTEGER) return 1;
    while (distance > 0) [step, distance] = [distance, step % distance];
    if (step === 1) return 1;
  }
  return step;
}
