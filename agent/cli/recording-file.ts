/** A recording that grows: held in memory, saved whenever it has doubled, and at the end. */
import { BUS_RECORDING_BYTES_MAX } from "../limits.ts";
import { type BusEvent, type BusHead, lineFrom } from "../tap/recording.ts";
import type { Files } from "../world.ts";

export interface RecordingFile {
  /** What is too much is left out: see `isFull`. */
  add(event: BusEvent): void;
  isFull(): boolean;
  counted(): { readonly events: number; readonly bytes: number };
  save(): void;
}

/** So little is not worth a write of its own. */
const SAVE_BYTES_MIN = 64 * 1024;

/** Written once at once, so that a folder that can't be written is known before anybody waits. */
export function createRecordingFile(
  files: Files,
  path: string,
  head: BusHead,
  bytesMax = BUS_RECORDING_BYTES_MAX,
): RecordingFile {
  const lines = [lineFrom(head)];
  let bytes = Buffer.byteLength(lines[0] ?? "");
  let savedBytes = 0;
  let isFull = false;
  const save = (): void => {
    // The whole file each time, and never the half of a line; doubling keeps the writes below twice its size.
    files.writeDurably(path, new TextEncoder().encode(lines.join("")), 0o644);
    savedBytes = bytes;
  };
  save();
  return {
    add: (event) => {
      const line = lineFrom(event);
      isFull ||= bytes + line.length > bytesMax;
      if (isFull) return;
      lines.push(line);
      bytes += Buffer.byteLength(line);
      if (bytes - savedBytes > Math.max(SAVE_BYTES_MIN, savedBytes)) save();
    },
    isFull: () => isFull,
    counted: () => ({ events: lines.length - 1, bytes }),
    save,
  };
}
