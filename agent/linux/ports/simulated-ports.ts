/**
 * I2C buses and GPIO chips played by a simulator, for machines that have none.
 *
 * A Unix stream socket; the simulator listens. Each message is one JSON object on one line (UTF-8, ends with "\n",
 * at most SIMULATOR_LINE_BYTES_MAX). `bus` and `chip` are what the station file says after `i2c:` and `gpio:`; bytes
 * are lower-case hex without spaces, "" for none; an address is a 7-bit number. Answers carry the request's `id`, in
 * any order; `id` counts up from 1 within a connection.
 *
 *   transfer: writes the bytes, then (repeated start) reads that many
 *     →  {"id":1,"bus":"mast","transfer":{"address":118,"write":"f7","read":8}}
 *     ←  {"id":1,"bytes":"65a8f07e9c006b2d"}                exactly `read` bytes
 *     ←  {"id":1,"error":"nack" | "stuck" | "absent"}       nobody there | bus hangs | no such bus
 *
 *   watch: from now on each edge of that pin is told; watching a pin again on one connection changes nothing
 *     →  {"id":2,"chip":"pins","watch":{"pin":17,"edge":"falling"}}     or "rising" or "both"
 *     ←  {"id":2,"ok":true}
 *     ←  {"id":2,"error":"absent" | "busy"}                 no such chip or pin | used by somebody else
 *     ←  {"edge":{"chip":"pins","pin":17}}                  one per edge, bounces too: the agent debounces
 *     ←  {"edge":{"chip":"pins","pin":17,"ms":81234.5}}     `ms` (optional, monotonic, never back): when it happened;
 *                                                           without it the time of arrival counts
 *
 *   level: what the wire of a pin is at, 1 for high
 *     →  {"id":3,"chip":"pins","level":{"pin":22}}
 *     ←  {"id":3,"level":0}
 *     ←  {"id":3,"error":"absent"}                          no such chip or pin
 *
 *   drive: from now on this connection drives the wire of that pin; telling a level again on one connection changes it
 *     →  {"id":4,"chip":"pins","drive":{"pin":5,"level":1}}
 *     ←  {"id":4,"ok":true}
 *     ←  {"id":4,"error":"absent" | "busy"}                 no such chip or pin | driven by another connection
 *
 * A pin is a line's number or, as a string, its name.
 * The simulator forgets the watches of a connection that ends, and lets go of what it drove. The agent connects again by itself and watches again;
 * edges in between are lost, and while it is away every transfer and count fails with PortError "absent".
 */
import type { Level } from "@pump-station/sensor-descriptions/model.ts";
import { I2C_DEADLINE_MS } from "../../limits.ts";
import {
  type Clock,
  type GpioChips,
  type GpioPin,
  type I2cBuses,
  type LevelWatch,
  type Log,
  type OutputLine,
  type OutputOptions,
  PortError,
  type PortFailure,
  type PulseCounter,
  type Timers,
} from "../../world.ts";
import { createEdgeCounter } from "../gpio/edge-counter.ts";
import { createSimulatorLink, type SimulatorLink } from "./simulator-link.ts";

export interface SimulatedPorts {
  readonly i2c: I2cBuses;
  readonly gpio: GpioChips;
}

/** The ports that the simulator at `socket` plays. The socket is open while any bus or counter is. */
export function createSimulatedPorts(
  deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log },
  socket: string,
): SimulatedPorts {
  const link = createSimulatorLink(deps, socket);
  return { i2c: simulatedBuses(link), gpio: simulatedChips(link, deps.clock) };
}

function simulatedBuses(link: SimulatorLink): I2cBuses {
  return {
    open: async (bus) => {
      await link.hold();
      return {
        transfer: async (address, write, readLength) => {
          const asked = { address, write: Buffer.from(write).toString("hex"), read: readLength };
          const what = `transfer with 0x${address.toString(16)} on ${bus}`;
          const answer = await link.request({ bus, transfer: asked }, I2C_DEADLINE_MS, what);
          if (answer.error !== undefined) throw new PortError(failureFrom(answer.error), `${what}: ${answer.error}`);
          const bytes = new Uint8Array(Buffer.from(answer.bytes ?? "", "hex"));
          if (bytes.length === readLength) return bytes;
          throw new PortError("stuck", `${what}: simulator gave ${bytes.length} bytes instead of ${readLength}`);
        },
        close: async () => link.release(),
      };
    },
  };
}

