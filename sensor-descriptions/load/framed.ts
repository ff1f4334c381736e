/** Device files of our own framing: from their shape to what the framed protocol is compiled from. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { framedShape } from "../schema/framed.ts";
import type { ByteOrder, ChannelSpec, FramedReadSpec, FramedSpec, Template, WriteSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { type ByteChannelShape, channelOf, fieldOf, isFromBytes, needKey, stepOf } from "./channels.ts";
import { commandOf, serialOf, settingOf } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { frameOf, wrappingOf } from "./frame.ts";
import { recordChannelOf, recordsOf } from "./framed-records.ts";
import { formulaNames, formulaStates, type Judge, knowingStates } from "./judge.ts";
import { setUpOf } from "./set-up.ts";
import type { Path } from "./source-document.ts";
import { validityOf, withValidity } from "./valid-when.ts";

type Shape = z.output<typeof framedShape>;
type ReadShape = Shape["reads"][string];

export function framedSpec(shape: Shape, around: Surroundings): BuiltSpec {
  const { judge } = around;
  const byteOrder = shape["byte-order"] ?? "big-endian";
  const reads = Object.entries(shape.reads).map(([name, read]) => readOf(around, name, read, byteOrder));
  const specs = reads.flatMap(channelsOf);
  const channels = specs.map(({ channel }) => channel);
  reportTwice(judge, reads);
  for (const [name, { send = [] }] of Object.entries(shape.reads))
    checkTemplate(judge, ["reads", name, "send"], send, specs);
  reportEndless(judge, shape);
  const parts = [...shape.frame, ...(shape["request-frame"] ?? [])];
  if (around.given.has("address") && !parts.some(({ part }) => part === "address"))
    judge.report(
      ["needs", "address"],
      say.addressUnused("add { part: address, as: u8 } to the frame, or delete it here"),
      "key",
    );
  const writes: WriteSpec[] = [];
  const settings = Object.entries(shape.settings ?? {}).flatMap(([name, setting]) => {
    const known = settingOf(judge, name, setting, specs);
    const at = ["settings", name, "write"];
    checkTemplate(judge, at, setting.write, specs, ["value"]);
    if (!setting.write.some((piece) => "placeholder" in piece && piece.placeholder === "value"))
      judge.report(at, say.valueMissing());
    if (!known) return [];
    const { write, answer } = setting;
    writes.push({ name, write, ...(answer ? { answer } : {}), field: known.field });
    return [known.setting];
  });
  const commands = Object.entries(shape.commands ?? {});
  for (const [name, { send }] of commands) checkTemplate(judge, ["commands", name, "send"], send, specs);
  const wrapping = wrappingOf(judge, shape);
  const asks = { first: "send", keys: ["send", "answer"] } as const;
  const setUp = setUpOf(judge, shape, asks, shape.refusal !== undefined, (_, { send, answer }) => {
    return send && { send, ...(answer ? { answer } : {}) };
  });
  const spec: FramedSpec = {
    protocol: "framed",
    ...serialOf(judge, shape),
    byteOrder,
    frame: frameOf(judge, ["frame"], shape.frame, byteOrder),
    ...(shape["request-frame"]
      ? { requestFrame: frameOf(judge, ["request-frame"], shape["request-frame"], byteOrder) }
      : {}),
    ...(wrapping ? { wrapping } : {}),
    ...(shape.refusal ? { refusal: shape.refusal } : {}),
    ...(shape.refusals ? { refusals: byCode(shape.refusals) } : {}),
    ...(setUp ? { setUp } : {}),
    reads,
    settings: writes,
    commands: commands.map(([name, { send, answer }]) => ({ name, send, ...(answer ? { answer } : {}) })),
  };
  return {
    spec,
    channels,
    settings,
    commands: commands.map(([name, command]) => commandOf(judge, name, command, channels)),
  };
}

function readOf(outside: Surroundings, name: string, read: ReadShape, byteOrder: ByteOrder): FramedReadSpec {
  const around = { ...outside, judge: knowingStates(outside.judge, formulaStates(read.channels)) };
  const { judge } = around;
  const at = ["reads", name];
  if ((read.send !== undefined) === (read["by-itself"] === true)) judge.report(at, say.askedOrByItself(), "key");
  if (read.send !== undefined && read.answer === undefined) judge.report(at, say.answerMissing(), "key");
  const entries = Object.entries(read.channels);
  const names = formulaNames(
    entries.map(([channel]) => channel),
    around.given.keys(),
  );
  const records = read.records && recordsOf(judge, [...at, "records"], read.records, byteOrder);
  const channels = entries.flatMap(([channel, shape]) => {
    if (shape.record !== undefined) return [];
    const spec = byteChannel(around, [...at, "channels", channel], channel, shape, byteOrder, names);
    return spec ? [spec] : [];
  });
  const recordChannels = entries.flatMap(([channel, shape]) => {
    if (shape.record === undefined) return [];
    const place = [...at, "channels", channel];
    if (!read.records) judge.report([...place, "record"], say.recordWithoutRecords(), "key");
    const spec = recordChannelOf(judge, place, channel, shape, byteOrder);
    return spec ? [spec] : [];
  });
  const fields = channels.filter(({ source }) => source.from === "field");
  const readable = [...fields, ...recordChannels].map(({ channel }) => channel);
  const conditions = validityOf(judge, [...at, "channels"], read.channels, readable);
  return {
    name,
    ...(read.send === undefined ? {} : { send: read.send }),
    answer: read.answer ?? new Uint8Array(),
    channels: withValidity(channels, conditions),
    ...(records ? { records, recordChannels: withValidity(recordChannels, conditions) } : {}),
  };
}

/** All channels of a read, those in records among them. */
const channelsOf = ({ channels, recordChannels = [] }: FramedReadSpec): readonly ChannelSpec[] => [
  ...channels,
  ...recordChannels.map(({ channel, field }) => ({ channel, source: { from: "field" as const, field } })),
];

