/**
 * What passed over a port, in a file: JSON Lines (UTF-8, each line one JSON object that ends with "\n"), readable by a
 * person, written by `pump-station record`, played by the simulators' `replay-bus`.
 *
 * The first line is the head:
 *
 *   {"format":"pump-station-bus","version":1,"station":"demo-lake","port":{"name":"baseboard","kind":"serial",
 *    "path":"/dev/ttyUSB0"},"speed":115200,"mode":"8N1","started":"2026-05-02T08:00:00.000Z","by":"agent"}
 *
 *   format, version   always these; a reader refuses another version
 *   station           name in the station file; "" when there is none
 *   port              name, kind ("serial" | "i2c" | "gpio" | "counter") and path as in the station file
 *   speed, mode       of a serial line when the recording began; absent when it was closed, and for other kinds
 *   started           wall time of ms 0
 *   by                "agent": tapped from the running agent; "listening": the line was only listened to
 *
 * Every other line is something that happened. `ms` is monotonic time since `started`, with up to three decimals.
 * Bytes are pairs of upper-case hex digits with a space between, "" for none; an address is "0x76".
 *
 *   {"ms":12.5,"sent":"55 AA 01 01 01 E0 50"}                          serial: we to the line, when it was handed over
 *   {"ms":15.125,"heard":"55 AA 01"}                                   serial: the line to us, in the portions that came
 *   {"ms":0,"opened":{"speed":9600,"mode":"8N1"}}                      serial: the line was opened, or changed its speed
 *   {"ms":99,"closed":"unplugged"}                                     serial: and why
 *   {"ms":20,"took":0.8,"address":"0x76","write":"D0","read":1,"got":"60"}         I2C: a transfer, `took` ms long
 *   {"ms":30,"took":0.5,"address":"0x44","write":"","read":6,"failed":"nack"}      I2C: and one without an answer
 *   {"ms":40,"pin":17,"edge":"falling"}                                GPIO: a pulse counted (rising | falling), or a
 *                                                                      change of a watched level (both)
 *   {"ms":50,"pin":"RELAY","drive":1}                                  GPIO: an output was driven (1: active)
 *   {"ms":60,"lost":12}                                                so many events in between were too many
 */
import type { SerialSettings } from "@pump-station/sensor-descriptions/model.ts";

export interface BusHead {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly station: string;
  readonly port: { readonly name: string; readonly kind: PortKind; readonly path: string };
  readonly speed?: number;
  readonly mode?: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly by: "agent" | "listening";
}

const FORMAT = "pump-station-bus";
const VERSION = 1;
const KINDS = ["serial", "i2c", "gpio", "counter"] as const;
export type PortKind = (typeof KINDS)[number];

export type BusEvent = { readonly ms: number } & BusHappening;

/** As it stands in the file, bytes in hex. */
export type BusHappening =
  | { readonly sent: string }
  | { readonly heard: string }
  | { readonly opened: { readonly speed: number; readonly mode: string } }
  | { readonly closed: string }
  | {
      readonly took: number;
      readonly address: string;
      readonly write: string;
      readonly read: number;
      readonly got: string;
    }
  | {
      readonly took: number;
      readonly address: string;
      readonly write: string;
      readonly read: number;
      readonly failed: string;
    }
  | { readonly pin: number | string; readonly edge: "rising" | "falling" | "both" }
  | { readonly pin: number | string; readonly drive: 0 | 1 }
  | { readonly lost: number };

export interface BusRecording {
  readonly head: BusHead;
  readonly events: readonly BusEvent[];
}

export class BusRecordingError extends Error {
  override readonly name = "BusRecordingError";
}

export const createHead = (
  of: Omit<BusHead, "format" | "version" | "speed" | "mode"> & { readonly settings?: SerialSettings },
): BusHead => {
  const { settings, ...head } = of;
  return { format: FORMAT, version: VERSION, ...head, ...(settings ? lineOf(settings) : {}) };
};

export const lineOf = ({ baudRate, dataBits, parity, stopBits }: SerialSettings) => ({
  speed: baudRate,
  mode: `${dataBits}${parity.slice(0, 1).toUpperCase()}${stopBits}`,
});

export const hexFrom = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .toUpperCase()
    .replaceAll(/..(?=.)/g, "$& ");

