/**
 * CRC parameters by their names in the "Catalogue of parametrised CRC algorithms" (reveng.sourceforge.io/crc-catalogue).
 * Every algorithm here reflects both its input and its output, or neither. `check` is the CRC of ASCII "123456789".
 */

export interface CrcParameters {
  readonly name: string;
  readonly width: 8 | 16 | 32;
  readonly polynomial: number;
  readonly init: number;
  readonly reflected: boolean;
  readonly xorOut: number;
  readonly check: number;
}

type Row = readonly [
  name: string,
  polynomial: number,
  init: number,
  order: "reflected" | "normal",
  xor: number,
  check: number,
];

// biome-ignore format: a table
const CRC_8: readonly Row[] = [
  ["CRC-8/AUTOSAR",    0x2f, 0xff, "normal",    0xff, 0xdf],
  ["CRC-8/BLUETOOTH",  0xa7, 0x00, "reflected", 0x00, 0x26],
  ["CRC-8/CDMA2000",   0x9b, 0xff, "normal",    0x00, 0xda],
  ["CRC-8/DARC",       0x39, 0x00, "reflected", 0x00, 0x15],
  ["CRC-8/DVB-S2",     0xd5, 0x00, "normal",    0x00, 0xbc],
  ["CRC-8/GSM-A",      0x1d, 0x00, "normal",    0x00, 0x37],
  ["CRC-8/GSM-B",      0x49, 0x00, "normal",    0xff, 0x94],
  ["CRC-8/HITAG",      0x1d, 0xff, "normal",    0x00, 0xb4],
  ["CRC-8/I-432-1",    0x07, 0x00, "normal",    0x55, 0xa1],
  ["CRC-8/I-CODE",     0x1d, 0xfd, "normal",    0x00, 0x7e],
  ["CRC-8/LTE",        0x9b, 0x00, "normal",    0x00, 0xea],
  ["CRC-8/MAXIM-DOW",  0x31, 0x00, "reflected", 0x00, 0xa1],
  ["CRC-8/MIFARE-MAD", 0x1d, 0xc7, "normal",    0x00, 0x99],
  ["CRC-8/NRSC-5",     0x31, 0xff, "normal",    0x00, 0xf7],
  ["CRC-8/OPENSAFETY", 0x2f, 0x00, "normal",    0x00, 0x3e],
  ["CRC-8/ROHC",       0x07, 0xff, "reflected", 0x00, 0xd0],
  ["CRC-8/SAE-J1850",  0x1d, 0xff, "normal",    0xff, 0x4b],
  ["CRC-8/SMBUS",      0x07, 0x00, "normal",    0x00, 0xf4],
  ["CRC-8/TECH-3250",  0x1d, 0xff, "reflected", 0x00, 0x97],
  ["CRC-8/WCDMA",      0x9b, 0x00, "reflected", 0x00, 0x25],
];

