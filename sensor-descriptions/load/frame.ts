/** The `frame:` of a device file: its parts, each with the keys that it needs, and how they are wrapped. */

import type * as z from "zod";
import { checksumNames, isChecksumName } from "../checksum/checksum.ts";
import { say } from "../messages.ts";
import { readBytes, spokenBytes } from "../quantities.ts";
import type { framedShape } from "../schema/framed.ts";
import type { ByteOrder, CheckSpec, FramePart, FrameWrapping } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import type { Judge } from "./judge.ts";
import type { Path } from "./source-document.ts";

type Shape = z.output<typeof framedShape>;
type PartShape = Shape["frame"][number];

/** Which keys a part has to have; the others it may not. */
const PART_KEYS: Record<
  PartShape["part"],
  { readonly needs: readonly (keyof PartShape)[]; readonly may: readonly (keyof PartShape)[] }
> = {
  start: { needs: ["bytes"], may: [] },
  end: { needs: ["bytes"], may: [] },
  address: { needs: ["as"], may: [] },
  sequence: { needs: ["as"], may: [] },
  length: { needs: ["as", "counts"], may: ["bias"] },
  code: { needs: ["length"], may: [] },
  body: { needs: [], may: ["length"] },
  check: { needs: ["over"], may: ["crc", "sum", "byte-order", "written"] },
};

/** Constant bytes may stand in several places, a header may have a check of its own, and M-Bus says its length twice. */
const MAY_REPEAT: ReadonlySet<string> = new Set(["start", "length", "check"]);

export function frameOf(judge: Judge, at: Path, parts: Shape["frame"], byteOrder: ByteOrder): FramePart[] {
  const frame = parts.flatMap((part, index) => {
    const known = partOf(judge, [...at, index], part, { parts, index, byteOrder });
    return known ? [known] : [];
  });
  if (!parts.some(({ part }) => part === "body")) judge.report(at, say.frameNeeds("body"), "key");
  for (const name of new Set(parts.map(({ part }) => part))) {
    const places = parts.flatMap(({ part }, index) => (part === name ? [index] : []));
    if (places[1] !== undefined && !MAY_REPEAT.has(name)) judge.report([...at, places[1]], say.frameHasTwice(name));
  }
  return frame;
}

interface Around {
  readonly parts: Shape["frame"];
  /** Of the part itself among them. */
  readonly index: number;
  /** The file's. */
  readonly byteOrder: ByteOrder;
}

function partOf(judge: Judge, at: Path, shape: PartShape, around: Around): FramePart | undefined {
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
    case "end":
      if (bytes?.length === 0) judge.report([...at, "bytes"], say.marksNothing(shape.part));
      return bytes && bytes.length > 0 ? { part: shape.part, bytes } : undefined;
    case "address":
    case "sequence":
      return as && { part: shape.part, as };
    case "length":
      return as && counts && { part: "length", as, counts, bias: shape.bias ?? 0 };
    case "code":
      return shape.length === undefined ? undefined : { part: "code", length: shape.length };
    case "body":
      return { part: "body", ...(shape.length === undefined ? {} : { length: shape.length }) };
    case "check":
      return checkOf(judge, at, shape, around);
  }
}

function checkOf(
  judge: Judge,
  at: Path,
  shape: PartShape,
  { parts, index: own, byteOrder: fileOrder }: Around,
): FramePart | undefined {
  const check = checkSpecOf(judge, at, shape);
  const [first = "", last = ""] = (shape.over ?? "").split(/\s+to\s+/).map((word) => word.trim());
  const isOther = (name: string) => (one: PartShape, index: number) => one.part === name && index !== own;
  const indexOf = (name: string): number => parts.findIndex(isOther(name));
  // Of several parts of a name the range begins with the first and ends with the last: "start to start".
  const [from, to] = [indexOf(first), last === "" ? indexOf(first) : parts.findLastIndex(isOther(last))];
  if (shape.over !== undefined) {
    for (const word of [first, last])
      if (word !== "" && indexOf(word) < 0) judge.report([...at, "over"], say.unknownFramePart(word));
    if (from >= 0 && to >= 0 && from > to) judge.report([...at, "over"], say.partsReversed());
  }
  if (!check || from < 0 || to < from) return undefined;
  const byteOrder = shape["byte-order"] ?? fileOrder;
  return { part: "check", check, from, to, byteOrder, ...(shape.written ? { written: shape.written } : {}) };
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

export function wrappingOf(judge: Judge, shape: Shape): FrameWrapping | undefined {
  const { wrapping, stuffing } = shape;
  if (wrapping !== undefined && stuffing) judge.report(["stuffing"], say.wrappedTwice(), "key");
  const hasStarts = [shape.frame, shape["request-frame"]].every((parts) => !parts || parts[0]?.part === "start");
  if (!hasStarts && stuffing) judge.report(["stuffing"], say.wrappingNeedsStart("stuffing"), "key");
  if (!hasStarts && wrapping === "hex-digits") judge.report(["wrapping"], say.wrappingNeedsStart(wrapping));
  if (wrapping !== undefined) return { kind: wrapping };
  const table = stuffing && tableOf(judge, stuffing);
  return table && { kind: "stuffing", table };
}

function tableOf(
  judge: Judge,
  { escape, xor, escaped, table }: NonNullable<Shape["stuffing"]>,
): ReadonlyMap<number, Uint8Array> | undefined {
  if (table && !escape && !xor && !escaped) return writtenTable(judge, table);
  if (table || !escape || !xor || !escaped) {
    judge.report(["stuffing"], say.stuffingUnclear(), "key");
    return undefined;
  }
  const [[code], [mask]] = [escape, xor];
  if (escape.length !== 1 || code === undefined)
    judge.report(["stuffing", "escape"], say.notOneByte(spokenBytes(escape)));
  if (xor.length !== 1 || mask === undefined) judge.report(["stuffing", "xor"], say.notOneByte(spokenBytes(xor)));
  if (code === undefined || mask === undefined) return undefined;
  return new Map([code, ...escaped].map((byte) => [byte, Uint8Array.of(code, byte ^ mask)]));
}

function writtenTable(judge: Judge, table: Readonly<Record<string, Uint8Array>>): ReadonlyMap<number, Uint8Array> {
  const written = new Map<number, Uint8Array>();
  for (const [name, sent] of Object.entries(table)) {
    const at = ["stuffing", "table", name];
    const bytes = judge.take(at, readBytes(name));
    const [byte] = bytes ?? [];
    if (bytes && (bytes.length !== 1 || byte === undefined)) judge.report(at, say.notOneByte(name), "key");
    if (sent.length !== 2) judge.report(at, say.stuffingNotTwo(name));
    else if (byte !== undefined) written.set(byte, sent);
  }
  for (const [escape] of written.values()) {
    if (escape === undefined || written.has(escape)) continue;
    judge.report(["stuffing", "table"], say.escapeNotEscaped(spokenBytes(Uint8Array.of(escape))), "key");
    break;
  }
  return written;
}
