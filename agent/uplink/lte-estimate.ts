/**
 * What a description will cost on the mobile link, before it runs: an estimate from measured parts, in IP bytes both
 * ways. Per message and ping: mqtt.js with QoS 1 over TLS 1.3 and IPv4, packets and acknowledgements counted on the wire.
 * Per reading: what a day of the demo station compressed to; a noisy sensor with a fine resolution costs more, a quiet one
 * less.
 */
import { keptChannels } from "@pump-station/sensor-descriptions/kept-channels.ts";
import type { Channel, Device, Station } from "@pump-station/sensor-descriptions/model.ts";
import { KEEP_ALIVE_FIRST_S, KEEP_ALIVE_S_MAX, MESSAGE_BYTES_TARGET } from "../limits.ts";

export interface LteEstimate {
  readonly readingsPerDay: number;
  readonly messagesPerDay: number;
  /** All of it, IP bytes a day both ways. */
  readonly bytesPerDay: number;
  readonly payloadBytesPerDay: number;
  /** Keep-alives in the silence between two messages; where it is learned, on a network that allows long silences. */
  readonly pingBytesPerDay: number;
  /** …on the worst that is known, which forgets a silent connection after a minute. */
  readonly pingBytesPerDayAtMost: number;
  readonly handshakeBytesPerDay: number;
  readonly byDevice: readonly {
    readonly device: string;
    readonly readingsPerDay: number;
    readonly bytesPerDay: number;
  }[];
}

/** Seconds, or what the network turns out to allow. */
export type KeepAliveSetting = number | "learn";

const DAY_MS = 86_400_000;
/** `npm run bench -- station-day`: tight body, uploads every 15 min; the open body takes 1.09. */
const BYTES_PER_READING = 0.77;
/** A state or counter that stands still compresses to nearly nothing. */
const BYTES_PER_QUIET_READING = 0.1;
const MESSAGE_OVERHEAD_BYTES = 247;
const PING_BYTES = 209;
const HANDSHAKE_BYTES = 5_049;

/** Devices as their file says, not faster; a small-change filter or a change by the cloud lowers or raises it. */
export function estimateLte(
  station: Station,
  uplink: { readonly intervalMs: number; readonly keepAliveS: KeepAliveSetting },
  bytesOf: ReadingBytes = readingBytes,
): LteEstimate {
  const byDevice = station.devices
    .filter(({ paused }) => paused === undefined)
    .map((device) => deviceEstimate(device, bytesOf));
  const payloadBytesPerDay = sum(byDevice.map(({ bytesPerDay }) => bytesPerDay));
  const readingsPerDay = sum(byDevice.map((device) => device.readingsPerDay));
  const closedByTime = readingsPerDay > 0 ? DAY_MS / uplink.intervalMs : 0;
  const messagesPerDay = Math.max(closedByTime, payloadBytesPerDay / MESSAGE_BYTES_TARGET);
  // A publish counts as a sign of life: only the silence between two messages is filled with pings.
  const silenceS = messagesPerDay > 0 ? 86_400 / messagesPerDay : 86_400;
  const pingBytes = (keepAliveS: number): number =>
    Math.max(0, Math.ceil(silenceS / keepAliveS) - 1) * (86_400 / silenceS) * PING_BYTES;
  const [best, worst] =
    uplink.keepAliveS === "learn" ? [KEEP_ALIVE_S_MAX, KEEP_ALIVE_FIRST_S] : [uplink.keepAliveS, uplink.keepAliveS];
  const pingBytesPerDay = pingBytes(best);
  const linkBytesPerDay = messagesPerDay * MESSAGE_OVERHEAD_BYTES + HANDSHAKE_BYTES;
  const bytesPerDay = payloadBytesPerDay + pingBytesPerDay + linkBytesPerDay;
  return {
    readingsPerDay,
    messagesPerDay,
    payloadBytesPerDay,
    pingBytesPerDay,
    pingBytesPerDayAtMost: pingBytes(worst),
    handshakeBytesPerDay: HANDSHAKE_BYTES,
    bytesPerDay,
    byDevice,
  };
}

export type ReadingBytes = (channel: Pick<Channel, "kind" | "name">, device: string) => number;

/** Of one reading in a full batch. */
export const readingBytes = ({ kind }: Pick<Channel, "kind">): number =>
  kind === "gauge" ? BYTES_PER_READING : BYTES_PER_QUIET_READING;

function deviceEstimate(device: Device, bytesOf: ReadingBytes) {
  const samples = DAY_MS / (device.aggregate?.everyMs ?? device.everyMs);
  const channels = keptChannels(device);
  const bytesPerSample = sum(channels.map((channel) => bytesOf(channel, device.name)));
  return {
    device: device.name,
    readingsPerDay: samples * channels.length,
    bytesPerDay: samples * bytesPerSample,
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
