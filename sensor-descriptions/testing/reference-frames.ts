/** Whether bytes are an intact frame of a description: written a second time, simply and slowly, for the fuzzing. */
import type { LineCheckSpec, LineForm } from "../lines/lines-spec.ts";
import type { FramedSpec, FramePart, FrameWrapping } from "../spec.ts";
import { referenceCheck } from "./reference-checks.ts";

/** What is wrong with a frame as it stood on the line; undefined: nothing. */
export function wrongInFrame(spec: FramedSpec, line: readonly number[]): string | undefined {
  const frame = unwrapped(spec.wrapping, spec.frame, line);
  return frame === undefined ? "its wrapping is damaged" : wrongInParts(spec, frame);
}

const sizes: Readonly<Record<string, number>> = { u8: 1, u16: 2 };

function wrongInParts(spec: FramedSpec, frame: readonly number[]): string | undefined {
  const fixed = spec.frame.map((part) => sizeOf(part));
  const bodyLength = frame.length - fixed.reduce((sum, size) => sum + size, 0);
  if (bodyLength < 0) return "it is too short";
  let at = 0;
  const parts = spec.frame.map((part, i) => {
    const bytes = frame.slice(at, at + (part.part === "body" ? bodyLength : (fixed[i] ?? 0)));
    at += bytes.length;
    return { part, bytes };
  });
  for (const { part, bytes } of parts) {
    if ((part.part === "start" || part.part === "end") && String(bytes) !== String([...part.bytes])) return "a mark";
    if (part.part === "body" && part.length !== undefined && bytes.length !== part.length) return "the body's length";
    if (part.part !== "check") continue;
    const covered = parts.slice(part.from, part.to + 1).flatMap((one) => one.bytes);
    if (numberIn(part, bytes) !== referenceCheck(part.check, covered)) return "a check";
  }
  return undefined;
}

function sizeOf(part: FramePart): number {
  if (part.part === "body") return 0;
  if (part.part === "start" || part.part === "end") return part.bytes.length;
  if (part.part === "code") return part.length;
  if (part.part !== "check") return sizes[part.as] ?? 0;
  const { check } = part;
  const bits = check.kind === "crc" ? /^CRC-(\d+)/.exec(check.name)?.[1] : /\d+$/.exec(check.kind)?.[0];
  return Math.ceil(Number(bits) / 8) * (part.written === undefined ? 1 : 2);
}

function numberIn(part: Extract<FramePart, { part: "check" }>, bytes: readonly number[]): bigint {
  if (part.written !== undefined) return BigInt(`0x${String.fromCharCode(...bytes)}`);
  const ordered = part.byteOrder === "big-endian" ? bytes : [...bytes].reverse();
  return ordered.reduce((number, byte) => number * 256n + BigInt(byte), 0n);
}

function unwrapped(
  wrapping: FrameWrapping | undefined,
  parts: readonly FramePart[],
  line: readonly number[],
): readonly number[] | undefined {
  if (wrapping === undefined) return line;
  switch (wrapping.kind) {
    case "slip":
      return unstuffed(SLIP, line.slice(0, -1));
    case "cobs":
      return uncobbed(line.slice(0, -1));
    default: {
      const [first] = parts;
      const start = first?.part === "start" ? [...first.bytes] : [];
      const end = parts.findLast(({ part }) => part === "end");
      const behind = end === undefined ? [] : parts.slice(parts.indexOf(end));
      const tail = behind.reduce((sum, part) => sum + sizeOf(part), 0);
      // Where one mark ends a frame and begins the next, a frame comes without its first.
      const isShared = end?.part === "end" && tail === 1 && start.length === 1 && end.bytes[0] === start[0];
      const inner = line.slice(isShared ? 0 : start.length, line.length - tail);
      const plain = wrapping.kind === "stuffing" ? unstuffed(wrapping.table, inner) : unhexed(inner);
      return plain && [...start, ...plain, ...line.slice(line.length - tail)];
    }
  }
}

const SLIP: ReadonlyMap<number, Uint8Array> = new Map([
  [0xc0, Uint8Array.of(0xdb, 0xdc)],
  [0xdb, Uint8Array.of(0xdb, 0xdd)],
]);

function unstuffed(table: ReadonlyMap<number, Uint8Array>, bytes: readonly number[]): number[] | undefined {
  const plain: number[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const [byte = 0] = rest;
    const sent = [...table].find(([, pair]) => pair[0] === byte && pair[1] === rest[1]);
    if (sent === undefined && (table.has(byte) || [...table.values()].some((pair) => pair[0] === byte)))
      return undefined;
    plain.push(sent?.[0] ?? byte);
    rest = rest.slice(sent === undefined ? 1 : 2);
  }
  return plain;
}

function uncobbed(bytes: readonly number[]): number[] | undefined {
  const plain: number[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const [code = 0, ...more] = rest;
    if (code === 0 || more.length < code - 1) return undefined;
    plain.push(...more.slice(0, code - 1));
    rest = more.slice(code - 1);
    if (code < 255 && rest.length > 0) plain.push(0);
  }
  return plain;
}

function unhexed(letters: readonly number[]): number[] | undefined {
  const text = String.fromCharCode(...letters);
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) return undefined;
  return [...Buffer.from(text, "hex")];
}

/** The same of a line of text, or of several that are one message. */
export function wrongInLine(form: LineForm, line: readonly number[]): string | undefined {
  const { begin, check } = form;
  if (check === undefined) return undefined;
  if (form.isBlock) return wrongInBlock(form, check, String.fromCharCode(...line));
  const text = String.fromCharCode(...line).trimEnd();
  const content = text.slice(begin === "" ? 0 : text.lastIndexOf(begin) + begin.length);
  const mark = content.lastIndexOf(check.after);
  if (check.isOptional && mark < 0) return undefined;
  const wanted = referenceCheck(check.check, [...Buffer.from(content.slice(0, mark), "latin1")]);
  const digits = content.slice(mark + check.after.length).trim();
  return /^[0-9a-f]+$/i.test(digits) && BigInt(`0x${digits}`) === wanted ? undefined : "its check";
}

/** Blocks that begin with what also ends their lines begin where the one before ended: with the first of them. */
function wrongInBlock({ begin, end }: LineForm, check: LineCheckSpec, text: string): string | undefined {
  const { after } = check;
  const endAt = text.length - end.length;
  const mark = text.lastIndexOf(after, endAt - 1 - after.length);
  const beginAt = begin === "\r\n" ? text.indexOf(begin) : text.slice(0, mark).lastIndexOf(begin);
  if (!text.endsWith(end) || mark < 0 || beginAt < 0) return "its form";
  const from = check.coversBegin ? beginAt : beginAt + begin.length;
  const covered = text.slice(from, check.coversAfter ? mark + after.length : mark);
  const written = text.slice(mark + after.length, endAt);
  const digits = check.written === "bytes" ? Buffer.from(written, "latin1").toString("hex") : written;
  const wanted = referenceCheck(check.check, [...Buffer.from(covered, "latin1")]);
  return /^[0-9a-f]+$/i.test(digits) && BigInt(`0x${digits}`) === wanted ? undefined : "its check";
}
