/** What a framed protocol can say: its reads, settings and commands as templates and codings, for host and device. */

import { askedIn } from "../set-up.ts";
import type { FieldSpec, FramedSpec, Template } from "../spec.ts";
import type { FrameCodec } from "./frame-codec.ts";
import { type BodyCodec, createBodyCodec } from "./framed-body.ts";
import { type BodyTemplate, createTemplate } from "./template.ts";

export interface FramedMessage {
  readonly kind: "read" | "set" | "command" | "set-up";
  /** Of a set-up: the number of the step. */
  readonly name: string;
  readonly request: BodyTemplate;
  readonly isUnanswered?: boolean;
  /** The answer's body; without channels for writes. */
  readonly body: BodyCodec;
  /** The answer repeats the value's bytes after its beginning; only where the frame tells how long the body is. */
  readonly repeatsValue: boolean;
}

/** What the device sends by itself. */
export interface FramedReport {
  readonly name: string;
  readonly body: BodyCodec;
}

export interface FramedMessages {
  readonly asked: readonly FramedMessage[];
  readonly reports: readonly FramedReport[];
}

/** Throws Error when a placeholder has no coding. */
export function messagesOf(
  spec: FramedSpec,
  frames: { readonly request: FrameCodec; readonly answer: FrameCodec },
): FramedMessages {
  const template = (parts: Template, value?: FieldSpec): BodyTemplate =>
    createTemplate(parts, codingIn(spec, value), frames.request.layout.bodyLength);
  /** Of a write: how its answer begins, if there is one. */
  const answered = (answer: Uint8Array | undefined): Pick<FramedMessage, "body" | "isUnanswered"> => ({
    body: createBodyCodec({ answer: answer ?? new Uint8Array(), channels: [] }),
    isUnanswered: answer === undefined,
  });
  const reads = spec.reads.flatMap((read): FramedMessage[] => {
    if (read.send === undefined) return [];
    const request = template(read.send);
    return [{ kind: "read", name: read.name, request, body: createBodyCodec(read), repeatsValue: false }];
  });
  const repeatsValue = frames.answer.endsItself && frames.answer.layout.bodyLength === undefined;
  const settings = spec.settings.map(({ name, write, answer, field }): FramedMessage => {
    return { kind: "set", name, request: template(write, field), ...answered(answer), repeatsValue };
  });
  const commands = spec.commands.map(({ name, send, answer }): FramedMessage => {
    return { kind: "command", name, request: template(send), ...answered(answer), repeatsValue: false };
  });
  const setUp = askedIn(spec.setUp).map(({ step, ask: { send, answer } }): FramedMessage => {
    const request = template([{ bytes: send }]);
    return { kind: "set-up", name: String(step), request, ...answered(answer), repeatsValue: false };
  });
  const reports = spec.reads.flatMap((read) =>
    read.send === undefined ? [{ name: read.name, body: createBodyCodec(read) }] : [],
  );
  const asked = [...reads, ...settings, ...commands, ...setUp];
  refuseLonger(frames.answer.layout.bodyLength, [...asked, ...reports]);
  return { asked, reports };
}

function refuseLonger(
  bodyLength = Number.POSITIVE_INFINITY,
  messages: readonly { name: string; body: BodyCodec }[],
): void {
  for (const { name, body } of messages) {
    if (body.least <= bodyLength) continue;
    throw new Error(`${name}: a body of ${body.least} bytes doesn't fit into a frame whose bodies have ${bodyLength}`);
  }
}

/** Each placeholder is coded like the channel of its name, {value} like the setting's. */
function codingIn(spec: FramedSpec, value: FieldSpec | undefined): (placeholder: string) => FieldSpec {
  const codings = new Map<string, FieldSpec>();
  for (const { channels, recordChannels = [] } of spec.reads) {
    for (const { channel, source } of channels) if (source.from === "field") codings.set(channel.name, source.field);
    for (const { channel, field } of recordChannels) codings.set(channel.name, field);
  }
  return (placeholder) => {
    const coding = placeholder === "value" && value !== undefined ? value : codings.get(placeholder);
    if (coding === undefined) throw new Error(`{${placeholder}}: no channel of that name is read as a field`);
    return coding;
  };
}
