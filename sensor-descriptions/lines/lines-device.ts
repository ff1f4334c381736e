/** The device's side of a protocol of lines: requests out of bytes, and the lines that answer them. */

import type { DecodedValue, DeviceRequest, RequestRecogniser } from "../model.ts";
import type { LineMessage, Lines } from "./lines-messages.ts";
import { constantLetters, filled, placeholdersIn, withoutWildcards } from "./text-template.ts";

/** A line with a wrong check is "bad: checksum", one that is no request of this protocol "bad: malformed". */
export function createLinesDevice(lines: Lines, address: number): RequestRecogniser {
  const splitter = lines.requests.createSplitter();
  const messages = [...lines.asked].sort((a, b) => constantLetters(b.request) - constantLetters(a.request));
  return {
    push: (bytes) => {
      const heard: DeviceRequest[] = [];
      splitter.push(bytes, ({ content, isIntact, bytes: line }) => {
        if (!isIntact) {
          heard.push({ kind: "bad", reason: "checksum", bytes: line });
          return;
        }
        const request = requestIn(lines, messages, address, content);
        if (request === "other") return;
        heard.push(request ?? { kind: "bad", reason: "malformed", bytes: line });
      });
      return heard;
    },
  };
}

/** "other": a request to another address. */
function requestIn(
  lines: Lines,
  messages: readonly LineMessage[],
  address: number,
  content: string,
): DeviceRequest | "other" | undefined {
  let isForOther = false;
  for (const message of messages) {
    const texts = placeholdersIn(message.request, content, (name) => message.letters.get(name));
    if (texts === undefined) continue;
    const to = texts.get("address");
    if (to === undefined || to === lines.addressText(address)) return requestOf(lines, message, address, texts);
    isForOther = true;
  }
  return isForOther ? "other" : undefined;
}

function requestOf(
  lines: Lines,
  message: LineMessage,
  address: number,
  texts: ReadonlyMap<string, string>,
): DeviceRequest | undefined {
  const carried = new Map<string, DecodedValue>();
  for (const [name, field] of message.placeholders) carried.set(name, field.read(texts.get(name) ?? ""));
  const beginning = filled(message.answer, (name) => texts.get(name) ?? lines.addressText(address));
  const refuse = (code: number): Uint8Array => {
    if (lines.refusal === undefined) {
      throw new Error(`refuse ${message.kind} ${message.name}: the protocol has no refusal`);
    }
    // 0 is what a refusal without a number is read as, unless the protocol has such a number.
    const isNumbered = code !== 0 || lines.refusals.has(0);
    return lines.answers.wrap(lines.refusal + (isNumbered ? String(code) : ""));
  };
  const answer = (): Uint8Array =>
    message.isUnanswered ? new Uint8Array() : lines.answers.wrap(withoutWildcards(beginning));
  switch (message.kind) {
    case "read":
      return {
        kind: "read",
        read: message.name,
        carried,
        answer: (values) => lines.answers.wrap(message.body.encode(beginning, values)),
        refuse,
      };
    case "set": {
      const value = carried.get("value");
      return typeof value === "number" ? { kind: "set", setting: message.name, value, answer, refuse } : undefined;
    }
    case "command":
      return { kind: "command", command: message.name, answer, refuse };
    case "set-up":
      return { kind: "set-up", step: Number(message.name), answer, refuse };
  }
}
