/**
 * Bytes and CPU time per reading of recorded series, in our two bodies and in what others send; everything is decoded back
 * and compared value by value.
 *
 *   npm run bench -- wire --csv FILE… [--rows N] [--resolution NAME=STEP,…] [--only NAME,…] [--leave-out NAME,…]
 *       FILE     first column: time; the others: channels. Separator, header and decimal comma are found
 *       --rows   rows in a batch; 360 unless said otherwise. A last batch that isn't full is left out
 *       --resolution   the step at which a channel is worth paying for; as many decimals as recorded where not given
 *   npm run bench -- wire --hold-out [--rows N] [--channels N] [--seed N]    recordings of kinds that nothing was fitted on:
 *       bytes per reading of each way, a line per kind
 *   npm run bench -- wire --fuzz RUNS [--seed N]    changed bytes under a valid check: values or a refusal, and memory
 */
import { readFileSync } from "node:fs";
import { BATCH_VALUES_MAX, MESSAGE_BYTES_MAX } from "@pump-station/agent/limits.ts";
import { createScale } from "@pump-station/agent/wire/scale.ts";
import { SCHEMA_CHANNELS_MAX, type StreamSchema } from "@pump-station/agent/wire/schema.ts";
import { fuzzTight } from "@pump-station/agent/wire/testing/fuzz-tight.ts";
import { HELD_OUT_KINDS, heldOut } from "@pump-station/agent/wire/testing/held-out.ts";
import { cpuPerRound } from "./rig/cpu-per-round.ts";
import { type CsvChannel, CsvError, type CsvOptions, type CsvTable, csvTable } from "./rig/csv-table.ts";
import { type Codec, codecsFor, type Rows } from "./rig/wire-codecs.ts";

const ROWS_DEFAULT = 360;
/** Of a long recording, batches of about so many readings, from all over it, are timed; all are encoded and compared. */
const TIMED_READINGS = 100_000;
const MEMORY_GROWTH_MAX = 64 * 1024 * 1024;
const LABELS = ["anomaly", "changepoint"];
const OPTIONS = [
  "--csv",
  "--rows",
  "--resolution",
  "--only",
  "--leave-out",
  "--hold-out",
  "--channels",
  "--fuzz",
  "--seed",
];

interface Options extends CsvOptions {
  readonly files: readonly string[];
  readonly rows: number;
  readonly isHeldOut: boolean;
  readonly channels: number;
  readonly fuzzRuns?: number;
  readonly seed: number;
}

export async function run(args: readonly string[]): Promise<void> {
  try {
    const options = optionsFrom(args);
    if (options.fuzzRuns !== undefined) return fuzz(options.fuzzRuns, options.seed);
    if (options.isHeldOut) return measureHeldOut(options);
    if (options.files.length === 0) {
      console.log(
        "wire: no recording; npm run bench -- wire --csv FILE… [--rows N] [--resolution NAME=STEP,…], or --hold-out",
      );
      return;
    }
    measureFiles(options);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    console.error(error.message);
    process.exitCode = 64;
  }
}

/** Throws CsvError. */
function optionsFrom(args: readonly string[]): Options {
  const given = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const arg of args) {
    if (arg.startsWith("--")) {
      const [name = "", value] = arg.split(/=(.*)/s);
      if (!OPTIONS.includes(name)) {
        throw new CsvError(`wire: unknown option ${name}`);
      }
      current = given.get(name) ?? [];
      given.set(name, current);
      if (value !== undefined) current.push(value);
    } else if (current) current.push(arg);
    else throw new CsvError(`wire: "${arg}" stands before any option; files come after --csv`);
  }
  const list = (name: string) => given.get(name)?.flatMap((text) => text.split(",").map((part) => part.trim()));
  const only = list("--only");
  return {
    files: given.get("--csv") ?? [],
    rows: wholeNumber("--rows", given.get("--rows")?.at(-1) ?? String(ROWS_DEFAULT), 20_000),
    resolutions: new Map((list("--resolution") ?? []).map(resolutionFrom)),
    ...(only && { only }),
    leaveOut: list("--leave-out") ?? [],
    isHeldOut: given.has("--hold-out"),
    channels: wholeNumber("--channels", given.get("--channels")?.at(-1) ?? "8", 256),
    ...(given.has("--fuzz") && { fuzzRuns: wholeNumber("--fuzz", given.get("--fuzz")?.at(-1) ?? "2000000", 1e9) }),
    seed: wholeNumber("--seed", given.get("--seed")?.at(-1) ?? "1", 2 ** 31),
  };
}

