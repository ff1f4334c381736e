/**
 * What the cloud wants of a running station, beside what the description says: "file 30s, cloud 1min since 3 May, 1min
 * runs". Rows for `show`.
 */
import type { DescribedValue } from "@pump-station/sensor-descriptions/documents/documents.ts";
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { spokenDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { spokenUnit } from "@pump-station/sensor-descriptions/units.ts";
import type { AgentStatus } from "../status.ts";
import type { SettingStatus } from "../twin/status.ts";

/** Of the agent's answer to `status`. */
export type Running = Pick<AgentStatus, "station" | "now" | "settings" | "description">;

/** The rows of a device with the cloud's part in them; what the cloud has no word in stays as it is. */
export function withCloudValues(
  rows: readonly DescribedValue[],
  device: Device,
  station: Station,
  running: Running,
): DescribedValue[] {
  return rows.map((row) => {
    const setting = device.settings.find(({ name }) => row.label === `setting ${name}`);
    if (!setting && row.label !== "every") return row;
    const path = `devices/${device.name}/${setting?.name ?? "every"}`;
    const status = running.settings.find((one) => one.path === path);
    if (!status || status.ac === 203) return row;
    const when = sinceWhen(status.since, running.now, station.timeZone);
    if (!setting) return { ...row, value: everyText(row.value, status, when) };
    const unit = setting.unit === "" ? "" : ` ${spokenUnit(setting.unit)}`;
    const runs = status.running == null ? "nobody knows what runs" : `${String(status.running)}${unit} runs`;
    return { ...row, value: `${row.value}; ${wantedText(status, (value) => `${value}${unit}`, when)}, ${runs}` };
  });
}

/** How often what is read is sent: of agent.yaml, and of the cloud. */
export function uploadRows(station: Station, running: Running): DescribedValue[] {
  const status = running.settings.find(({ path }) => path === "upload/interval");
  if (typeof status?.own !== "number") return [];
  const own = spokenDuration(status.own * 1000);
  const when = sinceWhen(status.since, running.now, station.timeZone);
  const value = status.ac === 203 ? own : everyText(own, status, when);
  return [{ label: "upload interval", value, from: "agent.yaml" }];
}

/** Whether what runs is what the file says; empty when it is. */
export function otherFileLines(station: Station, running: Running, file: string): string[] {
  const { path, hash, differs, problems, trial } = running.description;
  if (hash === station.hash && !trial) return [];
  if (hash === station.hash) return [`The agent tries this file; it runs until the trial ends (pump-station status).`];
  return [
    `The agent does not run what this file says${path === file ? "" : `; its own file is ${path}`}.`,
    ...differs.map((line) => `  ${line}`),
    ...(problems.length > 0 ? [`  the file has problems: pump-station check ${path}`] : []),
  ];
}

function everyText(own: string, status: SettingStatus, when: string): string {
  const spoken = (seconds: number | string): string => spokenDuration(Number(seconds) * 1000);
  const runs = typeof status.running === "number" ? spoken(status.running) : own;
  return `file ${own}, ${wantedText(status, spoken, when)}, ${runs} runs`;
}

function wantedText(
  { desired, ac, reason }: SettingStatus,
  spoken: (value: number | string) => string,
  when: string,
): string {
  if (desired === undefined) return `cloud's value refused${when} (${reason})`;
  const wanted = `cloud ${spoken(desired)}${when}`;
  return ac === 200 ? wanted : `${wanted} (not yet: ${reason})`;
}

/** By the station's clock and in its time zone: the time of today, else the day, with the year when it is another one. */
export function sinceWhen(since: number | undefined, now: number, timeZone: string): string {
  if (since === undefined) return "";
  const inZone = (ms: number, options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat("en-GB", { timeZone, ...options }).format(new Date(ms));
  const day = (ms: number): string => inZone(ms, { day: "numeric", month: "short", year: "numeric" });
  if (day(since) === day(now)) return ` since ${inZone(since, { hour: "2-digit", minute: "2-digit" })}`;
  const year = (ms: number): string => inZone(ms, { year: "numeric" });
  return ` since ${year(since) === year(now) ? inZone(since, { day: "numeric", month: "short" }) : day(since)}`;
}
