/** Serial ports whose far end is a function: bytes in, portions of bytes with delays out. On simulated time. */
import { PortError, type SerialLine, type SerialPorts, type Timers } from "../world.ts";

export interface Portion {
  readonly afterMs: number;
  readonly bytes: Uint8Array;
}

export interface ScriptedSerial extends SerialPorts {
  /** Everything written so far, in order. */
  readonly written: { readonly atMs: number; readonly bytes: Uint8Array }[];
  /** Bytes that nobody asked for. */
  say(bytes: Uint8Array): void;
  unplug(): void;
  plug(): void;
  /** What `open` throws while set. */
  failure: "absent" | "busy" | "denied" | undefined;
  /** Writes are never taken while set. */
  isStuck: boolean;
  readonly opened: number;
}

export function createScriptedSerial(
  deps: { readonly timers: Timers; readonly clock: { bootMs(): number } },
  onWritten: (bytes: Uint8Array) => readonly Portion[],
): ScriptedSerial {
  let current: { hear(bytes: Uint8Array): void; end(reason: string): void } | undefined;
  let opened = 0;
  const written: { atMs: number; bytes: Uint8Array }[] = [];

  const createLine = (): SerialLine => {
    const hearers: ((bytes: Uint8Array) => void)[] = [];
    const enders: ((reason: string) => void)[] = [];
    const mine = {
      hear: (bytes: Uint8Array) => hearers.forEach((hearer) => hearer(bytes)),
      end: (reason: string) => {
        if (current !== mine) return;
        current = undefined;
        for (const ender of enders) ender(reason);
      },
    };
    current = mine;
    return {
      onBytes: (listener) => void hearers.push(listener),
      onClosed: (listener) => void enders.push(listener),
      write: async (bytes, deadlineMs) => {
        if (current !== mine) throw new PortError("closed", "write: closed");
        if (serial.isStuck) {
          await deps.timers.sleep(deadlineMs);
          mine.end("stuck");
          throw new PortError("stuck", `write: not taken within ${deadlineMs} ms`);
        }
        written.push({ atMs: deps.clock.bootMs(), bytes });
        for (const portion of onWritten(bytes))
          deps.timers.after(portion.afterMs, () => current === mine && mine.hear(portion.bytes));
      },
      close: async () => mine.end("closed"),
    };
  };

  const serial = {
    written,
    failure: undefined as ScriptedSerial["failure"],
    isStuck: false,
    get opened() {
      return opened;
    },
    say: (bytes: Uint8Array) => current?.hear(bytes),
    unplug: () => {
      serial.failure = "absent";
      current?.end("unplugged");
    },
    plug: () => {
      serial.failure = undefined;
    },
    open: async () => {
      if (serial.failure) throw new PortError(serial.failure, `open: ${serial.failure}`);
      opened++;
      return createLine();
    },
  };
  return serial;
}
