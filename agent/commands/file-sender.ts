/**
 * A file on its way to the cloud as messages of the late lane: kind=file, id, name, part (from 1), parts, sha256. One
 * part at a time with a pause in which everything else goes; a link that is lost costs no more than the part under way.
 */
import { createHash } from "node:crypto";
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import { FILE_LIFE_MS, FILE_PART_BYTES, FILE_PART_PAUSE_MS } from "../limits.ts";
import type { Clock, Log, Timers } from "../world.ts";

export interface SentFile {
  /** The first 16 hex digits of its SHA-256. */
  readonly id: string;
  readonly name: string;
  readonly bytes: number;
  readonly parts: number;
  readonly sha256: string;
}

export interface FileSender {
  /** undefined: another one is under way. */
  send(name: string, bytes: Uint8Array): SentFile | undefined;
  onConnection(connection: CloudConnection | undefined): void;
  /** Resolves when aborted. */
  run(signal: AbortSignal): Promise<void>;
}

interface UnderWay {
  readonly file: SentFile;
  readonly bytes: Uint8Array;
  readonly until: number;
  next: number;
}

export function createFileSender(deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
}): FileSender {
  const { clock, log } = deps;
  const waker = createWaker(deps);
  let connection: CloudConnection | undefined;
  let underWay: UnderWay | undefined;

  const sendPart = async (to: CloudConnection, sending: UnderWay): Promise<void> => {
    const { file, bytes, next } = sending;
    const payload = bytes.subarray((next - 1) * FILE_PART_BYTES, next * FILE_PART_BYTES);
    const { id, name, parts, sha256 } = file;
    const properties = { kind: "file", id, name, part: String(next), parts: String(parts), sha256 };
    try {
      await to.publish({ lane: "late", properties, payload });
      sending.next++;
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      log("warn", "file-part-not-sent", { id, part: next, error: error.message });
      if (error.next === "drop-and-report" || error.next === "split") underWay = undefined;
    }
  };

  return {
    send: (name, bytes) => {
      if (underWay) return undefined;
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const parts = Math.max(1, Math.ceil(bytes.length / FILE_PART_BYTES));
      const file = { id: sha256.slice(0, 16), name, bytes: bytes.length, parts, sha256 };
      underWay = { file, bytes, until: clock.bootMs() + FILE_LIFE_MS, next: 1 };
      waker.wake();
      return file;
    },
    onConnection: (now) => {
      connection = now;
      waker.wake();
    },
    run: async (signal) => {
      while (!signal.aborted) {
        if (underWay && clock.bootMs() >= underWay.until) {
          log("warn", "file-given-up", { id: underWay.file.id, part: underWay.next });
          underWay = undefined;
        }
        if (!connection || !underWay) {
          await waker.wait(FILE_LIFE_MS, signal);
          continue;
        }
        await sendPart(connection, underWay);
        if (underWay && underWay.next > underWay.file.parts) {
          log("info", "file-sent", { ...underWay.file });
          underWay = undefined;
        }
        await waker.wait(FILE_PART_PAUSE_MS, signal);
      }
    },
  };
}
