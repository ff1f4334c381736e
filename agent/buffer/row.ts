/**
 * A row's body. Samples: a plain batch (wire/batch.ts) on the boot's own time, so that it names its epoch, boot and
 * sequences itself and can be rescued from a damaged file. An alarm: an envelope (wire/envelope.ts) of
 * epoch (8 bytes), boot id, sequence, time in boot ms, device, alarm, severity, active, because; and true behind them
 * when somebody was on site.
 */
import { MESSAGE_BYTES_MAX } from "../limits.ts";
import type { AlarmTransition } from "../reading.ts";
import { batchHeads, bootIdFromItem, decodeBatch, encodeBatch, itemFromBasis, type SchemaOf } from "../wire/batch.ts";
import { openEnvelope, sealEnvelope } from "../wire/envelope.ts";
import { ALARM_STREAM, type Batch } from "../wire/messages.ts";
import { arrayFrom, bytesFromHex16, hex16From, integerFrom, nameFrom, oneOf, textFrom } from "../wire/shape.ts";
import { bytesOf, type Columns, wholeOf } from "./tables.ts";

export interface Row {
  readonly id: number;
  readonly epochId: number;
  readonly isAlarm: boolean;
  readonly bootMs: number;
  readonly samples: number;
  readonly readings: number;
  readonly body: Uint8Array;
}

export interface StreamHead {
  readonly stream: string;
  readonly sequence: number;
  readonly samples: number;
}

export interface AlarmRow {
  readonly epoch: string;
  readonly bootId: string;
  readonly sequence: number;
  readonly transition: AlarmTransition;
}

export const rowFrom = (columns: Columns): Row => ({
  id: wholeOf(columns, "id"),
  epochId: wholeOf(columns, "epoch_id"),
  isAlarm: wholeOf(columns, "is_alarm") === 1,
  bootMs: wholeOf(columns, "boot_ms"),
  samples: wholeOf(columns, "samples"),
  readings: wholeOf(columns, "readings"),
  body: bytesOf(columns, "body"),
});

export const bodyFromBatch = (batch: Batch, schemaOf: SchemaOf): Uint8Array => encodeBatch(batch, schemaOf, "plain");

/** Throws WireError. */
export const batchFromBody = (body: Uint8Array, schemaOf: SchemaOf): Batch => decodeBatch(body, schemaOf, "buffer");

export const bodyFromAlarm = ({ epoch, bootId, sequence, transition }: AlarmRow): Uint8Array =>
  sealEnvelope([
    bytesFromHex16(epoch),
    itemFromBasis({ kind: "boot", bootId }),
    sequence,
    wholeMs(transition.bootMs),
    transition.device,
    transition.alarm,
    transition.severity,
    transition.active,
    transition.because,
    ...(transition.onSite ? [true] : []),
  ]);

/** Throws WireError. */
export function alarmFromBody(body: Uint8Array): AlarmRow {
  const items = arrayFrom(openEnvelope(body, MESSAGE_BYTES_MAX), "alarm");
  const [epoch, bootId, sequence, bootMs, device, alarm, severity, active, because, onSite] = items;
  if (items.length < 9 || items.length > 10) arrayFrom(items, "alarm", 9);
  return {
    epoch: hex16From(epoch, "epoch"),
    bootId: bootIdFromItem(bootId),
    sequence: integerFrom(sequence, "sequence", 1, Number.MAX_SAFE_INTEGER),
    transition: {
      bootMs: integerFrom(bootMs, "time", 0, Number.MAX_SAFE_INTEGER),
      device: nameFrom(device, "device"),
      alarm: nameFrom(alarm, "alarm"),
      severity: oneOf(severity, "severity", ["info", "warning", "critical"]),
      active: active === true,
      because: textFrom(because, "because", 0, BECAUSE_CHARACTERS_MAX),
      ...(onSite === true && { onSite }),
    },
  };
}

/** A row fits a message many times over, since messages are cut between rows. */
export const ROW_READINGS_MAX = 1_000;

/** What a condition's text and its values may take in an alarm message. */
export const BECAUSE_CHARACTERS_MAX = 1_000;

/** Which sequences a row holds. Throws WireError. */
export function headsOf(row: Row): { epoch: string; bootId: string; heads: readonly StreamHead[] } {
  if (row.isAlarm) {
    const { epoch, bootId, sequence } = alarmFromBody(row.body);
    return { epoch, bootId, heads: [{ stream: ALARM_STREAM, sequence, samples: 1 }] };
  }
  const { epoch, basis, blocks } = batchHeads(row.body);
  return { epoch, bootId: basis.kind === "boot" ? basis.bootId : "", heads: blocks };
}

export const wholeMs = (ms: number): number => Math.max(0, Math.round(ms));
