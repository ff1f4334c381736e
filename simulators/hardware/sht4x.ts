/**
 * An SHT4x by its commands (Sensirion datasheet, version 6.6, chapter 4). A command is one byte; the answer is read
 * on its own, two words each followed by a CRC-8 (polynomial 0x31, start 0xFF):
 *
 *   0xFD  measure, high precision, ≤ 8.3 ms      0x89  serial number, at once
 *   0xF6  measure, medium, ≤ 4.5 ms              0x94  soft reset, ≤ 1 ms
 *   0xE0  measure, low, ≤ 1.6 ms                 0x39 0x32 0x2F 0x24 0x1E 0x15  heat for 1 or 0.1 s, then measure
 *
 *   temperature °C = −45 + 175 · word / 65535    humidity %RH = −6 + 125 · word / 65535
 *
 * While it is busy, and when it has nothing to say, it doesn't acknowledge.
 */
import type { Air, ChipDeps, I2cChip } from "./i2c-chip.ts";

const MEASURE_MS: ReadonlyMap<number, number> = new Map([
  [0xfd, 8.3],
  [0xf6, 4.5],
  [0xe0, 1.6],
  [0x39, 1100],
  [0x32, 110],
  [0x2f, 1100],
  [0x24, 110],
  [0x1e, 1100],
  [0x15, 110],
]);
const SERIAL = 0x89;
const RESET = 0x94;
const RESET_MS = 1;

export function createSht4x(deps: ChipDeps, serialNumber = 0x0f5a_1c37): I2cChip {
  let busyUntilMs = Number.NEGATIVE_INFINITY;
  let answer: { readonly bytes: Uint8Array; readonly air?: Air } | undefined;

  const command = (code: number): boolean => {
    const measureMs = MEASURE_MS.get(code);
    if (code === RESET) {
      answer = undefined;
      busyUntilMs = deps.nowMs() + RESET_MS;
    } else if (code === SERIAL) {
      answer = { bytes: wordsWithCrc([serialNumber >>> 16, serialNumber & 0xffff]) };
    } else if (measureMs !== undefined) {
      const air = deps.air();
      answer = { bytes: wordsWithCrc(wordsFrom(air)), air };
      busyUntilMs = deps.nowMs() + measureMs;
      deps.onEvent?.({ did: "trigger", air });
    } else return false;
    return true;
  };

  return {
    transfer: (write, readLength) => {
      const isBusy = deps.nowMs() < busyUntilMs;
      // A soft reset ends what runs (4.8); everything else has to wait.
      if (isBusy && write[0] !== RESET) return undefined;
      if (write[0] !== undefined && !command(write[0])) return undefined;
      if (readLength === 0) return new Uint8Array();
      if (!answer || deps.nowMs() < busyUntilMs) return undefined;
      const { bytes, air } = answer;
      answer = undefined;
      if (air) deps.onEvent?.({ did: "read", air });
      // Bytes after the last CRC are an idle bus: ones.
      return Uint8Array.from({ length: readLength }, (_, at) => bytes[at] ?? 0xff);
    },
  };
}

function wordsFrom(air: Air): [number, number] {
  const word = (fraction: number) => Math.round(Math.min(1, Math.max(0, fraction)) * 65535);
  return [word((air.temperatureC + 45) / 175), word((air.humidityPercent + 6) / 125)];
}

function wordsWithCrc(words: readonly number[]): Uint8Array {
  return Uint8Array.from(
    words.flatMap((word) => {
      const pair = [word >> 8, word & 0xff];
      return [...pair, sensirionCrc8(pair)];
    }),
  );
}

/** Datasheet 4.4: CRC of 0xBEEF is 0x92. */
export function sensirionCrc8(bytes: readonly number[]): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : crc << 1;
  }
  return crc;
}
