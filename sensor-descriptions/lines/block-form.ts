/**
 * Blocks: several lines that are one message, with one check over all of them. Each line is a field of the block.
 *
 *   CR LF | PID HT 0xA042 CR LF … HSDS HT 35    | CR LF Checksum HT | 72      |          VE.Direct
 *   STX   | 1.8.0(000123.4*kWh) CR LF … 0.0.0() | CR LF ! CR LF ETX | BCC     |          IEC 62056-21
 *   /     | ISk5\2MT382-1000 CR LF CR LF …      | CR LF !           | F46A    | CR LF    DSMR P1
 *   begin | content                             | after             | check   | end
 */
import { bytesOfText, textOfBytes } from "./letters.ts";
import { createLineCheck } from "./line-check.ts";
import type { Line, LineCodec, LineContent, LineSplitter } from "./line-form.ts";
import type { LineForm } from "./lines-spec.ts";

/** A DSMR telegram has up to some 4,000 bytes, 2,048 of which are a text message. */
export const BLOCK_BYTES_MAX = 8192;

/** Throws Error when nothing says where a block ends; a loaded description always does. */
export function createBlockCodec(form: LineForm): LineCodec {
  const parts = partsOf(form);
  return {
    wrap: (content) => bytesOfText(form.begin + content + parts.tailOf(content) + form.end),
    createSplitter: () => new BlockSplitter(parts),
    cut: (bytes, at) => {
      let to = at;
      while (to < bytes.length && !parts.isEnd(bytes, at, ++to));
      const isEnded = parts.isEnd(bytes, at, to);
      const text = textOfBytes(bytes, at, to);
      return { text, isEnded, line: isEnded ? parts.unwrap(text) : parts.unended(text) };
    },
  };
}

interface BlockParts {
  /** What stands behind the content, without the end. */
  tailOf(content: string): string;
  /** Whether a block that begins at `from` or later ends before `to`. */
  isEnd(bytes: Uint8Array, from: number, to: number): boolean;
  /** Of a text with its end; undefined: it has no beginning. */
  unwrap(text: string): LineContent | undefined;
  /** Of a text that is cut. */
  unended(text: string): LineContent | undefined;
}

function partsOf(form: LineForm): BlockParts {
  const { begin, end } = form;
  const check = form.check && createLineCheck(form.check, begin);
  if (check === undefined ? end === "" : check.after === "") throw new Error("a block: nothing says where it ends");
  const afterBytes = bytesOfText(check?.after ?? "");
  const endBytes = bytesOfText(end);
  const checkLetters = check?.letters ?? 0;
  const tailBytes = afterBytes.length + checkLetters;
  const beginAt = beginningIn(form);
  return {
    tailOf: (content) => (check === undefined ? "" : check.after + check.of(content)),
    isEnd: (bytes, from, to) => {
      const tailAt = to - endBytes.length - tailBytes;
      if (tailAt < from || !standsAt(endBytes, bytes, to - endBytes.length)) return false;
      if (check === undefined) return true;
      const checkAt = tailAt + afterBytes.length;
      return (
        standsAt(afterBytes, bytes, tailAt) && check.isWritten(textOfBytes(bytes, checkAt, checkAt + checkLetters))
      );
    },
    unwrap: (text) => {
      const contentEnd = text.length - end.length - tailBytes;
      const at = beginAt(text.slice(0, contentEnd));
      if (at < 0) return undefined;
      const content = text.slice(at + begin.length, contentEnd);
      const written = text.slice(contentEnd + afterBytes.length, text.length - end.length);
      return { content, isIntact: check?.isRight(content, written) ?? true, beginAt: at, checkLetters: tailBytes };
    },
    unended: (text) => {
      const at = beginAt(text);
      return at < 0
        ? undefined
        : { content: text.slice(at + begin.length), isIntact: false, beginAt: at, checkLetters: 0 };
    },
  };
}

/**
 * A beginning that can't stand inside of a block begins a new one wherever it comes. One that also ends lines (VE.Direct:
 * CR LF) tells nothing by itself: such a block begins where the one before ended.
 */
function beginningIn({ begin, separator }: LineForm): (text: string) => number {
  if (begin === "") return () => 0;
  const isInside = typeof separator === "object" && (separator.text.includes(begin) || begin.includes(separator.text));
  return isInside ? (text) => text.indexOf(begin) : (text) => text.lastIndexOf(begin);
}

function standsAt(wanted: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = wanted.length - 1; i >= 0; i--) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** What has no end within BLOCK_BYTES_MAX is noise. */
class BlockSplitter implements LineSplitter {
  strayBytes = 0;
  readonly #parts: BlockParts;
  readonly #kept = new Uint8Array(BLOCK_BYTES_MAX);
  #length = 0;

  constructor(parts: BlockParts) {
    this.#parts = parts;
  }

  get isWaiting(): boolean {
    return this.#length > 0;
  }

  push(bytes: Uint8Array, take: (line: Line) => void): void {
    for (const byte of bytes) {
      if (this.#length === BLOCK_BYTES_MAX) {
        this.strayBytes += this.#length;
        this.#length = 0;
      }
      this.#kept[this.#length++] = byte;
      if (this.#parts.isEnd(this.#kept, 0, this.#length)) this.#take(take);
    }
  }

  #take(take: (line: Line) => void): void {
    const bytes = this.#kept.slice(0, this.#length);
    this.#length = 0;
    const line = this.#parts.unwrap(textOfBytes(bytes));
    this.strayBytes += line?.isIntact ? line.beginAt : bytes.length;
    if (line !== undefined && line.content !== "") take({ ...line, bytes: bytes.subarray(line.beginAt) });
  }
}
