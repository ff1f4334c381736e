/**
 * A batch: one epoch's samples of several streams in one message, an envelope (envelope.ts) of these items:
 *
 *   01 | 02 | 03     version: which bodies are in it
 *   48 xx…           epoch, 8 bytes
 *   00               basis: times are ms since 1970 UTC
 *   50 xx… | text    … or: ms since the start of this boot (a UUID as 16 bytes, any other boot id as text)
 *   integer          t0: the earliest time in the batch, ms on the basis
 *   array            blocks, each
 *     text             stream
 *     48 xx…           schema hash, 8 bytes
 *     integer          sequence of the first sample; the others follow without a gap
 *     integer          dt: its time - t0
 *     integer          n: samples
 *     integer          period, ms
 *     bytes            body: version 1 deflated columns (open-body.ts), version 2 range-coded columns (tight-body.ts),
 *                      version 3 the same, with trends where a column has them; in the station's buffer, version 1 with the columns themselves, as an array, because a
 *                      handful of samples doesn't deflate
 *   44 xx xx xx xx   CRC-32C
 */
import { BATCH_SAMPLES_MAX, BATCH_VALUES_MAX, INFLATED_BYTES_MAX, MESSAGE_BYTES_MAX } from "../limits.ts";
import { type CborItem, ENVELOPE_VERSION, openEnvelope, sealEnvelope, versionOf } from "./envelope.ts";
import type { Basis, Batch, StreamBlock } from "./messages.ts";
import { columnsFromBlock, deflateColumns, inflateColumns, periodOf, samplesFromColumns } from "./open-body.ts";
import type { StreamSchema } from "./schema.ts";
import { arrayFrom, bytesFrom, bytesFromHex16, hex16From, integerFrom, nameFrom } from "./shape.ts";
import { samplesFromTightBody, tightBodyFromBlock } from "./tight-body.ts";
import { WireError } from "./wire-error.ts";

export { WireError } from "./wire-error.ts";

export type SchemaOf = (hash: string) => StreamSchema | undefined;
/**
 * What travels: "trends" or "tight" (the tight body with trends, and as it was before it knew them, for messages that were
 * sealed then), or "deflated" (the open body), which any CBOR and zlib library reads.
 */
export type TravellingForm = "trends" | "tight" | "deflated";
/** "plain" is what the buffer keeps. */
export type BodyForm = TravellingForm | "plain";

const TIGHT_VERSION = 2;
export const TRENDS_VERSION = 3;
const VERSIONS = [ENVELOPE_VERSION, TIGHT_VERSION, TRENDS_VERSION];

export const versionOfForm = (form: BodyForm): number =>
  form === "trends" ? TRENDS_VERSION : form === "tight" ? TIGHT_VERSION : ENVELOPE_VERSION;

/** Throws WireError "schema-wanted"; RangeError on what only a bug can produce (no samples, rows of another length). */
export function encodeBatch(batch: Batch, schemaOf: SchemaOf, form: BodyForm = "deflated"): Uint8Array {
  const firstTimes = batch.blocks.map((block) => firstOf(block.times, block.stream));
  const t0 = firstTimes.reduce((earliest, time) => Math.min(earliest, time), firstTimes[0] ?? 0);
  const blocks = batch.blocks.map((block) => itemsFromBlock(block, knownSchema(schemaOf, block.schemaHash), t0, form));
  const items = [bytesFromHex16(batch.epoch), itemFromBasis(batch.basis), t0, blocks];
  return sealEnvelope(items, versionOfForm(form));
}

/**
 * Throws WireError. The result holds at most BATCH_SAMPLES_MAX samples. `from`: what comes over the wire says itself
 * which body it has.
 */
export function decodeBatch(bytes: Uint8Array, schemaOf: SchemaOf, from: "wire" | "buffer" = "wire"): Batch {
  const { epoch, basis, blocks } = headsOf(bytes);
  const version = versionOf(bytes);
  const isTight = version !== ENVELOPE_VERSION;
  if (isTight) checkValues(blocks, schemaOf);
  let inflatable = INFLATED_BYTES_MAX;
  const samplesOf = (head: BlockItems): StreamBlock => {
    const schema = knownSchema(schemaOf, head.schemaHash);
    if (isTight) {
      const body = bytesFrom(head.body, "body");
      return { ...identityOf(head), ...samplesFromTightBody(body, head, schema, version === TRENDS_VERSION) };
    }
    if (from === "buffer") return { ...identityOf(head), ...samplesFromColumns(head.body, head, schema) };
    const inflated = inflateColumns(bytesFrom(head.body, "body"), inflatable);
    inflatable -= inflated.bytes;
    return { ...identityOf(head), ...samplesFromColumns(inflated.columns, head, schema) };
  };
  return { epoch, basis, blocks: blocks.map(samplesOf) };
}

