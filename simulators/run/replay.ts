/** `--replay`: a recording through the whole chain, and back out of the API to be compared with its file. */
import type { Readings } from "@pump-station/cloud-bridge/api/contract.ts";
import { compareRecording } from "../recording/comparison.ts";
import type { Recording } from "../recording/recording.ts";
import {
  REPLAY_DEVICE,
  REPLAY_STATION,
  REPLAY_TYPE,
  replayDeviceFile,
  replayStationFile,
} from "../recording/replay-files.ts";
import { createWitness, type Evidence } from "../station/evidence.ts";
import type { BridgeApi } from "./bridge.ts";
import type { DemoDeps } from "./demo.ts";
import { openHouse } from "./house.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { endLeftovers } from "./leftovers.ts";
import { openRecording, type ReplayOptions, replayArguments, UsageError } from "./replay-options.ts";

/** Added to the longest gap between rows, for the way there and back on a busy machine. */
const ANSWER_SLACK_MS = 1_000;
const ANSWER_WITHIN_MS_MAX = 60_000;
/** Nothing new for so long beyond the longest gap: something stands still. */
const STALLED_MS = 60_000;
const LOOK_EVERY_MS = 1_000;
const ROWS_PER_REQUEST = 20_000;

/** Resolves with 0 when every row arrived once, in order and equal; with 1 otherwise. Throws UsageError, RecordingError. */
export async function runReplay(
  deps: DemoDeps,
  root: string,
  options: ReplayOptions,
  stop: AbortSignal,
): Promise<number> {
  const recording = openRecording(deps.files, options);
  const gapMs = options.speed === undefined ? 0 : longestGapMs(recording) / options.speed;
  const layout = layoutOf(root, deps.temporary);
  await endLeftovers(deps, layout);
  deps.files.remove(root);
  writeFiles(deps, layout, recording, options, gapMs);
  for (const note of recording.notes) deps.say(`Note: ${note}.`);
  const resolutions = recording.columns.map(({ label, resolution }) => `${label} ${resolution}`).join(", ");
  deps.say(
    `${recording.rows.length} rows of ${recording.columns.length} columns; declared resolution: ${resolutions}.`,
  );

  const hardwareArgs = replayArguments(options);
  const house = await openHouse(deps, { layout, station: REPLAY_STATION, hardwareArgs, fullSpeed: true });
  deps.say(`Page: ${house.pageUrl}`);
  try {
    const startMs = deps.clock.bootMs();
    await untilStored(deps, layout, house.api, recording, gapMs, stop);
    const stored = await allReadings(house.api);
    const seconds = (deps.clock.bootMs() - startMs) / 1000;
    const { rows, values, differences, differencesInAll } = compareRecording(recording, stored);
    const station = await house.api.station(REPLAY_STATION);
    const { bytes, messages } = station;
    // Samples without a row, while something was away, are readings too, but say nothing about the recording's size.
    const readings = options.airColumns.length > 0 ? station.readings : rows * stored.channels.length;
    deps.say(`${rows} rows stored after ${seconds.toFixed(1)} s, in ${messages} messages of ${bytes} bytes:`);
    deps.say(
      `${(bytes / readings).toFixed(2)} bytes per reading (${readings} readings, row numbers and times included).`,
    );
    for (const difference of differences) deps.say(`  ${difference}`);
    if (differencesInAll > differences.length) deps.say(`  … and ${differencesInAll - differences.length} more`);
    deps.say(
      differencesInAll === 0
        ? `Each row is stored exactly once, in order; all ${values} values equal the recorded ones at the declared resolution.`
        : `${differencesInAll} differences from the recording.`,
    );
    return differencesInAll === 0 ? 0 : 1;
  } finally {
    await house.stop();
  }
}

