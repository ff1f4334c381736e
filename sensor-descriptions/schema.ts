/**
 * The shape of both kinds of file: which keys there are, which of them are needed, what kind of value each takes.
 * What a value means in its surroundings (units of channels, names, addresses) is judged in `load/`.
 */
import * as z from "zod";
import { framedShape } from "./schema/framed.ts";
import { i2cShape } from "./schema/i2c.ts";
import { levelsShape } from "./schema/levels.ts";
import { linesShape } from "./schema/lines.ts";
import { modbusShape } from "./schema/modbus.ts";
import { outputsShape } from "./schema/outputs.ts";
import { pulsesShape } from "./schema/pulses.ts";
import { stationShape } from "./schema/station.ts";

/** By the word after `protocol:`; a device file without one is framed. */
export const deviceShapes = {
  framed: framedShape,
  lines: linesShape,
  "modbus-rtu": modbusShape,
  "modbus-ascii": modbusShape,
  i2c: i2cShape,
  pulses: pulsesShape,
  levels: levelsShape,
  outputs: outputsShape,
};
export type ProtocolName = keyof typeof deviceShapes;

/** Every key of both kinds of file: a word with a missing space after its colon is told from text by these. */
export function isKnownKey(word: string): boolean {
  // Most files have no such word, and to go through all shapes takes longer than to read a file.
  if (knownKeys.size === 0)
    for (const shape of [stationShape, ...Object.values(deviceShapes)]) collectKeys(shape, knownKeys);
  return knownKeys.has(word);
}

const knownKeys = new Set<string>();

function collectKeys(schema: z.core.$ZodType, known: Set<string>): void {
  const inner = unwrapped(schema);
  for (const [key, of] of Object.entries<z.core.$ZodType>(inner instanceof z.ZodObject ? inner.shape : {})) {
    known.add(key);
    collectKeys(of, known);
  }
  if (inner instanceof z.ZodRecord) collectKeys(inner.valueType, known);
  if (inner instanceof z.ZodArray) collectKeys(inner.element, known);
}

export function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional) return unwrapped(schema.unwrap());
  return schema;
}
