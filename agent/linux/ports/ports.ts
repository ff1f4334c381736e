import type { Clock, Log, Ports, Timers } from "../../world.ts";
import { createGpioChips } from "../gpio/gpio.ts";
import { createI2cBuses } from "./i2c.ts";
import { createSerialPorts } from "./serial.ts";
import { createSimulatedPorts, type SimulatedPorts } from "./simulated-ports.ts";

/** The machine's own ports, and those of simulators by the path of their socket (one connection per socket). */
export function createPorts(deps: { readonly clock: Clock; readonly timers: Timers; readonly log: Log }): Ports {
  const i2c = createI2cBuses(deps);
  const gpio = createGpioChips(deps);
  const simulators = new Map<string, SimulatedPorts>();
  const simulated = (socket: string): SimulatedPorts => {
    const known = simulators.get(socket) ?? createSimulatedPorts(deps, socket);
    simulators.set(socket, known);
    return known;
  };
  return {
    serial: createSerialPorts(deps),
    i2c: (simulator) => (simulator === undefined ? i2c : simulated(simulator).i2c),
    gpio: (simulator) => (simulator === undefined ? gpio : simulated(simulator).gpio),
  };
}
