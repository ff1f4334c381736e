/** Tells the line that answers a request from everything else. */

import type { AnswerOutcome, AnswerRecogniser, Values } from "../model.ts";
import type { Line, LineSplitter } from "./line-form.ts";
import type { LineMessage, Lines } from "./lines-messages.ts";
import { beginsLike } from "./text-template.ts";

interface Expected {
  readonly lines: Lines;
  readonly message: LineMessage;
  readonly beginning: string;
}

const NO_VALUES: Values = new Map();

export class LineAnswer implements AnswerRecogniser {
  otherFrames = 0;
  readonly #expected: Expected;
  readonly #splitter: LineSplitter;
  #outcome: AnswerOutcome | undefined;
  /** A line that would be the answer if its check were right; it counts when nothing better follows it. */
  #damaged: Uint8Array | undefined;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#splitter = expected.lines.answers.createSplitter();
  }

  get strayBytes(): number {
    return this.#splitter.strayBytes;
  }

  push(bytes: Uint8Array): AnswerOutcome | undefined {
    this.#splitter.push(bytes, (line) => this.#take(line));
    if (this.#outcome !== undefined) return this.#outcome;
    if (this.#damaged === undefined || this.#splitter.isWaiting) return undefined;
    return { kind: "bad", frame: this.#damaged, reason: "checksum" };
  }

  #take(line: Line): void {
    const outcome = this.#outcomeOf(line);
    if (!line.isIntact) {
      if (outcome !== undefined) this.#damaged ??= line.bytes;
    } else if (outcome === undefined) this.otherFrames++;
    else this.#outcome ??= outcome;
  }

  #outcomeOf({ content, bytes }: Line): AnswerOutcome | undefined {
    const { lines, message, beginning } = this.#expected;
    const { refusal } = lines;
    if (refusal !== undefined && content.startsWith(refusal) && refusal.length > beginning.length) {
      return this.#refused(bytes, content.slice(refusal.length));
    }
    if (beginsLike(beginning, content) && message.body.isMeant(content)) {
      const values = message.kind === "read" ? message.body.decode(content) : NO_VALUES;
      return { kind: "answer", frame: bytes, values };
    }
    return refusal !== undefined && content.startsWith(refusal)
      ? this.#refused(bytes, content.slice(refusal.length))
      : undefined;
  }

  #refused(frame: Uint8Array, rest: string): AnswerOutcome {
    const code = Number(/\d{1,9}/.exec(rest)?.[0] ?? 0);
    const name = this.#expected.lines.refusals.get(code);
    return { kind: "refused", frame, code, ...(name === undefined ? {} : { name }) };
  }
}
