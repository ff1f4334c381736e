/** A recording as the `examples:` of a device file, for the integrator who writes it. */
import type { Device, SerialProtocol, Station, Values } from "@pump-station/sensor-descriptions/model.ts";
import { joined, recordedLine } from "../tap/exchanges.ts";
import { type BusEvent, type BusRecording, hexFrom } from "../tap/recording.ts";

/** A device file has a handful; more than this nobody looks through. */
const EXAMPLES_MAX = 20;
/** Transfers of one chip that one example shows. */
const TRANSFERS_MAX = 12;

/** `station`: whose devices may know what was asked. */
export function examplesText({ head, events }: BusRecording, station: Station | undefined): string {
  const from = `capture: ${head.station || "a station"}, ${head.port.name}, ${head.started}`;
  const devices = station?.devices.filter(({ port }) => station.ports.get(port)?.path === head.port.path) ?? [];
  const examples = head.port.kind === "i2c" ? chipExamples(events, from) : lineExamples(events, devices, from);
  if (examples.length === 0)
    return "examples: []                       # nothing was asked, and nobody sent anything\n";
  return `examples:\n${examples.join("\n")}\n`;
}

/** One for each different request, and the frames that came by themselves. */
function lineExamples(events: readonly BusEvent[], devices: readonly Device[], from: string): string[] {
  const { exchanges, reports } = recordedLine(events);
  const asked = new Map<string, string>();
  for (const { ms, request, answer } of exchanges) {
    const sent = hexFrom(request);
    if (asked.size >= EXAMPLES_MAX || asked.has(sent) || answer.length === 0) continue;
    const frame = joined(answer);
    asked.set(sent, lineExample(ms, from, knownRead(devices, request, frame), { sent, answer: hexFrom(frame) }));
  }
  const told = reports
    .slice(0, EXAMPLES_MAX - asked.size)
    .map(({ ms, bytes }) => lineExample(ms, from, undefined, { answer: hexFrom(bytes) }));
  return [...asked.values(), ...told];
}

interface Known {
  readonly device: Device;
  readonly read: string;
  readonly values: Values;
}

const lineExample = (
  ms: number,
  from: string,
  known: Known | undefined,
  { sent, answer }: { readonly sent?: string; readonly answer: string },
): string =>
  [
    `  - name: "${known ? `${known.device.name}, ` : ""}${ms} ms after the beginning"`,
    `    from: "${from}"`,
    ...(known?.device.address === undefined ? [] : [`    given: { address: ${known.device.address} }`]),
    known ? `    read: ${known.read}` : "    read: NAME                     # which read of the file is this?",
    ...(sent === undefined ? [] : [`    sent:   "${sent}"`]),
    `    answer: "${answer}"`,
    known
      ? `    gives:  { ${givesText(known)} }`
      : "    gives:  {}                     # which values should come out?",
  ].join("\n");

const givesText = ({ device, values }: Known): string =>
  [...values]
    .map(([name, value]) => {
      const states = device.channels.find((channel) => channel.name === name)?.states;
      return `${name}: ${typeof value === "number" ? (states?.get(value) ?? value) : value}`;
    })
    .join(", ");

/** The read of a described device that sends these bytes and understands that answer. */
function knownRead(devices: readonly Device[], request: Uint8Array, answer: Uint8Array): Known | undefined {
  for (const device of devices) {
    if (device.protocol.kind !== "serial") continue;
    for (const { name, isReport } of device.protocol.reads) {
      if (isReport) continue;
      const values = understood(device.protocol, device.address ?? 0, name, request, answer);
      if (values) return { device, read: name, values };
    }
  }
  return undefined;
}

function understood(
  protocol: SerialProtocol,
  address: number,
  read: string,
  request: Uint8Array,
  answer: Uint8Array,
): Values | undefined {
  const exchange = protocol.read(address, read, () => undefined);
  if (hexFrom(exchange.request) !== hexFrom(request)) return undefined;
  const outcome = exchange.recognise().push(answer);
  return outcome?.kind === "answer" ? outcome.values : undefined;
}

/** One for each chip, with its first transfers. */
function chipExamples(events: readonly BusEvent[], from: string): string[] {
  const chips = new Map<string, string[]>();
  for (const event of events) {
    if (!("address" in event) || !("got" in event)) continue;
    const lines = chips.get(event.address) ?? [];
    chips.set(event.address, lines);
    const write = event.write === "" ? "" : `write: "${event.write}"`;
    const read = event.read === 0 ? "" : `read: "${event.got}"`;
    if (lines.length < TRANSFERS_MAX) lines.push(`      - { ${[write, read].filter(Boolean).join(", ")} }`);
  }
  return [...chips].map(([address, lines]) =>
    [
      `  - name: "the chip at ${address}"`,
      `    from: "${from}"`,
      "    transfers:                     # keep those of one measurement",
      ...lines,
      "    gives: {}                      # which values should come out?",
    ].join("\n"),
  );
}
