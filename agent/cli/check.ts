/** `pump-station check FILE…`: every problem at once, with place and advice; then what the station would read. */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import { loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import type { Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { formatProblems, hasErrors, type Problem } from "@pump-station/sensor-descriptions/problems.ts";
import { readDuration } from "@pump-station/sensor-descriptions/quantities.ts";
import { InvalidArgumentError, Option } from "commander";
import { createTypeFinder, knownTypes, loadDescription, type SourceText, textAt } from "../description.ts";
import type { CommitPace } from "../flash.ts";
import { estimateFlash, type FlashEstimate, samplesPerDay } from "../uplink/flash-estimate.ts";
import { estimateLte, type LteEstimate } from "../uplink/lte-estimate.ts";
import { type AddCommand, type CliDeps, CONFIG, deviceFolders, examples } from "./command.ts";
import { EXIT } from "./exit.ts";
import { commitPaceOf, flashLines } from "./flash-text.ts";
import { morePingsText, spokenBytes, spokenDuration, table } from "./table.ts";

/** What looking at files takes: nothing of the machine. */
export type Looking = Pick<CliDeps, "files" | "out" | "colour" | "catalogue">;

export const addCheck: AddCommand<Looking> = (program, deps, finish) => {
  program
    .command("check")
    .description("find every problem of a station or device file, run the examples, say what would be read")
    .argument("<file...>", "station or device files")
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .addOption(
      new Option("--upload-interval <time>", "of agent.yaml, for what it will cost")
        .argParser(uploadInterval)
        .default(UPLOAD_INTERVAL_MS, "15min"),
    )
    .option("--config <file>", "where the readings are kept and how often they are written stands there", CONFIG)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples(
        "pump-station check /etc/pump-station/station.yaml",
        "pump-station check devices/*.yaml                   device files, their examples included",
      ),
    )
    .action((files: string[], options: { devices: string[]; uploadInterval: number; config: string; json?: boolean }) =>
      finish(check(deps, files, { ...options, json: options.json ?? false })),
    );
};

const UPLOAD_INTERVAL_MS = 900_000;

function uploadInterval(text: string): number {
  const reading = readDuration(text);
  if ("ok" in reading && reading.ok > 0) return reading.ok;
  throw new InvalidArgumentError('A time with its unit, for example "15min".');
}

interface Checked {
  readonly path: string;
  readonly problems: readonly Problem[];
  readonly files: readonly SourceText[];
  /** What is there when nothing is wrong, in words. */
  readonly summary: string;
  readonly devices?: readonly CheckedDevice[];
  readonly estimate?: LteEstimate;
  readonly flash?: CommitPace & FlashEstimate;
}

interface CheckedDevice {
  readonly name: string;
  readonly type: string;
  readonly port: string;
  readonly everyMs: number;
  readonly paused?: string;
  readonly channels: readonly string[];
}

export function check(
  deps: Looking,
  paths: readonly string[],
  options: {
    readonly devices: readonly string[];
    readonly uploadInterval: number;
    readonly config?: string;
    readonly json: boolean;
  },
): number {
  const uplink = { intervalMs: options.uploadInterval, keepAliveS: "learn" as const };
  const plan = { uplink, pace: commitPaceOf(deps.files, options.config ?? CONFIG) };
  const checked = paths.map((path) => checkFile(deps, path, deviceFolders(deps, path, options.devices), plan));
  if (options.json) deps.out(`${JSON.stringify(checked.map(forPrograms), null, 2)}\n`);
  else for (const one of checked) deps.out(`${textOf(deps, one)}\n`);
  return checked.some(({ problems }) => hasErrors(problems)) ? EXIT.configuration : EXIT.ok;
}

/** What will run it, as far as that decides what it costs. */
interface Plan {
  readonly uplink: Parameters<typeof estimateLte>[1];
  readonly pace: CommitPace | undefined;
}

function checkFile(deps: Looking, path: string, folders: readonly string[], { uplink, pace }: Plan): Checked {
  const text = readableText(deps, path);
  // A device file names its type where a station file names its station.
  if (text !== undefined && /^type\s*:/m.test(text) && !/^station\s*:/m.test(text)) {
    const findType = createTypeFinder(deps.files, folders);
    const { type, problems, files } = loadDeviceType({ path, text }, findType, knownTypes(deps.files, folders));
    const summary = type
      ? `${type.name}: ${type.channels.length} channels, ${type.examples.length} examples come out`
      : "";
    return { path, problems, files, summary };
  }
  const { station, problems, files } = loadDescription(deps.files, path, folders);
  if (!station) return { path, problems, files, summary: "" };
  const estimate = estimateLte(station, uplink);
  const devices = station.devices.map(checkedDevice);
  const flash = pace && flashEstimate(station, estimate, pace);
  const flashText = pace && flash ? flashLines(pace, flash) : [];
  const summary = [stationSummary(station, devices, estimate, uplink.intervalMs), ...flashText].join("\n  ");
  return { path, problems, files, summary, devices, estimate, ...(flash && { flash: { ...pace, ...flash } }) };
}

/** undefined also for what can't be read: why it can't is then a problem of the file like any other. */
function readableText({ files }: Looking, path: string): string | undefined {
  try {
    return textAt(files, path);
  } catch {
    return undefined;
  }
}

const checkedDevice = (device: Device): CheckedDevice => ({
  name: device.name,
  type: device.type,
  port: device.port,
  everyMs: device.everyMs,
  ...(device.paused === undefined ? {} : { paused: device.paused }),
  channels: keptChannels(device).map((channel) => channel.name),
});

const flashEstimate = (station: Station, { readingsPerDay }: LteEstimate, pace: CommitPace): FlashEstimate =>
  estimateFlash(
    { samples: samplesPerDay(station), readings: readingsPerDay },
    { commitEveryMs: pace.commitEveryMs, ...(pace.journal && { journalEveryMs: pace.journal.everyMs }) },
  );

const forPrograms = ({ path, problems, devices, estimate, flash }: Checked) => ({
  path,
  problems,
  devices,
  estimate,
  flash,
});

function textOf(deps: Looking, { path, problems, files, summary }: Checked): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const list = formatProblems(problems, (name) => files.find((file) => file.path === name)?.text, {
    colour: deps.colour,
  });
  const verdict =
    errors > 0 ? `${path}: ${errors} ${errors === 1 ? "problem" : "problems"}` : `${path}: good. ${summary}`;
  return [list, verdict].filter(Boolean).join("\n\n");
}

function stationSummary(
  station: Station,
  devices: readonly CheckedDevice[],
  estimate: LteEstimate,
  intervalMs: number,
): string {
  const { readingsPerDay, bytesPerDay, messagesPerDay, payloadBytesPerDay, pingBytesPerDay } = estimate;
  const morePingBytes = estimate.pingBytesPerDayAtMost - pingBytesPerDay;
  const rows = devices.map(({ name, type, port, everyMs, paused, channels }) => [
    `  ${name}`,
    type,
    port,
    paused === undefined ? `every ${spokenDuration(everyMs)}` : `paused: ${paused}`,
    channels.join(", "),
  ]);
  return [
    `${station.label}: ${devices.length} devices, ${Math.round(readingsPerDay)} readings a day`,
    table(rows),
    `  About ${spokenBytes(bytesPerDay)} a day on LTE, in ${Math.round(messagesPerDay)} uploads, one every ${spokenDuration(intervalMs)} or when it is full:`,
    `    ${spokenBytes(payloadBytesPerDay)} of readings, ${spokenBytes(pingBytesPerDay)} to keep the connection open in between.`,
    ...(morePingBytes > 0 ? [`    Up to ${morePingsText(morePingBytes)}`] : []),
  ].join("\n");
}
