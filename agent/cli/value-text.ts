/** Values in columns, for people. */
import type { LiveValue } from "../status.ts";
import { spokenDuration, table } from "./table.ts";

export const valuesText = (values: readonly LiveValue[], colour: boolean): string =>
  table(
    values.map((value) => [
      `${value.device}.${value.channel}`,
      spokenValue(value),
      `${spokenDuration(value.ageMs)} ago`,
      coloured(value, colour),
    ]),
  );

export const spokenValue = ({ value, missing, unit }: LiveValue): string =>
  value === null ? `no value: ${missing ?? "unknown"}` : `${value}${unit ? ` ${unit}` : ""}`;

/** Red: no value. Yellow: one not to be trusted. */
function coloured({ quality }: LiveValue, colour: boolean): string {
  if (!colour || quality === "good") return quality;
  const isDoubtful = ["stale", "implausible", "no-sensor"].includes(quality);
  return `\u001b[${isDoubtful ? 33 : 31}m${quality}\u001b[0m`;
}
