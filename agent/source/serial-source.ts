/** A device on a serial line: its reads merged into one sample, its settings and commands told with care. */
import type { Device, SerialExchange, SerialProtocol, Values } from "@pump-station/sensor-descriptions/model.ts";
import { type ChannelValue, missing, type Sample } from "../reading.ts";
import type { Clock, Log } from "../world.ts";
import { type ExchangeResult, exchangeOnce, resultOfPortError } from "./exchange.ts";
import { createHealthCounter, type HealthCounter } from "./health.ts";
import type { Conversation, SharedSerialPort } from "./serial-port.ts";
import { createSerialWriter } from "./serial-writer.ts";
import type { ObservedSource } from "./sources.ts";

export type SerialDevice = Device & { readonly protocol: SerialProtocol };

/** Asks one device in a turn that it already has. */
export interface SerialReader {
  readonly device: SerialDevice;
  readonly address: number;
  readonly health: HealthCounter;
  /** Runs `talk` in the port's turn; a line that can't be opened is the result "port-absent" or "busy". */
  inTurn<T>(talk: (conversation: Conversation) => Promise<T>): Promise<T | ExchangeResult>;
  /** The named reads (all without names), merged; every channel of the device has an entry. */
  read(conversation: Conversation, reads?: ReadonlySet<string>): Promise<Sample>;
}

/** The device's reads and writes over a port that it shares with others. */
export function createSerialSource(
  deps: { readonly clock: Clock; readonly log: Log },
  device: SerialDevice,
  port: SharedSerialPort,
): ObservedSource {
  const reader = createSerialReader(deps.clock, device, port);
  const writer = createSerialWriter(reader);
  return {
    device: device.name,
    poll: async () => {
      const sample = await reader.inTurn((conversation) => reader.read(conversation));
      const whole = "kind" in sample ? failedSample(device, deps.clock.bootMs(), sample) : sample;
      reader.health.polled(whole);
      return whole;
    },
    set: (setting, value) => writer.set(setting, value),
    command: (command) => writer.command(command),
    close: async () => {},
    health: () => reader.health.read(),
  };
}

function createSerialReader(clock: Clock, device: SerialDevice, port: SharedSerialPort): SerialReader {
  const { protocol } = device;
  const address = device.address ?? 0;
  const health = createHealthCounter();
  const newest = new Map<string, number>();

  const readWithRetries = async (conversation: Conversation, read: string): Promise<ExchangeResult> => {
    const exchange = requestOf(read);
    if ("kind" in exchange) {
      health.failed(exchange.text, clock.bootMs());
      return exchange;
    }
    let result = await exchangeOnce(conversation, exchange, protocol.timing, health);
    for (let again = 0; again < protocol.timing.retries && isWorthRetrying(result); again++)
      result = await exchangeOnce(conversation, exchange, protocol.timing, health);
    if (result.kind === "answer") keepNewest(result.values);
    return result;
  };

  /** A newest value that doesn't fit its placeholder is the device's trouble, not the process's. */
  const requestOf = (read: string): SerialExchange | Extract<ExchangeResult, { text: string }> => {
    try {
      return protocol.read(address, read, (channel) => newest.get(channel));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { kind: "malformed", text: `read ${read}: ${error.message}` };
    }
  };

  const keepNewest = (values: Values): void => {
    for (const [channel, value] of values) if (typeof value === "number") newest.set(channel, value);
  };

  return {
    device,
    address,
    health,
    inTurn: (talk) =>
      port.converse(protocol.settings, talk).catch((error: unknown) => {
        const result = resultOfPortError(error);
        if ("text" in result) health.failed(result.text, clock.bootMs());
        return result;
      }),
    read: async (conversation, reads) => {
      const values = new Map<string, ChannelValue>();
      let completeMs: number | undefined;
      let silent: ExchangeResult | undefined;
      for (const { name, channels } of protocol.reads) {
        if (reads && !reads.has(name)) continue;
        // A device that gave no answer is not asked for the rest: others wait for the line.
        const result = silent ?? (await readWithRetries(conversation, name));
        if (result.kind === "answer") completeMs = result.bootMs;
        if (result.kind === "timeout" || result.kind === "port-absent") silent = result;
        for (const channel of channels) values.set(channel, channelValue(result, channel));
      }
      return sampleOf(device, completeMs ?? clock.bootMs(), (channel) => values.get(channel) ?? missing("malformed"));
    },
  };
}

const isWorthRetrying = ({ kind }: ExchangeResult): boolean =>
  kind === "timeout" || kind === "checksum" || kind === "malformed";

function channelValue(result: ExchangeResult, channel: string): ChannelValue {
  if (result.kind === "refused") return missing("refused", result.code);
  if (result.kind !== "answer") return missing(result.kind);
  const value = result.values.get(channel) ?? "malformed";
  return typeof value === "number" ? value : missing(value);
}

const failedSample = (device: Device, bootMs: number, result: ExchangeResult): Sample =>
  sampleOf(device, bootMs, (channel) => channelValue(result, channel));

/** One entry per channel of the device, in its order. */
export function sampleOf(device: Device, bootMs: number, valueOf: (channel: string) => ChannelValue): Sample {
  return { device: device.name, bootMs, values: device.channels.map(({ name }) => valueOf(name)) };
}
