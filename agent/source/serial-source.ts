/**
 * A device on a serial line: its reads and its reports merged into one sample, its settings and commands told with
 * care.
 */
import { REPORT_WAIT_MS } from "../limits.ts";
import { type ChannelValue, isMissing, missing, type Sample } from "../reading.ts";
import type { Clock, Log, Timers } from "../world.ts";
import { createHealthCounter, type HealthCounter } from "./health.ts";
import { createReports, type DeviceReports } from "./reports.ts";
import { sampleOf } from "./sample-of.ts";
import type { SharedSerialPort } from "./serial-port.ts";
import { createSerialReader, failedSample, type SerialDevice, type SerialReader } from "./serial-reader.ts";
import { createSerialWriter } from "./serial-writer.ts";
import type { ObservedSource } from "./sources.ts";

export { sampleOf } from "./sample-of.ts";
export type { SerialDevice } from "./serial-reader.ts";

/** The device's reads, reports and writes over a port that it shares with others. */
export function createSerialSource(
  deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log },
  device: SerialDevice,
  port: SharedSerialPort,
): ObservedSource {
  const health = createHealthCounter();
  const reader = createSerialReader(deps, device, port, health);
  const reports = createReports(deps, device, port, health);
  const writer = createSerialWriter(reader, reports);
  const poll = pollOf(deps.clock, reader, reports, health);
  return {
    device: device.name,
    poll: async () => {
      const sample = await poll();
      reports?.told(sample);
      health.polled(sample);
      return sample;
    },
    ...(reports && {
      onReport: (listener: (sample: Sample) => void) => reports.onReport(listener),
      interrupt: () => reports.interrupt(),
    }),
    set: (setting, value) => writer.set(setting, value),
    command: (command) => writer.command(command),
    close: async () => reports?.close(),
    health: () => health.read(),
    traffic: () => health.traffic.read(),
  };
}

function pollOf(
  clock: Clock,
  reader: SerialReader,
  reports: DeviceReports | undefined,
  health: HealthCounter,
): () => Promise<Sample> {
  if (!reports) return () => pollAsked(clock, reader);
  const isAsked = reader.device.protocol.reads.some(({ isReport }) => !isReport);
  return isAsked ? () => pollBoth(clock, reader, reports) : () => pollReports(clock, reader, reports, health);
}

async function pollAsked(clock: Clock, reader: SerialReader): Promise<Sample> {
  const { device } = reader;
  const asked = await reader.inTurn((conversation) => reader.read(conversation));
  if ("kind" in asked) return failedSample(device, clock.bootMs(), asked);
  const bootMs = asked.completeMs ?? clock.bootMs();
  return sampleOf(device, bootMs, (channel) => asked.values.get(channel) ?? missing("malformed"));
}

/** The time of the newest frame, answer or report; a report that came after the poll before is part of this one. */
async function pollBoth(clock: Clock, reader: SerialReader, reports: DeviceReports): Promise<Sample> {
  const asked = await pollAsked(clock, reader);
  const { values, bootMs } = reports.take();
  const sample = sampleOf(reader.device, asked.bootMs, (channel) => {
    const [reported, answered] = [values.get(channel), valueIn(reader, asked, channel)];
    return reported === undefined || (isMissing(reported) && isPortTrouble(answered)) ? answered : reported;
  });
  const isAnswered = asked.values.some((value) => typeof value === "number");
  if (bootMs === undefined) return sample;
  return { ...sample, bootMs: isAnswered ? Math.max(asked.bootMs, bootMs) : bootMs };
}

const isPortTrouble = (value: ChannelValue): boolean =>
  isMissing(value) && (value.missing === "port-absent" || value.missing === "busy");

const valueIn = ({ device }: SerialReader, { values }: Sample, channel: string): ChannelValue =>
  values[device.channels.findIndex(({ name }) => name === channel)] ?? missing("malformed");

/** Nothing is asked: what came since the poll before, else the next that comes. */
async function pollReports(
  clock: Clock,
  reader: SerialReader,
  reports: DeviceReports,
  health: HealthCounter,
): Promise<Sample> {
  const { device } = reader;
  const { answerWithinMs } = device.protocol.timing;
  // Opens the line and sets the device up, and says why that can't be.
  const opened = await reader.inTurn(async (line) => {
    reports.countUnasked(line.takeUnasked());
    return reader.setUp(line);
  });
  const boundMs = opened ? 0 : Math.max(answerWithinMs, Math.min(device.everyMs, REPORT_WAIT_MS));
  const how = await reports.untold(boundMs);
  if (how === "interrupted") return sampleOf(device, clock.bootMs(), () => missing("unchanged"));
  const { values, bootMs } = reports.take();
  if (how === "timeout" && !opened && bootMs === undefined) {
    reader.fellSilent();
    health.timeout();
    health.failed(`wait for what it sends by itself: nothing within ${boundMs} ms`, clock.bootMs());
  }
  if (bootMs === undefined && opened) return failedSample(device, clock.bootMs(), opened);
  const absent = how === "port-absent" && bootMs === undefined ? missing("port-absent") : undefined;
  return sampleOf(device, bootMs ?? clock.bootMs(), (channel) => absent ?? values.get(channel) ?? missing("malformed"));
}