/** Before anything is decoded: a tight body of ten bytes can hold as many equal values as its head says. */
function checkValues(blocks: readonly BlockItems[], schemaOf: SchemaOf): void {
  const values = blocks.reduce(
    (sum, { schemaHash, samples }) => sum + samples * knownSchema(schemaOf, schemaHash).channels.length,
    0,
  );
  if (values > BATCH_VALUES_MAX) throw new WireError("malformed", `decode batch: ${values} values`);
}

export interface BatchHeads {
  readonly epoch: string;
  readonly basis: Basis;
  readonly blocks: readonly {
    readonly stream: string;
    readonly schemaHash: string;
    readonly sequence: number;
    readonly samples: number;
  }[];
}

/** Which sequences a batch holds, without its values; needs no schema. Throws WireError. */
export const batchHeads = (bytes: Uint8Array): BatchHeads => headsOf(bytes);

interface BlockItems {
  readonly stream: string;
  readonly schemaHash: string;
  readonly sequence: number;
  readonly samples: number;
  readonly firstTime: number;
  readonly period: number;
  readonly body: unknown;
}

function headsOf(bytes: Uint8Array): { epoch: string; basis: Basis; blocks: readonly BlockItems[] } {
  const [epoch, basis, t0, blocks] = arrayFrom(openEnvelope(bytes, MESSAGE_BYTES_MAX, VERSIONS), "batch", 4);
  const start = integerFrom(t0, "t0", 0, Number.MAX_SAFE_INTEGER);
  const heads = arrayFrom(blocks, "blocks").map((block) => headOf(block, start));
  const samples = heads.reduce((sum, head) => sum + head.samples, 0);
  if (samples > BATCH_SAMPLES_MAX) throw new WireError("malformed", `decode batch: ${samples} samples`);
  return { epoch: hex16From(epoch, "epoch"), basis: basisFromItem(basis), blocks: heads };
}

function headOf(item: unknown, t0: number): BlockItems {
  const [stream, hash, sequence, dt, n, period, body] = arrayFrom(item, "block", 7);
  const first = integerFrom(sequence, "sequence", 1, Number.MAX_SAFE_INTEGER - BATCH_SAMPLES_MAX);
  return {
    stream: nameFrom(stream, "stream"),
    schemaHash: hex16From(hash, "schema hash"),
    sequence: first,
    firstTime: integerFrom(t0 + integerFrom(dt, "dt", 0, Number.MAX_SAFE_INTEGER), "time", 0, Number.MAX_SAFE_INTEGER),
    samples: integerFrom(n, "n", 1, BATCH_SAMPLES_MAX),
    period: integerFrom(period, "period", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    body,
  };
}

const identityOf = ({ stream, schemaHash, sequence }: BlockItems) => ({ stream, schemaHash, sequence });

function itemsFromBlock(block: StreamBlock, schema: StreamSchema, t0: number, form: BodyForm): CborItem[] {
  const period = periodOf(block.times);
  return [
    block.stream,
    bytesFromHex16(block.schemaHash),
    block.sequence,
    firstOf(block.times, block.stream) - t0,
    block.times.length,
    period,
    bodyOf(block, schema, period, form),
  ];
}

function bodyOf(block: StreamBlock, schema: StreamSchema, period: number, form: BodyForm): CborItem {
  if (form === "trends" || form === "tight") return tightBodyFromBlock(block, schema, period, form === "trends");
  const columns = columnsFromBlock(block, schema, period);
  return form === "plain" ? columns : deflateColumns(columns);
}

function firstOf(times: readonly number[], stream: string): number {
  const first = times[0];
  if (first === undefined) throw new RangeError(`encode ${stream}: a block without samples`);
  return first;
}

function knownSchema(schemaOf: SchemaOf, hash: string): StreamSchema {
  const schema = schemaOf(hash);
  if (!schema) throw new WireError("schema-wanted", `batch: schema ${hash} is not known`, { hash });
  return schema;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** 0 for wall time; a boot id as 16 bytes when it is a UUID, else as text. */
export function itemFromBasis(basis: Basis): CborItem {
  if (basis.kind === "wall") return 0;
  return UUID.test(basis.bootId) ? new Uint8Array(Buffer.from(basis.bootId.replaceAll("-", ""), "hex")) : basis.bootId;
}

/** Throws WireError "malformed". */
export const basisFromItem = (item: unknown): Basis =>
  item === 0 ? { kind: "wall" } : { kind: "boot", bootId: bootIdFromItem(item) };

export function bootIdFromItem(item: unknown): string {
  if (typeof item === "string") return nameFrom(item, "boot id");
  const hex = Buffer.from(bytesFrom(item, "boot id", 16)).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