const byCode = (names: Readonly<Record<number, string>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(names).map(([code, name]) => [Number(code), name]));

/** Records up to the body's end, in a frame that doesn't say where that is. */
function reportEndless(judge: Judge, { frame, wrapping, reads }: Shape): void {
  const saysEnd =
    wrapping === "slip" ||
    wrapping === "cobs" ||
    frame.some(({ part, length }) => part === "length" || part === "end" || (part === "body" && length !== undefined));
  if (saysEnd) return;
  const code = frame.findIndex(({ part }) => part === "code");
  if (code >= 0) judge.report(["frame", code], say.codeHasNoEnd(), "key");
  for (const [name, { records }] of Object.entries(reads))
    if (records && !records.count) judge.report(["reads", name, "records"], say.bodyHasNoEnd(), "key");
}

function byteChannel(
  around: Surroundings,
  at: Path,
  name: string,
  shape: ByteChannelShape,
  byte: ByteOrder,
  names: ReadonlySet<string>,
): ChannelSpec | undefined {
  const { judge, given } = around;
  if (!isFromBytes(judge, at, shape, shape.byte)) {
    const formula = judge.formula([...at, "formula"], shape.formula ?? "", names, given);
    const channel = channelOf(judge, at, name, shape, undefined);
    return formula ? { channel, source: { from: "formula", formula } } : undefined;
  }
  if (shape.byte === undefined) needKey(judge, at, "byte");
  if (shape.as === undefined) needKey(judge, at, "as");
  if (shape.byte === undefined || shape.as === undefined) return undefined;
  const field = fieldOf(judge, at, shape.byte, shape.as, shape, { byte });
  return { channel: channelOf(judge, at, name, shape, stepOf(field)), source: { from: "field", field } };
}

interface Named {
  readonly channel: { readonly name: string };
}

/** A channel's name is its name in the whole device, whatever read it comes with. */
export function reportTwice(
  judge: Judge,
  reads: readonly {
    readonly name: string;
    readonly channels: readonly Named[];
    readonly recordChannels?: readonly Named[];
  }[],
): void {
  const seen = new Set<string>();
  for (const read of reads) {
    for (const { channel } of [...read.channels, ...(read.recordChannels ?? [])]) {
      if (seen.has(channel.name))
        judge.report(["reads", read.name, "channels", channel.name], say.channelTwice(channel.name), "key");
      seen.add(channel.name);
    }
  }
}

function checkTemplate(
  judge: Judge,
  at: Path,
  template: Template,
  specs: readonly ChannelSpec[],
  also: readonly string[] = [],
): void {
  const codable = specs.filter(({ source }) => source.from === "field").map(({ channel }) => channel.name);
  const known = [...also, ...codable];
  for (const piece of template) {
    if (!("placeholder" in piece) || known.includes(piece.placeholder)) continue;
    judge.report(at, say.unknownName(piece.placeholder, nearestWord(piece.placeholder, known), known));
  }
}
