/** `pump-station describe`: the description as other readers want it: a model for clouds, a sheet, schemas for editors. */
import { dtdlFrom } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import { deviceEditorSchema, stationEditorSchema } from "@pump-station/sensor-descriptions/documents/editor-schema.ts";
import { sheetFrom } from "@pump-station/sensor-descriptions/documents/sheet.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { Option } from "commander";
import { stationDtdlCommands } from "../commands/document.ts";
import { createTypeFinder, knownTypes, loadDescription } from "../description.ts";
import { DTDL_SETTINGS } from "../twin/model.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";

interface DescribeOptions {
  readonly dtdl?: boolean;
  readonly markdown?: boolean;
  readonly jsonSchema?: "station" | "device";
  readonly devices: readonly string[];
}

export const addDescribe: AddCommand = (program, deps, finish) => {
  program
    .command("describe")
    .description("the description for other readers: DTDL v3 model, Markdown sheet, JSON Schema for editors")
    .argument("[file]", "station file", STATION_FILE)
    .addOption(new Option("--dtdl", "a model in the Digital Twins Definition Language, version 3").conflicts(OTHERS))
    .addOption(new Option("--markdown", "a wiring and channel sheet for people (this, when nothing is said)"))
    .addOption(
      new Option("--json-schema <kind>", "what editors complete and check by")
        .choices(["station", "device"])
        .conflicts("markdown"),
    )
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .addHelpText(
      "after",
      examples(
        "pump-station describe --markdown > station.md",
        "pump-station describe --dtdl > station.dtdl.json",
        "pump-station describe --json-schema station > station.schema.json",
      ),
    )
    .action((file: string, options: DescribeOptions) => finish(describe(deps, file, options)));
};

const OTHERS = ["markdown", "jsonSchema"];

function describe(deps: CliDeps, file: string, options: DescribeOptions): number {
  const folders = deviceFolders(deps, file, options.devices);
  const print = (value: unknown): number => {
    deps.out(typeof value === "string" ? value : `${JSON.stringify(value, null, 2)}\n`);
    return EXIT.ok;
  };
  if (options.jsonSchema === "device") return print(deviceEditorSchema());
  if (options.jsonSchema === "station") {
    const find = createTypeFinder(deps.files, folders);
    const sources = knownTypes(deps.files, folders).flatMap((name) => find(name) ?? []);
    return print(stationEditorSchema(sources.flatMap((source) => loadDeviceType(source, find).type ?? [])));
  }
  const { station, problems, files } = loadDescription(deps.files, file, folders);
  if (!station) {
    const textOf = (path: string): string | undefined => files.find((one) => one.path === path)?.text;
    deps.err(`${formatProblems(problems, textOf, { colour: deps.colour })}\n`);
    return EXIT.configuration;
  }
  return print(
    options.dtdl ? dtdlFrom(station, { ...DTDL_SETTINGS, commands: stationDtdlCommands() }) : sheetFrom(station),
  );
}
