/**
 * Lines of text among the bytes of a serial line, and what stands around their content:
 *
 *   $     | WIMWV,214.8,R,0.1,K,A | *     | 28     | CR LF          NMEA 0183
 *   begin | content               | after | check  | end
 *
 * Several lines that are one message stand in `block-form.ts`.
 */
import { FRAME_BYTES_MAX } from "../framing/frame-scanner.ts";
import { createBlockCodec } from "./block-form.ts";
import { bytesOfText, textOfBytes } from "./letters.ts";
import { createLineCheck, type LineCheck } from "./line-check.ts";
import type { LineForm } from "./lines-spec.ts";

/** What a line says, and where in its text. */
export interface LineContent {
  readonly content: string;
  /** Whether its check is right, or missing where it may be. */
  readonly isIntact: boolean;
  /** Where its beginning stands; before it is what belongs to no line. */
  readonly beginAt: number;
  /** Letters behind the content, up to the end: the check and what stands before it. */
  readonly checkLetters: number;
}

export interface Line extends LineContent {
  /** As it came, with its end. */
  readonly bytes: Uint8Array;
}

/** Cuts bytes that come in any portions into lines. */
export interface LineSplitter {
  /** Bytes that belonged to no line. */
  readonly strayBytes: number;
  /** Whether a line has begun. */
  readonly isWaiting: boolean;
  push(bytes: Uint8Array, take: (line: Line) => void): void;
}

/** The text of a line with its end, if that is there. */
export interface CutLine {
  readonly text: string;
  readonly isEnded: boolean;
  /** Undefined: it has no beginning. */
  readonly line: LineContent | undefined;
}

export interface LineCodec {
  wrap(content: string): Uint8Array;
  createSplitter(): LineSplitter;
  /** What stands at `at`, for whoever looks at bytes without a conversation. */
  cut(bytes: Uint8Array, at: number): CutLine;
}

export function createLineCodec(form: LineForm): LineCodec {
  if (form.isBlock) return createBlockCodec(form);
  const { begin, end } = form;
  const check = form.check && { ...createLineCheck(form.check, begin), isOptional: form.check.isOptional };
  const endByte = end.charCodeAt(end.length - 1) & 0xff;
  const unwrap = (text: string): LineContent | undefined => {
    const beginAt = begin === "" ? 0 : text.lastIndexOf(begin);
    if (beginAt < 0) return undefined;
    const whole = text.slice(beginAt + begin.length).replace(/[\r\n ]+$/, "");
    return { beginAt, ...(check ? checked(check, whole) : { content: whole, isIntact: true, checkLetters: 0 }) };
  };
  return {
    createSplitter: () => new Splitter(endByte, unwrap),
    wrap: (content) => {
      const tail = check === undefined ? "" : check.after + check.of(content);
      return bytesOfText(begin + content + tail + end);
    },
    cut: (bytes, at) => {
      const last = bytes.indexOf(endByte, at);
      const isEnded = last >= 0;
      const text = textOfBytes(bytes, at, isEnded ? last + 1 : bytes.length);
      return { text, isEnded, line: unwrap(isEnded ? text.slice(0, -1) : text) };
    },
  };
}

function checked(check: LineCheck & { readonly isOptional: boolean }, whole: string): Omit<LineContent, "beginAt"> {
  const { after, letters } = check;
  const mark = whole.length - letters - after.length;
  const hasCheck = mark >= 0 && whole.startsWith(after, mark) && check.isWritten(whole.slice(-letters));
  if (!hasCheck) {
    // A damaged check must not pass for a missing one.
    const isMissing = check.isOptional && after !== "" && !whole.includes(after);
    return { content: whole, isIntact: isMissing, checkLetters: 0 };
  }
  const content = whole.slice(0, mark);
  const isIntact = check.isRight(content, whole.slice(-letters));
  return { content, isIntact, checkLetters: after.length + letters };
}

/** What has no end within FRAME_BYTES_MAX is noise. */
class Splitter implements LineSplitter {
  strayBytes = 0;
  readonly #endByte: number;
  readonly #unwrap: (text: string) => LineContent | undefined;
  readonly #kept = new Uint8Array(FRAME_BYTES_MAX);
  #length = 0;
  /** The rest of a line that is too long. */
  #isLost = false;

  constructor(endByte: number, unwrap: (text: string) => LineContent | undefined) {
    this.#endByte = endByte;
    this.#unwrap = unwrap;
  }

  get isWaiting(): boolean {
    return this.#length > 0;
  }

  push(bytes: Uint8Array, take: (line: Line) => void): void {
    for (const byte of bytes) {
      if (this.#length === FRAME_BYTES_MAX) this.#lose();
      this.#kept[this.#length++] = byte;
      if (byte !== this.#endByte) continue;
      if (this.#isLost) this.#lose();
      else this.#take(take);
      this.#isLost = false;
    }
  }

  #lose(): void {
    this.strayBytes += this.#length;
    this.#length = 0;
    this.#isLost = true;
  }

  #take(take: (line: Line) => void): void {
    const bytes = this.#kept.slice(0, this.#length);
    this.#length = 0;
    const line = this.#unwrap(textOfBytes(bytes, 0, bytes.length - 1));
    const isEmpty = line?.content === "";
    if (line === undefined || !line.isIntact) this.strayBytes += bytes.length;
    if (line !== undefined && !isEmpty) take({ ...line, bytes });
  }
}
