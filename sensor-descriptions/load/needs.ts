/** What a device file asks of the station file (`needs:`), and how an answer to it is read. */
import { say } from "../messages.ts";
import { type Quantity, quantityIn, type Reading, readQuantity, readWhole } from "../quantities.ts";

/** What the station file has to say about one such device. */
export interface Need {
  readonly name: string;
  readonly kind: "whole-number" | "quantity";
  /** "" for whole numbers. */
  readonly unit: string;
  readonly range?: { readonly low: number; readonly high: number };
  readonly oneOf?: readonly number[];
  readonly default?: number;
}

/** What the station file (or an example) says for a need, in its unit, within its bounds. */
export function readNeed(need: Need, text: string): Reading<number> {
  const reading = need.kind === "whole-number" ? readWhole(text) : quantityReading(text, need.unit);
  if ("said" in reading) return reading;
  if (need.oneOf && !need.oneOf.includes(reading.ok)) {
    return {
      said: say.notOneOf(
        text,
        need.oneOf.map((value) => spokenNeed(need, value)),
      ),
    };
  }
  const { range } = need;
  if (range && (reading.ok < range.low || reading.ok > range.high)) {
    return { said: say.outOfRange(text, spokenNeed(need, range.low), spokenNeed(need, range.high)) };
  }
  return reading;
}

function quantityReading(text: string, unit: string): Reading<number> {
  const quantity: Reading<Quantity> = readQuantity(text);
  return "said" in quantity ? quantity : quantityIn(quantity.ok, unit);
}

const spokenNeed = (need: Need, value: number): string =>
  need.unit !== ""
    ? `${value} ${need.unit}`
    : need.name === "address" && need.oneOf
      ? `0x${value.toString(16)}`
      : String(value);
