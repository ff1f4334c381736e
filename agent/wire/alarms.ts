/**
 * Alarms travel as JSON, because whoever is called out at night may have to read them without our decoder:
 * a UTF-8 array of AlarmMessage, keys as in messages.ts, nothing else in it.
 */
import * as z from "zod";
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import type { AlarmMessage } from "./messages.ts";
import { WireError } from "./wire-error.ts";

export const encodeAlarms = (alarms: readonly AlarmMessage[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(alarms));

/** Throws WireError "malformed". */
export function decodeAlarms(bytes: Uint8Array): AlarmMessage[] {
  if (bytes.length > MESSAGE_BYTES_MAX) throw new WireError("malformed", `decode alarms: ${bytes.length} bytes`);
  const read = ALARMS.safeParse(jsonFrom(bytes));
  if (!read.success) throw new WireError("malformed", `decode alarms: ${z.prettifyError(read.error)}`);
  return read.data;
}

function jsonFrom(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new WireError("malformed", "decode alarms: no JSON in UTF-8", { cause });
  }
}

const NAME = z.string().min(1).max(64);
const WHOLE = z.number().int().max(Number.MAX_SAFE_INTEGER);

const ALARMS = z
  .array(
    z.strictObject({
      epoch: z.string().regex(/^[0-9a-f]{16}$/),
      sequence: WHOLE.min(1),
      basis: z.discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("wall") }),
        z.strictObject({ kind: z.literal("boot"), bootId: NAME }),
      ]),
      time: WHOLE.min(0),
      device: NAME,
      alarm: NAME,
      severity: z.enum(["info", "warning", "critical"]),
      active: z.boolean(),
      because: z.string().max(1_000),
      onSite: z.literal(true).optional(),
    }),
  )
  .max(1_000);
