/** I2C buses over `i2c-bus` (/dev/i2c-N). */
import { existsSync, realpathSync } from "node:fs";
import type { PromisifiedBus } from "i2c-bus";
import { I2C_DEADLINE_MS } from "../../limits.ts";
import { type I2cBus, type I2cBuses, PortError, type PortFailure, type Timers } from "../../world.ts";

/** The kernel's SMBus block transfers end at 32 bytes (I2C_SMBUS_BLOCK_MAX). */
const BLOCK_BYTES_MAX = 32;

/** What is used of the module; the real one is loaded when the first bus is opened. */
export interface I2cModule {
  openPromisified(busNumber: number): Promise<Pick<PromisifiedBus, UsedCall>>;
}
type UsedCall = "i2cRead" | "i2cWrite" | "readI2cBlock" | "writeI2cBlock" | "sendByte" | "receiveByte" | "close";

const loadI2cBus = async (): Promise<I2cModule> => {
  try {
    return (await import("i2c-bus")).default;
  } catch (cause) {
    const advice = "install it with: npm install i2c-bus (needs build-essential and python3)";
    throw new PortError("absent", `load i2c-bus: the module is not installed; ${advice}`, { cause });
  }
};

export interface I2cDeps {
  readonly timers: Timers;
  readonly load?: () => Promise<I2cModule>;
  /** Whether the bus is still there. */
  readonly isThere?: (path: string) => boolean;
  /** Where a link leads (udev's names for USB adapters, whose numbers change); what leads nowhere is itself. */
  readonly followed?: (path: string) => string;
}

function followLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

export function createI2cBuses(deps: I2cDeps): I2cBuses {
  const { load = loadI2cBus, isThere = existsSync, followed = followLink } = deps;
  return {
    open: async (path) => {
      const number = /^\/dev\/i2c-(\d+)$/.exec(followed(path))?.[1];
      if (number === undefined)
        throw new PortError("absent", `open ${path}: an I2C bus is named /dev/i2c-1, or by a link to one`);
      const module = await load();
      const bus = await module.openPromisified(Number(number)).catch((cause: unknown) => {
        throw portErrorFrom(cause, `open ${path}`);
      });
      return createBus({ timers: deps.timers, isThere: () => isThere(path) }, bus, path);
    },
  };
}

type OpenBus = Awaited<ReturnType<I2cModule["openPromisified"]>>;

function createBus(deps: { readonly timers: Timers; isThere(): boolean }, bus: OpenBus, path: string): I2cBus {
  let out: Promise<unknown> | undefined;

  return {
    transfer: (address, write, readLength) => {
      const what = `transfer with 0x${address.toString(16).padStart(2, "0")} on ${path}`;
      if (out) return Promise.reject(new PortError("busy", `${what}: an earlier call has not returned`));
      const call = transfer(bus, address, write, readLength).catch((cause: unknown) => {
        const error = portErrorFrom(cause, what);
        // What drivers say of an adapter that was unplugged differs (i2c-tiny-usb: EIO), and some (i2c-stub) say ENODEV
        // of a chip. The kernel keeps the bus's number for as long as somebody has it open: "absent" has it closed.
        const failure = !deps.isThere() ? "absent" : isNoDevice(cause) ? "nack" : error.failure;
        throw failure === error.failure ? error : new PortError(failure, error.message, { cause });
      });
      // A call can't be taken back: after the deadline it still owns the bus, and a thread of libuv's pool.
      out = call.then(
        () => (out = undefined),
        () => (out = undefined),
      );
      return withDeadline(deps.timers, call, what);
    },
    close: async () => {
      if (!out) return bus.close();
      // Closing under a call that hangs would hand its file descriptor to somebody else. Nobody waits for the bus any more:
      // one that can't be closed by then has gone with its adapter.
      void out.then(() => bus.close()).catch(() => undefined);
    },
  };
}

/**
 * One written byte and a read of at most 32 go out as one combined transfer (repeated start), which chips with
 * register pointers need on a shared bus; anything else is a write, a stop, and a read.
 */
async function transfer(bus: OpenBus, address: number, write: Uint8Array, readLength: number): Promise<Uint8Array> {
  const answer = Buffer.alloc(readLength);
  const register = write[0];
  if (register !== undefined && write.length === 1 && readLength > 0 && readLength <= BLOCK_BYTES_MAX) {
    const { bytesRead } = await bus.readI2cBlock(address, register, readLength, answer);
    return whole(answer, bytesRead);
  }
  // A transfer of nothing still asks whether somebody acknowledges the address.
  if (write.length > 0 || readLength === 0) await plainWrite(bus, address, Buffer.from(write));
  if (readLength === 0) return new Uint8Array(0);
  return plainRead(bus, address, answer);
}

/**
 * Adapters of PCs (i801, piix4) and the kernel's i2c-stub speak SMBus only. A block write puts the same bytes on the
 * wire: the first stands in the place of SMBus's command.
 */
async function plainWrite(bus: OpenBus, address: number, bytes: Buffer): Promise<void> {
  try {
    await bus.i2cWrite(address, bytes.length, bytes);
  } catch (error) {
    const [first] = bytes;
    if (!isUnsupported(error)) throw error;
    if (first === undefined || bytes.length > BLOCK_BYTES_MAX + 1) throw smbusOnly(`a write of ${bytes.length} bytes`);
    if (bytes.length === 1) await bus.sendByte(address, first);
    else await bus.writeI2cBlock(address, first, bytes.length - 1, bytes.subarray(1));
  }
}

async function plainRead(bus: OpenBus, address: number, answer: Buffer): Promise<Uint8Array> {
  try {
    const { bytesRead } = await bus.i2cRead(address, answer.length, answer);
    return whole(answer, bytesRead);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    if (answer.length > 1) throw smbusOnly(`a read of ${answer.length} bytes without a register`);
    return Uint8Array.of(await bus.receiveByte(address));
  }
}

/** ENOTSUP and EOPNOTSUPP have one number in Linux, and Node knows it by either name. */
const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && ["ENOTSUP", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? "");

const isNoDevice = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === "ENODEV";

const smbusOnly = (what: string): PortError =>
  new PortError(
    "denied",
    `this bus's adapter speaks SMBus only and can't make ${what}; the chip needs a plain I2C adapter`,
  );

function whole(answer: Buffer, bytesRead: number): Uint8Array {
  if (bytesRead !== answer.length) throw new PortError("nack", `read ${answer.length} bytes: ${bytesRead} came`);
  return new Uint8Array(answer);
}

function withDeadline<T>(timers: Timers, call: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(I2C_DEADLINE_MS, () =>
      reject(new PortError("stuck", `${what}: not back within ${I2C_DEADLINE_MS} ms`)),
    );
    call.then(resolve, reject).finally(cancel);
  });
}

/** errno names of drivers/i2c: Documentation/i2c/fault-codes.rst. */
const FAILURES: Readonly<Record<string, PortFailure>> = {
  ENXIO: "nack",
  EREMOTEIO: "nack",
  ETIMEDOUT: "stuck",
  EAGAIN: "busy",
  EBUSY: "busy",
  EIO: "nack",
  EACCES: "denied",
  EPERM: "denied",
};

function portErrorFrom(cause: unknown, what: string): PortError {
  if (cause instanceof PortError) return new PortError(cause.failure, `${what}: ${cause.message}`, { cause });
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: undefined, message: "" };
  return new PortError(FAILURES[code ?? ""] ?? "absent", `${what}: ${message || String(cause)}`, { cause });
}
