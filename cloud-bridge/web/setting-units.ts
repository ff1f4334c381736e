/**
 * In which unit a setting stands, by its name: the page knows names and streams, not descriptions. A test holds it to the
 * station's table of settings (agent/twin/known-settings.ts). Pure.
 */
import type { StreamChannel } from "../api/contract.ts";
import { unitText } from "./format.ts";

const SECONDS = new Set([
  "every",
  "faster",
  "heartbeat",
  "window",
  "interval",
  "keep-alive",
  "commit-interval",
  "live",
]);
const SECONDS_OF =
  /^(median|average|exponential-average|skip-jumps-within|throttle|timeout|debounce|rate-over)-|^alarm-.*-for$/;
/** What is said of a channel stands before its name, how an alarm compares it behind. */
const OF_CHANNEL =
  /^(?:small-change|clamp-low|clamp-high|round|skip-jumps|alarm)-(.*?)(?:-(?:above|below|at-least|at-most)(?:-\d+)?)?$/;
const OTHERS: Readonly<Record<string, string>> = { budget: "MB a month", "window-at-least": "%" };

/** A setting of the hardware has the unit of the channel of its name. */
export function settingUnit(path: string, channels: readonly StreamChannel[]): string {
  const name = path.split("/").at(-1) ?? "";
  const own = channels.find((channel) => channel.name === name);
  if (own) return unitText(own.unit);
  if (SECONDS.has(name) || SECONDS_OF.test(name)) return "s";
  const said = OF_CHANNEL.exec(name)?.[1];
  // "too-hot-temperature" ends in "temperature": the longest channel is meant.
  const named = channels
    .filter((channel) => said === channel.name || said?.endsWith(`-${channel.name}`))
    .sort((a, b) => b.name.length - a.name.length);
  return OTHERS[name] ?? unitText(named[0]?.unit ?? "");
}
