/** One I2C bus, shared by its chips: opened when needed, opened again after it went away, one transfer at a time. */
import type { I2cStep, Port } from "@pump-station/sensor-descriptions/model.ts";
import { type I2cBus, type Log, PortError, type Ports } from "../world.ts";

export interface SharedI2cPort {
  /** Waits for the bus, which is free between two transfers, also while a chip converts. Throws PortError. */
  transfer(address: number, step: Extract<I2cStep, { do: "transfer" }>): Promise<Uint8Array>;
  close(): Promise<void>;
}

export function createI2cPort(
  deps: { readonly ports: Ports; readonly log: Log },
  port: Pick<Port, "name" | "path" | "simulator">,
): SharedI2cPort {
  let bus: I2cBus | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let failure: string | undefined;
  let isStuck = false;

  const open = async (): Promise<I2cBus> => {
    try {
      const opened = await deps.ports.i2c(port.simulator).open(port.path);
      deps.log("info", "port-opened", { port: port.name, path: port.path });
      failure = undefined;
      return opened;
    } catch (error) {
      // Tried at each poll; said once.
      const text = error instanceof Error ? error.message : String(error);
      if (text !== failure) deps.log("warn", "port-failed", { port: port.name, path: port.path, error: text });
      failure = text;
      throw error;
    }
  };

  const transfer: SharedI2cPort["transfer"] = async (address, { write, readLength }) => {
    bus ??= await open();
    try {
      const answer = await bus.transfer(address, write, readLength);
      if (isStuck) deps.log("info", "bus-free", { port: port.name, path: port.path });
      isStuck = false;
      return answer;
    } catch (error) {
      // Every transfer fails while the clock is held low; said once.
      if (error instanceof PortError && error.failure === "stuck" && !isStuck) {
        isStuck = true;
        deps.log("warn", "bus-stuck", { port: port.name, path: port.path, error: error.message });
      }
      if (error instanceof PortError && (error.failure === "absent" || error.failure === "closed")) await drop();
      throw error;
    }
  };

  const drop = async (): Promise<void> => {
    const dropped = bus;
    bus = undefined;
    await dropped?.close();
  };

  const takeTurn = <T>(talk: () => Promise<T>): Promise<T> => {
    const mine = turn.then(talk);
    turn = mine.catch(() => undefined);
    return mine;
  };

  return {
    transfer: (address, step) => takeTurn(() => transfer(address, step)),
    close: () => takeTurn(drop),
  };
}
