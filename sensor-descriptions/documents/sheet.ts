/** A wiring and channel sheet in Markdown: what hangs in the box's door, and what QA and cloud teams read. */
import { keptChannels } from "../kept-channels.ts";
import type { Channel, Device, Port, Station } from "../model.ts";
import { spokenDuration } from "../quantities.ts";
import { spokenUnit } from "../units.ts";

export function sheetFrom(station: Station): string {
  const place = [
    ...(station.altitudeM === undefined ? [] : [`${station.altitudeM} m above sea level`]),
    `time zone ${station.timeZone}`,
  ];
  const ports = [...station.ports.values()].map((port) => [
    port.name,
    port.kind,
    code(port.path),
    station.devices
      .filter((device) => device.port === port.name)
      .map(wired)
      .join("; "),
  ]);
  return [
    `# ${text(station.label)} (${station.name})`,
    `${place.join(", ")}. Description ${code(station.hash.slice(0, 12))}.`,
    "## Wiring",
    table(["Port", "Kind", "Where", "What is wired to it"], ports),
    ...station.devices.map((device) => deviceSection(device, station.ports.get(device.port))),
    "",
  ].join("\n\n");
}

const wired = (device: Device): string => {
  if (device.pin !== undefined) return `${device.name} at pin ${device.pin}`;
  const { address } = device;
  if (address === undefined) return device.name;
  return `${device.name} at ${device.protocol.kind === "i2c" ? `0x${address.toString(16)}` : address}`;
};

function deviceSection(device: Device, port: Port | undefined): string {
  const asked =
    device.paused === undefined ? `read every ${spokenDuration(device.everyMs)}` : `paused: ${text(device.paused)}`;
  const faster = device.faster
    ? `, every ${spokenDuration(device.faster.everyMs)} when ${text(device.faster.when.text)}`
    : "";
  const parts = [
    `## ${device.name}`,
    `${device.type} on ${device.port}${port ? ` (${code(port.path)})` : ""}, ${asked}${faster}.`,
    table(["Channel", "Unit", "Steps", "Plausible", "Kind"], keptChannels(device).map(channelRow)),
  ];
  if (device.settings.length > 0) {
    const rows = device.settings.map(({ name, range, unit, step, onlyWhen, readBack }) => [
      name,
      `${range.low} to ${range.high} ${spokenUnit(unit)}${step === undefined ? "" : `, steps of ${step}`}`,
      text(onlyWhen?.text ?? ""),
      readBack,
    ]);
    parts.push(table(["Setting", "Range", "Only when", "Read back in"], rows));
  }
  if (device.commands.length > 0) {
    const rows = device.commands.map(({ name, onlyWhen, confirm, withinMs }) => [
      name,
      text(onlyWhen?.text ?? ""),
      confirm ? `${text(confirm.text)} within ${spokenDuration(withinMs)}` : "",
    ]);
    parts.push(table(["Command", "Only when", "Done when"], rows));
  }
  if (device.alarms.length > 0) {
    const rows = device.alarms.map(({ name, severity, when, forMs, until }) => [
      name,
      severity,
      `${text(when.text)}${forMs > 0 ? ` for ${spokenDuration(forMs)}` : ""}`,
      text(until?.text ?? ""),
    ]);
    parts.push(table(["Alarm", "Severity", "Begins when", "Ends when"], rows));
  }
  return parts.join("\n\n");
}

const channelRow = (channel: Channel): string[] => [
  channel.name,
  spokenUnit(channel.unit),
  channel.states ? "" : String(channel.resolution),
  channel.states
    ? [...channel.states.values()].join(", ")
    : channel.range
      ? `${channel.range.low} to ${channel.range.high}`
      : "",
  channel.kind,
];

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map((cell) => cell.trim()).join(" | ")} |`).join("\n");

/** A label may hold what Markdown or a table would take for its own. */
const text = (words: string): string => words.replaceAll(/[\\|<>*_`[\]]/g, (character) => `\\${character}`);
const code = (words: string): string => `\`${words.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
