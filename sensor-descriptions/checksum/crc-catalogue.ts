/**
 * CRC parameters by their names in the "Catalogue of parametrised CRC algorithms" (reveng.sourceforge.io/crc-catalogue):
 * all of 8 to 32 bits. Nearly every algorithm reflects both its input and its output, or neither; CRC-12/UMTS reflects
 * its output alone. `check` is the CRC of ASCII "123456789". What chips use although the catalogue has no name for it
 * stands apart.
 */

export type CrcOrder = "reflected" | "normal" | "output-reflected";

export interface CrcParameters {
  readonly name: string;
  /** 8 to 32 bits. */
  readonly width: number;
  readonly polynomial: number;
  readonly init: number;
  readonly order: CrcOrder;
  readonly xorOut: number;
  readonly check: number;
}

type Row = readonly [name: string, polynomial: number, init: number, order: CrcOrder, xor: number, check: number];

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

type WideRow = readonly [width: number, ...row: Row];

// biome-ignore format: a table
const CRC_OF_OTHER_WIDTHS: readonly WideRow[] = [
  [10, "CRC-10/ATM",        0x233, 0x000, "normal", 0x000, 0x199],
  [10, "CRC-10/CDMA2000",   0x3d9, 0x3ff, "normal", 0x000, 0x233],
  [10, "CRC-10/GSM",        0x175, 0x000, "normal", 0x3ff, 0x12a],
  [11, "CRC-11/FLEXRAY",    0x385, 0x01a, "normal", 0x000, 0x5a3],
  [11, "CRC-11/UMTS",       0x307, 0x000, "normal", 0x000, 0x061],
  [12, "CRC-12/CDMA2000",   0xf13, 0xfff, "normal", 0x000, 0xd4d],
  [12, "CRC-12/DECT",       0x80f, 0x000, "normal", 0x000, 0xf5b],
  [12, "CRC-12/GSM",        0xd31, 0x000, "normal", 0xfff, 0xb34],
  [12, "CRC-12/UMTS",       0x80f, 0x000, "output-reflected", 0x000, 0xdaf],
  [13, "CRC-13/BBC",        0x1cf5, 0x0000, "normal", 0x0000, 0x04fa],
  [14, "CRC-14/DARC",       0x0805, 0x0000, "reflected", 0x0000, 0x082d],
  [14, "CRC-14/GSM",        0x202d, 0x0000, "normal", 0x3fff, 0x30ae],
  [15, "CRC-15/CAN",        0x4599, 0x0000, "normal", 0x0000, 0x059e],
  [15, "CRC-15/MPT1327",    0x6815, 0x0000, "normal", 0x0001, 0x2566],
  [17, "CRC-17/CAN-FD",     0x1685b, 0x00000, "normal", 0x00000, 0x04f03],
  [21, "CRC-21/CAN-FD",     0x102899, 0x000000, "normal", 0x000000, 0x0ed841],
  [24, "CRC-24/BLE",        0x00065b, 0x555555, "reflected", 0x000000, 0xc25a56],
  [24, "CRC-24/FLEXRAY-A",  0x5d6dcb, 0xfedcba, "normal", 0x000000, 0x7979bd],
  [24, "CRC-24/FLEXRAY-B",  0x5d6dcb, 0xabcdef, "normal", 0x000000, 0x1f23b8],
  [24, "CRC-24/INTERLAKEN", 0x328b63, 0xffffff, "normal", 0xffffff, 0xb4f3e6],
  [24, "CRC-24/LTE-A",      0x864cfb, 0x000000, "normal", 0x000000, 0xcde703],
  [24, "CRC-24/LTE-B",      0x800063, 0x000000, "normal", 0x000000, 0x23ef52],
  [24, "CRC-24/OPENPGP",    0x864cfb, 0xb704ce, "normal", 0x000000, 0x21cf02],
  [24, "CRC-24/OS-9",       0x800063, 0xffffff, "normal", 0xffffff, 0x200fa5],
  [30, "CRC-30/CDMA",       0x2030b9c7, 0x3fffffff, "normal", 0x3fffffff, 0x04c34abf],
  [31, "CRC-31/PHILIPS",    0x04c11db7, 0x7fffffff, "normal", 0x7fffffff, 0x0ce9e46c],
];

// biome-ignore format: a table
const CRC_8_OF_CHIPS: readonly Row[] = [
  // x^8 + x^5 + x^4 + 1 from 0: SHT2x, HTU21D, Si7021 (Silicon Labs Si7021-A20, 5.1; TE HTU21D, CRC examples).
  ["CRC-8/SHT2X", 0x31, 0x00, "normal", 0x00, 0xa2],
];

const parameters =
  (width: number) =>
  ([name, polynomial, init, order, xorOut, check]: Row): CrcParameters => ({
    name,
    width,
    polynomial,
    init,
    order,
    xorOut,
    check,
  });

const ALL: readonly CrcParameters[] = [
  ...CRC_8.map(parameters(8)),
  ...CRC_8_OF_CHIPS.map(parameters(8)),
  ...CRC_16.map(parameters(16)),
  ...CRC_32.map(parameters(32)),
  ...CRC_OF_OTHER_WIDTHS.map(([width, ...row]) => parameters(width)(row)),
];

export const CRC_CATALOGUE: ReadonlyMap<string, CrcParameters> = new Map(ALL.map((crc) => [crc.name, crc]));
