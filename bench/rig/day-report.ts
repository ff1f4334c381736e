/** What a station-day cost, as lines for people. */
import type { Day } from "./day-agent.ts";
import type { PeerDay } from "./day-peers.ts";

const UNITS = [
  ["4 KB (Azure IoT Hub S1)", 4_096],
  ["5 KB (AWS IoT Core)", 5_120],
  ["0.5 KB (Azure IoT Hub, free)", 512],
] as const;
/** A new station shows itself within half a minute; one that starts again doesn't. */
const START_MS = 60_000;
const LANES = /\/(urgent|normal|late)\//;

export const kilo = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;

export function dayLines(day: Day, interval: string, pingBytes: number): string[] {
  const isBatch = (topic: string) => /kind=batch/.test(decodeURIComponent(topic));
  const telemetry = day.messages.filter(({ topic }) => LANES.test(topic));
  const batches = telemetry.filter(({ topic }) => isBatch(topic));
  const first = telemetry.filter(({ atMs }) => atMs <= START_MS);
  const ledger = telemetry.filter(({ topic }) => !isBatch(topic));
  const twin = day.messages.filter(({ topic }) => !LANES.test(topic));
  const sum = (list: readonly { readonly bytes: number }[]) => list.reduce((total, { bytes }) => total + bytes, 0);
  const total = day.totalBytes + day.pings * pingBytes;
  const { produced } = day.status.buffer;
  const rest = day.totalBytes - sum(day.messages) - sum(day.received) - day.handshakeBytes;
  return [
    `ours, upload every ${interval}: ${kilo(total)} IP bytes in all, one day, both ways`,
    `  payload of readings   ${kilo(sum(batches))} in ${batches.length} messages (largest ${Math.max(0, ...batches.map(({ bytes }) => bytes))} B)`,
    `  schemas and ledger    ${kilo(sum(ledger))} in ${ledger.length} messages`,
    `  twin, sent            ${kilo(sum(twin))} in ${twin.length} messages`,
    `  received              ${kilo(sum(day.received))} in ${day.received.length} messages (twin, receipts)`,
    `  handshakes            ${kilo(day.handshakeBytes)} for ${day.connections} connection(s), TCP and TLS and MQTT`,
    `  pings                 ${kilo(day.pings * pingBytes)} for ${day.pings} (${pingBytes.toFixed(0)} B each, measured here)`,
    `  TCP/IP, TLS, MQTT     ${kilo(rest)} around all messages`,
    ...UNITS.map(
      ([name, size]) =>
        `  hub units of ${name}: ${units(batches, size)} for readings, ${units(telemetry, size)} with schemas and ledger; of them ${units(first, size)} in the first minute of a new station`,
    ),
    `  samples produced ${produced}, accepted ${day.status.buffer.accepted}, waiting ${day.status.buffer.waiting}, dropped ${day.status.buffer.dropped}`,
  ];
}

const units = (messages: readonly { readonly bytes: number }[], size: number): number =>
  messages.reduce((total, { bytes }) => total + Math.ceil(bytes / size), 0);

export const peerLine = ({ name, messages, payloadBytes, totalBytes }: PeerDay, ours: number): string =>
  `${name}: ${kilo(totalBytes)} in all (${(totalBytes / ours).toFixed(1)} times ours), payload ${kilo(payloadBytes)} in ${messages} messages`;
