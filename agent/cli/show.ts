/** `pump-station show [DEVICE | TYPE]`: the merged result, and where each value comes from. */
import {
  type DescribedValue,
  describeDevice,
  describeType,
} from "@pump-station/sensor-descriptions/documents/documents.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { openControl } from "../control/client.ts";
import { createTypeFinder, knownTypes, type LoadedDescription, loadDescription } from "../description.ts";
import { otherFileLines, type Running, uploadRows, withCloudValues } from "./cloud-values.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, SOCKET, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./table.ts";

export const addShow: AddCommand = (program, deps, finish) => {
  program
    .command("show")
    .description("what the description says, merged, and where each value comes from")
    .argument("[name]", "a device of the station, or a type of the catalogue")
    .option("--file <file>", "station file", STATION_FILE)
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("--control <socket>", "the agent's socket, to say what the cloud wants and what runs", SOCKET)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples("pump-station show           every device", "pump-station show climate", "pump-station show bme280"),
    )
    .action((name: string | undefined, options: Omit<ShowOptions, "json"> & { json?: boolean }) =>
      finish(show(deps, name, { ...options, json: options.json ?? false })),
    );
};

export interface ShowOptions {
  /** The station file. */
  readonly file: string;
  readonly devices: readonly string[];
  readonly control: string;
  readonly json: boolean;
}

export async function show(deps: CliDeps, name: string | undefined, options: ShowOptions): Promise<number> {
  const folders = deviceFolders(deps, options.file, options.devices);
  // A type can be shown on a machine that has no station file.
  const findType = createTypeFinder(deps.files, folders);
  const typeFile = name === undefined ? undefined : findType(name);
  const loaded =
    typeFile && !deps.files.read(options.file) ? undefined : loadDescription(deps.files, options.file, folders);
  if (loaded?.station?.devices.some((device) => name === undefined || device.name === name)) {
    const running = await runningStation(deps, options, loaded.station.name);
    if (running) for (const line of otherFileLines(loaded.station, running, options.file)) deps.err(`${line}\n`);
    return print(deps, options, describedDevices(loaded, name, running));
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

/** What an agent says of that station; undefined when none runs it. */
async function runningStation(deps: CliDeps, options: ShowOptions, station: string): Promise<Running | undefined> {
  try {
    const client = await openControl(deps.connectControl, options.control);
    try {
      const running = (await client.ask("status")) as Running;
      return running.station === station ? running : undefined;
    } finally {
      client.close();
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    // Without an agent there is nothing to add; with one that can't be asked there may be.
    if (!said.includes("no agent runs here")) deps.err(`What the cloud wants is not shown: ${said}\n`);
    return undefined;
  }
}

function describedDevices(
  { station, origins }: LoadedDescription,
  name: string | undefined,
  running: Running | undefined,
): Section[] {
  if (!station) return [];
  const sections = station.devices
    .filter((device) => name === undefined || device.name === name)
    .map((device) => {
      const rows = describeDevice(device, origins.get(device.name) ?? new Map());
      return {
        title: `${device.name} (${device.place})`,
        rows: running ? withCloudValues(rows, device, station, running) : rows,
      };
    });
  const upload = running && name === undefined ? uploadRows(station, running) : [];
  return upload.length > 0 ? [...sections, { title: station.name, rows: upload }] : sections;
}

function print(deps: CliDeps, options: ShowOptions, sections: readonly Section[]): number {
  const text = sections.map(
    ({ title, rows }) => `${title}\n${table(rows.map(({ label, value, from }) => [`  ${label}`, value, from]))}`,
  );
  deps.out(options.json ? `${JSON.stringify(sections, null, 2)}\n` : `${text.join("\n\n")}\n`);
  return EXIT.ok;
}