function simulatedChips(link: SimulatorLink, clock: Clock): GpioChips {
  return {
    countByKernel: async (counter) => {
      throw new PortError("absent", `count with the kernel's counter ${counter}: the simulator plays none`);
    },
    watchLevel: (chip, pin, { active }, onEdge) => simulatedLevel(link, chip, pin, active, onEdge),
    drive: (chip, pin, options, onLost) => simulatedOutput(link, chip, pin, options, onLost),
    countPulses: async (chip, pin, { edge, debounceMs }, onPulse): Promise<PulseCounter> => {
      await link.hold();
      const counter = createEdgeCounter(debounceMs, onPulse);
      const unwatch = await link
        .watch({ chip, pin, edge }, (ms) => counter.edge(ms ?? clock.bootMs()))
        .catch((error) => {
          link.release();
          throw error;
        });
      return {
        count: () => {
          if (link.isUp()) return counter.count();
          throw new PortError("absent", `count pin ${pin} of ${chip}: simulator away`);
        },
        trouble: () => counter.trouble(),
        close: async () => {
          unwatch();
          link.release();
        },
      };
    },
  };
}

async function simulatedLevel(
  link: SimulatorLink,
  chip: string,
  pin: GpioPin,
  active: "high" | "low",
  onEdge: () => void,
): Promise<LevelWatch> {
  await link.hold();
  try {
    const unwatch = await link.watch({ chip, pin, edge: "both" }, onEdge);
    return {
      level: () => levelOn(link, chip, pin, active),
      close: async () => {
        unwatch();
        link.release();
      },
    };
  } catch (error) {
    link.release();
    throw error;
  }
}

async function simulatedOutput(
  link: SimulatorLink,
  chip: string,
  pin: GpioPin,
  { active, safe }: OutputOptions,
  onLost: (reason: string) => void,
): Promise<OutputLine> {
  const what = `drive pin ${pin} of ${chip}`;
  const set = async (level: Level): Promise<void> => {
    const drive = { pin, level: onWire(level, active) };
    const { error } = await link.request({ chip, drive }, I2C_DEADLINE_MS, what);
    if (error !== undefined) throw new PortError(failureFrom(error), `${what}: ${error}`);
  };
  await link.hold();
  try {
    await set(safe);
  } catch (error) {
    link.release();
    throw error;
  }
  let isHeld = true;
  const forget = link.onAway(() => {
    if (!isHeld) return;
    isHeld = false;
    forget();
    link.release();
    onLost(`${what}: the simulator went away`);
  });
  return {
    set,
    level: () => levelOn(link, chip, pin, active),
    close: async () => {
      if (!isHeld) return;
      isHeld = false;
      forget();
      link.release();
    },
  };
}

async function levelOn(link: SimulatorLink, chip: string, pin: GpioPin, active: "high" | "low"): Promise<Level> {
  const what = `read pin ${pin} of ${chip}`;
  const { error, level } = await link.request({ chip, level: { pin } }, I2C_DEADLINE_MS, what);
  if (level === 0 || level === 1) return onWire(level, active);
  throw new PortError(failureFrom(error ?? "absent"), `${what}: ${error ?? "the simulator gave no level"}`);
}

/** Level to wire and wire to level: the same exchange. */
const onWire = (level: Level, active: "high" | "low"): Level => (active === "high" ? level : level === 1 ? 0 : 1);

const FAILURES: readonly PortFailure[] = ["nack", "stuck", "absent", "busy", "denied"];
const failureFrom = (error: string): PortFailure => FAILURES.find((failure) => failure === error) ?? "absent";
