/**
 * Lines of text among the bytes of a serial line, and what stands around their content:
 *
 *   $     | WIMWV,214.8,R,0.1,K,A | *     | 28     | CR LF          NMEA 0183
 *   begin | content               | after | check  | end
 */
import { type Checksum, createChecksum } from "../checksum/checksum.ts";
import { FRAME_BYTES_MAX } from "../framing/frame-scanner.ts";
import { hexDigits } from "../framing/hex-digits.ts";
import { bytesOfText, textOfBytes } from "./letters.ts";
import type { LineForm } from "./lines-spec.ts";

export interface Line {
  readonly content: string;
  /** Whether its check is right, or missing where it may be. */
  readonly isIntact: boolean;
  /** As it came, with its end. */
  readonly bytes: Uint8Array;
}

export interface LineCodec {
  wrap(content: string): Uint8Array;
  /** The content of a line without its end; undefined when it has no beginning. */
  unwrap(text: string): Omit<Line, "bytes"> | undefined;
  /** The last byte of each line. */
  readonly endByte: number;
}

export function createLineCodec({ begin, end, check }: LineForm): LineCodec {
  const checked = check && { ...check, sum: createChecksum(check.check) };
  return {
    endByte: end.charCodeAt(end.length - 1) & 0xff,
    wrap: (content) => {
      const tail = checked === undefined ? "" : checked.after + digitsOf(checked.sum, content);
      return bytesOfText(begin + content + tail + end);
    },
    unwrap: (text) => {
      const from = begin === "" ? 0 : text.lastIndexOf(begin);
      if (from < 0) return undefined;
      const whole = text.slice(from + begin.length).replace(/[\r\n ]+$/, "");
      if (checked === undefined) return { content: whole, isIntact: true };
      const digits = 2 * checked.sum.bytes;
      const mark = whole.length - digits - checked.after.length;
      const hasCheck = mark >= 0 && whole.startsWith(checked.after, mark) && /^[0-9a-f]+$/i.test(whole.slice(-digits));
      if (!hasCheck) {
        // A damaged check must not pass for a missing one.
        const isMissing = checked.isOptional && checked.after !== "" && !whole.includes(checked.after);
        return { content: whole, isIntact: isMissing };
      }
      const content = whole.slice(0, mark);
      return { content, isIntact: digitsOf(checked.sum, content) === whole.slice(-digits).toUpperCase() };
    },
  };
}

const digitsOf = (sum: Checksum, content: string): string => hexDigits(sum.of(bytesOfText(content)), 2 * sum.bytes);

/** Cuts bytes that come in any portions into lines; what has no end within FRAME_BYTES_MAX is noise. */
export class LineSplitter {
  /** Bytes that belonged to no line. */
  strayBytes = 0;
  readonly #codec: LineCodec;
  readonly #kept = new Uint8Array(FRAME_BYTES_MAX);
  #length = 0;
  /** The rest of a line that is too long. */
  #isLost = false;

  constructor(codec: LineCodec) {
    this.#codec = codec;
  }

  get isWaiting(): boolean {
    return this.#length > 0;
  }

  push(bytes: Uint8Array, take: (line: Line) => void): void {
    for (const byte of bytes) {
      if (this.#length === FRAME_BYTES_MAX) this.#lose();
      this.#kept[this.#length++] = byte;
      if (byte !== this.#codec.endByte) continue;
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
    const line = this.#codec.unwrap(textOfBytes(bytes, 0, bytes.length - 1));
    const isEmpty = line?.content === "";
    if (line === undefined || !line.isIntact) this.strayBytes += bytes.length;
    if (line !== undefined && !isEmpty) take({ ...line, bytes });
  }
}
