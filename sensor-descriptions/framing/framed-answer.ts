/** Tells the answer to one request from everything else on the line. */

import type { AnswerOutcome, AnswerRecogniser, Values } from "../model.ts";
import type { FrameCodec } from "./frame-codec.ts";
import { isThere } from "./frame-layout.ts";
import { type FrameScanner } from "./frame-scanner.ts";
import { createFrameStream, type Frame } from "./frame-stream.ts";
import type { FramedMessage } from "./framed-messages.ts";
import { codeIn, constantBytes, isRefusal, type RefusalSpec } from "./refusal.ts";

interface Expected {
  readonly codec: FrameCodec;
  readonly address: number;
  /** Undefined: requests carry none, and so it doesn't matter which one an answer has. */
  readonly sequence: number | undefined;
  readonly refusal: RefusalSpec | undefined;
  readonly refusals: ReadonlyMap<number, string>;
  /** The value's bytes, which the answer may repeat. */
  readonly repeated: Uint8Array;
  readonly message: FramedMessage;
}

const NO_VALUES: Values = new Map();

export class FramedAnswer implements AnswerRecogniser {
  readonly #expected: Expected;
  readonly #scanner: FrameScanner;
  #outcome: AnswerOutcome | undefined;
  /** A frame that would be the answer if its check were right; it counts when nothing better follows it. */
  #damaged: Uint8Array | undefined;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#scanner = createFrameStream(expected.codec, {
      bodyLengthAt: this.#bodyLengthAt,
      accept: (frame) => this.#accept(frame),
      damaged: (frame) => {
        if (this.#kindOf(frame) !== "other") this.#damaged ??= frame.line();
      },
    });
  }

  get otherFrames(): number {
    return this.#scanner.otherFrames;
  }

  get strayBytes(): number {
    return this.#scanner.strayBytes;
  }

  push(bytes: Uint8Array): AnswerOutcome | undefined {
    this.#scanner.push(bytes);
    if (this.#outcome !== undefined) return this.#outcome;
    if (this.#damaged === undefined || this.#scanner.isWaiting) return undefined;
    return { kind: "bad", frame: this.#damaged, reason: "checksum" };
  }

  /** Frames that don't say how long they are: the answer's length follows from what it must hold. */
  readonly #bodyLengthAt = (data: Uint8Array, bodyAt: number, end: number): number | undefined => {
    const { refusal, message } = this.#expected;
    if (refusal !== undefined && isRefusal(refusal, data, bodyAt, end, message.request.beginning))
      return refusal.bytes.length;
    return message.body.lengthAt(data, bodyAt, end);
  };

  #accept(frame: Frame): boolean {
    const kind = this.#kindOf(frame);
    if (kind === "other") return false;
    this.#outcome ??= this.#outcomeOf(kind, frame);
    return true;
  }

  #kindOf(frame: Frame): "answer" | "refused" | "other" {
    const { address, sequence, refusal, repeated, message } = this.#expected;
    if (!frame.isFor(address)) return "other";
    if (sequence !== undefined && (frame.sequence() ?? sequence) !== sequence) return "other";
    const { data, bodyAt, bodyLength } = frame;
    const { beginning } = message.body;
    const isAnswer = message.body.isThere(data, bodyAt, bodyLength);
    const isRefused =
      refusal !== undefined && isRefusal(refusal, data, bodyAt, bodyAt + bodyLength, message.request.beginning);
    if (isRefused && (constantBytes(refusal) > beginning.length || !isAnswer)) return "refused";
    if (!isAnswer) return "other";
    const repeatedAt = bodyAt + beginning.length;
    const isRepeated = bodyLength >= beginning.length + repeated.length;
    return isRepeated && !isThere(repeated, data, repeatedAt, bodyAt + bodyLength) ? "other" : "answer";
  }

  #outcomeOf(kind: "answer" | "refused", frame: Frame): AnswerOutcome {
    const { message, refusal, refusals } = this.#expected;
    const { data, bodyAt, bodyLength } = frame;
    const line = frame.line();
    if (kind === "refused") {
      const code = refusal === undefined ? 0 : codeIn(refusal, data, bodyAt, bodyAt + bodyLength);
      const name = refusals.get(code);
      return { kind, frame: line, code, ...(name === undefined ? {} : { name }) };
    }
    const values = message.body.decode(data, bodyAt, bodyLength);
    if (values === undefined) return { kind: "bad", frame: line, reason: "malformed" };
    return { kind, frame: line, values: message.kind === "read" ? values : NO_VALUES };
  }
}