function writeFiles(deps: DemoDeps, layout: Layout, recording: Recording, options: ReplayOptions, gapMs: number): void {
  const answerWithinMs = Math.ceil(gapMs + ANSWER_SLACK_MS);
  if (answerWithinMs > ANSWER_WITHIN_MS_MAX) {
    const least = Math.ceil(longestGapMs(recording) / (ANSWER_WITHIN_MS_MAX - ANSWER_SLACK_MS));
    throw new UsageError(
      `--speed ${options.speed}: a gap would last ${Math.round(gapMs / 1000)} s; use --speed ${least} or more`,
    );
  }
  deps.files.write(`${layout.deviceFolder}/${REPLAY_TYPE}.yaml`, replayDeviceFile(recording, answerWithinMs));
  const station = replayStationFile({
    label: `Replay of ${options.file.split("/").at(-1) ?? ""}`,
    serial: `${layout.terminals}/baseboard`,
    ...(options.airColumns.length > 0 && { weather: { bus: "/dev/i2c-1", simulator: layout.sockets.ports } }),
  });
  deps.files.write(layout.wiredFile, station);
  deps.files.write(layout.stationFile, station);
}

const longestGapMs = ({ rows }: Recording): number =>
  rows.reduce((longest, row, index) => Math.max(longest, row.recordedMs - (rows[index - 1] ?? row).recordedMs), 0);

/** Until the reader has said that it holds the last row, and the API shows it. Throws Error when nothing moves. */
async function untilStored(
  deps: DemoDeps,
  layout: Layout,
  api: BridgeApi,
  recording: Recording,
  gapMs: number,
  stop: AbortSignal,
): Promise<void> {
  const last = recording.rows.length;
  let stored = 0;
  let progress = "";
  let movedMs = deps.clock.bootMs();
  for (;;) {
    const replay = (await lookAtHardware(deps, layout))?.replay;
    stored = Math.max(stored, (await lastStoredRow(api)) ?? 0);
    if (replay?.isFinished && stored === last) return;
    const now = `${replay?.offered ?? 0} of ${last} rows read over the serial line, ${stored} stored`;
    if (now !== progress) movedMs = deps.clock.bootMs();
    if (now !== progress) deps.say(now);
    progress = now;
    if (deps.clock.bootMs() - movedMs > STALLED_MS + gapMs) throw new Error(`nothing has moved for a minute: ${now}`);
    await deps.timers.sleep(LOOK_EVERY_MS, stop);
  }
}

/** undefined while the hardware starts again. */
async function lookAtHardware(deps: DemoDeps, layout: Layout): Promise<Evidence | undefined> {
  try {
    const witness = createWitness(await deps.connectLines(layout.sockets.evidence));
    const evidence = await witness.evidence();
    witness.close();
    return evidence;
  } catch {
    return undefined;
  }
}

/** The newest row number among the newest samples; undefined: the bridge is away, or knows no stream of it yet. */
async function lastStoredRow(api: BridgeApi): Promise<number | undefined> {
  const stored = await api
    .readings(REPLAY_STATION, REPLAY_DEVICE, { limit: 200, order: "desc" })
    .catch(() => undefined);
  if (!stored) return undefined;
  const at = 3 + stored.channels.findIndex(({ name }) => name === "row");
  const numbers = stored.rows.map((row) => row[at]).filter((value) => typeof value === "number");
  return Math.max(0, ...numbers);
}

/** All rows in the order of the API; a page may begin with rows that the one before ended with. */
async function allReadings(api: BridgeApi): Promise<Pick<Readings, "channels" | "rows">> {
  const rows = new Map<string, Readings["rows"][number]>();
  let from = 0;
  for (;;) {
    const page = await api.readings(REPLAY_STATION, REPLAY_DEVICE, { from, limit: ROWS_PER_REQUEST });
    const before = rows.size;
    for (const row of page.rows) rows.set(`${page.epochs[row[1]]} ${row[2]}`, row);
    if (page.next === null || rows.size === before) return { channels: page.channels, rows: [...rows.values()] };
    from = page.next;
  }
}
