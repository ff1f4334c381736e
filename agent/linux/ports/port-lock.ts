/**
 * One program of ours per port: an agent and a scan that ask on one bus take each other's answers. A tty can be claimed
 * in the kernel, but a scan closes it between two speeds; an I2C bus can't be at all. By name, so that nothing is left
 * over, and for all names of a device (`/dev/serial/by-path/…`).
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { PortError, type Ports } from "../../world.ts";
import { lockName } from "../name-lock.ts";

export type PortLock = Awaited<ReturnType<typeof lockName>>;

/** `who` is told to whoever comes second. */
export async function lockPort(path: string, who: string): Promise<PortLock> {
  const name = createHash("sha256").update(realPath(path)).digest("hex").slice(0, 32);
  try {
    return await lockName(`pump-station-port-${name}`, `${who}, process ${process.pid}`);
  } catch {
    // Where names can't be locked (a sandbox without Unix sockets), the port still can be used.
    return { release: () => undefined };
  }
}

/** The same ports, each locked for as long as it is open. Throws PortError "busy" that says who has it. */
export function createLockedPorts(ports: Ports, who: string): Ports {
  const locked = async <T>(path: string, open: () => Promise<T>, onOpen: (opened: T, release: () => void) => T) => {
    const lock = await lockPort(path, who);
    if ("by" in lock) throw new PortError("busy", `open ${path}: ${lock.by} has it`);
    try {
      return onOpen(await open(), lock.release);
    } catch (error) {
      lock.release();
      throw error;
    }
  };
  return {
    serial: {
      open: (path, settings) =>
        locked(
          path,
          () => ports.serial.open(path, settings),
          (line, release) => {
            line.onClosed(release);
            return line;
          },
        ),
    },
    i2c: (simulator) =>
      simulator === undefined
        ? {
            open: (path) =>
              locked(
                path,
                () => ports.i2c(undefined).open(path),
                (bus, release) => ({
                  transfer: (address, write, readLength) => bus.transfer(address, write, readLength),
                  close: async () => {
                    try {
                      await bus.close();
                    } finally {
                      release();
                    }
                  },
                }),
              ),
          }
        : ports.i2c(simulator),
    gpio: (simulator) => ports.gpio(simulator),
  };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
