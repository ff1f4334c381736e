/** The same day as others would send it, over the same link: payloads of all messages, a sample of them really sent. */
import { gzipSync } from "node:zlib";
import { connectAsync, type MqttClient } from "mqtt";
import { EVERY_MS, type Series } from "./day-station.ts";

const ROWS = 86_400_000 / EVERY_MS;
const ROWS_A_MINUTE = 60_000 / EVERY_MS;
const START_MS = Date.UTC(2026, 4, 2);
/** Sent of each way; what one costs beyond its payload is the same for all of its size. */
const SENT = 60;
const QUIET_MS = 70;

export interface PeerDay {
  readonly name: string;
  readonly messages: number;
  readonly payloadBytes: number;
  readonly totalBytes: number;
}

type RowOf = (row: number) => readonly (readonly [name: string, value: number | null])[];

/** Each connects once; bytes are scaled from what was sent to the whole day. */
export async function runPeers(
  all: readonly Series[],
  connection: { readonly url: string; readonly ca: string },
  ipBytes: () => number,
): Promise<PeerDay[]> {
  const rowOf: RowOf = (row) =>
    all.flatMap(({ device, channels, at }) => {
      const steps = at(row);
      return channels.map(({ name, resolution }, index): readonly [string, number | null] => {
        const k = steps[index];
        return [`${device}.${name}`, k === undefined ? null : Number((k * resolution).toPrecision(12))];
      });
    });
  const days: PeerDay[] = [];
  for (const [name, rows, payload] of [
    ["one JSON message per row", 1, jsonRow],
    ["JSON + gzip each minute", ROWS_A_MINUTE, gzippedRows],
    ["Sparkplug B + gzip each minute", ROWS_A_MINUTE, sparkplug],
  ] as const) {
    const before = ipBytes();
    const client = await connectAsync(connection.url, { ca: connection.ca, clientId: "peer", keepalive: 0 });
    await pause(QUIET_MS);
    const handshake = ipBytes() - before;
    const count = ROWS / rows;
    let payloadBytes = 0;
    let sampled = { payload: 0, total: 0, messages: 0 };
    for (let message = 0; message < count; message++) {
      const bytes = payload(rowOf, message * rows, rows);
      payloadBytes += bytes.length;
      if (message % Math.floor(count / SENT) !== 0) continue;
      const total = await cost(client, bytes, ipBytes);
      sampled = {
        payload: sampled.payload + bytes.length,
        total: sampled.total + total,
        messages: sampled.messages + 1,
      };
    }
    await client.endAsync();
    const overhead = (sampled.total - sampled.payload) / sampled.messages;
    days.push({ name, messages: count, payloadBytes, totalBytes: handshake + payloadBytes + overhead * count });
  }
  return days;
}

async function cost(client: MqttClient, bytes: Buffer, ipBytes: () => number): Promise<number> {
  const before = ipBytes();
  await client.publishAsync("stations/day/telemetry/readings", bytes, { qos: 1 });
  await pause(QUIET_MS);
  return ipBytes() - before;
}

/** IP bytes of one ping and its answer, the mean of a few. */
export async function pingCost(connection: { url: string; ca: string }, ipBytes: () => number): Promise<number> {
  const client = await connectAsync(connection.url, { ca: connection.ca, clientId: "ping", keepalive: 0 });
  await pause(QUIET_MS);
  const pings = 5;
  const before = ipBytes();
  for (let ping = 0; ping < pings; ping++) {
    client.sendPing();
    await pause(2 * QUIET_MS);
  }
  const bytes = (ipBytes() - before) / pings;
  await client.endAsync();
  return bytes;
}

const timeOf = (row: number): number => START_MS + row * EVERY_MS;
const asObject = (rowOf: RowOf, row: number): object => ({ ts: timeOf(row), ...Object.fromEntries(rowOf(row)) });
const jsonRow = (rowOf: RowOf, row: number): Buffer => Buffer.from(JSON.stringify(asObject(rowOf, row)));
const gzippedRows = (rowOf: RowOf, first: number, rows: number): Buffer =>
  gzipSync(JSON.stringify(Array.from({ length: rows }, (_, index) => asObject(rowOf, first + index))), { level: 9 });

/** Sparkplug 3.0, 6.4.1: a payload of metrics, each with alias, timestamp, data type (double: 10) and value; no names. */
function sparkplug(rowOf: RowOf, first: number, rows: number): Buffer {
  const metrics: Buffer[] = [];
  for (let row = first; row < first + rows; row++) {
    rowOf(row).forEach(([, value], alias) => {
      const fields = [varint(2 << 3), varint(alias), varint(3 << 3), varint(timeOf(row)), varint(4 << 3), varint(10)];
      if (value === null) fields.push(varint(7 << 3), varint(1));
      else {
        const double = Buffer.alloc(8);
        double.writeDoubleLE(value);
        fields.push(varint((13 << 3) | 1), double);
      }
      const metric = Buffer.concat(fields);
      metrics.push(varint((2 << 3) | 2), varint(metric.length), metric);
    });
  }
  const head = [varint(1 << 3), varint(timeOf(first + rows - 1))];
  const sequence = [varint(3 << 3), varint((first / rows) % 256)];
  return gzipSync(Buffer.concat([...head, ...metrics, ...sequence]), { level: 9 });
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
