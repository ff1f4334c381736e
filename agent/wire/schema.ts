/**
 * A stream's schema: what its columns mean. Content-hashed; the hash stands in every batch, the schema travels once.
 * As CBOR items: [stream, [[name, kind, unit, resolution, null | [[number, state name]…]]…]].
 */
import { createHash } from "node:crypto";
import { type CborItem, encodeCbor } from "./envelope.ts";
import { arrayFrom, integerFrom, nameFrom, oneOf, textFrom } from "./shape.ts";
import { WireError } from "./wire-error.ts";

export interface SchemaChannel {
  readonly name: string;
  readonly kind: "gauge" | "counter" | "state";
  readonly unit: string;
  /** value = k · resolution (k an integer) */
  readonly resolution: number;
  readonly states?: readonly (readonly [number, string])[];
}

export interface StreamSchema {
  readonly stream: string;
  readonly channels: readonly SchemaChannel[];
}

/** Of one device; the largest real one we know (a three-phase meter) has 120. */
export const SCHEMA_CHANNELS_MAX = 256;
const CHANNEL_STATES_MAX = 256;
const KINDS = ["gauge", "counter", "state"] as const;

/** 16 hex digits: the first 8 bytes of SHA-256 over the CBOR items in their shortest form. */
export const schemaHash = (schema: StreamSchema): string =>
  createHash("sha256")
    .update(encodeCbor(itemsFromSchema(schema)))
    .digest("hex")
    .slice(0, 16);

export const itemsFromSchema = (schema: StreamSchema): readonly CborItem[] => [
  schema.stream,
  schema.channels.map(({ name, kind, unit, resolution, states }) => [name, kind, unit, resolution, states ?? null]),
];

/** Throws WireError "malformed". */
export function schemaFromItems(items: readonly unknown[]): StreamSchema {
  const [stream, channels] = arrayFrom(items, "schema", 2);
  const list = arrayFrom(channels, "schema's channels");
  if (list.length > SCHEMA_CHANNELS_MAX) throw new WireError("malformed", `decode schema: ${list.length} channels`);
  return { stream: nameFrom(stream, "schema's stream"), channels: list.map(channelFrom) };
}

function channelFrom(item: unknown): SchemaChannel {
  const [name, kind, unit, resolution, states] = arrayFrom(item, "channel", 5);
  if (typeof resolution !== "number" || !(resolution > 0) || !Number.isFinite(resolution)) {
    throw new WireError("malformed", "decode channel: its resolution is no number above 0");
  }
  return {
    name: nameFrom(name, "channel's name"),
    kind: oneOf(kind, "channel's kind", KINDS),
    unit: textFrom(unit, "channel's unit"),
    resolution,
    ...(states !== null && { states: statesFrom(states) }),
  };
}

function statesFrom(item: unknown): readonly (readonly [number, string])[] {
  const states = arrayFrom(item, "channel's states");
  if (states.length > CHANNEL_STATES_MAX) throw new WireError("malformed", `decode channel: ${states.length} states`);
  return states.map((state) => {
    const [number, name] = arrayFrom(state, "state", 2);
    return [
      integerFrom(number, "state's number", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      nameFrom(name, "state's name"),
    ];
  });
}
