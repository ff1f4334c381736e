/** All devices of a station behind one face. Devices of one port share it; a port that fails stops only its own. */
import type { Device, Port, Station } from "@pump-station/sensor-descriptions/model.ts";
import type { Clock, Log, Ports, Timers } from "../world.ts";
import type { SourceHealth } from "./health.ts";
import { createI2cPort, type SharedI2cPort } from "./i2c-port.ts";
import { createI2cSource, type I2cDevice } from "./i2c-source.ts";
import { createLevelSource, type LevelDevice } from "./level-source.ts";
import { createOutputSource, type OutputDevice } from "./output-source.ts";
import { createPulseSource, type PulseDevice, type TotalStore } from "./pulse-source.ts";
import { createSerialPort, type SharedSerialPort } from "./serial-port.ts";
import { createSerialSource, type SerialDevice } from "./serial-source.ts";
import type { DeviceSource } from "./source.ts";
import type { DeviceTraffic } from "./traffic.ts";

/** A source that also tells how its conversations went. */
export interface ObservedSource extends DeviceSource {
  health(): SourceHealth;
  /** The newest bytes of each of its conversations. */
  traffic(): DeviceTraffic;
}

export interface Sources {
  /** By device name. Paused devices have none: they are not asked, whoever wants to. */
  readonly sources: ReadonlyMap<string, ObservedSource>;
  close(): Promise<void>;
}

export interface SourcesDeps {
  readonly ports: Ports;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly totals: TotalStore;
  /** A device has something new to say: ask it now. */
  readonly onChanged?: (device: string) => void;
}

/** Opens nothing but pins at once; lines and buses open at their first poll. Throws on an unknown port. */
export function createSources(deps: SourcesDeps, station: Station): Sources {
  const serialPorts = new Map<string, SharedSerialPort>();
  const i2cPorts = new Map<string, SharedI2cPort>();

  const sourceOf = (device: Device): ObservedSource => {
    const port = station.ports.get(device.port);
    if (!port) throw new Error(`${device.place}: ${device.name}: the station has no port ${device.port}`);
    switch (device.protocol.kind) {
      case "serial":
        return createSerialSource(deps, device as SerialDevice, shared(serialPorts, port, createSerialPort));
      case "i2c":
        return createI2cSource(deps, device as I2cDevice, shared(i2cPorts, port, createI2cPort));
      case "pulses":
        return createPulseSource(deps, device as PulseDevice, port);
      case "levels":
        return createLevelSource(deps, device as LevelDevice, port);
      case "outputs":
        return createOutputSource(deps, device as OutputDevice, port);
    }
  };

  const shared = <T>(known: Map<string, T>, port: Port, create: (deps: SourcesDeps, port: Port) => T): T => {
    const made = known.get(port.name) ?? create(deps, port);
    known.set(port.name, made);
    return made;
  };

  /** A port that vanished can't be closed well; the others still can. */
  const closed = async (closing: { close(): Promise<void> }): Promise<void> => {
    try {
      await closing.close();
    } catch (error) {
      deps.log("warn", "port-not-closed", { error: String(error) });
    }
  };
  const running = station.devices.filter(({ paused }) => paused === undefined);
  const sources = new Map(running.map((device) => [device.name, sourceOf(device)]));
  return {
    sources,
    close: async () => {
      await Promise.all([...sources.values()].map(closed));
      await Promise.all([...serialPorts.values(), ...i2cPorts.values()].map(closed));
    },
  };
}
