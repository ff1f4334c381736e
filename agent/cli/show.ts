/** `pump-station show [DEVICE | TYPE]`: the merged result, and where each value comes from. */
import {
  type DescribedValue,
  describeDevice,
  describeType,
} from "@pump-station/sensor-descriptions/documents/documents.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { createTypeFinder, knownTypes, type LoadedDescription, loadDescription } from "../description.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./table.ts";

export const addShow: AddCommand = (program, deps, finish) => {
  program
    .command("show")
    .description("what the description says, merged, and where each value comes from")
    .argument("[name]", "a device of the station, or a type of the catalogue")
    .option("--file <file>", "station file", STATION_FILE)
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples("pump-station show           every device", "pump-station show climate", "pump-station show bme280"),
    )
    .action((name: string | undefined, options: { file: string; devices: string[]; json?: boolean }) =>
      finish(show(deps, name, { ...options, json: options.json ?? false })),
    );
};

export interface ShowOptions {
  /** The station file. */
  readonly file: string;
  readonly devices: readonly string[];
  readonly json: boolean;
}

export function show(deps: CliDeps, name: string | undefined, options: ShowOptions): number {
  const folders = deviceFolders(deps, options.file, options.devices);
  // A type can be shown on a machine that has no station file.
  const findType = createTypeFinder(deps.files, folders);
  const typeFile = name === undefined ? undefined : findType(name);
  const loaded =
    typeFile && !deps.files.read(options.file) ? undefined : loadDescription(deps.files, options.file, folders);
  if (loaded?.station?.devices.some((device) => name === undefined || device.name === name)) {
    return print(deps, options, describedDevices(loaded, name));
  }
  if (typeFile) {
    const { type, problems, files } = loadDeviceType(typeFile, findType, knownTypes(deps.files, folders));
    if (type) return print(deps, options, [{ title: `${type.name} (${typeFile.path})`, rows: describeType(type) }]);
    const textOf = (path: string): string | undefined => files.find((file) => file.path === path)?.text;
    deps.err(`${formatProblems(problems, textOf, { colour: deps.colour })}\n`);
    return EXIT.configuration;
  }
  if (loaded && !loaded.station) {
    deps.err(
      `${formatProblems(loaded.problems, (path) => loaded.files.find((file) => file.path === path)?.text, { colour: deps.colour })}\n`,
    );
    return EXIT.configuration;
  }
  const devices = loaded?.station?.devices.map((device) => device.name) ?? [];
  deps.err(
    `show: there is no device and no type "${name ?? ""}"\n  devices: ${devices.join(", ")}\n  types: ${knownTypes(deps.files, folders).join(", ")}\n`,
  );
  return EXIT.failed;
}

interface Section {
  readonly title: string;
  readonly rows: readonly DescribedValue[];
}

function describedDevices({ station, origins }: LoadedDescription, name: string | undefined): Section[] {
  return (station?.devices ?? [])
    .filter((device) => name === undefined || device.name === name)
    .map((device) => ({
      title: `${device.name} (${device.place})`,
      rows: describeDevice(device, origins.get(device.name) ?? new Map()),
    }));
}

function print(deps: CliDeps, options: ShowOptions, sections: readonly Section[]): number {
  const text = sections.map(
    ({ title, rows }) => `${title}\n${table(rows.map(({ label, value, from }) => [`  ${label}`, value, from]))}`,
  );
  deps.out(options.json ? `${JSON.stringify(sections, null, 2)}\n` : `${text.join("\n\n")}\n`);
  return EXIT.ok;
}
