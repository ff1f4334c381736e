/** What a framed protocol can say: its reads, settings and commands as templates and codings, for host and device. */
import { type ChannelCodec, createChannelCodec } from "./channels.ts";
import type { FrameLayout } from "./frame-layout.ts";
import type { FieldSpec, FramedSpec, Template } from "./spec.ts";
import { type BodyTemplate, createTemplate } from "./template.ts";

export interface FramedMessage {
  readonly kind: "read" | "set" | "command";
  readonly name: string;
  readonly request: BodyTemplate;
  /** How the answer's body begins. */
  readonly answer: Uint8Array;
  /** What the answer's body holds; without channels for writes. */
  readonly channels: ChannelCodec;
  /** The answer repeats the value's bytes after its beginning; only where a length part can tell. */
  readonly repeatsValue: boolean;
}

/** One entry per read, setting and command. Throws Error when a placeholder has no coding. */
export function messagesOf(spec: FramedSpec, layout: FrameLayout): readonly FramedMessage[] {
  const codings = new Map<string, FieldSpec>();
  for (const { channel, source } of spec.reads.flatMap(({ channels }) => channels)) {
    if (source.from === "field") codings.set(channel.name, source.field);
  }
  const template = (parts: Template, value?: FieldSpec): BodyTemplate =>
    createTemplate(parts, (placeholder) => {
      const coding = placeholder === "value" && value !== undefined ? value : codings.get(placeholder);
      if (coding === undefined) throw new Error(`{${placeholder}}: no channel of that name is read as a field`);
      return coding;
    });
  const noChannels = createChannelCodec([]);
  const reads = spec.reads.map(({ name, send, answer, channels }) => {
    const kind = "read" as const;
    return { kind, name, request: template(send), answer, channels: createChannelCodec(channels), repeatsValue: false };
  });
  const settings = spec.settings.map(({ name, write, answer, field }) => {
    const kind = "set" as const;
    const request = template(write, field);
    return { kind, name, request, answer, channels: noChannels, repeatsValue: layout.hasLength };
  });
  const commands = spec.commands.map(({ name, send, answer }) => {
    const kind = "command" as const;
    return { kind, name, request: template(send), answer, channels: noChannels, repeatsValue: false };
  });
  return [...reads, ...settings, ...commands];
}
