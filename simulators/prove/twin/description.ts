/** The station of the twin proof: two boards on one line with settings, one of them interlocked, and a fan that has none. */

/** Frames: A5, address, length of the body, body, sum of all before. */
const frames = (type: string): string => `format: 1
type: ${type}
source: "twin proof"
every: 60s
needs:
  address: { kind: whole-number, range: 1 to 9, default: 1 }
serial: { speed: 9600, mode: 8N1 }
timing: { answer-within: 100ms }
byte-order: big-endian
frame:
  - { part: start,   bytes: "A5" }
  - { part: address, as: u8 }
  - { part: length,  as: u8, counts: body }
  - { part: body }
  - { part: check,   sum: sum8, over: start to body }
`;

const PUMP = `${frames("lake-pump")}reads:
  all:
    send: "01"
    answer: "81"
    channels:
      state:  { byte: 1, as: u8, states: { 0: idle, 1: pumping } }
      target: { byte: 2, as: u16, scale: 1, unit: mbar }
      mode:   { byte: 4, as: u8, states: { 0: eco, 1: normal, 2: boost } }
settings:
  target:
    write: "02 {value}"
    answer: "82"
    read-back: target
    range: 200 to 1000 mbar
    step: 10 mbar
    only-when: state is idle
  mode:
    write: "03 {value}"
    answer: "83"
    read-back: mode
    range: 0 to 2
    step: 1
`;

const VALVE = `${frames("lake-valve")}reads:
  all:
    send: "01"
    answer: "81"
    channels:
      position: { byte: 1, as: u8, scale: 0.5, unit: "%" }
settings:
  position:
    write: "02 {value}"
    answer: "82"
    read-back: position
    range: 0 to 100 %
    step: 0.5 %
`;

const FAN = `${frames("lake-fan")}reads:
  all:
    send: "01"
    answer: "81"
    channels:
      speed: { byte: 1, as: u16, scale: 1, unit: rpm }
`;

export const TYPE_FILES: readonly (readonly [name: string, text: string])[] = [
  ["lake-pump", PUMP],
  ["lake-valve", VALVE],
  ["lake-fan", FAN],
];

/** Addresses on the line. */
export const ADDRESS = { pump: 1, valve: 2, fan: 3 } as const;
export type ProvenDevice = keyof typeof ADDRESS;

/** Seconds, by the device files above. */
export const OWN_EVERY_S = 60;
export const OWN_UPLOAD_S = 300;

export const stationFile = (station: string): string => `format: 1
station: ${station}
ports:
  line:
    serial: /dev/line
devices:
${Object.entries(ADDRESS)
  .map(([name, address]) => `  ${name}:\n    type: lake-${name}\n    port: line\n    address: ${address}\n`)
  .join("")}`;
