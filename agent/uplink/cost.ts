/**
 * What a description costs in a month: bytes on the mobile link, units that a hub meters, bytes written to flash; by
 * channel, and by what would lower it. An estimate, before or beside what a running agent counts.
 */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { estimateFlash, type FlashPace, samplesOf, samplesPerDay } from "./flash-estimate.ts";
import { estimateLte, type KeepAliveSetting, type ReadingBytes, readingBytes } from "./lte-estimate.ts";

export interface CostSettings extends FlashPace {
  /** ms between two uploads */
  readonly uploadEveryMs: number;
  readonly keepAliveS: KeepAliveSetting;
  /** What a hub counts as one message. */
  readonly unitBytes: number;
}

export interface MonthlyCost {
  /** IP bytes both ways. */
  readonly bytes: number;
  readonly units: number;
  readonly flashBytes: number;
}

export interface ChannelCost extends MonthlyCost {
  readonly device: string;
  readonly channel: string;
  readonly readings: number;
}

export interface Way {
  /** What to write, and where. */
  readonly change: string;
  /** What is lost by it. */
  readonly price: string;
  readonly saves: MonthlyCost;
}

export interface Cost {
  readonly total: MonthlyCost;
  /** Dearest first; its share of payload, messages and commits. */
  readonly channels: readonly ChannelCost[];
  /** Link bytes that no channel causes: pings, handshake. */
  readonly connectionBytes: number;
  /** More of them on a network that forgets a silent connection after a minute. */
  readonly morePingBytes: number;
  /** Those that save most bytes, one of each kind as long as there are kinds; each by itself. */
  readonly ways: readonly Way[];
  /** Undefined when the flash is spared already. */
  readonly flashWay: Way | undefined;
  /** …where its file system's journal is no more than the rest. */
  readonly mountWay: Way | undefined;
}

const DAYS = 30;
const WAYS_SHOWN = 3;
/** One decimal digit of noise: 3.3 bits (measured over six recordings, whatever the codec). */
const DIGIT_BYTES = 0.42;
const LONGER_UPLOAD = 4;
const UPLOAD_EVERY_MAX_MS = 3_600_000;
const WINDOW_MS = 60_000;
const COMMIT_EVERY_SPARING_MS = 60_000;
/** Then the journal of the file system is a tenth of the rest. */
const JOURNAL_SPARING_MS = 300_000;

export function costOf(station: Station, settings: CostSettings): Cost {
  const total = totalOf(station, settings);
  const estimate = estimateLte(station, lteOf(settings));
  const connectionBytes = (estimate.pingBytesPerDay + estimate.handshakeBytesPerDay) * DAYS;
  return {
    total,
    channels: channelCosts(station, total, connectionBytes),
    connectionBytes,
    morePingBytes: (estimate.pingBytesPerDayAtMost - estimate.pingBytesPerDay) * DAYS,
    ways: ways(station, settings, total),
    flashWay: flashWay(station, settings, total),
    mountWay: mountWay(station, settings, total),
  };
}

function totalOf(station: Station, settings: CostSettings, bytesOf?: ReadingBytes): MonthlyCost {
  const { bytesPerDay, messagesPerDay, payloadBytesPerDay, readingsPerDay } = estimateLte(
    station,
    lteOf(settings),
    bytesOf,
  );
  const unitsPerMessage =
    messagesPerDay > 0 ? Math.max(1, Math.ceil(payloadBytesPerDay / messagesPerDay / settings.unitBytes)) : 0;
  const flash = estimateFlash({ samples: samplesPerDay(station), readings: readingsPerDay }, settings);
  return {
    bytes: bytesPerDay * DAYS,
    units: messagesPerDay * unitsPerMessage * DAYS,
    flashBytes: flash.bytesPerDay * DAYS,
  };
}

/** Messages and commits belong to all; each channel bears the part that its payload has. */
function channelCosts(station: Station, total: MonthlyCost, connectionBytes: number): ChannelCost[] {
  const parts = station.devices
    .filter(isAsked)
    .flatMap((device) => keptChannels(device).map((channel) => partOf(device, channel)));
  const payload = parts.reduce((sum, part) => sum + part.payload, 0);
  const readings = parts.reduce((sum, part) => sum + part.readings, 0);
  return parts
    .map((part) => ({
      device: part.device,
      channel: part.channel,
      readings: part.readings,
      bytes: ((total.bytes - connectionBytes) * part.payload) / payload,
      units: (total.units * part.payload) / payload,
      flashBytes: (total.flashBytes * part.readings) / readings,
    }))
    .sort((one, other) => other.bytes - one.bytes);
}

const partOf = (device: Device, channel: Channel) => {
  const readings = samplesOf(device) * DAYS;
  return {
    device: device.name,
    channel: channel.name,
    readings,
    payload: readings * readingBytes(channel),
  };
};

type Saving = (change: string, price: string, then: MonthlyCost) => Way;

const savingFrom =
  (now: MonthlyCost): Saving =>
  (change, price, then) => ({
    change,
    price,
    saves: {
      bytes: now.bytes - then.bytes,
      units: now.units - then.units,
      flashBytes: now.flashBytes - then.flashBytes,
    },
  });

