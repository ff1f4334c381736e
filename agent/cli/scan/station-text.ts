/** A first station file from what was found: what is sure as lines, what is possible as comments beside them. */
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { type Finding, hexAddress, type Scanned } from "./finding.ts";

/** undefined: nothing was found that a device could be written for. */
export function stationText(scanned: readonly Scanned[]): string | undefined {
  const names = new Set<string>();
  const written = scanned.filter(({ findings }) => findings.some(({ types }) => types.length > 0));
  const devices = written.flatMap(({ port, findings }) =>
    findings.flatMap((finding) => deviceLines(finding, port.name, names)),
  );
  if (devices.length === 0) return undefined;
  const usesAltitude = written.some(({ findings }) => findings.some(({ types: [type] }) => type?.usesAltitude));
  return `${[
    "# What is wired to this board, as pump-station scan found it: look over each line.",
    "format: 1",
    "station: my-station                # the name the cloud knows; never reuse another station's",
    'label: "My station"',
    ...(usesAltitude ? ["place:", "  altitude: 0 m                    # above sea level: write yours"] : []),
    "",
    "ports:",
    ...written.flatMap(({ port }) => [
      `  ${port.name}:`,
      `    ${port.kind}: ${port.path}`,
      ...(port.simulator === undefined ? [] : [`    simulator: ${port.simulator}`]),
    ]),
    "",
    "devices:",
    ...devices,
  ].join("\n")}\n`;
}

/** The lines of one device, as they stand below `devices:`. */
export function deviceLines(finding: Finding, port: string, names: Set<string>): string[] {
  const [type, ...others] = finding.types;
  if (!type) return [];
  const { address } = finding;
  const name = freeName(type.name, names);
  const comment = finding.sureness === "possible" ? "not sure: " : "";
  return [
    `  ${name}:`,
    `    type: ${type.name}`.padEnd(34) + ` # ${comment}${finding.because}`,
    ...others.map(({ name: other }) => `#   type: ${other}`.padEnd(34) + " # or this one"),
    `    port: ${port}`,
    ...(address !== undefined && type.needs.has("address")
      ? [`    address: ${type.kind === "i2c" ? hexAddress(address) : address}`]
      : []),
    ...needLines(type),
  ];
}

/** What the type must be told and nobody can find out. */
const needLines = (type: DeviceType): string[] =>
  [...type.needs.values()].flatMap((need) => {
    if (need.name === "address" || need.default !== undefined) return [];
    const [word] = need.choices?.keys() ?? [];
    const value = word ?? `${need.oneOf?.[0] ?? need.range?.low ?? 1}${need.unit === "" ? "" : ` ${need.unit}`}`;
    return [`    ${need.name}: ${value}`.padEnd(34) + " # write yours"];
  });

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted.slice(0, 24);
  for (let count = 2; taken.has(name); count++) name = `${wanted.slice(0, 24)}-${count}`;
  taken.add(name);
  return name;
}
