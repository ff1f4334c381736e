/** The device's side of a framed protocol: requests out of bytes, and the frames that answer them. */

import { type FrameLayout, isThere } from "./frame-layout.ts";
import { FrameScanner, NO_FRAME } from "./frame-scanner.ts";
import type { FramedMessage } from "./framed-messages.ts";
import type { DeviceRequest, RequestRecogniser } from "./model.ts";

interface Side {
  readonly layout: FrameLayout;
  readonly messages: readonly FramedMessage[];
  readonly address: number;
  readonly refusal: Uint8Array | undefined;
}

/**
 * Hears requests to `address` in any portions. Frames for other addresses are passed over; a frame of ours with a wrong
 * check is "bad: checksum", one whose body is no request of this protocol "bad: malformed".
 */
export function createFramedDevice(side: Side): RequestRecogniser {
  const { layout, address } = side;
  // Of several requests that fit, the one with the most constant bytes is meant.
  const requests = [...side.messages].sort((a, b) => b.request.constantBytes - a.request.constantBytes);
  let heard: DeviceRequest[] = [];
  const bad = (reason: "checksum" | "malformed", data: Uint8Array, at: number, size: number): void => {
    heard.push({ kind: "bad", reason, bytes: data.slice(at, at + size) });
  };
  const bodyLengthAt = (data: Uint8Array, bodyAt: number, end: number): number | undefined => {
    const begins = requests.filter(({ request }) => isThere(request.beginning, data, bodyAt, end));
    const [first] = begins.filter(({ request }) => bodyAt + request.beginning.length <= end);
    return first?.request.length ?? (begins.length > 0 ? undefined : NO_FRAME);
  };
  const scanner = new FrameScanner({
    sizeAt: (data, at, end) => layout.sizeAt(data, at, end, bodyLengthAt),
    isIntact: (data, at, size) => layout.isIntact(data, at, size),
    accept: (data, at, size) => {
      if (!layout.isFor(address, data, at, size)) return false;
      const bodyAt = at + layout.bodyAt;
      const bodyLength = size - layout.overhead;
      const message = requests.find(({ request }) => request.matches(data, bodyAt, bodyLength));
      const request = message && requestOf(side, message, data.slice(bodyAt, bodyAt + bodyLength));
      if (request === undefined) bad("malformed", data, at, size);
      else heard.push(request);
      return true;
    },
    damaged: (data, at, size) => {
      if (layout.isFor(address, data, at, size)) bad("checksum", data, at, size);
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

/** Undefined when the value to be set is a raw value that stands for a reason. */
function requestOf(side: Side, message: FramedMessage, body: Uint8Array): DeviceRequest | undefined {
  const { layout, address } = side;
  const refuse = (code: number): Uint8Array => refusalFrame(side, message, code);
  const values = message.request.values(body, 0);
  const answer = (): Uint8Array => {
    const repeated = message.repeatsValue ? message.request.bytesOf("value", body) : [];
    return layout.build(address, Uint8Array.of(...message.answer, ...repeated));
  };
  switch (message.kind) {
    case "read": {
      const answerRead: Extract<DeviceRequest, { kind: "read" }>["answer"] = (answered) => {
        const content = new Uint8Array(Math.max(message.answer.length, message.channels.end));
        content.set(message.answer);
        message.channels.encode(content, 0, answered);
        return layout.build(address, content);
      };
      return { kind: "read", read: message.name, carried: values, answer: answerRead, refuse };
    }
    case "set": {
      const value = values.get("value");
      if (typeof value !== "number") return undefined;
      return { kind: "set", setting: message.name, value, answer, refuse };
    }
    case "command":
      return { kind: "command", command: message.name, answer, refuse };
  }
}

function refusalFrame({ layout, address, refusal }: Side, { kind, name }: FramedMessage, code: number): Uint8Array {
  if (refusal === undefined) throw new Error(`refuse ${kind} ${name}: the protocol has no refusal`);
  if (!Number.isInteger(code) || code < 0 || code > 255) throw new RangeError(`refusal code ${code}: it is one byte`);
  return layout.build(address, Uint8Array.of(...refusal, code));
}
