/**
 * A serial protocol of our own parts (`frame:`, `reads:`, `settings:`, `commands:` of a device file), both ways.
 *
 *   55 AA | 01      | 0E     | 81 01 1F BD … 27 10 | 15 47          pump-mk2, answer to "read status"
 *   start | address | length | body: 81, channels  | check
 *
 * An answer is known by its address and by how its body begins; the answer to a setting also by the bytes of the value,
 * when it repeats them. All else is counted and passed over, so that a late answer can't pass for the next one.
 */

import { createFrameLayout, type FrameLayout, isThere } from "./frame-layout.ts";
import { FrameScanner, NO_FRAME } from "./frame-scanner.ts";
import { createFramedDevice } from "./framed-device.ts";
import { type FramedMessage, messagesOf } from "./framed-messages.ts";
import type { AnswerOutcome, AnswerRecogniser, SerialExchange, SerialProtocol, Values } from "./model.ts";
import type { FramedSpec } from "./spec.ts";

/** Throws Error when the parts contradict each other; a loaded description never does. */
export function createFramedProtocol(spec: FramedSpec): SerialProtocol {
  const layout = createFrameLayout(spec);
  const messages = messagesOf(spec, layout);
  const { refusal } = spec;
  const message = (kind: FramedMessage["kind"], name: string): FramedMessage => {
    const found = messages.find((one) => one.kind === kind && one.name === name);
    if (found === undefined) throw new Error(`${kind} ${name}: the protocol has no such ${kind}`);
    return found;
  };
  const exchange = (address: number, one: FramedMessage, body: Uint8Array): SerialExchange => {
    const repeated = one.repeatsValue ? one.request.bytesOf("value", body) : NOTHING;
    return {
      what: `${one.kind} ${one.name}`,
      request: layout.build(address, body),
      recognise: () => new FramedAnswer({ layout, address, refusal, repeated, message: one }),
    };
  };
  return {
    kind: "serial",
    settings: spec.serial,
    timing: spec.timing,
    ...(spec.quirks ? { quirks: spec.quirks } : {}),
    reads: spec.reads.map(({ name, channels }) => ({ name, channels: channels.map(({ channel }) => channel.name) })),
    read: (address, name, newest) => {
      const one = message("read", name);
      return exchange(address, one, one.request.fill(newest));
    },
    set: (address, name, value) => {
      const one = message("set", name);
      return exchange(
        address,
        one,
        one.request.fill((placeholder) => (placeholder === "value" ? value : undefined)),
      );
    },
    command: (address, name) => {
      const one = message("command", name);
      return exchange(
        address,
        one,
        one.request.fill(() => undefined),
      );
    },
    deviceSide: (address) => createFramedDevice({ layout, messages, address, refusal }),
  };
}

const NOTHING = new Uint8Array();
const NO_VALUES: Values = new Map();

interface Expected {
  readonly layout: FrameLayout;
  readonly address: number;
  readonly refusal: Uint8Array | undefined;
  /** The value's bytes, which the answer may repeat. */
  readonly repeated: Uint8Array;
  readonly message: FramedMessage;
}

class FramedAnswer implements AnswerRecogniser {
  readonly #expected: Expected;
  readonly #scanner: FrameScanner;
  #outcome: AnswerOutcome | undefined;
  /** A frame that would be the answer if its check were right; it counts when nothing better follows it. */
  #damaged: Uint8Array | undefined;

  constructor(expected: Expected) {
    this.#expected = expected;
    const { layout } = expected;
    this.#scanner = new FrameScanner({
      sizeAt: (data, at, end) => layout.sizeAt(data, at, end, this.#bodyLengthAt),
      isIntact: (data, at, size) => layout.isIntact(data, at, size),
      accept: (data, at, size) => this.#accept(data, at, size),
      damaged: (data, at, size) => {
        if (this.#kindOf(data, at, size) !== "other") this.#damaged ??= data.slice(at, at + size);
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

  /** Frames without a length part: the answer's length follows from what it must hold. */
  readonly #bodyLengthAt = (data: Uint8Array, bodyAt: number, end: number): number | undefined => {
    const { refusal, message } = this.#expected;
    const { answer, channels } = message;
    if (refusal !== undefined && bodyAt + refusal.length <= end && isThere(refusal, data, bodyAt, end)) {
      return refusal.length + 1;
    }
    if (bodyAt + answer.length > end) return undefined;
    return isThere(answer, data, bodyAt, end) ? Math.max(answer.length, channels.end) : NO_FRAME;
  };

  #accept(data: Uint8Array, at: number, size: number): boolean {
    const kind = this.#kindOf(data, at, size);
    if (kind === "other") return false;
    this.#outcome ??= this.#outcomeOf(kind, data, at, size);
    return true;
  }

  #kindOf(data: Uint8Array, at: number, size: number): "answer" | "refused" | "other" {
    const { layout, address, refusal, repeated, message } = this.#expected;
    if (!layout.isFor(address, data, at, size)) return "other";
    const { answer } = message;
    const bodyAt = at + layout.bodyAt;
    const bodyLength = size - layout.overhead;
    const begins = (with_: Uint8Array): boolean =>
      bodyLength >= with_.length && isThere(with_, data, bodyAt, bodyAt + bodyLength);
    const isRefused = refusal !== undefined && begins(refusal);
    if (isRefused && (refusal.length > answer.length || !begins(answer))) return "refused";
    if (!begins(answer)) return "other";
    const isRepeated = bodyLength >= answer.length + repeated.length;
    return isRepeated && !isThere(repeated, data, bodyAt + answer.length, bodyAt + bodyLength) ? "other" : "answer";
  }

  #outcomeOf(kind: "answer" | "refused", data: Uint8Array, at: number, size: number): AnswerOutcome {
    const { layout, refusal, message } = this.#expected;
    const frame = data.slice(at, at + size);
    const bodyLength = size - layout.overhead;
    if (kind === "refused") {
      const code = refusal !== undefined && bodyLength > refusal.length ? frame[layout.bodyAt + refusal.length] : 0;
      return { kind, frame, code: code ?? 0 };
    }
    if (bodyLength < message.channels.end) return { kind: "bad", frame, reason: "malformed" };
    const values = message.kind === "read" ? message.channels.decode(frame, layout.bodyAt) : NO_VALUES;
    return { kind, frame, values };
  }
}
