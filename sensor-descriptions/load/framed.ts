/** Device files of our own framing: from their shape to what the framed protocol is compiled from. */
import type * as z from "zod";
import { checksumNames, isChecksumName } from "../checksum.ts";
import { say } from "../messages.ts";
import type { framedShape } from "../schema/framed.ts";
import type {
  ByteOrder,
  ChannelSpec,
  CheckSpec,
  FramedReadSpec,
  FramedSpec,
  FramePart,
  Template,
  WriteSpec,
} from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { type ByteChannelShape, channelOf, fieldOf, isFromBytes, needKey, stepOf } from "./channels.ts";
import { commandOf, serialOf, settingOf } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { formulaNames, type Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

type Shape = z.output<typeof framedShape>;
type PartShape = Shape["frame"][number];

export function framedSpec(shape: Shape, around: Surroundings): BuiltSpec {
  const { judge } = around;
  const byteOrder = shape["byte-order"] ?? "big-endian";
  const reads = Object.entries(shape.reads).map(([name, read]) => readOf(around, name, read, byteOrder));
  const specs = reads.flatMap((read) => read.channels);
  const channels = specs.map(({ channel }) => channel);
  reportTwice(judge, reads);
  for (const [name, { send }] of Object.entries(shape.reads))
    checkTemplate(judge, ["reads", name, "send"], send, specs);
  const writes: WriteSpec[] = [];
  const settings = Object.entries(shape.settings ?? {}).flatMap(([name, setting]) => {
    const known = settingOf(judge, name, setting, specs);
    const at = ["settings", name, "write"];
    checkTemplate(judge, at, setting.write, specs, ["value"]);
    if (!setting.write.some((piece) => "placeholder" in piece && piece.placeholder === "value"))
      judge.report(at, say.valueMissing());
    if (!known) return [];
    writes.push({ name, write: setting.write, answer: setting.answer, field: known.field });
    return [known.setting];
  });
  const commands = Object.entries(shape.commands ?? {});
  for (const [name, { send }] of commands) checkTemplate(judge, ["commands", name, "send"], send, specs);
  const spec: FramedSpec = {
    protocol: "framed",
    ...serialOf(judge, shape),
    byteOrder,
    frame: frameOf(judge, shape.frame),
    ...(shape.refusal ? { refusal: shape.refusal } : {}),
    reads,
    settings: writes,
    commands: commands.map(([name, { send, answer }]) => ({ name, send, answer })),
  };
  return {
    spec,
    channels,
    settings,
    commands: commands.map(([name, command]) => commandOf(judge, name, command, channels)),
  };
}

function readOf(
  around: Surroundings,
  name: string,
  read: Shape["reads"][string],
  byteOrder: ByteOrder,
): FramedReadSpec {
  const entries = Object.entries(read.channels);
  const names = formulaNames(
    entries.map(([channel]) => channel),
    around.given.keys(),
  );
  const channels = entries.flatMap(([channel, shape]) => {
    const spec = byteChannel(around, ["reads", name, "channels", channel], channel, shape, byteOrder, names);
    return spec ? [spec] : [];
  });
  return { name, send: read.send, answer: read.answer, channels };
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

/** A channel's name is its name in the whole device, whatever read it comes with. */
export function reportTwice(
  judge: Judge,
  reads: readonly { readonly name: string; readonly channels: readonly ChannelSpec[] }[],
): void {
  const seen = new Set<string>();
  for (const read of reads) {
    for (const { channel } of read.channels) {
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

/** Which keys a part has to have; the others it may not. */
const PART_KEYS: Record<
  PartShape["part"],
  { readonly needs: readonly (keyof PartShape)[]; readonly may: readonly (keyof PartShape)[] }
> = {
  start: { needs: ["bytes"], may: [] },
  address: { needs: ["as"], may: [] },
  length: { needs: ["as", "counts"], may: ["bias"] },
  body: { needs: [], may: [] },
  check: { needs: ["over"], may: ["crc", "sum", "byte-order"] },
};

function frameOf(judge: Judge, parts: Shape["frame"]): FramePart[] {
  const frame = parts.flatMap((part, index) => {
    const known = partOf(judge, part, parts, index);
    return known ? [known] : [];
  });
  if (!parts.some(({ part }) => part === "body")) judge.report(["frame"], say.frameNeeds("body"), "key");
  for (const name of new Set(parts.map(({ part }) => part))) {
    const places = parts.flatMap(({ part }, index) => (part === name ? [index] : []));
    if (places[1] !== undefined) judge.report(["frame", places[1]], say.frameHasTwice(name));
  }
  return frame;
}

function partOf(judge: Judge, shape: PartShape, parts: Shape["frame"], index: number): FramePart | undefined {
  const at = ["frame", index];
  const { needs, may } = PART_KEYS[shape.part];
  for (const key of needs) if (shape[key] === undefined) judge.report(at, say.framePartNeeds(shape.part, key));
  for (const key of Object.keys(shape) as (keyof PartShape)[]) {
    const isAllowed = key === "part" || needs.includes(key) || may.includes(key);
    if (!isAllowed && shape[key] !== undefined)
      judge.report([...at, key], say.framePartTakesNo(shape.part, key), "key");
  }
  const { bytes, as, counts } = shape;
  switch (shape.part) {
    case "start":
      return bytes && { part: "start", bytes };
    case "address":
      return as && { part: "address", as };
    case "length":
      return as && counts && { part: "length", as, counts, bias: shape.bias ?? 0 };
    case "body":
      return { part: "body" };
    case "check":
      return checkOf(judge, at, shape, parts);
  }
}

function checkOf(judge: Judge, at: Path, shape: PartShape, parts: Shape["frame"]): FramePart | undefined {
  const check = checkSpecOf(judge, at, shape);
  const [first = "", last = ""] = (shape.over ?? "").split(/\s+to\s+/).map((word) => word.trim());
  const names = parts.map(({ part }) => part as string);
  const [from, to] = [names.indexOf(first), names.indexOf(last === "" ? first : last)];
  if (shape.over !== undefined) {
    for (const word of [first, last])
      if (word !== "" && !names.includes(word)) judge.report([...at, "over"], say.unknownFramePart(word));
    if (from >= 0 && to >= 0 && from > to) judge.report([...at, "over"], say.partsReversed());
  }
  if (!check || from < 0 || to < from) return undefined;
  return { part: "check", check, from, to, byteOrder: shape["byte-order"] ?? "big-endian" };
}

function checkSpecOf(judge: Judge, at: Path, shape: PartShape): CheckSpec | undefined {
  if (shape.crc !== undefined && shape.sum !== undefined)
    judge.report([...at, "sum"], say.framePartTakesNo("check", "sum"), "key");
  if (shape.crc === undefined) {
    if (shape.sum === undefined) judge.report(at, say.framePartNeeds("check", "crc"));
    return shape.sum && { kind: shape.sum };
  }
  const { crc } = shape;
  if (isChecksumName(crc)) return { kind: "crc", name: crc };
  judge.report([...at, "crc"], say.unknownChecksum(crc, nearestWord(crc, checksumNames)));
  return undefined;
}
