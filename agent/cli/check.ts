/** `pump-station check FILE…`: every problem at once, with place and advice; then what the station would read. */
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { formatProblems, hasErrors, type Problem } from "@pump-station/sensor-descriptions/problems.ts";
import { loadDescription, type SourceText } from "../description.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples } from "./command.ts";
import { EXIT } from "./exit.ts";
import { spokenDuration, table } from "./table.ts";

export const addCheck: AddCommand = (program, deps, finish) => {
  program
    .command("check")
    .description("find every problem of a station or device file, run the examples, say what would be read")
    .argument("<file...>", "station or device files")
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples(
        "pump-station check /etc/pump-station/station.yaml",
        "pump-station check devices/*.yaml                   device files, their examples included",
      ),
    )
    .action((files: string[], options: { devices: string[]; json?: boolean }) =>
      finish(check(deps, files, { devices: options.devices, json: options.json ?? false })),
    );
};

interface Checked {
  readonly path: string;
  readonly problems: readonly Problem[];
  readonly files: readonly SourceText[];
  /** What is there when nothing is wrong, in words. */
  readonly summary: string;
}

export function check(
  deps: CliDeps,
  paths: readonly string[],
  options: { readonly devices: readonly string[]; readonly json: boolean },
): number {
  const checked = paths.map((path) => checkFile(deps, path, deviceFolders(deps, path, options.devices)));
  if (options.json)
    deps.out(
      `${JSON.stringify(
        checked.map(({ path, problems }) => ({ path, problems })),
        null,
        2,
      )}\n`,
    );
  else for (const one of checked) deps.out(`${textOf(deps, one)}\n`);
  return checked.some(({ problems }) => hasErrors(problems)) ? EXIT.configuration : EXIT.ok;
}

function checkFile(deps: CliDeps, path: string, folders: readonly string[]): Checked {
  const bytes = deps.files.read(path);
  const text = bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  // A device file names its type where a station file names its station.
  if (text !== undefined && /^type\s*:/m.test(text) && !/^station\s*:/m.test(text)) {
    const { type, problems } = loadDeviceType({ path, text });
    const summary = type
      ? `${type.name}: ${type.channels.length} channels, ${type.examples.length} examples come out`
      : "";
    return { path, problems, files: [{ path, text }], summary };
  }
  const { station, problems, files } = loadDescription(deps.files, path, folders);
  return { path, problems, files, summary: station ? stationSummary(station) : "" };
}

function textOf(deps: CliDeps, { path, problems, files, summary }: Checked): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const list = formatProblems(problems, (name) => files.find((file) => file.path === name)?.text, {
    colour: deps.colour,
  });
  const verdict =
    errors > 0 ? `${path}: ${errors} ${errors === 1 ? "problem" : "problems"}` : `${path}: good. ${summary}`;
  return [list, verdict].filter(Boolean).join("\n\n");
}

function stationSummary(station: Station): string {
  const rows = station.devices.map((device) => [
    `  ${device.name}`,
    device.type,
    device.port,
    device.paused === undefined ? `every ${spokenDuration(device.everyMs)}` : `paused: ${device.paused}`,
    device.channels.map(({ name }) => name).join(", "),
  ]);
  const perDay = station.devices
    .filter(({ paused }) => paused === undefined)
    .reduce((sum, device) => sum + (86_400_000 / device.everyMs) * device.channels.length, 0);
  return `${station.label}: ${station.devices.length} devices, ${Math.round(perDay)} readings a day\n${table(rows)}`;
}
