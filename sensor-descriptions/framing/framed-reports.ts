/** Finds what a device sends by itself among all bytes of a line. */

import type { Report, ReportRecogniser } from "../model.ts";
import type { FrameCodec } from "./frame-codec.ts";
import type { BodyLengthAt } from "./frame-layout.ts";
import { NO_FRAME } from "./frame-scanner.ts";
import { createFrameStream, type Frame } from "./frame-stream.ts";
import type { BodyCodec } from "./framed-body.ts";
import type { FramedMessages } from "./framed-messages.ts";

interface Listening {
  readonly codec: FrameCodec;
  readonly address: number;
  readonly messages: FramedMessages;
}

/** A body that begins like several messages is the one with the longest beginning; answers are no reports. */
export function createReportRecogniser({ codec, address, messages }: Listening): ReportRecogniser {
  const bodies = byLength([
    ...messages.reports.map(({ name, body }) => ({ name, body })),
    ...messages.asked.filter(({ isUnanswered }) => !isUnanswered).map(({ body }) => ({ name: undefined, body })),
  ]);
  let found: Report[] = [];
  const reportIn = (frame: Frame): Report | undefined => {
    const { data, bodyAt, bodyLength } = frame;
    if (!frame.isFor(address)) return undefined;
    const kind = bodies.find(({ body }) => body.isThere(data, bodyAt, bodyLength));
    const values = kind?.name === undefined ? undefined : kind.body.decode(data, bodyAt, bodyLength);
    if (kind?.name === undefined || values === undefined) return undefined;
    return { read: kind.name, frame: frame.line(), values };
  };
  const scanner = createFrameStream(codec, {
    bodyLengthAt: lengthAmong(bodies),
    accept: (frame) => {
      const report = reportIn(frame);
      if (report !== undefined) found.push(report);
      return report !== undefined;
    },
    damaged: () => undefined,
  });
  return {
    get otherFrames() {
      return scanner.otherFrames;
    },
    get strayBytes() {
      return scanner.strayBytes;
    },
    push: (bytes) => {
      found = [];
      scanner.push(bytes);
      return found;
    },
  };
}

/** The length of a body as the first of `bodies` that it begins like has it. */
export const lengthAmong =
  (bodies: readonly { readonly body: BodyCodec }[]): BodyLengthAt =>
  (data, bodyAt, end) => {
    for (const { body } of bodies) {
      const length = body.lengthAt(data, bodyAt, end);
      if (length !== NO_FRAME) return length;
    }
    return NO_FRAME;
  };

/** Longest beginning first. */
export const byLength = <T extends { readonly body: BodyCodec }>(messages: readonly T[]): readonly T[] =>
  [...messages].sort((a, b) => b.body.beginning.length - a.body.beginning.length);
