/**
 * Follows one reading and one setting through the whole chain and says what was seen of each link. Nothing is taken
 * from the part that it proves: bytes and frames are counted by the simulated hardware, the buffer is read from its
 * file, the rest is asked of the bridge.
 */
import type { StationSummary } from "@pump-station/cloud-bridge/api/contract.ts";
import type { Device, Setting, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { Witness } from "../station/evidence.ts";
import type { Databases } from "../world.ts";
import { acceptedTo, newestRow } from "./agent-buffer.ts";
import type { BridgeApi } from "./bridge.ts";
import { longestMatch } from "./equality.ts";
import type { Link, Look } from "./links.ts";
import { changeLink } from "./setting-change.ts";

export interface CheckDeps {
  readonly station: Station;
  readonly api: BridgeApi;
  readonly witness: Witness;
  readonly databases: Databases;
  readonly bufferFile: string;
}

/** So many samples in a row have to be what was sent. */
const EQUAL_ROWS = 5;

/** Throws Error when the station lacks what a link needs. */
export function chainLinks(deps: CheckDeps): readonly Link[] {
  const serial = deviceWith(deps.station, "a serial line and a setting", isSettable);
  const setting = serial.settings[0] as Setting;
  const chips = deps.station.devices.filter(({ protocol }) => protocol.kind === "i2c");
  const gauge = deviceWith(deps.station, "pulses", ({ protocol }) => protocol.kind === "pulses");
  return [
    bytesLink(deps, serial),
    frameLink(deps, serial),
    ...chips.map((chip) => conversionLink(deps, chip)),
    pulseLink(deps, gauge),
    rowLink(deps),
    messageLink(deps),
    acknowledgementLink(deps),
    equalityLink(deps, serial),
    ...changeLink(deps, serial, setting),
  ];
}

const isSettable = ({ protocol, settings }: Device): boolean => protocol.kind === "serial" && settings.length > 0;

function deviceWith(station: Station, what: string, test: (device: Device) => boolean): Device {
  const device = station.devices.find((device) => device.paused === undefined && test(device));
  if (!device) throw new Error(`check ${station.name}: it has no device with ${what}`);
  return device;
}

const bytesLink = ({ witness }: CheckDeps, { port }: Device): Link => ({
  name: "bytes on the tty",
  look: async () => {
    const terminal = (await witness.evidence()).terminals[port];
    if (!terminal || terminal.in === 0 || terminal.out === 0) return { missing: `no bytes both ways on port ${port}` };
    return { seen: `${terminal.path}: ${terminal.in} bytes from the agent, ${terminal.out} to it` };
  },
});

const frameLink = ({ witness, api, station }: CheckDeps, device: Device): Link => ({
  name: "a frame with its checksum",
  look: async () => {
    const requests = (await witness.evidence()).requests[device.name];
    if (!requests?.answered) return { missing: `the board of ${device.name} heard no request with a right checksum` };
    const [row] = (await api.readings(station.name, device.name, { limit: 1, order: "desc" })).rows;
    if (!row?.slice(3).some((value) => typeof value === "number")) {
      return { missing: `${requests.answered} requests answered, but no values of ${device.name} are stored` };
    }
    return {
      seen: `${device.name}: ${requests.answered} requests with a right checksum, ${requests.bad} without; answers decoded`,
    };
  },
});

const conversionLink = ({ witness, api, station }: CheckDeps, device: Device): Link => ({
  name: `I2C conversion of ${device.type}`,
  look: async () => {
    const chip = (await witness.evidence()).chips[device.name];
    if (!chip?.triggers || !chip.reads) return { missing: `the chip at ${device.address} was not triggered and read` };
    const { rows, channels } = await api.readings(station.name, device.name, { limit: 1, order: "desc" });
    const at = rows[0]?.slice(3).findIndex((value) => typeof value === "number") ?? -1;
    const channel = channels[at];
    if (!channel) return { missing: `${chip.reads} readouts, but no value of ${device.name} is stored` };
    const value = `${channel.name} ${rows[0]?.[3 + at]} ${channel.unit}`;
    return {
      seen: `0x${device.address?.toString(16)}: triggered ${chip.triggers}, read ${chip.reads} times; ${value}`,
    };
  },
});

/** The stored count grew by exactly the pulses given between the two samples. */
const pulseLink = ({ witness, api, station }: CheckDeps, device: Device): Link => ({
  name: "GPIO pulses",
  look: async () => {
    const tips = (await witness.journal(device.name)).map(({ atMs }) => atMs);
    const { rows, channels } = await api.readings(station.name, device.name, { limit: 1_000 });
    const at = channels.findIndex(({ kind }) => kind === "counter");
    const channel = channels[at];
    if (!channel) return { missing: `${device.name} has no counter` };
    const samples = rows.flatMap(([time, , , ...values]) => {
      const value = values[at];
      // A pulse at the moment of a sample may be on either side of it.
      const isClear = tips.every((tip) => Math.abs(tip - time) > SAME_MOMENT_MS);
      return typeof value === "number" && isClear ? [{ time, steps: Math.round(value / channel.resolution) }] : [];
    });
    const [first, last] = [samples[0], samples.at(-1)];
    if (!first || !last) return { missing: `${tips.length} pulses given, no count is stored` };
    const given = tips.filter((tip) => tip > first.time && tip < last.time).length;
    const counted = last.steps - first.steps;
    if (given === 0) return { missing: `no pulse between two stored samples yet (${tips.length} given)` };
    const counts = `${given} given on pin ${device.pin} between two samples, stored ${channel.name} grew by ${counted}`;
    return counted === given ? { seen: counts } : { missing: counts };
  },
});
const SAME_MOMENT_MS = 300;

const rowLink = ({ databases, bufferFile }: CheckDeps): Link => ({
  name: "a committed row",
  look: async () => {
    const row = newestRow(databases, bufferFile);
    if (!row) return { missing: "the agent's buffer has no row of samples" };
    return { seen: `row ${row.id}: ${row.samples} samples in ${row.bytes} bytes, CRC-32C ${row.crc} computed again` };
  },
});

/** Counted from the second look on: the first messages also carry the schemas, which travel once. */
const messageLink = ({ api, station }: CheckDeps): Link => {
  let first: StationSummary | undefined;
  return {
    name: "sealed messages",
    look: async () => {
      const now = await api.station(station.name);
      if (now.readings === 0) return { missing: "the bridge has stored no reading of a message" };
      first ??= now;
      const [messages, bytes, readings] = (["messages", "bytes", "readings"] as const).map(
        (it) => now[it] - (first?.[it] ?? 0),
      );
      if (!messages || !bytes || !readings || readings < SIZED_READINGS) {
        return { missing: `${readings} of ${SIZED_READINGS} readings that tell the size` };
      }
      const size = `${(bytes / readings).toFixed(1)} bytes per reading`;
      return { seen: `${messages} messages of ${bytes} bytes carried ${readings} readings: ${size} at this pace` };
    },
  };
};
/** A size per reading says something from here on. */
const SIZED_READINGS = 60;

/** The agent forgets that a message waits when the broker has acknowledged it; the bridge counts what it took. */
const acknowledgementLink = ({ databases, bufferFile, api, station }: CheckDeps): Link => ({
  name: "broker acknowledgement",
  look: async (): Promise<Look> => {
    const accepted = acceptedTo(databases, bufferFile);
    const { messages } = await api.station(station.name);
    if (accepted === 0) return { missing: `every message still waits in the buffer; the bridge has ${messages}` };
    if (messages === 0) return { missing: "the bridge has counted no message" };
    return {
      seen: `rows up to ${accepted} wait no longer in the agent's file; the bridge counted ${messages} messages`,
    };
  },
});

const equalityLink = ({ witness, api, station }: CheckDeps, device: Device): Link => ({
  name: "stored equals produced",
  look: async () => {
    const answers = (await witness.journal(device.name)).filter(({ did }) => did === "answered");
    const from = answers[0]?.atMs;
    if (from === undefined) return { missing: `the board of ${device.name} has answered nothing` };
    const stored = await api.readings(station.name, device.name, { from, limit: 1_000 });
    const { rows, difference } = longestMatch(stored, answers);
    const values = rows * stored.channels.length;
    if (rows < EQUAL_ROWS) return { missing: `${rows} of ${EQUAL_ROWS} samples in a row are equal: ${difference}` };
    // Five in a row would also pass where every sixth is lost.
    const gaps = (await api.ledger(station.name)).filter((entry) => entry.gaps.length > 0).map(({ stream }) => stream);
    if (gaps.length > 0) return { missing: `the bridge lacks samples of ${gaps.join(", ")} that it should have` };
    return { seen: `${rows} samples of ${device.name} in a row, ${values} values, each as the board sent it; no gap` };
  },
});
