/** Bytes in messages: "01 A0", or "nothing". */
export const hex = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? "nothing"
    : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");