function wholeNumber(option: string, text: string, high: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= high) return number;
  throw new CsvError(`wire: ${option} ${text}: not a whole number from 1 to ${high}`);
}

function resolutionFrom(text: string): [string, number] {
  const at = text.lastIndexOf("=");
  const step = Number(text.slice(at + 1));
  if (at > 0 && step > 0 && Number.isFinite(step)) return [text.slice(0, at), step];
  throw new CsvError(`wire: --resolution "${text}": write NAME=STEP, like Current=0.01`);
}

/** Throws CsvError. */
function measureFiles(options: Options): void {
  const tables = options.files.map((path) => csvTable(path, textOf(path), withoutLabels(path, options)));
  for (const note of tables.flatMap(({ notes }) => notes)) console.log(note);
  const [first] = tables;
  if (!first) return;
  const channels = commonChannels(tables, options);
  if (channels.length > SCHEMA_CHANNELS_MAX) {
    throw new CsvError(
      `wire: ${channels.length} channels; a stream has at most ${SCHEMA_CHANNELS_MAX}: choose with --only NAME,…`,
    );
  }
  const batches = tables.flatMap((table) => batchesOf(table, channels, options.rows));
  const readings = batches.reduce((sum, { values }) => sum + values.length * channels.length, 0);
  if (options.rows * channels.length > BATCH_VALUES_MAX) {
    throw new CsvError(
      `wire: --rows ${options.rows} of ${channels.length} channels; a batch holds ${BATCH_VALUES_MAX} values`,
    );
  }
  if (readings === 0) throw new CsvError(`${options.files[0]}: fewer than ${options.rows} rows; give --rows`);
  console.log(
    `${batches.length} batches of ${options.rows} rows, ${channels.length} channels, ${readings} readings: ` +
      channels.map(({ name, resolution }) => `${name} ${resolution}`).join(", "),
  );
  console.log("\nbytes: body and 20 of header; identity: epoch, schema hash, check, beside it\n");
  console.log("| codec | bytes/reading | identity/reading | µs to encode | µs to decode |\n|---|---|---|---|---|");
  const schema = { stream: "recording", channels };
  for (const codec of codecsFor(schema)) console.log(measured(codec, batches, readings));
}

const withoutLabels = (path: string, options: Options): CsvOptions => {
  const [header = ""] = textOf(path).split(/\r?\n/, 1);
  const labels = options.only ? [] : LABELS.filter((label) => header.split(/[\t|;,]/).includes(label));
  if (labels.length > 0) console.log(`${path}: ${labels.join(", ")} left out: labels, nothing that is measured`);
  return { ...options, leaveOut: [...options.leaveOut, ...labels] };
};

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CsvError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const HELD_OUT_BATCHES = 4;

function measureHeldOut({ rows, channels, seed }: Options): void {
  const kinds = HELD_OUT_KINDS.map((kind) => {
    const batches = Array.from({ length: HELD_OUT_BATCHES }, (_, at) => heldOut(kind, seed + at, rows, channels));
    const resolutions = batches[0]?.resolutions ?? [];
    const named = resolutions.map((resolution, at) => ({
      name: `${kind} ${at + 1}`,
      kind: "gauge" as const,
      unit: "",
      resolution,
    }));
    const codecs = codecsFor({ stream: "recording", channels: named });
    const cells = codecs.map((codec) => (bytesOf(codec, batches) / (HELD_OUT_BATCHES * rows * channels)).toFixed(3));
    return { kind, codecs: codecs.map(({ name }) => name), cells };
  });
  console.log(
    `bytes per reading (body and 20 of header), ${HELD_OUT_BATCHES} batches of ${rows} rows, ${channels} channels, ` +
      `seeds from ${seed}\n`,
  );
  const names = kinds[0]?.codecs ?? [];
  console.log(`| kind | ${names.join(" | ")} |\n|${"---|".repeat(names.length + 1)}`);
  for (const { kind, cells } of kinds) console.log(`| ${kind} | ${cells.join(" | ")} |`);
}

/** What is compared of all batches, each decoded back. */
function bytesOf(codec: Codec, batches: readonly Rows[]): number {
  return batches.reduce((sum, batch) => {
    const bytes = codec.encode(batch);
    compare(codec, batch, codec.decode(bytes));
    return sum + codec.sizes(bytes).compared;
  }, 0);
}

