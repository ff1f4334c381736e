/**
 * One setting in words, with the origin of each value: "pump.every: file 30s, cloud 60s since 3 May, 60s runs". Where it
 * doesn't run as desired, why not; where it was read back from the hardware, how long ago.
 */
import { spokenDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import type { AgentStatus } from "../status.ts";
import type { SettingStatus } from "../twin/status.ts";
import { sinceWhen } from "./cloud-values.ts";
import { spokenDuration as spokenAge } from "./table.ts";

const SECONDS = /\/(every|faster|heartbeat|window|interval|commit-interval|keep-alive|throttle-[^/]+)$/;

export function settingLine(setting: SettingStatus, { now, timeZone }: Pick<AgentStatus, "now" | "timeZone">): string {
  const { path, own, desired, desiredVersion, running, reason, since, checkedAt, converged } = setting;
  const spoken = (value: number | string | boolean): string =>
    typeof value === "number" && SECONDS.test(path) ? spokenDuration(value * 1000) : String(value);
  const isHardware = own !== undefined && !SECONDS.test(path) && path.startsWith("devices/");
  const when = sinceWhen(since, now, timeZone ?? "UTC");
  const parts = [
    ...(own === undefined ? [] : [`${isHardware ? "device" : "file"} ${spoken(own)}`]),
    desired === undefined
      ? "cloud's value can't be used"
      : `cloud ${spoken(desired)}${when} (version ${desiredVersion ?? "?"})`,
    running == null ? "nobody knows what runs" : `${spoken(running)} runs`,
  ];
  const looked = checkedAt === undefined ? "" : `, looked at ${spokenAge(now - checkedAt)} ago`;
  return `${nameOf(path)}: ${parts.join(", ")}${looked}${converged ? "" : `; NOT equal: ${reason}`}`;
}

/** "devices/pump/every" is "pump.every", as in `read`. */
const nameOf = (path: string): string => path.replace(/^devices\//, "").replaceAll("/", ".");
