/** What the command line says about a replay; the demonstration passes it on to its hardware word for word. */
import { tableFrom } from "../recording/csv.ts";
import { IGNORED_BY_DEFAULT, type Recording, recordingFrom } from "../recording/recording.ts";
import type { TextFiles } from "../world.ts";

export interface ReplayOptions {
  readonly file: string;
  /** Recorded seconds a second; undefined: as fast as it is read. */
  readonly speed?: number;
  readonly ignore: readonly string[];
  readonly resolutions: ReadonlyMap<string, number>;
  readonly airColumns: readonly {
    readonly quantity: "temperature" | "humidity" | "pressure";
    readonly column: string;
  }[];
}

/** As commander gives them. */
export interface ReplayArguments {
  readonly replay?: string;
  readonly speed?: string;
  readonly ignore?: string;
  readonly resolution?: string;
  readonly map?: string;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Throws UsageError that says how it is written. */
export function replayOptionsFrom(said: ReplayArguments): ReplayOptions | undefined {
  const alone = (["speed", "ignore", "resolution", "map"] as const).find((name) => said[name] !== undefined);
  if (said.replay === undefined) {
    if (alone) throw new UsageError(`--${alone} belongs to --replay FILE.csv`);
    return undefined;
  }
  const speed = said.speed === undefined ? undefined : Number(said.speed);
  if (speed !== undefined && !(speed > 0 && Number.isFinite(speed))) {
    throw new UsageError(`--speed ${said.speed}: write how many recorded seconds pass in one, like --speed 10`);
  }
  return {
    file: said.replay,
    ...(speed !== undefined && { speed }),
    ignore: said.ignore === undefined ? IGNORED_BY_DEFAULT : listOf(said.ignore),
    resolutions: new Map(listOf(said.resolution).map(resolutionFrom)),
    airColumns: listOf(said.map).map(mappingFrom),
  };
}

/** The same again, for another process. */
export const replayArguments = (options: ReplayOptions): string[] => [
  ...["--replay", options.file],
  ...(options.speed === undefined ? [] : ["--speed", `${options.speed}`]),
  ...["--ignore", options.ignore.join(",")],
  ...(options.resolutions.size === 0
    ? []
    : ["--resolution", [...options.resolutions].map((it) => it.join("=")).join(",")]),
  ...(options.airColumns.length === 0
    ? []
    : ["--map", options.airColumns.map(({ quantity, column }) => `climate.${quantity}=${column}`).join(",")]),
];

/** Throws RecordingError, or UsageError when a mapped column isn't there. */
export function openRecording(files: TextFiles, options: ReplayOptions): Recording {
  const text = files.read(options.file);
  if (text === undefined) throw new UsageError(`--replay ${options.file}: there is no such file`);
  const recording = recordingFrom(tableFrom(text), options);
  for (const { column } of options.airColumns) {
    if (!recording.columns.some(({ label, channel }) => label === column || channel === column)) {
      const known = recording.columns.map(({ label }) => label).join(", ");
      throw new UsageError(`--map: the recording has no column "${column}"; it has: ${known}`);
    }
  }
  return recording;
}

const listOf = (text = ""): string[] =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");

function resolutionFrom(part: string): [string, number] {
  const at = part.lastIndexOf("=");
  const step = Number(part.slice(at + 1));
  if (at <= 0 || !(step > 0 && Number.isFinite(step))) {
    throw new UsageError(`--resolution ${part}: write it like --resolution Current=0.01,Pressure=0.01`);
  }
  return [part.slice(0, at), step];
}

function mappingFrom(part: string): ReplayOptions["airColumns"][number] {
  const [, quantity, column] = /^climate\.(temperature|humidity|pressure)=(.+)$/.exec(part) ?? [];
  if (!column || (quantity !== "temperature" && quantity !== "humidity" && quantity !== "pressure")) {
    throw new UsageError(
      `--map ${part}: write it like --map climate.temperature=air_temp,climate.pressure=air_pressure (°C, %, hPa)`,
    );
  }
  return { quantity, column };
}
