/** How a refusal looks, `"FF ?? {code}"`: constant bytes, any bytes, bytes of the request, and where its code stands. */

export interface RefusalSpec {
  /** Undefined: any byte; "sent": the byte that the request's body has in this place. The code is one of them. */
  readonly bytes: readonly (number | "sent" | undefined)[];
  readonly codeAt: number;
  /** `"FF"`: the code stands behind it, and may be missing. */
  readonly isCodeOptional: boolean;
}

/** Bytes that a body has at least to be one. */
export const refusalLeast = ({ bytes, isCodeOptional }: RefusalSpec): number => bytes.length - (isCodeOptional ? 1 : 0);

/** How much of it is constant: of a refusal and an answer that both fit, the one with more of that is meant. */
export const constantBytes = ({ bytes }: RefusalSpec): number => bytes.filter((byte) => byte !== undefined).length;

/** Whether a body from `at` to `end`, which may go on, is a refusal of a request whose body begins with `sent`. */
export function isRefusal(spec: RefusalSpec, data: Uint8Array, at: number, end: number, sent?: Uint8Array): boolean {
  if (end - at < refusalLeast(spec)) return false;
  return spec.bytes.every((byte, i) => {
    const wanted = byte === "sent" ? sent?.[i] : byte;
    return wanted === undefined || data[at + i] === wanted;
  });
}

/** 0: none is told. */
export const codeIn = ({ codeAt }: RefusalSpec, data: Uint8Array, at: number, end: number): number =>
  at + codeAt < end ? (data[at + codeAt] as number) : 0;

/** What a device sends to a request whose body begins with `sent`; 0 for any byte. */
export const refusalBytes = (
  { bytes, codeAt }: RefusalSpec,
  code: number,
  sent: Uint8Array = new Uint8Array(),
): Uint8Array =>
  Uint8Array.from(bytes, (byte, i) => {
    if (i === codeAt) return code;
    return byte === "sent" ? (sent[i] ?? 0) : (byte ?? 0);
  });
