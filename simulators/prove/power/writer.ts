/**
 * The process that writes to the disk whose power is cut: the agent's buffer on its real SQLite, driven as the agent drives
 * it. What it may rely on goes to stdout, a line each, which lies outside of the disk:
 *
 *   {"committed":{"epoch":E,"stream":S,"last":N}}   these samples are on the disk
 *   {"alarms":{"epoch":E,"last":N}}                 these alarms, too
 *   {"offered":"HASH"}                              a message whose bounds are fixed
 *   {"accepting":"HASH"} {"accepted":"HASH"}        about to be, and is, no longer offered
 */
import { createHash } from "node:crypto";
import type { Offer, SampleBuffer } from "@pump-station/agent/buffer/buffer.ts";
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import { type ChannelValue, missing } from "@pump-station/agent/reading.ts";
import type { StreamSchema } from "@pump-station/agent/wire/schema.ts";
import type { Chance, Clock, Databases, Log } from "@pump-station/agent/world.ts";
import { CHANNELS, truthOf } from "../kill/proven-station.ts";

export interface PowerDeps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly print: (line: object) => void;
}

export const STREAM = "board-1";
export const BUFFER_FILE = "data/readings.db";
const RESOLUTIONS = [1, 0.1, 0.01, 1];
const BUFFER_BYTES = 32_000_000;
const SAMPLES_PER_COMMIT = 20;
const COMMITS_PER_MESSAGE = 5;
const COMMITS_PER_ALARM = 7;
const MISSING_SENSOR: ChannelValue = missing("no-sensor");

const SCHEMA: StreamSchema = {
  stream: STREAM,
  channels: CHANNELS.map((name, at) => ({ name, kind: "gauge", unit: "", resolution: RESOLUTIONS[at] ?? 1 })),
};

const openBuffer = (deps: Omit<PowerDeps, "print">, folder: string): SampleBuffer =>
  createSqliteBuffer(deps, { path: `${folder}/${BUFFER_FILE}`, bytesMax: BUFFER_BYTES });

/** Never ends by itself: whoever cuts the power ends it. */
export async function writeForEver(deps: PowerDeps, folder: string, turn: () => Promise<void>): Promise<never> {
  const buffer = openBuffer(deps, folder);
  const { epoch } = buffer;
  buffer.declare(SCHEMA);
  let sequence = 0;
  let alarms = 0;
  for (let commits = 1; ; commits++) {
    for (let samples = 0; samples < SAMPLES_PER_COMMIT; samples++) {
      sequence += 1;
      buffer.append({ device: STREAM, bootMs: deps.clock.bootMs(), values: truthOf(sequence).map(channelValue) });
    }
    buffer.commit();
    // A medium that failed begins a new epoch, of which nothing is promised here.
    if (buffer.epoch === epoch)
      deps.print({ committed: { epoch, stream: STREAM, last: buffer.place(STREAM).committed } });
    if (commits % COMMITS_PER_ALARM === 0) {
      alarms += 1;
      buffer.appendAlarm({ ...ALARM, bootMs: deps.clock.bootMs(), active: alarms % 2 === 1 });
      const { committed } = buffer.place("_alarms");
      if (buffer.epoch === epoch) deps.print({ alarms: { epoch, last: committed } });
    }
    if (commits % COMMITS_PER_MESSAGE === 0) sendOne(deps, buffer, epoch);
    await turn();
  }
}

const ALARM = { device: STREAM, alarm: "power", severity: "warning", because: "it is proven" } as const;
const channelValue = (value: number | "no-sensor"): ChannelValue => (value === "no-sensor" ? MISSING_SENSOR : value);

/** Half of the times it is acknowledged; else it has to come again just as it was. */
function sendOne({ print, chance }: PowerDeps, buffer: SampleBuffer, epoch: string): void {
  const offer = buffer.offer("normal", "now");
  if (!offer || buffer.epoch !== epoch) return;
  print({ offered: hashOf(offer) });
  if (chance.fraction() < 0.5) return;
  print({ accepting: hashOf(offer) });
  buffer.accept(offer);
  if (buffer.epoch === epoch) print({ accepted: hashOf(offer) });
}

/** Opens the file as the agent does after a boot; returns what it offers first: the hash of its bytes. */
export function openOnce(deps: Omit<PowerDeps, "print">, folder: string): string | undefined {
  const buffer = openBuffer(deps, folder);
  const offer = buffer.offer("normal", "now");
  buffer.close();
  return offer && hashOf(offer);
}

const hashOf = ({ payload }: Offer): string => createHash("sha256").update(payload).digest("hex").slice(0, 16);
