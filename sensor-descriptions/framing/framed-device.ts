/** The device's side of a framed protocol: requests out of bytes, and the frames that answer them. */

import type { DeviceRequest, RequestRecogniser } from "../model.ts";
import type { FrameCodec } from "./frame-codec.ts";
import { type BodyLengthAt, isThere } from "./frame-layout.ts";
import { NO_FRAME } from "./frame-scanner.ts";
import { createFrameStream, type Frame } from "./frame-stream.ts";
import type { FramedMessage } from "./framed-messages.ts";
import { type RefusalSpec, refusalBytes } from "./refusal.ts";

interface Side {
  readonly requests: FrameCodec;
  readonly answers: FrameCodec;
  readonly messages: readonly FramedMessage[];
  readonly address: number;
  readonly refusal: RefusalSpec | undefined;
}

/**
 * Hears requests to `address` in any portions. Frames for other addresses are passed over; a frame of ours with a wrong
 * check is "bad: checksum", one whose body is no request of this protocol "bad: malformed".
 */
export function createFramedDevice(side: Side): RequestRecogniser {
  const { requests: codec, address } = side;
  const requests = mostConstantFirst(side.messages);
  let heard: DeviceRequest[] = [];
  const bad = (reason: "checksum" | "malformed", frame: Frame): void => {
    heard.push({ kind: "bad", reason, bytes: frame.line() });
  };
  const scanner = createFrameStream(codec, {
    bodyLengthAt: requestLengthAmong(requests),
    accept: (frame) => {
      if (!frame.isFor(address)) return false;
      const { data, bodyAt, bodyLength } = frame;
      const message = requests.find(({ request }) => request.matches(data, bodyAt, bodyLength));
      const body = data.slice(bodyAt, bodyAt + bodyLength);
      const request = message && requestOf(side, message, body, frame.sequence() ?? 0);
      if (request === undefined) bad("malformed", frame);
      else heard.push(request);
      return true;
    },
    damaged: (frame) => {
      if (frame.isFor(address)) bad("checksum", frame);
    },
  });
  return {
    push: (bytes) => {
      heard = [];
      scanner.push(bytes);
      return heard;
    },
  };
}

/** Of several requests that fit, the one with the most constant bytes is meant. */
export const mostConstantFirst = (messages: readonly FramedMessage[]): readonly FramedMessage[] =>
  [...messages].sort((a, b) => b.request.constantBytes - a.request.constantBytes);

export const requestLengthAmong =
  (requests: readonly FramedMessage[]): BodyLengthAt =>
  (data, bodyAt, end) => {
    const begins = requests.filter(({ request }) => isThere(request.beginning, data, bodyAt, end));
    const [first] = begins.filter(({ request }) => bodyAt + request.beginning.length <= end);
    return first?.request.length ?? (begins.length > 0 ? undefined : NO_FRAME);
  };

/** Undefined when the value to be set is a raw value that stands for a reason. */
function requestOf(side: Side, message: FramedMessage, body: Uint8Array, sequence: number): DeviceRequest | undefined {
  const { answers, address } = side;
  const refuse = (code: number): Uint8Array => refusalFrame(side, message, code, sequence);
  const values = message.request.values(body, 0);
  const answer = (): Uint8Array => {
    if (message.isUnanswered) return new Uint8Array();
    const repeated = message.repeatsValue ? message.request.bytesOf("value", body) : [];
    return answers.build(address, Uint8Array.of(...message.body.beginning, ...repeated), sequence);
  };
  switch (message.kind) {
    case "read": {
      const answerRead: Extract<DeviceRequest, { kind: "read" }>["answer"] = (answered) =>
        answers.build(address, message.body.encode(answered), sequence);
      return { kind: "read", read: message.name, carried: values, answer: answerRead, refuse };
    }
    case "set": {
      const value = values.get("value");
      if (typeof value !== "number") return undefined;
      return { kind: "set", setting: message.name, value, answer, refuse };
    }
    case "command":
      return { kind: "command", command: message.name, answer, refuse };
    case "set-up":
      return { kind: "set-up", step: Number(message.name), answer, refuse };
  }
}

function refusalFrame(
  { answers, address, refusal }: Side,
  { kind, name, request }: FramedMessage,
  code: number,
  sequence: number,
): Uint8Array {
  if (refusal === undefined) throw new Error(`refuse ${kind} ${name}: the protocol has no refusal`);
  if (!Number.isInteger(code) || code < 0 || code > 255) throw new RangeError(`refusal code ${code}: it is one byte`);
  return answers.build(address, refusalBytes(refusal, code, request.beginning), sequence);
}
