/**
 * Bytes per reading of a day of the demo station at a real station's pace: its own physics, its own description, the
 * real buffer and wire format, uploads every 15 min, on a simulated clock. Only the sensors' conversations are left out.
 */
import { join } from "node:path";
import { createSqliteBuffer } from "@pump-station/agent/buffer/sqlite-buffer.ts";
import { createTypeFinder } from "@pump-station/agent/description.ts";
import { createChance } from "@pump-station/agent/linux/chance.ts";
import { createFiles } from "@pump-station/agent/linux/files.ts";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { createPreprocess } from "@pump-station/agent/preprocess/preprocess.ts";
import { schemaFrom } from "@pump-station/agent/stream-schema.ts";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type { Device } from "@pump-station/sensor-descriptions/model.ts";
import { createNoise } from "@pump-station/simulators/station/noise.ts";
import { createPump, PUMP_STATES } from "@pump-station/simulators/station/pump.ts";
import { createWeather } from "@pump-station/simulators/station/weather.ts";
import { catalogueStation, programs } from "./rig/rig.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const UPLOAD_EVERY = 15 * MINUTE;
/** A customer every half an hour. */
const TIMING = { idleMs: 30 * MINUTE, holdMs: 20_000, coolingMs: 30_000 };

export async function run(): Promise<void> {
  let nowMs = 1_000;
  const clock = {
    bootId: "00000000-0000-4000-8000-000000000001",
    bootMs: () => nowMs,
    wallMs: () => Date.UTC(2026, 4, 2) + nowMs,
    isWallTrusted: () => true,
  };
  const deps = { clock, databases: createDatabases(), chance: createChance(), log: () => {} };
  const buffer = createSqliteBuffer(deps, { path: ":memory:" });
  const sent = { bytes: 0, messages: 0, readings: 0, schemaBytes: 0 };
  const upload = (): void => {
    for (let offer = buffer.offer("normal", "now"); offer; offer = buffer.offer("normal", "now")) {
      sent.messages++;
      sent.readings += offer.readings;
      if (offer.kind === "batch") sent.bytes += offer.payload.length;
      else sent.schemaBytes += offer.payload.length;
      buffer.accept(offer);
    }
  };
  const values = valuesOfDay();
  const devices = demoDevices().map((device) => ({ device, preprocess: createPreprocess(device), nextMs: 0 }));
  for (const { device } of devices) buffer.declare(schemaFrom(device));
  for (; nowMs < DAY; nowMs += 1_000) {
    for (const entry of devices) {
      if (nowMs < entry.nextMs) continue;
      const { device, preprocess } = entry;
      const sample = { device: device.name, bootMs: nowMs, values: values(device.name, nowMs) };
      for (const kept of preprocess.take(sample)) buffer.append(kept);
      const isPumping = device.name === "pump" && sample.values[0] === PUMP_STATES.pumping;
      entry.nextMs = nowMs + (isPumping ? (device.faster?.everyMs ?? device.everyMs) : device.everyMs);
    }
    if (nowMs % 10_000 === 0) buffer.commit();
    if (nowMs % UPLOAD_EVERY === 0) upload();
  }
  buffer.commit();
  upload();
  console.log(
    `bytes per reading of a demo-station day at its own pace: ${(sent.bytes / sent.readings).toFixed(2)} ` +
      `(${sent.readings} readings, ${sent.bytes} bytes of batches in ${sent.messages} messages, ${sent.schemaBytes} bytes of schemas)`,
  );
}

function demoDevices(): readonly Device[] {
  const find = createTypeFinder(createFiles(), [
    join(programs.catalogue, "sensors"),
    join(programs.catalogue, "boards"),
  ]);
  const { station, problems } = loadStation({ path: "demo-lake.yaml", text: catalogueStation() }, find);
  if (!station) throw new Error(problems.map(({ message }) => message).join("; "));
  return station.devices;
}

/** What the sensors say at a time, in the order of their channels and at the sensors' own steps. */
function valuesOfDay(): (device: string, ms: number) => number[] {
  const noise = createNoise(1);
  const weather = createWeather(noise);
  const pump = createPump({ noise, startMs: 0, timing: TIMING, airC: (ms) => weather.air(ms).temperatureC });
  const step = (value: number, size: number): number => Math.round(value / size) * size;
  let rainMm = 0;
  let rainedMs = 0;
  return (device, ms) => {
    const air = weather.air(ms);
    const pumping = device === "pump" ? pump.at(ms) : undefined;
    if (pumping) {
      const { state, pressureMbar, currentA, temperatureC, cycles, targetMbar } = pumping;
      return [
        PUMP_STATES[state],
        step(pressureMbar, 0.1),
        step(currentA, 0.01),
        step(temperatureC, 0.1),
        cycles,
        targetMbar,
      ];
    }
    if (device === "climate") return [air.temperatureC, air.pressurePa / 100, air.humidityPercent];
    if (device === "cabinet") return [air.temperatureC + 2, air.humidityPercent - 5];
    rainMm += (weather.rainMmPerHour(ms) * (ms - rainedMs)) / 3_600_000;
    rainedMs = ms;
    const tips = Math.floor(rainMm / 0.2794);
    return [tips, tips * 0.2794, weather.rainMmPerHour(ms)];
  };
}
