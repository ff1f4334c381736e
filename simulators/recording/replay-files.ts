/** The description of a baseboard that plays a recording, and of a station with one: as text, like any other. */
import { NO_VALUE, type Recording } from "./recording.ts";

export const REPLAY_TYPE = "replay-baseboard";
export const REPLAY_STATION = "replay";
export const REPLAY_DEVICE = "recording";
const ROW_BYTES = 4;
const TIME_BYTES = 6;

/** `answerWithinMs`: the board answers when a row is due, so the longest gap has to fit. */
export function replayDeviceFile(recording: Recording, answerWithinMs: number): string {
  const columns = recording.columns.map(({ label, channel, resolution }, index) => {
    const at = 1 + ROW_BYTES + TIME_BYTES + 4 * index;
    return `      # ${label.replace(/[^\x20-\x7e]/g, "?")}
      ${channel}: { byte: ${at}, as: i32, scale: ${decimal(resolution)}, resolution: ${decimal(resolution)}, no-sensor: ${NO_VALUE} }`;
  });
  return `# A baseboard that plays a recorded series. Made from the recording; changes here are lost with the next replay.
format: 1
type: ${REPLAY_TYPE}
source: "made from a recording"
every: 1s
needs:
  address: { kind: whole-number, range: 1 to 247, default: 1 }

serial: { speed: 115200, mode: 8N1 }
timing: { answer-within: ${answerWithinMs}ms, pause-before-next: 0ms, retries: 1 }
byte-order: big-endian
frame:
  - { part: start,   bytes: "55 AA" }
  - { part: address, as: u8 }
  - { part: length,  as: u16, counts: body }
  - { part: body }
  - { part: check,   crc: CRC-16/MODBUS, over: address to body, byte-order: little-endian }
refusal: "FF"

reads:
  row:
    # The request carries the row that the reader holds; the board offers the next one only then.
    send: "01 {row}"
    answer: "81"
    channels:
      row: { byte: 1, as: u32, kind: counter }
      # when the row was recorded, since 1970
      recorded: { byte: 5, as: u48, unit: ms }
${columns.join("\n")}
`;
}

export interface ReplayStation {
  readonly label: string;
  readonly serial: string;
  /** Weather chips that play columns along. */
  readonly weather?: { readonly bus: string; readonly simulator: string };
}

export function replayStationFile({ label, serial, weather }: ReplayStation): string {
  const ports = weather
    ? `  mast:
    i2c: ${weather.bus}
    simulator: ${JSON.stringify(weather.simulator)}
`
    : "";
  const devices = weather
    ? `  climate:
    type: bme280
    port: mast
    address: 0x76
    every: 1s
`
    : "";
  return `# A station whose baseboard plays a recording.
format: 1
station: ${REPLAY_STATION}
label: ${JSON.stringify(label)}
place:
  time-zone: Etc/UTC

ports:
  baseboard:
    serial: ${JSON.stringify(serial)}
${ports}
devices:
  ${REPLAY_DEVICE}:
    type: ${REPLAY_TYPE}
    port: baseboard
    address: 1
    every: 100ms                     # the agent is told to poll at full speed; the board sets the pace
${devices}`;
}

/** 1e-7 → "0.0000001": quantities in files are written out. */
function decimal(step: number): string {
  const [digits = "1", exponent = "0"] = step.toExponential().split("e");
  const places = Math.max(0, -Number(exponent) + (digits.split(".")[1]?.length ?? 0));
  return step.toFixed(places);
}
