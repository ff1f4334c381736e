/**
 * A stream's schema: what its columns mean. Content-hashed; the hash stands in every batch, the schema travels once.
 */
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
