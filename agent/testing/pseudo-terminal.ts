/** A pseudo-terminal under a stable name, whose far end can be unplugged. No program runs on it. */
import { symlinkSync, unlinkSync, write } from "node:fs";
import { createRequire } from "node:module";
import type { ReadStream } from "node:tty";

export interface PseudoTerminal {
  onBytes(listener: (bytes: Uint8Array) => void): void;
  write(bytes: Uint8Array): void;
  /** The far end reads no more: the kernel's few KiB fill up. */
  stopReading(): void;
  unplug(): void;
}

/** What node-pty's `open` gives besides its documented face. */
interface OpenedPair {
  readonly _master: ReadStream;
  readonly _slave: ReadStream;
  readonly _fd: number;
  readonly _pty: string;
}

export function plugIn(path: string): PseudoTerminal {
  const load = createRequire(import.meta.url);
  const pair = (load("@lydell/node-pty") as { open(options: { encoding: null }): OpenedPair }).open({ encoding: null });
  // Raw: a terminal in its default mode echoes. Then closed: open in this process it would take the port's bytes.
  pair._slave.setRawMode(true);
  pair._slave.destroy();
  pair._master.on("error", () => undefined);
  symlinkSync(pair._pty, path);
  return {
    onBytes: (listener) => void pair._master.on("data", (bytes: Buffer) => listener(new Uint8Array(bytes))),
    write: (bytes) => write(pair._fd, bytes, () => undefined),
    stopReading: () => void pair._master.pause(),
    unplug: () => {
      unlinkSync(path);
      pair._master.destroy();
    },
  };
}
