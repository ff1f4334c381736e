/** All ports of the agent, with what passes over them told to whoever looks on. */
import type { GpioChips, I2cBuses, Ports, SerialPorts } from "../world.ts";
import { PortError } from "../world.ts";
import { hexFrom, lineOf } from "./recording.ts";
import type { Taps } from "./taps.ts";

export function createTappedPorts(ports: Ports, taps: Taps, clock: { bootMs(): number }): Ports {
  return {
    serial: tappedSerial(ports.serial, taps),
    i2c: (simulator) => tappedI2c(ports.i2c(simulator), taps, clock, simulator),
    gpio: (simulator) => tappedGpio(ports.gpio(simulator), taps, simulator),
  };
}

function tappedSerial(serial: SerialPorts, taps: Taps): SerialPorts {
  return {
    open: async (path, settings) => {
      const port = { path };
      const line = await serial.open(path, settings);
      taps.opened(port, settings);
      taps.pass(port, () => ({ opened: lineOf(settings) }));
      line.onBytes((bytes) => taps.pass(port, () => ({ heard: hexFrom(bytes) })));
      line.onClosed((reason) => {
        taps.opened(port, undefined);
        taps.pass(port, () => ({ closed: reason }));
      });
      return {
        ...line,
        write: (bytes, deadlineMs) => {
          taps.pass(port, () => ({ sent: hexFrom(bytes) }));
          return line.write(bytes, deadlineMs);
        },
      };
    },
  };
}

function tappedI2c(buses: I2cBuses, taps: Taps, clock: { bootMs(): number }, simulator: string | undefined): I2cBuses {
  return {
    open: async (path) => {
      const port = simulator === undefined ? { path } : { path, simulator };
      const bus = await buses.open(path);
      return {
        close: () => bus.close(),
        transfer: async (address, write, readLength) => {
          const startedMs = clock.bootMs();
          const asked = () => ({
            took: Math.round(1_000 * (clock.bootMs() - startedMs)) / 1_000,
            address: `0x${address.toString(16).padStart(2, "0")}`,
            write: hexFrom(write),
            read: readLength,
          });
          try {
            const bytes = await bus.transfer(address, write, readLength);
            taps.pass(port, () => ({ ...asked(), got: hexFrom(bytes) }));
            return bytes;
          } catch (error) {
            taps.pass(port, () => ({ ...asked(), failed: error instanceof PortError ? error.failure : "failed" }));
            throw error;
          }
        },
      };
    },
  };
}

function tappedGpio(chips: GpioChips, taps: Taps, simulator: string | undefined): GpioChips {
  const portOf = (path: string) => (simulator === undefined ? { path } : { path, simulator });
  return {
    countByKernel: (counter) => chips.countByKernel(counter),
    countPulses: (chip, pin, options, onPulse) =>
      chips.countPulses(chip, pin, options, () => {
        taps.pass(portOf(chip), () => ({ pin, edge: options.edge }));
        onPulse();
      }),
    watchLevel: (chip, pin, options, onEdge) =>
      chips.watchLevel(chip, pin, options, () => {
        taps.pass(portOf(chip), () => ({ pin, edge: "both" }));
        onEdge();
      }),
    drive: async (chip, pin, options, onLost) => {
      const line = await chips.drive(chip, pin, options, onLost);
      taps.pass(portOf(chip), () => ({ pin, drive: options.safe }));
      return {
        ...line,
        set: (level) => {
          taps.pass(portOf(chip), () => ({ pin, drive: level }));
          return line.set(level);
        },
      };
    },
  };
}
