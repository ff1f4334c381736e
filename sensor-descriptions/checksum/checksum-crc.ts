/** CRCs of the catalogue by table: one loop over the bytes, whatever the width. */
import type { Checksum } from "./checksum.ts";
import { CRC_CATALOGUE, type CrcParameters } from "./crc-catalogue.ts";

const CREATED = new Map<string, Checksum>();

/** Tables are shared by all devices of a station. Throws RangeError when the catalogue has no such CRC. */
export function crcNamed(name: string): Checksum {
  const known = CREATED.get(name);
  if (known !== undefined) return known;
  const crc = CRC_CATALOGUE.get(name);
  if (crc === undefined) throw new RangeError(`checksum ${name}: not in the catalogue`);
  const created: Checksum = {
    bytes: crc.width === 8 ? 1 : crc.width <= 16 ? 2 : crc.width <= 24 ? 3 : 4,
    of: crc.order === "reflected" ? reflectedCrc(crc) : normalCrc(crc),
  };
  CREATED.set(name, created);
  return created;
}

/** Lowest bit first: the register's low byte meets the next byte. */
function reflectedCrc(crc: CrcParameters): Checksum["of"] {
  const polynomial = reflect(crc.polynomial, crc.width);
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let register = byte;
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ polynomial : register >>> 1;
    return register;
  });
  // The catalogue gives init for a register that isn't reflected.
  const init = reflect(crc.init, crc.width);
  const { xorOut } = crc;
  return (data, from = 0, to = data.length) => {
    let register = init;
    for (let i = from; i < to; i++) {
      register = (table[(register ^ (data[i] as number)) & 0xff] as number) ^ (register >>> 8);
    }
    return (register ^ xorOut) >>> 0;
  };
}

/** Highest bit first; the register stands in the upper bits of 32, so that one loop serves every width. */
function normalCrc(crc: CrcParameters): Checksum["of"] {
  const shift = 32 - crc.width;
  const polynomial = crc.polynomial << shift;
  const table = Int32Array.from({ length: 256 }, (_, byte) => {
    let register = byte << 24;
    for (let bit = 0; bit < 8; bit++) register = register < 0 ? (register << 1) ^ polynomial : register << 1;
    return register;
  });
  const init = crc.init << shift;
  const { xorOut } = crc;
  const isOutputReflected = crc.order === "output-reflected";
  return (data, from = 0, to = data.length) => {
    let register = init;
    for (let i = from; i < to; i++) {
      register = (table[((register >>> 24) ^ (data[i] as number)) & 0xff] as number) ^ (register << 8);
    }
    const remainder = register >>> shift;
    return ((isOutputReflected ? reflect(remainder, crc.width) : remainder) ^ xorOut) >>> 0;
  };
}

function reflect(value: number, width: number): number {
  let reflected = 0;
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) reflected |= 1 << (width - 1 - bit);
  return reflected >>> 0;
}
