/**
 * What bytes mean, for people: sections of bytes in which every byte belongs to exactly one annotation, and the values
 * that come out, each with the way there.
 */
import type { DecodedValue, Texts, Values } from "../model.ts";

export interface Annotation {
  /** Counted in the section's bytes; `end` is the first one behind it. */
  readonly start: number;
  readonly end: number;
  /** "start", "address", "check", the name of a channel, "stray" … */
  readonly part: string;
  readonly says: readonly string[];
  /** What is wrong with it. */
  readonly wrong?: string;
}

export interface Section {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly annotations: readonly Annotation[];
  /** Letters: shown as such. */
  readonly isText?: boolean;
}

/** A formula with its numbers put in. */
export interface Computation {
  readonly name: string;
  readonly formula: string;
  /** The formula's text with numbers instead of names. */
  readonly filled: string;
  readonly value: DecodedValue;
  /** "25.08 °C", "pumping", "no-sensor". */
  readonly says: string;
}

export interface Explanation {
  /** One line for each message: 'answer to "read status" of address 1'. */
  readonly what: readonly string[];
  readonly sections: readonly Section[];
  readonly computed: readonly Computation[];
  /** As the reader would get them. */
  readonly values: Values;
  readonly texts?: Texts;
  /** Everything that is wrong, in words, in the order of the bytes. */
  readonly wrong: readonly string[];
}

/** More bytes than this are no message: two of the longest frames with noise around them. */
export const EXPLAINED_BYTES_MAX = 4_096;

/**
 * Annotations that cover `length` bytes, in order: cut at the end, those that share bytes made one, gaps named.
 */
export function covering(
  length: number,
  parts: readonly Annotation[],
  gap: (start: number, end: number) => Annotation,
): readonly Annotation[] {
  const sorted = parts
    .filter(({ start, end }) => start < end && start < length)
    .map((one) => (one.end > length ? cut(one, length) : one))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  const covered: Annotation[] = [];
  let at = 0;
  for (let i = 0; i < sorted.length; ) {
    const group: Annotation[] = [];
    const [first] = [sorted[i] as Annotation];
    let end = first.end;
    for (let next = sorted[i]; next !== undefined && (group.length === 0 || next.start < end); next = sorted[++i]) {
      group.push(next);
      end = Math.max(end, next.end);
    }
    if (first.start > at) covered.push(gap(at, first.start));
    covered.push(group.length === 1 ? first : together(group, first.start, end));
    at = end;
  }
  if (at < length) covered.push(gap(at, length));
  return covered;
}

const cut = (one: Annotation, length: number): Annotation => ({
  ...one,
  end: length,
  says: [],
  wrong: `cut: ${length - one.start} of ${one.end - one.start} bytes are here`,
});

function together(group: readonly Annotation[], start: number, end: number): Annotation {
  const wrong = group.flatMap((one) => (one.wrong === undefined ? [] : [`${one.part}: ${one.wrong}`]));
  return {
    start,
    end,
    part: group.map(({ part }) => part).join(", "),
    says: group.flatMap(({ part, says }) => says.map((line) => `${part}: ${line}`)),
    ...(wrong.length === 0 ? {} : { wrong: wrong.join("; ") }),
  };
}

export const shifted = (annotations: readonly Annotation[], by: number): readonly Annotation[] =>
  annotations.map((one) => ({ ...one, start: one.start + by, end: one.end + by }));

export const stray = (start: number, end: number): Annotation => ({
  start,
  end,
  part: "stray",
  says: [end - start === 1 ? "belongs to no frame" : "belong to no frame"],
});

export const wrongIn = (sections: readonly Section[]): readonly string[] =>
  sections.flatMap(({ annotations }) =>
    annotations.flatMap(({ part, wrong }) => (wrong === undefined ? [] : [`${part}: ${wrong}`])),
  );

/** "byte 2", "bytes 2 to 17" */
export const bytesAt = (from: number, to: number): string =>
  to - from === 1 ? `byte ${from}` : `bytes ${from} to ${to - 1}`;
