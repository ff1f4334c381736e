/**
 * A file on its way to the cloud as messages of the late lane: kind=file, id, name, part (from 1), parts, sha256. One
 * part at a time with a pause in which everything else goes; a link that is lost costs no more than the part under way,
 * and so does a restart: the file and how far it came are on disk. Its parts are as large as the connection takes; it is
 * the first that shows whether they are too large, since no other is larger.
 *
 *   DATA/sending                the bytes
 *   DATA/state/file-sending     {file, partBytes, next, leftMs}; partBytes left out: FILE_PART_BYTES
 */
import { createHash } from "node:crypto";
import { type CloudConnection, CloudError } from "../cloud/cloud.ts";
import { createWaker } from "../cloud/waker.ts";
import {
  FILE_LIFE_MS,
  FILE_LIFE_PER_START_MS,
  FILE_PART_BYTES,
  FILE_PART_PAUSE_MS,
  FILE_PARTS_MAX,
} from "../limits.ts";
import type { Clock, Files, Log, Timers } from "../world.ts";
import { type CutFile, cut, partBytesOn, partOf, type SentFile } from "./file-parts.ts";

export interface FileSender {
  /**
   * undefined: another one is under way, and it doesn't give way; or it has more than `bytesMax` bytes. The same file
   * again is the one that is under way.
   * `givesWay`: ends ("late") for one that somebody waits for.
   */
  send(name: string, bytes: Uint8Array, options?: { readonly givesWay: boolean }): SentFile | undefined;
  /** How large a file of that name may be to go over the connection that there is; 0: this one takes none. */
  bytesMax(name: string): number;
  /** sent: the cloud has accepted the last part. refused: it never will. late: its life is over. */
  onEnded(listener: (file: SentFile, how: "sent" | "refused" | "late") => void): void;
  onConnection(connection: CloudConnection | undefined): void;
  /** Resolves when aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** What is kept of a file under way: null is none. */
export type KeptSending =
  | (Pick<UnderWay, "file" | "next" | "givesWay"> & { readonly leftMs: number; readonly partBytes?: number })
  | null;

export interface FileSenderDeps {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly files: Pick<Files, "read" | "writeDurably" | "remove">;
  readonly document: { load(): KeptSending | undefined; save(kept: KeptSending): void };
  /** Where the bytes lie. */
  readonly path: string;
}

interface UnderWay extends CutFile {
  readonly bytes: Uint8Array;
  readonly until: number;
  readonly givesWay: boolean;
  next: number;
}

const NOTHING = { file: undefined, partBytes: 0, next: 0, until: 0, givesWay: false };

export function createFileSender(deps: FileSenderDeps): FileSender {
  const { clock, log } = deps;
  const waker = createWaker(deps);
  const listeners: Parameters<FileSender["onEnded"]>[0][] = [];
  let connection: CloudConnection | undefined;
  let underWay: UnderWay | undefined;

  /** A disk that can't be written costs that it goes on after a restart, not the file. */
  const unlessDisk = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      // What the file system says has a code; everything else is a bug.
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "file-sending-not-kept", { error: error.message });
      return undefined;
    }
  };
  const note = (): void => {
    const { file, partBytes, next, until, givesWay } = underWay ?? NOTHING;
    const leftMs = Math.max(0, until - clock.bootMs());
    unlessDisk(() => deps.document.save(file ? { file, partBytes, next, givesWay, leftMs } : null));
  };
  const begin = (next: UnderWay | undefined): void => {
    underWay = next;
    note();
    if (!next) unlessDisk(() => deps.files.remove(deps.path));
  };

  const end = (file: SentFile, how: "sent" | "refused" | "late"): void => {
    begin(undefined);
    for (const listener of listeners) listener(file, how);
  };

  /** Nothing of it has gone yet. */
  const cutSmaller = (sending: UnderWay, partBytes: number): void => {
    const smaller = cut(sending.file, partBytes);
    if (!smaller) return end(sending.file, "refused");
    underWay = { ...sending, ...smaller };
    note();
    log("info", "file-cut-smaller", { id: sending.file.id, parts: smaller.file.parts, partBytes });
  };

  const sendPart = async (to: CloudConnection, sending: UnderWay): Promise<void> => {
    const { file, bytes, next, partBytes } = sending;
    const takes = partBytesOn(to, file.name);
    if (next === 1 && takes < partBytes) return cutSmaller(sending, takes);
    try {
      await to.publish(partOf(sending, bytes, next));
      sending.next++;
      if (sending === underWay && sending.next <= file.parts) note();
    } catch (error) {
      if (!(error instanceof CloudError)) throw error;
      log("warn", "file-part-not-sent", { id: file.id, part: next, error: error.message });
      const isRefused = error.next === "drop-and-report" || error.next === "split";
      if (!isRefused || sending !== underWay) return;
      // A broker that hasn't said how much it takes (MQTT 5, reason 0x95) may take half.
      if (next === 1) cutSmaller(sending, Math.floor(Math.min(partBytes, file.bytes) / 2));
      else end(file, "refused");
    }
  };

  /** Of the process before this one. Each start costs a part of the file's life, so that it has an end however often. */
  const resume = (): void => {
    const kept = unlessDisk(() => deps.document.load());
    const bytes = kept ? unlessDisk(() => deps.files.read(deps.path)) : undefined;
    if (!kept || underWay) return;
    const isWhole = bytes !== undefined && sumOf(bytes) === kept.file.sha256;
    const leftMs = Math.min(kept.leftMs, FILE_LIFE_MS) - FILE_LIFE_PER_START_MS;
    if (!isWhole || !(leftMs > 0) || !(kept.next <= kept.file.parts)) return begin(undefined);
    const { file, partBytes = FILE_PART_BYTES, next, givesWay } = kept;
    begin({ file, partBytes, bytes, until: clock.bootMs() + leftMs, givesWay, next });
    log("info", "file-goes-on", { id: kept.file.id, part: kept.next, parts: kept.file.parts });
  };

  return {
    send: (name, bytes, { givesWay } = { givesWay: false }) => {
      const sha256 = sumOf(bytes);
      if (underWay?.givesWay && !givesWay) end(underWay.file, "late");
      if (underWay) return underWay.file.sha256 === sha256 && underWay.file.name === name ? underWay.file : undefined;
      const file = { id: sha256.slice(0, 16), name, bytes: bytes.length, sha256 };
      const parted = cut(file, partBytesOn(connection, name));
      if (!parted) return undefined;
      unlessDisk(() => deps.files.writeDurably(deps.path, bytes));
      begin({ ...parted, bytes, until: clock.bootMs() + FILE_LIFE_MS, givesWay, next: 1 });
      waker.wake();
      return parted.file;
    },
    bytesMax: (name) => partBytesOn(connection, name) * FILE_PARTS_MAX,
    onEnded: (listener) => void listeners.push(listener),
    onConnection: (now) => {
      connection = now;
      waker.wake();
    },
    run: async (signal) => {
      resume();
      while (!signal.aborted) {
        if (underWay && clock.bootMs() >= underWay.until) {
          log("warn", "file-given-up", { id: underWay.file.id, part: underWay.next });
          end(underWay.file, "late");
        }
        if (!connection || !underWay) {
          await waker.wait(FILE_LIFE_MS, signal);
          continue;
        }
        const sending: UnderWay = underWay;
        await sendPart(connection, sending);
        // Another one may have taken its place meanwhile.
        if (underWay === sending && underWay.next > underWay.file.parts) {
          log("info", "file-sent", { ...underWay.file });
          end(underWay.file, "sent");
        }
        await waker.wait(FILE_PART_PAUSE_MS, signal);
      }
    },
  };
}

const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
