/**
 * A serial protocol of our own parts (`frame:`, `reads:`, `settings:`, `commands:` of a device file), both ways.
 *
 *   55 AA | 01      | 0E     | 81 01 1F BD … 27 10 | 15 47          pump-mk2, answer to "read status"
 *   start | address | length | body: 81, channels  | check
 *
 * An answer is known by its address, its sequence number where there is one, and by how its body begins; the answer to
 * a setting also by the bytes of the value, when it repeats them. All else is counted and passed over, so that a late
 * answer can't pass for the next one.
 */

import type { SerialExchange, SerialProtocol } from "../model.ts";
import { serialSetUp } from "../set-up.ts";
import type { FramedSpec, FramePart } from "../spec.ts";
import { createFrameCodec, type FrameCodec } from "./frame-codec.ts";
import { createFrameLayout } from "./frame-layout.ts";
import { FramedAnswer } from "./framed-answer.ts";
import { createFramedDevice } from "./framed-device.ts";
import { type FramedMessage, type FramedMessages, messagesOf } from "./framed-messages.ts";
import { createReportRecogniser } from "./framed-reports.ts";

/** What a framed description is compiled to, for whoever looks at bytes without a conversation. */
export interface FramedParts {
  readonly answers: FrameCodec;
  /** The same as `answers` unless requests look different. */
  readonly requests: FrameCodec;
  readonly messages: FramedMessages;
}

/** Throws Error when the parts contradict each other; a loaded description never does. */
export function framedPartsOf(spec: FramedSpec): FramedParts {
  const codecOf = (parts: readonly FramePart[]): FrameCodec => {
    const codec = createFrameCodec(createFrameLayout(parts, spec.byteOrder), parts, spec.wrapping);
    if (codec.layout.code === undefined || codec.endsItself) return codec;
    throw new Error("frame: it has a code apart from its body, and doesn't say where the body ends");
  };
  const answers = codecOf(spec.frame);
  const requests = spec.requestFrame === undefined ? answers : codecOf(spec.requestFrame);
  return { answers, requests, messages: messagesOf(spec, { request: requests, answer: answers }) };
}

/** Throws as above. */
export function createFramedProtocol(spec: FramedSpec): SerialProtocol {
  const { answers, requests, messages } = framedPartsOf(spec);
  const { refusal, refusals = new Map<number, string>() } = spec;

  const exchange = (address: number, one: FramedMessage, body: Uint8Array, turn = 0): SerialExchange => {
    const repeated = one.repeatsValue ? one.request.bytesOf("value", body) : NOTHING;
    const { sequences } = requests.layout;
    const sequence = sequences === 0 ? undefined : sequenceOf(turn, sequences);
    return {
      what: `${one.kind} ${one.name}`,
      request: requests.build(address, body, sequence ?? 0),
      ...(one.isUnanswered ? { isBroadcast: true } : {}),
      recognise: () =>
        new FramedAnswer({ codec: answers, address, sequence, refusal, refusals, repeated, message: one }),
    };
  };
  const ask = messageIn(messages);
  const setUpStep = (address: number, step: number, turn: number | undefined): SerialExchange => {
    const one = ask("set-up", String(step));
    return exchange(address, one, one.request.fill(nothingKnown), turn);
  };
  return {
    kind: "serial",
    settings: spec.serial,
    timing: spec.timing,
    ...(spec.quirks ? { quirks: spec.quirks } : {}),
    ...(spec.setUp ? { setUp: serialSetUp(spec.setUp, setUpStep) } : {}),
    reads: spec.reads.map(readOf),
    read: (address, name, newest, turn) => {
      const one = ask("read", name);
      return exchange(address, one, one.request.fill(newest), turn);
    },
    set: (address, name, value, turn) => {
      const one = ask("set", name);
      const body = one.request.fill((placeholder) => (placeholder === "value" ? value : undefined));
      return exchange(address, one, body, turn);
    },
    command: (address, name, turn) => {
      const one = ask("command", name);
      return exchange(address, one, one.request.fill(nothingKnown), turn);
    },
    ...(messages.reports.length > 0 ? reporting(answers, messages) : {}),
    deviceSide: (address) => createFramedDevice({ requests, answers, messages: messages.asked, address, refusal }),
  };
}

const NOTHING = new Uint8Array();
const nothingKnown = (): undefined => undefined;

const sequenceOf = (turn: number, sequences: number): number =>
  Number.isSafeInteger(turn) ? ((turn % sequences) + sequences) % sequences : 0;

function readOf({ name, send, channels, recordChannels = [] }: FramedSpec["reads"][number]) {
  return {
    name,
    channels: [...channels, ...recordChannels].map(({ channel }) => channel.name),
    ...(send === undefined ? { isReport: true } : {}),
  };
}

const messageIn =
  ({ asked }: FramedMessages) =>
  (kind: FramedMessage["kind"], name: string): FramedMessage => {
    const found = asked.find((one) => one.kind === kind && one.name === name);
    if (found === undefined) throw new Error(`${kind} ${name}: the protocol has no such ${kind}`);
    return found;
  };

function reporting(codec: FrameCodec, messages: FramedMessages): Pick<SerialProtocol, "listen" | "report"> {
  return {
    listen: (address) => createReportRecogniser({ codec, address, messages }),
    report: (address, read, values) => {
      const found = messages.reports.find(({ name }) => name === read);
      if (found === undefined) throw new Error(`report ${read}: the protocol has no such report`);
      return codec.build(address, found.body.encode(values), 0);
    },
  };
}
