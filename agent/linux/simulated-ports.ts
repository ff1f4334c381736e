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
 *     →  {"id":2,"chip":"pins","watch":{"pin":17,"edge":"falling"}}     or "rising"
 *     ←  {"id":2,"ok":true}
 *     ←  {"id":2,"error":"absent" | "busy"}                 no such chip or pin | used by somebody else
 *     ←  {"edge":{"chip":"pins","pin":17}}                  one per edge, bounces too: the agent debounces
 *     ←  {"edge":{"chip":"pins","pin":17,"ms":81234.5}}     `ms` (optional, monotonic, never back): when it happened;
 *                                                           without it the time of arrival counts
 *
 * The simulator forgets the watches of a connection that ends. The agent connects again by itself and watches again;
 * edges in between are lost, and while it is away every transfer and count fails with PortError "absent".
 */
import { I2C_DEADLINE_MS } from "../limits.ts";
import {
  type Clock,
  type GpioChips,
  type I2cBuses,
  type Log,
  PortError,
  type PortFailure,
  type PulseCounter,
  type Timers,
} from "../world.ts";
import { createEdgeCounter } from "./edge-counter.ts";
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
        close: async () => {
          unwatch();
          link.release();
        },
      };
    },
  };
}

const FAILURES: readonly PortFailure[] = ["nack", "stuck", "absent", "busy", "denied"];
const failureFrom = (error: string): PortFailure => FAILURES.find((failure) => failure === error) ?? "absent";
