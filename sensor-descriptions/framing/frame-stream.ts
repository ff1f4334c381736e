/** The frames among the bytes of a line, unwrapped, for whoever listens: the host for an answer, a device for requests. */
import type { FrameCodec, OpenFrame } from "./frame-codec.ts";
import type { BodyLengthAt } from "./frame-layout.ts";
import { FrameScanner } from "./frame-scanner.ts";

/** Valid during the call that hands it over. */
export interface Frame {
  /** Holds the body at `bodyAt`. */
  readonly data: Uint8Array;
  readonly bodyAt: number;
  readonly bodyLength: number;
  isFor(address: number): boolean;
  /** Undefined when frames carry no sequence number. */
  sequence(): number | undefined;
  /** The frame as it stood on the line. */
  line(): Uint8Array;
}

export interface FrameListener {
  readonly bodyLengthAt: BodyLengthAt;
  /** An intact frame; true when it is one that was waited for. */
  accept(frame: Frame): boolean;
  /** A frame whose check is wrong. */
  damaged(frame: Frame): void;
}

export function createFrameStream(codec: FrameCodec, listener: FrameListener): FrameScanner {
  const frame = new CurrentFrame(codec);
  const { bodyLengthAt } = listener;
  return new FrameScanner({
    hidesNone: codec.hidesNone,
    hasSureEnds: codec.hasSureEnds,
    sizeAt: (data, at, end) => codec.sizeAt(data, at, end, bodyLengthAt),
    isIntact: (data, at, size) => frame.open(data, at, size),
    accept: () => listener.accept(frame),
    damaged: () => {
      if (frame.bodyLength >= 0) listener.damaged(frame);
    },
  });
}

/** One for all frames of a stream: it is filled anew for each, so that nothing is allocated. */
class CurrentFrame implements Frame {
  /** The parts, without wrapping. */
  readonly #parts: OpenFrame = { data: new Uint8Array(), at: 0, size: 0 };
  data = this.#parts.data;
  bodyAt = 0;
  bodyLength = -1;
  readonly #codec: FrameCodec;
  #line = this.#parts.data;
  #lineAt = 0;
  #lineSize = 0;

  constructor(codec: FrameCodec) {
    this.#codec = codec;
  }

  /** Whether it is intact; `bodyLength` stays below 0 when not even its parts can be told. */
  open(line: Uint8Array, at: number, size: number): boolean {
    const { layout } = this.#codec;
    this.#line = line;
    this.#lineAt = at;
    this.#lineSize = size;
    this.bodyLength = -1;
    const parts = this.#parts;
    if (!this.#codec.open(line, at, size, parts)) return false;
    this.data = parts.data;
    this.bodyAt = parts.at + layout.bodyAt;
    this.bodyLength = parts.size - layout.overhead;
    if (this.bodyLength < 0) return false;
    if (layout.code !== undefined) this.#join(layout.code.at, layout.code.size);
    return layout.isIntact(parts.data, parts.at, parts.size);
  }

  /** Puts the code in front of the body. */
  #join(codeAt: number, size: number): void {
    const { data, at } = this.#parts;
    const body = new Uint8Array(size + this.bodyLength);
    body.set(data.subarray(at + codeAt, at + codeAt + size));
    body.set(data.subarray(this.bodyAt, this.bodyAt + this.bodyLength), size);
    this.data = body;
    this.bodyAt = 0;
    this.bodyLength = body.length;
  }

  isFor(address: number): boolean {
    const { data, at, size } = this.#parts;
    return this.#codec.layout.isFor(address, data, at, size);
  }

  sequence(): number | undefined {
    const { data, at, size } = this.#parts;
    return this.#codec.layout.sequenceOf(data, at, size);
  }

  line(): Uint8Array {
    return this.#line.slice(this.#lineAt, this.#lineAt + this.#lineSize);
  }
}
