/**
 * Letters in registers: two in each, the first in the high byte unless the device swaps them. A text ends at its first
 * 00, else with its last register; spaces that fill it up are no part of it. Letters are those of ISO 8859-1.
 */
import type { ModbusTextSpec } from "./modbus-spec.ts";

export interface ModbusText {
  readonly name: string;
  readonly end: number;
  /** Control characters come out as "?". */
  read(data: Uint8Array, base: number): string;
  /** Throws RangeError when the text is too long, or a letter has no byte. */
  write(data: Uint8Array, base: number, text: string): void;
}

export function createModbusText({ name, at, length, byteOrder }: ModbusTextSpec): ModbusText {
  const swap = byteOrder === "little-endian" ? 1 : 0;
  const places = Array.from({ length }, (_, i) => at + (i ^ swap));
  return {
    name,
    end: at + length + (length % 2),
    read: (data, base) => {
      const bytes = places.map((place) => data[base + place] as number);
      const ended = bytes.indexOf(0);
      return String.fromCharCode(...(ended < 0 ? bytes : bytes.slice(0, ended)))
        .trimEnd()
        .replace(/\p{Cc}/gu, "?");
    },
    write: (data, base, text) => {
      if (text.length > length) throw new RangeError(`${name} "${text}": at most ${length} letters fit`);
      for (const [i, place] of places.entries()) {
        const letter = text.charCodeAt(i) || 0;
        if (letter > 0xff) throw new RangeError(`${name} "${text}": the letter ${text[i] ?? ""} has no byte`);
        data[base + place] = letter;
      }
    },
  };
}
