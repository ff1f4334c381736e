/**
 * A real pseudo-terminal with a stable name, so that the simulated baseboard is a serial port like any other.
 * (`@lydell/node-pty` carries its native part inside the package and needs no compiler.)
 */
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  write,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { ReadStream } from "node:tty";
import type { IPty } from "@lydell/node-pty";
import type { Terminal } from "../world.ts";

/** What `open` gives besides its documented face: both ends, opened in this process. */
interface OpenedPair extends IPty {
  readonly _master: ReadStream;
  readonly _slave: ReadStream;
  readonly _fd: number;
  readonly _pty: string;
}

/** Throws Error when this platform has no pseudo-terminals, or when something that is no link stands at `link`. */
export function openTerminal(link: string): Terminal {
  const pair = openPair();
  // Raw before anybody else opens it: a terminal in its default mode echoes, and 0x03 would be Ctrl-C.
  pair._slave.setRawMode(true);
  // Held open and never read: when the last holder closes, the kernel hangs up on our end.
  const held = openSync(pair._pty, constants.O_RDWR | constants.O_NOCTTY);
  pair._slave.destroy();
  pointLink(link, pair._pty);

  const counted = { in: 0, out: 0 };
  const queue: Uint8Array[] = [];
  let isClosed = false;
  let isWriting = false;
  const writeNext = () => {
    const bytes = queue.shift();
    isWriting = bytes !== undefined && !isClosed;
    if (!bytes || isClosed) return;
    write(pair._fd, bytes, (error, written) => {
      // EAGAIN: nobody reads and the kernel's 4 KiB are full. A wire doesn't keep such bytes either.
      if (!error) {
        counted.out += written;
        if (written < bytes.length) queue.unshift(bytes.subarray(written));
      }
      writeNext();
    });
  };
  return {
    path: pair._pty,
    counted,
    onBytes: (listener) => {
      pair._master.on("data", (bytes: Buffer) => {
        counted.in += bytes.length;
        listener(bytes);
      });
    },
    write: (bytes) => {
      queue.push(bytes);
      if (!isWriting) writeNext();
    },
    close: () => {
      isClosed = true;
      pair._master.destroy();
      closeSync(held);
      if (linkTarget(link) === pair._pty) unlinkSync(link);
    },
  };
}

function openPair(): OpenedPair {
  // Loaded when needed: without it everything but the serial port of the simulator still works.
  const load = createRequire(import.meta.url);
  const pty = load("@lydell/node-pty") as { open(options: { encoding: null }): OpenedPair };
  return pty.open({ encoding: null });
}

function pointLink(link: string, target: string): void {
  mkdirSync(dirname(link), { recursive: true });
  if (linkTarget(link) !== undefined) unlinkSync(link);
  symlinkSync(target, link);
}

/** undefined when nothing is there; throws when it isn't a link of ours to replace. */
function linkTarget(link: string): string | undefined {
  const found = lstatSync(link, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (!found.isSymbolicLink()) throw new Error(`make the link ${link}: something else is there; move it away`);
  return readlinkSync(link);
}