/** The channels of the first file, each at the finest resolution that was found for it. */
function commonChannels(tables: readonly CsvTable[], { files }: Options): StreamSchema["channels"] {
  return (tables[0]?.channels ?? []).map(({ name }) => {
    const found = tables.map((table, index): CsvChannel => {
      const channel = table.channels.find((one) => one.name === name);
      if (!channel) throw new CsvError(`${files[index]}:1: has no column "${name}" of numbers, ${files[0]} has`);
      return channel;
    });
    const resolution = Math.min(...found.map((channel) => channel.resolution));
    return { name, kind: "gauge", unit: "", resolution };
  });
}

function batchesOf(table: CsvTable, channels: StreamSchema["channels"], rows: number): Rows[] {
  const columns = channels.map(({ resolution }, at) => {
    const channel = table.channels[at];
    const scale = createScale(channel?.resolution ?? resolution);
    const target = createScale(resolution);
    return (channel?.steps ?? []).map((k) => {
      if (k === undefined) return null;
      return target.valueFrom(target.integerFrom(scale.valueFrom(k)) ?? 0);
    });
  });
  return Array.from({ length: Math.floor(table.times.length / rows) }, (_, batch) => {
    const from = batch * rows;
    const times = table.times.slice(from, from + rows);
    return { times, values: times.map((_, at) => columns.map((column) => column[from + at] ?? null)) };
  });
}

function measured(codec: Codec, batches: readonly Rows[], readings: number): string {
  let [compared, identity] = [0, 0];
  for (const batch of batches) {
    const bytes = codec.encode(batch);
    if (codec.name.startsWith("ours") && bytes.length > MESSAGE_BYTES_MAX) {
      return `| ${codec.name} | a batch of ${bytes.length} bytes, a message has at most ${MESSAGE_BYTES_MAX}: give fewer --rows | | | |`;
    }
    compare(codec, batch, codec.decode(bytes));
    const sizes = codec.sizes(bytes);
    compared += sizes.compared;
    identity += sizes.identity;
  }
  const every = Math.ceil(readings / TIMED_READINGS);
  const timed = batches.filter((_, at) => at % every === 0);
  const timedReadings = (readings / batches.length) * timed.length;
  const encoded = timed.map((batch) => codec.encode(batch));
  const encodeUs = cpuPerRound(() => timed.forEach((batch) => codec.encode(batch))) / timedReadings;
  const decodeUs = cpuPerRound(() => encoded.forEach((bytes) => codec.decode(bytes))) / timedReadings;
  const per = (bytes: number) => (bytes / readings).toFixed(3);
  return `| ${codec.name} | ${per(compared)} | ${per(identity)} | ${encodeUs.toFixed(2)} | ${decodeUs.toFixed(2)} |`;
}

/** Rows without any value are not in every format; all others come back as they were. */
function compare(codec: Codec, wanted: Rows, got: Rows): void {
  const isOurs = codec.name.startsWith("ours");
  const kept = wanted.values
    .map((row, at) => ({ time: wanted.times[at], row }))
    .filter(({ row }) => isOurs || row.some((value) => value !== null));
  const back = got.values
    .map((row, at) => ({ time: got.times[at], row }))
    .filter(({ row }) => isOurs || row.some((value) => value !== null));
  if (kept.length !== back.length) throw new Error(`${codec.name}: ${back.length} rows came back of ${kept.length}`);
  kept.forEach(({ time, row }, at) => {
    const other = back[at];
    const isSame = other && other.time === time && row.every((value, channel) => Object.is(value, other.row[channel]));
    if (!isSame)
      throw new Error(`${codec.name}: row ${at} came back as ${JSON.stringify(other)}, was ${time}: ${String(row)}`);
  });
}

function fuzz(runs: number, seed: number): void {
  fuzzTight({ runs: 2_000, seed });
  const start = process.memoryUsage.rss();
  let peak = start;
  const result = fuzzTight({
    runs,
    seed,
    onRun: (run) => {
      if (run % 500 === 0) peak = Math.max(peak, process.memoryUsage.rss());
      if (run % 200_000 === 0) console.log(`${run} runs`);
    },
  });
  const grown = peak - start;
  console.log(
    `wire fuzz: ${runs} tight batches with changed bytes under a valid check, seed ${seed}: ${result.taken} became ` +
      `values, ${result.refused} were refused, nothing else; peak memory ${(grown / 2 ** 20).toFixed(1)} MiB above the start`,
  );
  if (grown > MEMORY_GROWTH_MAX) {
    console.error(`wire fuzz: more than ${MEMORY_GROWTH_MAX / 2 ** 20} MiB`);
    process.exitCode = 1;
  }
}
