/**
 * State that seldom changes (the twin, the kept description, pulse totals): one file per document, replaced as a whole.
 *
 *   line 1   CRC-32 (ISO-HDLC, 8 hex digits) of everything after the line end
 *   line 2…  JSON
 *
 * The copy before the newest is kept as NAME.before; a file that doesn't match its check is set aside by using that one.
 */
import { crc32 } from "node:zlib";
import type { Files, Log } from "../world.ts";

export interface StateDocument<T> {
  /** The newest copy that is whole; undefined when there is none. */
  load(): T | undefined;
  /** On the medium when it returns; throws what the file system says. */
  save(document: T): void;
}

export interface StateStore {
  /** `name`: lower-case letters and hyphens. A secret one can be read by its owner alone. */
  document<T>(name: string, options?: { readonly isSecret?: boolean }): StateDocument<T>;
}

export function createStateStore(deps: { readonly files: Files; readonly log: Log }, folder: string): StateStore {
  const { files, log } = deps;
  /** A worn sector (EIO) must not keep the station from starting: it counts as damage. */
  const readable = (path: string): Uint8Array | undefined => {
    try {
      return files.read(path);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
      log("error", "state-unreadable", { path, error: error.message });
      return undefined;
    }
  };
  return {
    document: <T>(name: string, { isSecret = false } = {}): StateDocument<T> => {
      const mode = isSecret ? 0o600 : undefined;
      const path = `${folder}/${name}.json`;
      const before = `${path}.before`;
      return {
        load: () => {
          for (const copy of [path, before]) {
            const bytes = readable(copy);
            const document = bytes && unsealed(bytes);
            if (document !== undefined) return document as T;
            if (bytes) log("error", "state-damaged", { path: copy, bytes: bytes.length });
          }
          return undefined;
        },
        save: (document) => {
          const now = readable(path);
          // A damaged copy must not replace the last whole one.
          if (now && unsealed(now) !== undefined) files.writeDurably(before, now, mode);
          files.writeDurably(path, sealed(document), mode);
        },
      };
    },
  };
}

const check = (text: string): string => crc32(text).toString(16).padStart(8, "0");

function sealed(document: unknown): Uint8Array {
  const text = JSON.stringify(document);
  return new TextEncoder().encode(`${check(text)}\n${text}`);
}

/** undefined when the bytes are not what was written. */
function unsealed(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  const [sum, body] = [text.slice(0, 8), text.slice(9)];
  if (text[8] !== "\n" || check(body) !== sum) return undefined;
  return JSON.parse(body) as unknown;
}
