/** A chip on an I2C bus: prepared once, measured at each poll, prepared again after any failure or command. */
import {
  type Device,
  I2cAnswerError,
  type I2cConstants,
  type I2cConversation,
  type I2cProtocol,
  type I2cStep,
} from "@pump-station/sensor-descriptions/model.ts";
import { type Missing, type MissingReason, missing, type Sample } from "../reading.ts";
import { type Clock, type Log, PortError, type PortFailure, type Timers } from "../world.ts";
import { createHealthCounter } from "./health.ts";
import type { SharedI2cPort } from "./i2c-port.ts";
import { createI2cWriter } from "./i2c-writer.ts";
import { sampleOf } from "./serial-source.ts";
import type { ObservedSource } from "./sources.ts";

export type I2cDevice = Device & { readonly protocol: I2cProtocol };

type TransferStep = Extract<I2cStep, { do: "transfer" }>;

export function createI2cSource(
  deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log },
  device: I2cDevice,
  port: SharedI2cPort,
): ObservedSource {
  const { clock, timers } = deps;
  const health = createHealthCounter();
  const address = device.address ?? 0;
  let constants: I2cConstants | undefined;
  let polling: Promise<unknown> = Promise.resolve();

  const transferred = async (step: TransferStep): Promise<Uint8Array> => {
    try {
      const read = await port.transfer(address, step);
      health.traffic.transfer({ write: step.write, read });
      return read;
    } catch (error) {
      const read = new Uint8Array();
      health.traffic.transfer({ write: step.write, read, failed: String(error) });
      if (step.isOptional && error instanceof PortError && error.failure === "nack") return read;
      throw error;
    }
  };

  const converse = async <T>(conversation: I2cConversation<T>): Promise<T> => {
    for (let step = conversation.next(); ; ) {
      if (step.done) return step.value;
      const { value } = step;
      const bytes = value.do === "wait" ? await waited(deps, value.ms) : await transferred(value);
      step = conversation.next(bytes);
    }
  };

  const prepared = async (): Promise<I2cConstants> => {
    if (constants) return constants;
    health.traffic.conversation("prepared", clock.bootMs());
    return (constants = await converse(device.protocol.prepare()));
  };

  const measure = async (): Promise<Sample> => {
    try {
      const known = await prepared();
      health.traffic.conversation("measured", clock.bootMs());
      const values = await converse(device.protocol.measure(known));
      return sampleOf(device, clock.bootMs(), (channel) => {
        const value = values.get(channel) ?? "malformed";
        return typeof value === "number" ? value : missing(value);
      });
    } catch (error) {
      // It may have lost its power, and with it what was set up.
      constants = undefined;
      const lacking = lackingFrom(error);
      const reason = lacking.missing;
      if (reason === "timeout") health.timeout();
      if (reason === "checksum") health.checksumError();
      health.failed(error instanceof Error ? error.message : String(error), clock.bootMs());
      return sampleOf(device, clock.bootMs(), () => lacking);
    }
  };

  // One conversation with a chip at a time: a second trigger would spoil the first measurement.
  const inTurn = <T>(talk: () => Promise<T>): Promise<T> => {
    const mine = polling.then(talk);
    polling = mine.catch(() => undefined);
    return mine;
  };

  const writer = createI2cWriter({
    device,
    clock,
    timers,
    inTurn,
    measure,
    prepared,
    converse,
    // A command may change what was set up: the next poll begins from the start.
    forget: () => (constants = undefined),
    remember: (known) => (constants = known),
  });

  return {
    device: device.name,
    poll: () =>
      inTurn(measure).then((sample) => {
        health.polled(sample);
        return sample;
      }),
    set: writer.set,
    command: writer.command,
    close: async () => {},
    health: () => health.read(),
    traffic: () => health.traffic.read(),
  };
}

/**
 * Never less: a timer counts from when the event loop last looked at the clock, and so comes early by as much as the
 * loop was busy since; a chip that is asked before it is ready doesn't acknowledge.
 */
async function waited(
  { clock, timers }: { readonly clock: Clock; readonly timers: Timers },
  ms: number,
): Promise<Uint8Array> {
  const endMs = clock.bootMs() + ms;
  await timers.sleep(ms);
  // Whole milliseconds: a clock with fractions may stand still for less.
  for (let leftMs = endMs - clock.bootMs(); leftMs > 0; leftMs = endMs - clock.bootMs())
    await timers.sleep(Math.ceil(leftMs));
  return new Uint8Array(0);
}

const REASONS: Readonly<Record<PortFailure, MissingReason>> = {
  nack: "nack",
  stuck: "timeout",
  busy: "busy",
  absent: "port-absent",
  denied: "port-absent",
  closed: "port-absent",
};

/** Throws what is neither a port's nor a chip's failure: that is a bug. */
function lackingFrom(error: unknown): Missing {
  if (error instanceof PortError) return missing(REASONS[error.failure]);
  if (error instanceof I2cAnswerError) return missing(error.reason, error.code);
  throw error;
}
