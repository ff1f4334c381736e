/** What a device file asks of the station file (`needs:`), and how an answer to it is read. */
import { say } from "../messages.ts";
import { type Quantity, quantityIn, type Reading, readQuantity, readWhole } from "../quantities.ts";
import { spokenUnit } from "../units.ts";

/** What the station file has to say about one such device. */
export interface Need {
  readonly name: string;
  readonly kind: "whole-number" | "quantity" | "choice";
  /** "" for whole numbers and choices. */
  readonly unit: string;
  readonly range?: { readonly low: number; readonly high: number };
  readonly oneOf?: readonly number[];
  /** Of a choice: the word in the station file → the number in formulas and bytes. */
  readonly choices?: ReadonlyMap<string, number>;
  readonly default?: number;
}

/** What the station file (or an example) says for a need, in its unit, within its bounds. */
export function readNeed(need: Need, text: string): Reading<number> {
  if (need.kind === "choice") return readChoice(need.choices ?? new Map(), text);
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

function readChoice(choices: ReadonlyMap<string, number>, text: string): Reading<number> {
  const value = choices.get(text.trim());
  const words = [...choices.keys()];
  return value === undefined ? { said: say.notOneOf(text, words, choiceMeant(text, words)) } : { ok: value };
}

/** "4.096" for "4.096 V", "Fast" for "fast". */
const choiceMeant = (text: string, words: readonly string[]): string | undefined =>
  words.find((word) => word.startsWith(`${text.trim()} `)) ??
  words.find((word) => word.toLowerCase() === text.toLowerCase());

/** A value that a station file could say. */
export const likelyNeed = ({ default: usual, choices, oneOf, range }: Need): number =>
  usual ?? [...(choices?.values() ?? [])][0] ?? oneOf?.[0] ?? (range?.low || range?.high) ?? 1;

/** What a station file could say, for an example in a message. */
export function exampleOfNeed(need: Need): string {
  const [word] = need.choices?.keys() ?? [];
  return word ?? spokenNeed(need, need.oneOf?.[0] ?? need.range?.low ?? 1);
}

function quantityReading(text: string, unit: string): Reading<number> {
  const quantity: Reading<Quantity> = readQuantity(text);
  return "said" in quantity ? quantity : quantityIn(quantity.ok, unit);
}

/** As a station file says it: "0x76", "0.2 mm", "slow". */
export function spokenNeed(need: Need, value: number): string {
  const [word] = [...(need.choices ?? [])].find(([, number]) => number === value) ?? [];
  if (word !== undefined) return word;
  if (need.unit !== "") return `${value} ${spokenUnit(need.unit)}`;
  return need.name === "address" && need.oneOf ? `0x${value.toString(16).padStart(2, "0")}` : String(value);
}
