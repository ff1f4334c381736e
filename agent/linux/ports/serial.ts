/** Serial lines over `serialport`. Its streams stay in here: what leaves is bytes, one close, and PortErrors. */
import { execFile } from "node:child_process";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import type { SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import type { SerialPort } from "serialport";
import { type Log, PortError, type PortFailure, type SerialLine, type SerialPorts, type Timers } from "../../world.ts";

/** How long a line may stay hung up unnoticed. */
const LIVENESS_EVERY_MS = 1_000;
/** Two ioctls; a driver that hangs in them must not keep the port from being used. */
const FLAG_DEADLINE_MS = 2_000;

export function createSerialPorts(deps: { readonly timers: Timers; readonly log: Log }): SerialPorts {
  return {
    open: async (path, settings) => {
      const port = await openPort(path, settings);
      await keepDtrAtClose(path, deps.log);
      return createLine(deps.timers, port, path);
    },
  };
}

async function openPort(path: string, settings: SerialSettings): Promise<SerialPort> {
  const { SerialPort } = await import("serialport");
  const port = new SerialPort({
    path,
    ...settings,
    autoOpen: false,
    // Not to be set; keepDtrAtClose clears it.
    hupcl: false,
    // Two programs on one line take bytes from each other.
    lock: true,
  });
  return new Promise((resolve, reject) => {
    port.open((error) => {
      if (error) reject(new PortError(failureFrom(error.message), `open ${path}: ${error.message}`, { cause: error }));
      else resolve(port);
    });
  });
}

/**
 * Dropping DTR at close resets many baseboards. Linux sets HUPCL on every new tty, and serialport 13 never clears it
 * (its `hupcl: false` only doesn't set it), so stty does. A port that keeps the flag is still a port.
 */
async function keepDtrAtClose(path: string, log: Log): Promise<void> {
  try {
    await promisify(execFile)("stty", ["-F", path, "-hupcl"], { timeout: FLAG_DEADLINE_MS });
  } catch (error) {
    log("warn", "port-drops-dtr-at-close", { path, error: String(error) });
  }
}

/** The native binding gives no code, only strerror's text. */
function failureFrom(message: string): PortFailure {
  if (/lock port|busy|temporarily unavailable/i.test(message)) return "busy";
  if (/permission denied|not permitted/i.test(message)) return "denied";
  return "absent";
}

function createLine(timers: Timers, port: SerialPort, path: string): SerialLine {
  const closedListeners: ((reason: string) => void)[] = [];
  let closedBy: string | undefined;
  let cancelLiveness = (): void => {};
  let closing: Promise<void> = Promise.resolve();
  const end = (reason: string): void => {
    cancelLiveness();
    // Ends serialport's own read and write loops, which otherwise go on for ever on 0 bytes.
    // Its callback comes also when closing fails, the "close" event doesn't.
    if (port.isOpen) closing = new Promise((resolve) => port.close(() => resolve()));
    if (closedBy !== undefined) return;
    closedBy = reason;
    for (const listener of closedListeners.splice(0)) listener(reason);
  };
  // A hung-up terminal reads 0 bytes for ever, and serialport reads on as fast as it can. Terminals that have hung up
  // are no terminals any more (isatty asks with TCGETS, which then fails with EIO).
  const watchLiveness = (): void => {
    const { fd } = (port.port ?? {}) as { readonly fd?: number | null };
    if (typeof fd === "number" && !isatty(fd)) end("unplugged: the terminal hung up");
    else cancelLiveness = timers.after(LIVENESS_EVERY_MS, watchLiveness);
  };
  watchLiveness();

  // Reading from the start: a port that nobody reads doesn't notice that it was unplugged.
  const byteListeners: ((bytes: Uint8Array) => void)[] = [];
  port.on("data", (bytes: Buffer) => {
    for (const listener of byteListeners) listener(new Uint8Array(bytes));
  });
  port.on("close", (error: Error | null) => end(error ? `unplugged: ${error.message}` : "closed"));
  port.on("error", (error: Error) => end(`failed: ${error.message}`));
  port.on("end", () => end("unplugged: end of file"));

  return {
    onBytes: (listener) => {
      byteListeners.push(listener);
    },
    onClosed: (listener) => {
      if (closedBy === undefined) closedListeners.push(listener);
      else listener(closedBy);
    },
    write: (bytes, deadlineMs) =>
      new Promise((resolve, reject) => {
        const what = `write ${bytes.length} bytes to ${path}`;
        if (closedBy !== undefined) return reject(new PortError("closed", `${what}: line ${closedBy}`));
        const cancel = timers.after(deadlineMs, () => {
          reject(new PortError("stuck", `${what}: not taken within ${deadlineMs} ms`));
          end("stuck: a write was not taken");
        });
        port.write(Buffer.from(bytes), (error) => {
          cancel();
          if (error) reject(new PortError("closed", `${what}: ${error.message}`, { cause: error }));
          else resolve();
        });
      }),
    // Resolves when the descriptor is closed, so that the path can be opened (and locked) again at once.
    close: () => {
      end("closed");
      return closing;
    },
  };
}
