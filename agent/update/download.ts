/**
 * A file on its way here, in pieces, over links that break and through restarts: what came lies in one file, of which
 * copy it is stands in the state. Bytes that were damaged on the way or by a power cut are found by the checksum.
 */
import { createHash } from "node:crypto";
import { DOWNLOAD_PIECE_BYTES, UPDATE_PACKED_BYTES_MAX } from "../limits.ts";
import { DownloadError, type Downloads, type Files } from "../world.ts";

/** What is remembered of a file that is partly here. */
export interface PartialDownload {
  readonly sha256: string;
  readonly url: string;
  readonly etag?: string;
  /** Of the whole. */
  readonly bytes?: number;
}

export interface DownloadDeps {
  readonly files: Files;
  readonly downloads: Downloads;
  readonly part: { readonly now: PartialDownload | undefined; change(part: PartialDownload | undefined): void };
  /** Something came. */
  readonly onProgress: () => void;
}

export interface Download {
  /** The whole file, as soon as it is here and has this checksum. Throws DownloadError; the next call goes on. */
  fetch(wanted: { readonly url: string; readonly sha256: string }, signal: AbortSignal): Promise<Uint8Array>;
  /** In steps of a quarter, 0 to 75; undefined as long as nobody knows. */
  percent(): number | undefined;
  forget(): void;
}

export function createDownload({ files, downloads, part, onProgress }: DownloadDeps, path: string): Download {
  let here = 0;

  const forget = (): void => {
    files.remove(path);
    here = 0;
    if (part.now) part.change(undefined);
  };
  const whole = (sha256: string): Uint8Array | undefined => {
    const bytes = part.now?.sha256 === sha256 ? files.read(path) : undefined;
    return bytes && sumOf(bytes) === sha256 ? bytes : undefined;
  };

  const fetchRest = async (wanted: { url: string; sha256: string }, signal: AbortSignal): Promise<boolean> => {
    const known = part.now;
    // An ETag means something for its own address only; the same bytes elsewhere are found out by the checksum.
    const etag = known?.url === wanted.url ? known.etag : undefined;
    const from = files.read(path)?.length ?? 0;
    const pieces = piecesInto(files, path, () => {
      here = pieces.end();
      onProgress();
    });
    let isResumed = false;
    try {
      await downloads.get(
        { url: wanted.url, from, bytesMax: UPDATE_PACKED_BYTES_MAX, ...(etag !== undefined && { etag }) },
        {
          onHead: (head) => {
            isResumed = head.from > 0;
            pieces.begin(head.from);
            const { bytes, etag: tag } = head;
            part.change({ ...wanted, ...(bytes !== undefined && { bytes }), ...(tag !== undefined && { etag: tag }) });
          },
          onPiece: (bytes) => pieces.take(bytes),
        },
        signal,
      );
    } finally {
      pieces.flush();
    }
    return isResumed;
  };

  return {
    fetch: async ({ url, sha256 }, signal) => {
      const before = whole(sha256);
      if (before) return before;
      if (part.now && part.now.sha256 !== sha256) forget();
      // Longer than it should be, or whole and wrong: there is nothing to go on from.
      if (part.now?.bytes !== undefined && (files.read(path)?.length ?? 0) >= part.now.bytes) forget();
      let isResumed: boolean;
      try {
        isResumed = await fetchRest({ url, sha256 }, signal);
      } catch (error) {
        if (error instanceof DownloadError && (error.failure === "other-file" || error.failure === "too-large"))
          forget();
        throw error;
      }
      const bytes = whole(sha256);
      if (bytes) return bytes;
      const found = sumOf(files.read(path) ?? new Uint8Array());
      forget();
      const words = `its SHA-256 is ${found}, not ${sha256}`;
      throw new DownloadError(isResumed ? "other-file" : "refused", words);
    },
    percent: () => {
      const bytes = part.now?.bytes;
      return bytes === undefined || bytes === 0 ? undefined : Math.min(75, Math.floor((4 * here) / bytes) * 25);
    },
    forget,
  };
}

const sumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Gathers what comes, so that the medium is written in pieces worth a write. */
function piecesInto(files: Files, path: string, onWritten: () => void) {
  let at = 0;
  let count = 0;
  let waiting: Uint8Array[] = [];
  const flush = (): void => {
    if (count === 0) return;
    files.writeAt(path, at, Buffer.concat(waiting));
    at += count;
    waiting = [];
    count = 0;
    onWritten();
  };
  return {
    begin: (from: number): void => {
      at = from;
      if (from === 0) files.writeAt(path, 0, new Uint8Array());
    },
    take: (bytes: Uint8Array): void => {
      waiting.push(bytes);
      count += bytes.length;
      if (count >= DOWNLOAD_PIECE_BYTES) flush();
    },
    flush,
    end: (): number => at,
  };
}
