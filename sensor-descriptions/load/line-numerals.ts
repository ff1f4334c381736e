/** How the numbers of a line are written: digits, sign and decimal mark. */
import type { NumeralSpec } from "../lines/lines-spec.ts";
import { say } from "../messages.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

interface NumeralShape {
  readonly as?: "decimal" | "hex" | undefined;
  readonly decimals?: number | undefined;
  readonly digits?: number | undefined;
  readonly fill?: "zeros" | "blanks" | undefined;
  readonly sign?: "always" | undefined;
  readonly "decimal-mark"?: "point" | "comma" | "implied" | undefined;
}

export function numeralOf(judge: Judge, at: Path, shape: NumeralShape): NumeralSpec {
  const { as = "decimal", decimals, digits, fill, sign } = shape;
  const mark = shape["decimal-mark"];
  if (fill !== undefined && digits === undefined) judge.report([...at, "fill"], say.fillWithoutDigits(), "key");
  if (mark === "implied" && decimals === undefined) judge.report([...at, "decimal-mark"], say.impliedDecimals(), "key");
  if (digits !== undefined && decimals !== undefined && decimals > digits)
    judge.report([...at, "digits"], say.moreDecimalsThanDigits(digits, decimals));
  return {
    as,
    ...(decimals === undefined ? {} : { decimals }),
    ...(digits === undefined ? {} : { digits, fill: fill ?? "zeros" }),
    ...(sign === undefined ? {} : { sign }),
    ...(mark === undefined || mark === "point" ? {} : { decimalMark: mark }),
  };
}
