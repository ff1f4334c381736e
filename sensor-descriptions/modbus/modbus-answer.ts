/** Finds the one answer to a Modbus request among everything that comes along the line. */
import { NEED_MORE, NO_FRAME } from "../framing/frame-scanner.ts";
import type { AnswerOutcome, AnswerRecogniser } from "../model.ts";
import { type ContentScanner, EXCEPTION_NAMES, type ModbusLink, REFUSED } from "./modbus-frame.ts";

export interface ExpectedAnswer {
  readonly code: number;
  /** Size of an answer (not a refusal) whose address and function stand at `at`. */
  sizeAt(data: Uint8Array, at: number, end: number): number;
  isAnswer(content: Uint8Array): boolean;
  outcome(content: Uint8Array, frame: Uint8Array): AnswerOutcome;
}

/** Address, function with REFUSED added, code. */
const REFUSAL_BYTES = 3;

export class ModbusAnswer implements AnswerRecogniser {
  readonly #scanner: ContentScanner;
  #outcome: AnswerOutcome | undefined;
  /** A frame that would be the answer if its check were right; it counts when nothing better follows it. */
  #damaged: Uint8Array | undefined;

  /** Without `expected` nothing is an answer. */
  constructor(link: ModbusLink, address: number, expected: ExpectedAnswer | undefined) {
    this.#scanner = link.createScanner({
      sizeAt: (data, at, end) => {
        if (expected === undefined || data[at] !== address) return NO_FRAME;
        if (at + 2 > end) return NEED_MORE;
        if (data[at + 1] === expected.code + REFUSED) return REFUSAL_BYTES;
        return data[at + 1] === expected.code ? expected.sizeAt(data, at, end) : NO_FRAME;
      },
      accept: (content, frame) => {
        if (expected === undefined) return false;
        const isRefused = content[1] === expected.code + REFUSED;
        if (!isRefused && !expected.isAnswer(content)) return false;
        this.#outcome ??= isRefused ? refused(content, frame) : expected.outcome(content, frame);
        return true;
      },
      damaged: (_, frame) => {
        this.#damaged ??= frame;
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
}

function refused(content: Uint8Array, frame: Uint8Array): AnswerOutcome {
  const code = content[2] as number;
  const name = EXCEPTION_NAMES.get(code);
  return { kind: "refused", frame, code, ...(name === undefined ? {} : { name }) };
}
