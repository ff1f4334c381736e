/** CRC-32C (Castagnoli, RFC 3720 appendix B.4): polynomial 0x1EDC6F41 reflected, all ones before and after. */
export function crc32c(bytes: Uint8Array, end = bytes.length): number {
  let crc = 0xffff_ffff;
  for (let at = 0; at < end; at++) {
    crc = (TABLE[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

const POLYNOMIAL_REFLECTED = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? POLYNOMIAL_REFLECTED ^ (crc >>> 1) : crc >>> 1;
  return crc >>> 0;
});