export const bytesFrom = (hex: string): Uint8Array =>
  Uint8Array.from(hex === "" ? [] : hex.split(" ").map((pair) => Number.parseInt(pair, 16)));

export const lineFrom = (value: BusHead | BusEvent): string => `${JSON.stringify(value)}\n`;

/** Throws BusRecordingError with the line that isn't what the format says. A last line that was cut off is left out. */
export function parseBusRecording(text: string): BusRecording {
  const lines = text.split("\n");
  // What a killed recorder left: everything behind the last line end.
  lines.pop();
  const [first, ...rest] = lines;
  if (first === undefined) throw new BusRecordingError("line 1: no recording: its head is missing");
  const head = headFrom(objectFrom(first, 1));
  let before = 0;
  const events = rest.map((line, at) => {
    const event = eventFrom(objectFrom(line, at + 2), at + 2);
    if (event.ms < before) throw new BusRecordingError(`line ${at + 2}: ms ${event.ms} is before the line above`);
    before = event.ms;
    return event;
  });
  return { head, events };
}

type Fields = Readonly<Record<string, unknown>>;

function objectFrom(line: string, number: number): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BusRecordingError(`line ${number}: it is no JSON object`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new BusRecordingError(`line ${number}: it is no JSON object`);
}

function headFrom(head: Fields): BusHead {
  if (head["format"] !== FORMAT)
    throw new BusRecordingError(`line 1: no recording of a port: "format" is not "${FORMAT}"`);
  if (head["version"] !== VERSION)
    throw new BusRecordingError(`line 1: version ${String(head["version"])}; this program knows ${VERSION}`);
  const { station, started, by, speed, mode } = head;
  const port = (typeof head["port"] === "object" && head["port"] !== null ? head["port"] : {}) as Fields;
  const kind = KINDS.find((known) => known === port["kind"]);
  const isHead =
    isText(station) &&
    isText(port["name"]) &&
    isText(port["path"]) &&
    kind !== undefined &&
    (by === "agent" || by === "listening") &&
    isText(started) &&
    !Number.isNaN(Date.parse(started));
  if (!isHead) throw new BusRecordingError("line 1: the head lacks station, port, started or by");
  return {
    format: FORMAT,
    version: VERSION,
    station,
    port: { name: String(port["name"]), kind, path: String(port["path"]) },
    ...(isNumber(speed) && isText(mode) ? { speed, mode } : {}),
    started,
    by,
  };
}

function eventFrom(fields: Fields, number: number): BusEvent {
  const { ms } = fields;
  const happening = isNumber(ms) ? happeningFrom(fields) : undefined;
  if (happening && isNumber(ms)) return { ms, ...happening };
  throw new BusRecordingError(`line ${number}: nothing that the format knows, or a part of it is wrong`);
}

function happeningFrom(fields: Fields): BusHappening | undefined {
  const { sent, heard, opened, closed, lost, pin, edge, drive } = fields;
  if (isHex(sent)) return { sent };
  if (isHex(heard)) return { heard };
  if (isText(closed)) return { closed };
  if (isCount(lost)) return { lost };
  if (isLine(opened)) return { opened: { speed: opened.speed, mode: opened.mode } };
  if (isCount(pin) || isText(pin)) {
    if (edge === "rising" || edge === "falling" || edge === "both") return { pin, edge };
    return drive === 0 || drive === 1 ? { pin, drive } : undefined;
  }
  return transferFrom(fields);
}

function transferFrom({ took, address, write, read, got, failed }: Fields): BusHappening | undefined {
  if (!isNumber(took) || !isText(address) || !/^0x[0-9a-f]{2}$/.test(address)) return undefined;
  if (!isHex(write) || !isCount(read)) return undefined;
  if (isHex(got) && bytesFrom(got).length === read) return { took, address, write, read, got };
  return isText(failed) ? { took, address, write, read, failed } : undefined;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isHex = (value: unknown): value is string => isText(value) && /^(?:[0-9A-F]{2}(?: [0-9A-F]{2})*)?$/.test(value);
const isLine = (value: unknown): value is { speed: number; mode: string } =>
  typeof value === "object" &&
  value !== null &&
  "speed" in value &&
  isCount(value.speed) &&
  "mode" in value &&
  isText(value.mode);
