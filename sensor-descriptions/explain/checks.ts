/** A check in words: what it covers, what it has to be, and, where it is wrong, which other one fits. */
import { checksumNames, createChecksum } from "../checksum/checksum.ts";
import { SUM_NAMES } from "../checksum/checksum-sums.ts";
import type { CheckPart } from "../framing/frame-checks.ts";
import type { FrameLayout } from "../framing/frame-layout.ts";
import { hexDigits } from "../framing/hex-digits.ts";
import { spokenBytes } from "../quantities.ts";
import type { CheckSpec, FramePart } from "../spec.ts";
import type { Annotation } from "./explanation.ts";
import { bytesAt } from "./explanation.ts";

type CheckOfFrame = Extract<FramePart, { part: "check" }>;

/** `base`: where the frame begins in what is shown. */
export function checkAnnotation(
  layout: FrameLayout,
  check: CheckPart,
  frame: Uint8Array,
  bodyLength: number,
  base: number,
): Annotation | undefined {
  const { part, size } = check.place;
  if (part.part !== "check") return undefined;
  const start = check.place.at + (check.place.isAfterBody ? bodyLength : 0);
  const says = `${nameOf(part.check)} over ${coverText(layout, part, check.covers(bodyLength), base)}${orderText(part, size)}`;
  const place = { start, end: start + size, part: "check", says: [says] };
  if (start + size > frame.length) return place;
  if (check.holds(frame, 0, bodyLength)) return { ...place, says: [`${says}: right`] };
  const wanted = written(part, size, check.expected(frame, 0, bodyLength));
  const others = otherChecks(layout, check, frame, bodyLength, base);
  const help = others.length === 0 ? "" : `; what stands here is ${others.join(", or ")}`;
  return { ...place, wrong: `should be ${wanted}${help}` };
}

export const nameOf = (check: CheckSpec): string => (check.kind === "crc" ? check.name : check.kind);

function coverText(
  layout: FrameLayout,
  part: CheckOfFrame,
  { from, to }: { from: number; to: number },
  base: number,
): string {
  const [first, last] = [layout.places[part.from], layout.places[part.to]];
  const names = part.from === part.to ? first?.part.part : `${first?.part.part} to ${last?.part.part}`;
  return `${names} (${bytesAt(base + from, base + to)})`;
}

const orderText = (part: CheckOfFrame, size: number): string =>
  part.written === "hex-digits"
    ? ", as hexadecimal digits"
    : size > 1 && part.byteOrder === "little-endian"
      ? ", low byte first"
      : "";

function written(part: CheckOfFrame, size: number, value: number): string {
  if (part.written === "hex-digits") return `"${hexDigits(value, size)}"`;
  const bytes = Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** (size - 1 - i)) & 0xff);
  return spokenBytes(part.byteOrder === "big-endian" ? bytes : bytes.reverse());
}

/** What is told at most; with one byte, chance alone finds some. */
const OTHERS_MAX = 2;

/**
 * Checks that give what stands there: the described one with the other byte order or over other parts first, then all
 * that are known. A check of one byte is only looked for over the described parts: 1 in 256 fits by chance.
 */
export function otherChecks(
  layout: FrameLayout,
  check: CheckPart,
  frame: Uint8Array,
  bodyLength: number,
  base: number,
): readonly string[] {
  const { part } = check.place;
  if (part.part !== "check") return [];
  const found = check.found(frame, 0, bodyLength);
  const own = createChecksum(part.check);
  const covers = coverages(layout, check, bodyLength);
  const described = covers.filter(({ isOwn }) => isOwn);
  const specs = [part.check, ...allOf(own.bytes)];
  const all =
    own.bytes === 1
      ? [...covers.map((cover) => ({ specs: [part.check], cover })), ...described.map((cover) => ({ specs, cover }))]
      : covers.map((cover) => ({ specs, cover }));
  const fitting: string[] = [];
  for (const { specs: tried, cover } of all) {
    for (const spec of tried) {
      const value = createChecksum(spec).of(frame, cover.from, cover.to);
      const order = value === found ? "" : turned(value, own.bytes) === found ? otherOrder(part) : undefined;
      if (order === undefined) continue;
      const text = `${nameOf(spec)} over ${cover.name} (${bytesAt(base + cover.from, base + cover.to)})${order}`;
      if (!fitting.includes(text)) fitting.push(text);
      if (fitting.length >= OTHERS_MAX) return fitting;
    }
  }
  return fitting;
}

const otherOrder = ({ byteOrder }: CheckOfFrame): string =>
  byteOrder === "big-endian" ? ", low byte first" : ", high byte first";

const turned = (value: number, bytes: number): number => {
  let result = 0;
  for (let i = 0; i < bytes; i++) result = result * 256 + (Math.floor(value / 256 ** i) & 0xff);
  return result;
};

const allOf = (bytes: number): readonly CheckSpec[] =>
  [
    ...checksumNames.map((name): CheckSpec => ({ kind: "crc", name })),
    ...SUM_NAMES.map((kind): CheckSpec => ({ kind })),
  ].filter((spec) => createChecksum(spec).bytes === bytes);

interface Coverage {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly isOwn: boolean;
}

/** From the beginning of one part to the end of another, on one side of the check; the described coverage first. */
function coverages({ places }: FrameLayout, check: CheckPart, bodyLength: number): readonly Coverage[] {
  const own = check.covers(bodyLength);
  const checkAt = places.indexOf(check.place);
  const startOf = (i: number): number => {
    const place = places[i];
    return place === undefined ? 0 : place.at + (place.isAfterBody ? bodyLength : 0);
  };
  const endOf = (i: number): number => {
    const place = places[i];
    return startOf(i) + (place?.size ?? 0) + (place?.part.part === "body" ? bodyLength : 0);
  };
  const found: Coverage[] = [];
  for (let first = 0; first < places.length; first++) {
    for (let last = first; last < places.length && !(first <= checkAt && checkAt <= last); last++) {
      const [from, to] = [startOf(first), endOf(last)];
      const [a, b] = [places[first]?.part.part ?? "", places[last]?.part.part ?? ""];
      const isOwn = from === own.from && to === own.to;
      if (to > from) found.push({ name: a === b ? a : `${a} to ${b}`, from, to, isOwn });
    }
  }
  return found.sort((a, b) => Number(b.isOwn) - Number(a.isOwn) || b.to - b.from - (a.to - a.from));
}
