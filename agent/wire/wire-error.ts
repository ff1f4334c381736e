/** Why bytes from the wire (or from flash, which holds the same formats) were not taken. */
export type WireFailure = "truncated" | "checksum" | "version" | "malformed" | "schema-wanted";

/** Switch on `reason`, never on the text. `hash` names the schema that is wanted. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly reason: WireFailure;
  readonly hash?: string;
  constructor(reason: WireFailure, message: string, options?: { cause?: unknown; hash?: string }) {
    super(message, options);
    this.reason = reason;
    if (options?.hash !== undefined) this.hash = options.hash;
  }
}
