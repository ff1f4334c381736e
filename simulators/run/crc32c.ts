/**
 * CRC-32C bit by bit (RFC 3720 appendix B.4): a second hand, so that the agent's checksums aren't judged by its own code.
 */
export function crc32cOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}
