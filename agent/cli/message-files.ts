/**
 * Files with messages of a station, as they come out of a broker, a hub or a log. A file is
 *
 *   a message              its bytes: CBOR (0x80…0x98) or alarms ("[")
 *   text, a message a line hex digits (spaces allowed) | base64 | {"topic": …, "payload": base64}, topic if known
 */
import { topicParts } from "../wire/topics.ts";

/** `place`: file, or file:line. */
export type FoundMessage = { readonly place: string } & (
  | { readonly bytes: Uint8Array }
  | { readonly problem: string }
  | { readonly otherTopic: string }
);

export function messagesIn(path: string, bytes: Uint8Array): readonly FoundMessage[] {
  const first = bytes[0];
  if (first === undefined) return [{ place: path, problem: "the file is empty" }];
  if (first === ALARMS_BEGIN || (first >= CBOR_FROM && first <= CBOR_TO)) return [{ place: path, bytes }];
  const text = textFrom(bytes);
  if (text === undefined) {
    const begin = `0x${first.toString(16).padStart(2, "0")}`;
    return [{ place: path, problem: `it begins with ${begin}, as no message does, and it isn't text` }];
  }
  return text.split(/\r?\n/).flatMap((line, index): FoundMessage[] => {
    const trimmed = line.trim();
    return trimmed === "" ? [] : [{ place: `${path}:${index + 1}`, ...messageOf(trimmed) }];
  });
}

const ALARMS_BEGIN = 0x5b;
const CBOR_FROM = 0x80;
const CBOR_TO = 0x98;

function textFrom(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

type Found = { bytes: Uint8Array } | { problem: string } | { otherTopic: string };

const HEX = /^(?:[0-9a-f]{2}\s*)+$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

function messageOf(line: string): Found {
  if (line.startsWith("{")) return dumped(line);
  if (HEX.test(line)) return { bytes: Buffer.from(line.replaceAll(/\s/g, ""), "hex") };
  if (BASE64.test(line)) return { bytes: Buffer.from(line, "base64") };
  return { problem: 'neither hex digits nor base64 nor {"topic": …, "payload": …}' };
}

function dumped(line: string): Found {
  let dump: unknown;
  try {
    dump = JSON.parse(line);
  } catch (error) {
    return { problem: `no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  const { topic, payload } = dump as { readonly topic?: unknown; readonly payload?: unknown };
  if (typeof topic === "string" && !holdsMessages(topic)) return { otherTopic: topic };
  if (typeof payload !== "string") return { problem: 'it has no "payload" with base64' };
  if (!BASE64.test(payload)) return { problem: 'its "payload" is not base64' };
  return { bytes: Buffer.from(payload, "base64") };
}

/** A station's twin, commands and sign of life are JSON for themselves. Topics of hubs are taken as they are. */
const NO_MESSAGES = ["twin", "command", "alive"];
const holdsMessages = (topic: string): boolean => !NO_MESSAGES.includes(topicParts(topic)?.path[0] ?? "");
