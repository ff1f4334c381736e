/** One serial line on simulated time with devices of the small protocol on it. */

import type { Sample } from "../reading.ts";
import { createSerialPort } from "../source/serial-port.ts";
import type { SerialDevice } from "../source/serial-reader.ts";
import { createSerialSource } from "../source/serial-source.ts";
import type { Ports } from "../world.ts";
import { createScriptedSerial, type Portion } from "./scripted-serial.ts";
import { createSimulatedTime } from "./simulated-time.ts";
import { createSmallDevice, type createSmallDeviceSide } from "./small-protocol.ts";

export type FarEnd = (request: Uint8Array) => readonly Portion[];

/** `far` says what comes back for what was written. */
export function createSerialBench(far: FarEnd, devices: readonly SerialDevice[] = [createSmallDevice()]) {
  const time = createSimulatedTime();
  const logged: string[] = [];
  const told: Sample[] = [];
  const serial = createScriptedSerial(time, far);
  const ports = { serial } as unknown as Ports;
  const deps = { ports, clock: time.clock, timers: time.timers, log: (_: string, event: string) => logged.push(event) };
  const port = createSerialPort(deps, { name: "line", path: "/dev/ttyTest" });
  const sources = devices.map((device) => createSerialSource(deps, device, port));
  for (const source of sources) source.onReport?.((sample) => told.push(sample));
  /** Runs the clock until the promise has settled. */
  const settled = async <T>(promise: Promise<T>, withinMs = 60_000): Promise<T> => {
    let isSettled = false;
    const done = promise.finally(() => {
      isSettled = true;
    });
    done.catch(() => undefined);
    for (let ms = 0; ms < withinMs && !isSettled; ms += 1) await time.advance(1);
    if (!isSettled) throw new Error(`not settled within ${withinMs} ms`);
    return done;
  };
  return { time, serial, logged, told, port, deps, source: sources[0]!, sources, settled };
}

export const answering =
  (device: ReturnType<typeof createSmallDeviceSide>, afterMs = 3): FarEnd =>
  (request) => {
    const bytes = device.hear(request);
    return bytes ? [{ afterMs, bytes }] : [];
  };
