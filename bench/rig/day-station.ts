/** Twenty channels at 10 s: a station made of recorded or simulated series, and the line on which its devices answer. */
import type { Portion } from "@pump-station/agent/testing/scripted-serial.ts";
import { crcNamed } from "@pump-station/sensor-descriptions/checksum/checksum-crc.ts";
import type { Recording } from "@pump-station/simulators/recording/recording.ts";
import { createNoise, drift } from "@pump-station/simulators/station/noise.ts";
import { createPump, PUMP_STATES } from "@pump-station/simulators/station/pump.ts";
import { createWeather } from "@pump-station/simulators/station/weather.ts";

export const EVERY_MS = 10_000;
export const CHANNELS = 20;
const CRC = crcNamed("CRC-16/MODBUS");
const NO_VALUE = -(2 ** 31);

export interface Series {
  readonly device: string;
  readonly channels: readonly { readonly name: string; readonly resolution: number }[];
  /** Steps of each channel's resolution; undefined: nothing was measured. */
  at(row: number): readonly (number | undefined)[];
}

/** As many columns as are still wanted, one row every 10 s, from the start again when the recording ends. */
export const recordedSeries = (device: string, recording: Recording, columnsMax: number): Series => ({
  device,
  channels: recording.columns.slice(0, columnsMax).map(({ channel, resolution }) => ({ name: channel, resolution })),
  at: (row) => recording.rows[row % recording.rows.length]?.steps ?? [],
});

/** A pump that inflates a board every half an hour, the air around it, wind, the box's own electronics. */
export function simulatedSeries(): readonly Series[] {
  const noise = createNoise(7);
  const weather = createWeather(noise);
  const timing = { idleMs: 30 * 60_000, holdMs: 20_000, coolingMs: 30_000 };
  const pump = createPump({ noise, startMs: 0, timing, airC: (ms) => weather.air(ms).temperatureC });
  const wander = (track: number, row: number, middle: number, swing: number, hiss: number) =>
    middle + swing * drift(noise, track, row * EVERY_MS, 3_600_000) + hiss * (2 * noise(track + 50, row) - 1);
  const series = (
    device: string,
    channels: Readonly<Record<string, number>>,
    values: (row: number) => readonly number[],
  ): Series => {
    const resolutions = Object.values(channels);
    return {
      device,
      channels: Object.entries(channels).map(([name, resolution]) => ({ name, resolution })),
      at: (row) => values(row).map((value, index) => Math.round(value / (resolutions[index] ?? 1))),
    };
  };
  return [
    series("pump", { state: 1, pressure: 0.1, current: 0.01, temperature: 0.1, cycles: 1, target: 0.1 }, (row) => {
      const now = pump.at(row * EVERY_MS);
      const values = [now.pressureMbar, now.currentA, now.temperatureC, now.cycles, now.targetMbar];
      return [PUMP_STATES[now.state], ...values];
    }),
    series("air", { temperature: 0.01, humidity: 0.01, pressure: 0.01, rain: 0.1 }, (row) => {
      const { temperatureC, humidityPercent, pressurePa } = weather.air(row * EVERY_MS);
      return [temperatureC, humidityPercent, pressurePa / 100, weather.rainMmPerHour(row * EVERY_MS)];
    }),
    series("wind", { speed: 0.1, direction: 1, gust: 0.1, water: 0.01, light: 10 }, (row) => [
      Math.abs(wander(11, row, 3, 2, 0.8)),
      wander(12, row, 220, 60, 15),
      Math.abs(wander(11, row, 4, 2, 1)),
      wander(14, row, 16, 1, 0.01),
      Math.abs(wander(15, row, 30_000, 20_000, 500)),
    ]),
    series("box", { supply: 0.01, current: 0.001, modem: 1, cpu: 0.1, humidity: 0.1 }, (row) => [
      wander(21, row, 13.1, 0.3, 0.02),
      wander(22, row, 0.21, 0.02, 0.005),
      wander(23, row, -81, 4, 1),
      wander(24, row, 41, 3, 0.3),
      wander(25, row, 38, 4, 0.1),
    ]),
  ];
}

export const typeFile = ({ device, channels }: Series, index: number): string => `format: 1
type: ${device}-board
source: "made for measuring"
every: 10s
needs:
  address: { kind: whole-number, range: 1 to 247, default: 1 }
serial: { speed: 115200, mode: 8N1 }
timing: { answer-within: 500ms, pause-before-next: 0ms }
frame:
  - { part: start,  bytes: "A5" }
  - { part: address, as: u8 }
  - { part: length, as: u8, counts: body }
  - { part: body }
  - { part: check,  crc: CRC-16/MODBUS, over: start to body, byte-order: little-endian }
reads:
  row:
    send: "0${index + 1}"
    answer: "8${index + 1}"
    channels:
${channels
  .map(
    ({ name, resolution }, at) =>
      `      ${name}: { byte: ${1 + 4 * at}, as: i32, byte-order: big-endian, scale: ${plain(resolution)}, resolution: ${plain(resolution)}, no-sensor: ${NO_VALUE} }`,
  )
  .join("\n")}
`;

const plain = (value: number): string => value.toFixed(12).replace(/\.?0+$/, "");

export const stationFile = (all: readonly Series[], station: string): string => `format: 1
station: ${station}
ports:
  line: { serial: /dev/line }
devices:
${all.map(({ device }, index) => `  ${device}:\n    type: ${device}-board\n    port: line\n    address: ${index + 1}`).join("\n")}
`;

/** What the boards on the line answer; `row` is the one that is due. */
export function answerTo(request: Uint8Array, all: readonly Series[], row: number): readonly Portion[] {
  const index = (request[1] ?? 0) - 1;
  const series = all[index];
  if (!series) return [];
  const steps = series.at(row);
  const body = Buffer.alloc(1 + 4 * series.channels.length);
  body[0] = 0x81 + index;
  series.channels.forEach((_, at) => body.writeInt32BE(steps[at] ?? NO_VALUE, 1 + 4 * at));
  const framed = Buffer.concat([Uint8Array.of(0xa5, index + 1, body.length), body]);
  const check = Buffer.alloc(2);
  check.writeUInt16LE(CRC.of(framed));
  return [{ afterMs: 5, bytes: Buffer.concat([framed, check]) }];
}
