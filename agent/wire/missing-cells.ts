/** Why a value is missing, as a number: reason (1…255, MISSING_REASONS) | reason · 256 + the device's code (0…255). */
import { type ChannelValue, MISSING_REASONS, type MissingReason, missing } from "../reading.ts";
import { integerFrom } from "./shape.ts";
import { WireError } from "./wire-error.ts";

/** A number that no multiple of the resolution can stand for is none that a sensor measured. */
export const IMPLAUSIBLE_CELL = MISSING_REASONS.implausible;

export const cellFrom = (reason: MissingReason, code: number | undefined): number =>
  code === undefined ? MISSING_REASONS[reason] : MISSING_REASONS[reason] * 256 + (code & 0xff);

const REASON_BY_NUMBER = new Map<number, MissingReason>(
  Object.entries(MISSING_REASONS).map(([reason, number]) => [number, reason as MissingReason]),
);

/** Throws WireError "malformed". */
export function missingFrom(item: unknown): ChannelValue {
  const cell = integerFrom(item, "gap", 1, 0xffff);
  const reason = REASON_BY_NUMBER.get(cell < 256 ? cell : cell >> 8);
  if (!reason) throw new WireError("malformed", `decode gap: no reason has the number ${cell}`);
  return cell < 256 ? missing(reason) : missing(reason, cell & 0xff);
}
