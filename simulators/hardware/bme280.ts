/**
 * A BME280 by its registers (datasheet BST-BME280-DS002, chapter 5):
 *
 *   0x88…0xA1, 0xE1…0xE7  calibration          0xF4  ctrl_meas: osrs_t 7:5, osrs_p 4:2, mode 1:0
 *   0xD0  chip id, 0x60                        0xF5  config: t_sb 7:5, filter 4:2 (kept, not acted upon)
 *   0xE0  reset: 0xB6                          0xF7…0xF9  pressure, 20 bits
 *   0xF2  ctrl_hum: osrs_h 2:0                 0xFA…0xFC  temperature, 20 bits
 *   0xF3  status: measuring 3, im_update 0     0xFD…0xFE  humidity, 16 bits
 *
 * ctrl_hum counts only after the next write of ctrl_meas (5.4.3). Forced mode measures once and sleeps again.
 */
import { type Bme280Calibration, calibrationRegisters, rawFrom, TYPICAL_CALIBRATION } from "./bme280-compensation.ts";
import type { Air, ChipDeps, I2cChip } from "./i2c-chip.ts";

const ID = 0xd0;
const RESET = 0xe0;
const CTRL_HUM = 0xf2;
const STATUS = 0xf3;
const CTRL_MEAS = 0xf4;
const CONFIG = 0xf5;
const DATA = 0xf7;
const DATA_LENGTH = 8;

/** Copying the calibration from its memory after a reset takes 2 ms (table 1, start-up time). */
const START_UP_MS = 2;
const STANDBY_MS = [0.5, 62.5, 125, 250, 500, 1000, 10, 20] as const;
/** Data registers of a measurement that was skipped (5.4.7 to 5.4.9): 0x80000 twice, 0x8000. */
const SKIPPED = [0x80, 0, 0, 0x80, 0, 0, 0x80, 0] as const;

export function createBme280(deps: ChipDeps, calibration: Bme280Calibration = TYPICAL_CALIBRATION): I2cChip {
  const calibrated = calibrationRegisters(calibration);
  let settings: Settings = RESTING;
  let humidityAsked = 0;
  let pointer = 0;
  let readyAtMs = deps.nowMs() + START_UP_MS;
  let data: readonly number[] = SKIPPED;
  let measuring: { readonly air: Air; readonly untilMs: number } | undefined;

  const reset = () => {
    settings = RESTING;
    humidityAsked = 0;
    data = SKIPPED;
    measuring = undefined;
    readyAtMs = deps.nowMs() + START_UP_MS;
  };
  const startMeasuring = () => {
    const air = deps.air();
    measuring = { air, untilMs: deps.nowMs() + conversionMs(settings) };
    deps.onEvent?.({ did: "trigger", air });
  };
  /** What has ended by now takes effect when somebody looks. */
  const catchUp = () => {
    if (!measuring || deps.nowMs() < measuring.untilMs) return;
    data = dataFrom(measuring.air, settings, calibration);
    if (settings.mode !== "normal") {
      settings = { ...settings, mode: "sleep" };
      measuring = undefined;
      return;
    }
    measuring = { air: deps.air(), untilMs: deps.nowMs() + conversionMs(settings) + settings.standbyMs };
  };
  const isConverting = () => measuring !== undefined && deps.nowMs() >= measuring.untilMs - conversionMs(settings);

  const write = (register: number, value: number) => {
    if (register === RESET && value === 0xb6) reset();
    if (register === CTRL_HUM) humidityAsked = value & 0b111;
    if (register === CONFIG) settings = { ...settings, config: value, standbyMs: STANDBY_MS[value >> 5] ?? 0.5 };
    if (register !== CTRL_MEAS) return;
    settings = { ...settings, ctrlMeas: value, humidity: humidityAsked, mode: modeFrom(value) };
    if (settings.mode === "sleep") measuring = undefined;
    else startMeasuring();
  };
  const read = (register: number): number => {
    if (register >= DATA && register < DATA + DATA_LENGTH) return data[register - DATA] ?? 0;
    if (register === ID) return 0x60;
    if (register === CTRL_HUM) return humidityAsked;
    if (register === STATUS) return (isConverting() ? 0b1000 : 0) | (deps.nowMs() < readyAtMs ? 1 : 0);
    if (register === CTRL_MEAS) return (settings.ctrlMeas & 0xfc) | MODE_BITS[settings.mode];
    if (register === CONFIG) return settings.config;
    return calibrated.get(register) ?? 0;
  };

  return {
    transfer: (bytes, readLength) => {
      catchUp();
      pointer = bytes[0] ?? pointer;
      // Written in pairs of register and value; a register alone sets where a read begins (6.2.1).
      for (let at = 0; at + 1 < bytes.length; at += 2) write(bytes[at] ?? 0, bytes[at + 1] ?? 0);
      if (pointer <= DATA && pointer + readLength >= DATA + DATA_LENGTH) {
        deps.onEvent?.({ did: "read", air: deps.air() });
      }
      return Uint8Array.from({ length: readLength }, (_, offset) => read((pointer + offset) & 0xff));
    },
  };
}

type Mode = "sleep" | "forced" | "normal";
interface Settings {
  readonly ctrlMeas: number;
  readonly humidity: number;
  readonly config: number;
  readonly standbyMs: number;
  readonly mode: Mode;
}
const RESTING: Settings = { ctrlMeas: 0, humidity: 0, config: 0, standbyMs: 0.5, mode: "sleep" };
const MODE_BITS: Readonly<Record<Mode, number>> = { sleep: 0b00, forced: 0b01, normal: 0b11 };

const modeFrom = (ctrlMeas: number): Mode =>
  (ctrlMeas & 0b11) === 0 ? "sleep" : (ctrlMeas & 0b11) === 0b11 ? "normal" : "forced";

/** Oversampling code → how often it measures; 0 skips (table 20). */
const samplesFrom = (code: number): number => (code === 0 ? 0 : 2 ** (Math.min(code, 5) - 1));
const oversampling = (settings: Settings) => ({
  temperature: samplesFrom((settings.ctrlMeas >> 5) & 0b111),
  pressure: samplesFrom((settings.ctrlMeas >> 2) & 0b111),
  humidity: samplesFrom(settings.humidity),
});

/** The longest a conversion takes (9.1), in ms. */
function conversionMs(settings: Settings): number {
  const { temperature, pressure, humidity } = oversampling(settings);
  const extra = (samples: number) => (samples ? 2.3 * samples + 0.575 : 0);
  return 1.25 + 2.3 * temperature + extra(pressure) + extra(humidity);
}

function dataFrom(air: Air, settings: Settings, calibration: Bme280Calibration): readonly number[] {
  const raw = rawFrom(air, calibration);
  const { temperature, pressure, humidity } = oversampling(settings);
  const p = pressure ? raw.pressure : 0x80000;
  const t = temperature ? raw.temperature : 0x80000;
  const h = humidity ? raw.humidity : 0x8000;
  const twentyBits = (value: number) => [value >> 12, (value >> 4) & 0xff, (value & 0x0f) << 4];
  return [...twentyBits(p), ...twentyBits(t), h >> 8, h & 0xff];
}