function flashWay(station: Station, settings: CostSettings, now: MonthlyCost): Way | undefined {
  if (settings.commitEveryMs >= COMMIT_EVERY_SPARING_MS) return undefined;
  const then = totalOf(station, { ...settings, commitEveryMs: COMMIT_EVERY_SPARING_MS });
  if (then.flashBytes >= now.flashBytes) return undefined;
  const change = `agent.yaml: commit-interval: ${COMMIT_EVERY_SPARING_MS / 1_000}s`;
  return savingFrom(now)(change, "a power cut may cost a minute of readings", then);
}

function mountWay(station: Station, settings: CostSettings, now: MonthlyCost): Way | undefined {
  const { journalEveryMs = JOURNAL_SPARING_MS } = settings;
  if (journalEveryMs >= JOURNAL_SPARING_MS) return undefined;
  const then = totalOf(station, { ...settings, journalEveryMs: JOURNAL_SPARING_MS });
  if (then.flashBytes >= now.flashBytes) return undefined;
  const change = `the data folder's file system: mounted with commit=${JOURNAL_SPARING_MS / 1_000} (README, "On a board")`;
  const price =
    "what other programs write without syncing may be that old after a power cut; readings are as safe as before";
  return savingFrom(now)(change, price, then);
}

function ways(station: Station, settings: CostSettings, now: MonthlyCost): Way[] {
  const saving = savingFrom(now);
  const longer = Math.min(settings.uploadEveryMs * LONGER_UPLOAD, UPLOAD_EVERY_MAX_MS);
  const kinds: Way[][] = [
    longer > settings.uploadEveryMs
      ? [
          saving(
            `agent.yaml: upload-interval: ${longer / 60_000}min`,
            "readings come later; alarms still go at once",
            totalOf(station, { ...settings, uploadEveryMs: longer }),
          ),
        ]
      : [],
    // Where a window saves as much, it costs less: no reading is lost to alarms, and none to the mean.
    station.devices
      .filter((device) => isAsked(device) && !hasNoWindow(device))
      .map((device) => halfAsOften(station, device, settings, saving)),
    station.devices
      .filter(hasNoWindow)
      .map((device) =>
        saving(
          `station.yaml, ${device.name}, aggregate: every: ${WINDOW_MS / 1_000}s`,
          "one mean a minute instead of each reading; alarms still see each",
          totalOf(replaced(station, { ...device, aggregate: { everyMs: WINDOW_MS, by: new Map() } }), settings),
        ),
      ),
    station.devices.filter(isAsked).flatMap((device) => coarser(station, device, settings, saving)),
  ];
  for (const kind of kinds) kind.sort(bySavedBytes);
  const best = kinds.flatMap((kind) => kind.slice(0, 1));
  const others = kinds.flatMap((kind) => kind.slice(1)).sort(bySavedBytes);
  return [...best.sort(bySavedBytes), ...others]
    .filter(({ saves }) => saves.bytes > 0)
    .slice(0, WAYS_SHOWN)
    .sort(bySavedBytes);
}

function halfAsOften(station: Station, device: Device, settings: CostSettings, saving: Saving): Way {
  const { aggregate, everyMs } = device;
  const seldom = aggregate
    ? { ...device, aggregate: { ...aggregate, everyMs: aggregate.everyMs * 2 } }
    : { ...device, everyMs: everyMs * 2 };
  const key = aggregate ? ", aggregate: every" : ": every";
  return saving(
    `station.yaml, ${device.name}${key}: ${(2 * (aggregate?.everyMs ?? everyMs)) / 1_000}s`,
    aggregate ? "a window twice as long" : "half of its readings",
    totalOf(replaced(station, seldom), settings),
  );
}

const coarser = (station: Station, device: Device, settings: CostSettings, saving: Saving): Way[] =>
  keptChannels(device)
    .filter(({ kind }) => kind === "gauge")
    .map(({ name, resolution, unit }) => {
      const step = Number((resolution * 10).toPrecision(6));
      const bytesOf: ReadingBytes = (channel, owner) =>
        readingBytes(channel) - (channel.name === name && owner === device.name ? DIGIT_BYTES : 0);
      return saving(
        `station.yaml, ${device.name}, filter, ${name}: - round: ${`${step} ${unit}`.trim()}`,
        "one decimal, worth it only where that is noise",
        totalOf(station, settings, bytesOf),
      );
    });

const bySavedBytes = (one: Way, other: Way): number => other.saves.bytes - one.saves.bytes;
const isAsked = ({ paused }: Device): boolean => paused === undefined;
const hasNoWindow = (device: Device): boolean =>
  isAsked(device) && device.aggregate === undefined && device.everyMs <= WINDOW_MS / 2;
const replaced = (station: Station, changed: Device): Station => ({
  ...station,
  devices: station.devices.map((device) => (device.name === changed.name ? changed : device)),
});
const lteOf = ({ uploadEveryMs, keepAliveS }: CostSettings) => ({ intervalMs: uploadEveryMs, keepAliveS });