// biome-ignore format: a table
const CRC_16: readonly Row[] = [
  ["CRC-16/ARC",                0x8005, 0x0000, "reflected", 0x0000, 0xbb3d],
  ["CRC-16/CDMA2000",           0xc867, 0xffff, "normal",    0x0000, 0x4c06],
  ["CRC-16/CMS",                0x8005, 0xffff, "normal",    0x0000, 0xaee7],
  ["CRC-16/DDS-110",            0x8005, 0x800d, "normal",    0x0000, 0x9ecf],
  ["CRC-16/DECT-R",             0x0589, 0x0000, "normal",    0x0001, 0x007e],
  ["CRC-16/DECT-X",             0x0589, 0x0000, "normal",    0x0000, 0x007f],
  ["CRC-16/DNP",                0x3d65, 0x0000, "reflected", 0xffff, 0xea82],
  ["CRC-16/EN-13757",           0x3d65, 0x0000, "normal",    0xffff, 0xc2b7],
  ["CRC-16/GENIBUS",            0x1021, 0xffff, "normal",    0xffff, 0xd64e],
  ["CRC-16/GSM",                0x1021, 0x0000, "normal",    0xffff, 0xce3c],
  ["CRC-16/IBM-3740",           0x1021, 0xffff, "normal",    0x0000, 0x29b1],
  ["CRC-16/IBM-SDLC",           0x1021, 0xffff, "reflected", 0xffff, 0x906e],
  ["CRC-16/ISO-IEC-14443-3-A",  0x1021, 0xc6c6, "reflected", 0x0000, 0xbf05],
  ["CRC-16/KERMIT",             0x1021, 0x0000, "reflected", 0x0000, 0x2189],
  ["CRC-16/LJ1200",             0x6f63, 0x0000, "normal",    0x0000, 0xbdf4],
  ["CRC-16/M17",                0x5935, 0xffff, "normal",    0x0000, 0x772b],
  ["CRC-16/MAXIM-DOW",          0x8005, 0x0000, "reflected", 0xffff, 0x44c2],
  ["CRC-16/MCRF4XX",            0x1021, 0xffff, "reflected", 0x0000, 0x6f91],
  ["CRC-16/MODBUS",             0x8005, 0xffff, "reflected", 0x0000, 0x4b37],
  ["CRC-16/NRSC-5",             0x080b, 0xffff, "reflected", 0x0000, 0xa066],
  ["CRC-16/OPENSAFETY-A",       0x5935, 0x0000, "normal",    0x0000, 0x5d38],
  ["CRC-16/OPENSAFETY-B",       0x755b, 0x0000, "normal",    0x0000, 0x20fe],
  ["CRC-16/PROFIBUS",           0x1dcf, 0xffff, "normal",    0xffff, 0xa819],
  ["CRC-16/RIELLO",             0x1021, 0xb2aa, "reflected", 0x0000, 0x63d0],
  ["CRC-16/SPI-FUJITSU",        0x1021, 0x1d0f, "normal",    0x0000, 0xe5cc],
  ["CRC-16/T10-DIF",            0x8bb7, 0x0000, "normal",    0x0000, 0xd0db],
  ["CRC-16/TELEDISK",           0xa097, 0x0000, "normal",    0x0000, 0x0fb3],
  ["CRC-16/TMS37157",           0x1021, 0x89ec, "reflected", 0x0000, 0x26b1],
  ["CRC-16/UMTS",               0x8005, 0x0000, "normal",    0x0000, 0xfee8],
  ["CRC-16/USB",                0x8005, 0xffff, "reflected", 0xffff, 0xb4c8],
  ["CRC-16/XMODEM",             0x1021, 0x0000, "normal",    0x0000, 0x31c3],
];

// biome-ignore format: a table
const CRC_32: readonly Row[] = [
  ["CRC-32/AIXM",       0x814141ab, 0x00000000, "normal",    0x00000000, 0x3010bf7f],
  ["CRC-32/AUTOSAR",    0xf4acfb13, 0xffffffff, "reflected", 0xffffffff, 0x1697d06a],
  ["CRC-32/BASE91-D",   0xa833982b, 0xffffffff, "reflected", 0xffffffff, 0x87315576],
  ["CRC-32/BZIP2",      0x04c11db7, 0xffffffff, "normal",    0xffffffff, 0xfc891918],
  ["CRC-32/CD-ROM-EDC", 0x8001801b, 0x00000000, "reflected", 0x00000000, 0x6ec2edc4],
  ["CRC-32/CKSUM",      0x04c11db7, 0x00000000, "normal",    0xffffffff, 0x765e7680],
  ["CRC-32/ISCSI",      0x1edc6f41, 0xffffffff, "reflected", 0xffffffff, 0xe3069283],
  ["CRC-32/ISO-HDLC",   0x04c11db7, 0xffffffff, "reflected", 0xffffffff, 0xcbf43926],
  ["CRC-32/JAMCRC",     0x04c11db7, 0xffffffff, "reflected", 0x00000000, 0x340bc6d9],
  ["CRC-32/MEF",        0x741b8cd7, 0xffffffff, "reflected", 0x00000000, 0xd2c22f51],
  ["CRC-32/MPEG-2",     0x04c11db7, 0xffffffff, "normal",    0x00000000, 0x0376e6e7],
  ["CRC-32/XFER",       0x000000af, 0x00000000, "normal",    0x00000000, 0xbd0be338],
];

const parameters =
  (width: 8 | 16 | 32) =>
  ([name, polynomial, init, order, xorOut, check]: Row): CrcParameters => ({
    name,
    width,
    polynomial,
    init,
    reflected: order === "reflected",
    xorOut,
    check,
  });

export const CRC_CATALOGUE: ReadonlyMap<string, CrcParameters> = new Map(
  [...CRC_8.map(parameters(8)), ...CRC_16.map(parameters(16)), ...CRC_32.map(parameters(32))].map((crc) => [
    crc.name,
    crc,
  ]),
);
