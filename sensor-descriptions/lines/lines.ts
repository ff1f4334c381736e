/**
 * A serial protocol of text lines (`protocol: lines`), both ways: NMEA 0183 and its like, and devices that answer "R?"
 * with "T=21.5;H=48". What a line is stands in `line-form.ts`, what its fields mean in `line-body.ts`.
 */

import type { SerialExchange, SerialProtocol } from "../model.ts";
import { askedIn, serialSetUp } from "../set-up.ts";
import { createLineBody } from "./line-body.ts";
import { createTextField } from "./line-fields.ts";
import { createLineCodec } from "./line-form.ts";
import { LineAnswer } from "./lines-answer.ts";
import { createLinesDevice } from "./lines-device.ts";
import type { LineMessage, LineReport, Lines } from "./lines-messages.ts";
import { createLineReports } from "./lines-reports.ts";
import type { LinesSpec, TextFieldSpec, TextTemplate } from "./lines-spec.ts";
import { createNumeral, lettersOf, lettersOfAddress } from "./numerals.ts";
import { filled } from "./text-template.ts";

/** Throws Error when the description contradicts itself; a loaded one never does. */
export function createLinesProtocol(spec: LinesSpec): SerialProtocol {
  const lines = linesOf(spec);
  const ask = (kind: LineMessage["kind"], name: string): LineMessage => {
    const found = lines.asked.find((one) => one.kind === kind && one.name === name);
    if (found === undefined) throw new Error(`${kind} ${name}: the protocol has no such ${kind}`);
    return found;
  };
  const exchange = (address: number, one: LineMessage, valueOf: ValueOf): SerialExchange => {
    const textOf = (placeholder: string): string =>
      textFor(one, lines.addressText(address), placeholder, valueOf(placeholder));
    return {
      what: `${one.kind} ${one.name}`,
      request: lines.requests.wrap(filled(one.request, textOf)),
      ...(one.isUnanswered ? { isBroadcast: true } : {}),
      recognise: () => new LineAnswer({ lines, message: one, beginning: filled(one.answer, textOf) }),
    };
  };
  const setUpStep = (address: number, step: number): SerialExchange =>
    exchange(address, ask("set-up", String(step)), () => undefined);
  return {
    kind: "serial",
    settings: spec.serial,
    timing: spec.timing,
    ...(spec.quirks ? { quirks: spec.quirks } : {}),
    ...(spec.setUp ? { setUp: serialSetUp(spec.setUp, setUpStep) } : {}),
    reads: spec.reads.map(({ name, send, channels }) => ({
      name,
      channels: channels.map(({ channel }) => channel.name),
      ...(send === undefined ? { isReport: true } : {}),
    })),
    read: (address, name, newest) => exchange(address, ask("read", name), (placeholder) => newest(placeholder) ?? 0),
    set: (address, name, value) => exchange(address, ask("set", name), () => value),
    command: (address, name) => exchange(address, ask("command", name), () => undefined),
    ...(lines.reports.length > 0 ? createLineReports(lines) : {}),
    deviceSide: (address) => createLinesDevice(lines, address),
  };
}

type ValueOf = (placeholder: string) => number | undefined;

function textFor(message: LineMessage, address: string, placeholder: string, value: number | undefined): string {
  if (placeholder === "address") return address;
  const field = message.placeholders.get(placeholder);
  if (field === undefined || value === undefined) throw new RangeError(`{${placeholder}}: no value to send`);
  return field.write(value);
}

type FilledIn = Pick<LineMessage, "request" | "placeholders" | "letters">;

/** Throws Error when a placeholder has no coding. */
export function linesOf(spec: LinesSpec): Lines {
  const codings = new Map<string, TextFieldSpec>();
  for (const { channel, source } of spec.reads.flatMap(({ channels }) => channels)) {
    if (source.from === "text") codings.set(channel.name, source.text);
  }
  const addresses = createNumeral(spec.addressAs);
  const addressLetters = lettersOfAddress(spec.addressAs);
  const filledIn = (request: TextTemplate, value?: TextFieldSpec): FilledIn => {
    const placeholders = placeholdersOf(request, value);
    const letters = new Map(addressLetters === undefined ? [] : [["address", addressLetters]]);
    for (const [name, field] of placeholders) {
      const fixed = field.spec.states ? undefined : lettersOf(field.spec);
      if (fixed !== undefined) letters.set(name, fixed);
    }
    return { request, placeholders, letters };
  };
  const placeholdersOf = (template: TextTemplate, value?: TextFieldSpec) =>
    new Map(
      template.flatMap((piece) => {
        if ("text" in piece || piece.placeholder === "address") return [];
        const coding = piece.placeholder === "value" && value ? value : codings.get(piece.placeholder);
        if (coding === undefined) throw new Error(`{${piece.placeholder}}: no channel of that name is read as text`);
        return [[piece.placeholder, createTextField({ ...coding, beginsWith: "", endsWith: "" })] as const];
      }),
    );
  const { separator } = spec.line;
  const noBody = createLineBody({ channels: [], where: new Map() }, separator);
  const asked: LineMessage[] = [];
  const reports: LineReport[] = [];
  for (const read of spec.reads) {
    const { name, send, answer } = read;
    const body = createLineBody(read, separator);
    if (send === undefined) reports.push({ name, answer, body });
    else asked.push({ kind: "read", name, answer, body, ...filledIn(send) });
  }
  const told = (kind: LineMessage["kind"], name: string, answer: TextTemplate | undefined, request: FilledIn): void => {
    asked.push({ kind, name, isUnanswered: answer === undefined, answer: answer ?? [], body: noBody, ...request });
  };
  for (const { name, write, answer, field } of spec.settings) told("set", name, answer, filledIn(write, field));
  for (const { name, send, answer } of spec.commands) told("command", name, answer, filledIn(send));
  for (const { step, ask } of askedIn(spec.setUp)) told("set-up", String(step), ask.answer, filledIn(ask.send));
  return {
    asked,
    reports,
    answers: createLineCodec(spec.line),
    requests: createLineCodec(spec.requestLine),
    addressText: (address) => addresses.write(address),
    refusal: spec.refusal,
    refusals: spec.refusals ?? new Map(),
  };
}
