/** `pump-station cost [STATION]`: a month's bytes, hub units and flash, by channel, and what would lower them. */
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { readDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { InvalidArgumentError, Option } from "commander";
import { parseConfig } from "../config.ts";
import { loadDescription, textAt } from "../description.ts";
import { commitPace } from "../flash.ts";
import { type Cost, type CostSettings, costOf, type MonthlyCost, type Way } from "../uplink/cost.ts";
import { type AddCommand, type CliDeps, CONFIG, deviceFolders, examples, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";
import { morePingsText, spokenBytes, spokenDuration, table } from "./table.ts";

interface CostOptions {
  readonly config: string;
  readonly devices: readonly string[];
  readonly uploadInterval?: number;
  readonly hub: keyof typeof UNIT_BYTES;
  readonly json?: boolean;
}

/** What one metered message holds at most (the providers' price lists). */
const UNIT_BYTES = { azure: 4_096, aws: 5_120, "azure-free": 512 } as const;
const CHANNELS_SHOWN = 20;

export const addCost: AddCommand = (program, deps, finish) => {
  program
    .command("cost")
    .description("what this description will cost in a month: bytes, hub units, flash; and what would lower it")
    .argument("[file]", "station file", STATION_FILE)
    .option("--config <file>", "upload and commit interval stand there", CONFIG)
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .addOption(new Option("--upload-interval <time>", "another one than the configuration's").argParser(duration))
    .addOption(
      new Option("--hub <kind>", "whose units: 4 KB, 5 KB, 0.5 KB").choices(Object.keys(UNIT_BYTES)).default("azure"),
    )
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples("pump-station cost", "pump-station cost station.yaml --upload-interval 60min --hub aws"),
    )
    .action((file: string, options: CostOptions) => finish(cost(deps, file, options)));
};

function duration(text: string): number {
  const reading = readDuration(text);
  if ("ok" in reading && reading.ok >= 1_000) return reading.ok;
  throw new InvalidArgumentError('A time of 1s or more with its unit, for example "15min".');
}

export function cost(deps: CliDeps, file: string, options: CostOptions): number {
  const { station, problems, files } = loadDescription(deps.files, file, deviceFolders(deps, file, options.devices));
  if (!station) {
    const textOf = (path: string): string | undefined => files.find((one) => one.path === path)?.text;
    deps.err(`${formatProblems(problems, textOf, { colour: deps.colour })}\n`);
    return EXIT.configuration;
  }
  const settings = settingsFrom(deps, options);
  const found = costOf(station, settings);
  deps.out(options.json ? `${JSON.stringify({ settings, ...found }, null, 2)}\n` : `${text(found, settings)}\n`);
  return EXIT.ok;
}

/** Without a configuration its defaults: what a new station would get. */
function settingsFrom(deps: CliDeps, options: CostOptions): CostSettings {
  const written = textAt(deps.files, options.config);
  const config = parseConfig(
    options.config,
    written ?? "format: 1\nstation: any\ndescription: x\ndata: x\ncloud: mqtts://x\n",
  );
  const pace = commitPace(deps.files, config, config.data);
  return {
    uploadEveryMs: options.uploadInterval ?? config["upload-interval"],
    commitEveryMs: pace.commitEveryMs,
    ...(pace.journal && { journalEveryMs: pace.journal.everyMs }),
    keepAliveS: config["keep-alive"] === "learn" ? "learn" : config["keep-alive"] / 1_000,
    unitBytes: UNIT_BYTES[options.hub],
  };
}

function text(cost: Cost, settings: CostSettings): string {
  const { total, channels, connectionBytes, morePingBytes, ways, flashWay, mountWay } = cost;
  const others = channels.slice(CHANNELS_SHOWN);
  const head = ["", "readings", "LTE", `units of ${settings.unitBytes / 1_024} KB`, "flash"];
  const line = (name: string, readings: number | undefined, { bytes, units, flashBytes }: MonthlyCost) => [
    name,
    readings === undefined ? "" : `${Math.round(readings)}`,
    spokenBytes(Math.round(bytes)),
    `${Math.round(units)}`,
    spokenBytes(Math.round(flashBytes)),
  ];
  const sum = (of: (one: (typeof others)[number]) => number) => others.reduce((all, one) => all + of(one), 0);
  const rest = {
    bytes: sum((one) => one.bytes),
    units: sum((one) => one.units),
    flashBytes: sum((one) => one.flashBytes),
  };
  return [
    `About ${spokenBytes(Math.round(total.bytes))} over LTE in 30 days, uploads every ${spokenDuration(settings.uploadEveryMs)}; an estimate from measured parts:`,
    "",
    table([
      head,
      line("everything", undefined, total),
      line("  the connection (pings, handshake)", undefined, { bytes: connectionBytes, units: 0, flashBytes: 0 }),
      ...channels.slice(0, CHANNELS_SHOWN).map((one) => line(`  ${one.device}.${one.channel}`, one.readings, one)),
      ...(others.length > 0
        ? [
            line(
              `  ${others.length} more`,
              sum((one) => one.readings),
              rest,
            ),
          ]
        : []),
    ]),
    ...(morePingBytes > 0 ? ["", `  up to ${morePingsText(morePingBytes)}`] : []),
    ...(ways.length > 0 ? ["", "What would lower it most (each by itself):"] : []),
    ...ways.map((way, index) => `  ${index + 1}. ${wayText(way)}`),
    ...(flashWay || mountWay ? ["", "And for the flash:"] : []),
    ...[flashWay, mountWay].flatMap((way) => (way ? [`  ${wayText(way)}`] : [])),
  ].join("\n");
}

function wayText({ change, price, saves }: Way): string {
  const saved = [
    ...(saves.bytes >= 1 ? [`${spokenBytes(Math.round(saves.bytes))} of LTE`] : []),
    ...(saves.units >= 1 ? [`${Math.round(saves.units)} units`] : []),
    ...(saves.flashBytes >= 1 ? [`${spokenBytes(Math.round(saves.flashBytes))} of flash`] : []),
  ];
  return `${change}\n     saves ${saved.join(", ")} a month; the price: ${price}`;
}
