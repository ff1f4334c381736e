/**
 * The station that is proven: boards that number every answer. Whatever else an answer says follows from its number, so
 * that a stored row tells which answer it was, and whether it is whole, without asking anybody.
 */
import type { Values } from "@pump-station/sensor-descriptions/model.ts";

export const STATION = "proven-station";
export const BOARDS = ["board-1", "board-2", "board-3"] as const;
export const EVERY_MS = 100;

const TYPE = "counting-board";
/** Each board begins elsewhere, so that no row can pass for another board's. */
const BOARD_STEP = 100_000_000;
/** An alarm comes and goes at each of these phases: every half second something leaves at once. */
const PHASES = [0, 10, 20, 30, 40, 50] as const;
const PHASES_IN_ALL = 60;
const NO_SENSOR_EVERY = 17;

export const deviceFile = (): string => `# A board that numbers its answers.
format: 1
type: ${TYPE}
source: "made for the proof"
every: ${EVERY_MS}ms
needs:
  address: { kind: whole-number, range: 1 to 247, default: 1 }

serial: { speed: 115200, mode: 8N1 }
# Never asked twice: an answer that came too late would be a number that nobody has.
timing: { answer-within: 3s, pause-before-next: 0ms, retries: 0 }
byte-order: big-endian
frame:
  - { part: start,   bytes: "55 AA" }
  - { part: address, as: u8 }
  - { part: length,  as: u8, counts: body }
  - { part: body }
  - { part: check,   crc: CRC-16/MODBUS, over: address to body, byte-order: little-endian }

reads:
  all:
    send: "01"
    answer: "81"
    channels:
      number:      { byte: 1, as: u32, kind: counter }
      pressure:    { byte: 5, as: u16, scale: 0.1,  unit: mbar }
      temperature: { byte: 7, as: i16, scale: 0.01, unit: °C, no-sensor: 0x7FFF }
      phase:       { byte: 9, as: u8 }

alarms:
${PHASES.map((phase) => `  from-${phase}: { when: phase above ${phase - 0.5} and phase below ${phase + 4.5}, severity: warning }`).join("\n")}
`;

export const stationFile = (serial: string): string => `# A station whose boards number their answers.
format: 1
station: ${STATION}
label: "a station to be proven"
place:
  time-zone: Etc/UTC

ports:
  line:
    serial: ${JSON.stringify(serial)}

devices:
${BOARDS.map(
  (board, index) => `  ${board}:
    type: ${TYPE}
    port: line
    address: ${index + 1}
    every: ${EVERY_MS}ms`,
).join("\n")}
`;

export const DEVICE_FILE_NAME = `${TYPE}.yaml`;
/** In the order of the description. */
export const CHANNELS = ["number", "pressure", "temperature", "phase"] as const;

/** What a board says with its answer of that number, one entry per channel. */
export function truthOf(number: number): readonly (number | "no-sensor")[] {
  const mixed = Math.imul(number ^ (number >>> 13), 0x5bd1_e995) >>> 0;
  const temperature = number % NO_SENSOR_EVERY === 0 ? "no-sensor" : ((mixed % 12_000) - 4_000) / 100;
  return [number, ((mixed >>> 8) % 60_000) / 10, temperature, number % PHASES_IN_ALL];
}

export interface CountingBoard {
  readonly name: string;
  /** The first number that it gave, and the last; the first minus one: none yet. */
  readonly first: number;
  readonly last: number;
  answer(): Values;
}

export function createCountingBoard(name: (typeof BOARDS)[number]): CountingBoard {
  const first = BOARDS.indexOf(name) * BOARD_STEP + 1;
  let last = first - 1;
  return {
    name,
    first,
    get last() {
      return last;
    },
    answer: () => {
      last += 1;
      const truth = truthOf(last);
      return new Map(CHANNELS.map((channel, index) => [channel, truth[index] ?? "no-sensor"]));
    },
  };
}
