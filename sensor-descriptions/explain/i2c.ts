/** A chip's transfers: what each was for, its bytes, and the formulas from there to the values. */

import { createChecksum } from "../checksum/checksum.ts";
import { computed as computedValue } from "../fields/channels.ts";
import { createField } from "../fields/fields.ts";
import { formulaName } from "../formula/formula.ts";
import { createI2cProtocol } from "../i2c/i2c.ts";
import { driven, type I2cAct, wholeConversation } from "../i2c/i2c-driven.ts";
import { pecOfRead } from "../i2c/smbus-pec.ts";
import type { DecodedValue, I2cStep, Values } from "../model.ts";
import { spokenBytes } from "../quantities.ts";
import type { I2cCrcSpec, I2cIdentity, I2cPecSpec, I2cReadSpec, I2cSpec, I2cStepSpec } from "../spec.ts";
import { type Annotation, type Computation, covering, type Explanation, type Section, wrongIn } from "./explanation.ts";
import { computation, computations, fieldAnnotation, seenByFormulas } from "./values.ts";

export interface Transfer {
  readonly write: Uint8Array;
  readonly read: Uint8Array;
}

/** Transfers from the first that identifies the chip to the last of a measurement or write, as examples show them. */
export function explainTransfers(
  spec: I2cSpec,
  transfers: readonly Transfer[],
  act: I2cAct = { kind: "transfers" },
): Explanation {
  const sections: Section[] = [];
  const wrong: string[] = [];
  const known = new Map<string, DecodedValue>();
  let purpose: I2cIdentity | I2cStepSpec | undefined;
  let next = 0;
  const protocol = createI2cProtocol(spec, {
    identity: (identity) => (purpose = identity),
    step: (step) => (purpose = step),
    measured: (values) => {
      for (const [name, value] of values) known.set(name, value);
    },
  });
  const answer = (step: I2cStep): Uint8Array => {
    if (step.do === "wait") return new Uint8Array();
    const transfer = transfers[next];
    if (transfer === undefined)
      throw new Error(`transfer ${next + 1} is missing: write ${spokenBytes(step.write)}, read ${step.readLength}`);
    next++;
    sections.push(...transferSections(next, transfer, step.write, purpose));
    return transfer.read;
  };
  let values: Values = new Map();
  try {
    values = driven(wholeConversation(protocol, act), answer);
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  for (const transfer of transfers.slice(next))
    sections.push(...transferSections(++next, transfer, transfer.write, undefined));
  return {
    what: [
      wrong.length === 0
        ? `${spokenAct(act)} in ${transfers.length} transfers`
        : `${act.kind === "transfers" ? "no measurement" : `${spokenAct(act)} fails`}: ${wrong.join("; ")}`,
    ],
    sections,
    computed: values.size === 0 ? [] : allComputed(spec, known, values),
    values,
    wrong: [...wrong, ...wrongIn(sections)],
  };
}

function spokenAct(act: I2cAct): string {
  if (act.kind === "set") return `setting ${act.setting} to ${act.value}`;
  return act.kind === "command" ? `command ${act.command}` : "a measurement";
}

function allComputed(spec: I2cSpec, known: Values, values: Values): Computation[] {
  const lets = spec.lets.map(({ name, formula }) =>
    computation(name, formula, known, known.get(formulaName(name)) ?? "malformed"),
  );
  return [
    ...lets,
    ...computations(spec.channels, new Map([...known, ...seenByFormulas(spec.channels, values)]), values),
  ];
}

function transferSections(
  number: number,
  { write, read }: Transfer,
  wanted: Uint8Array,
  purpose: I2cIdentity | I2cStepSpec | undefined,
): Section[] {
  const sections: Section[] = [];
  const isSame = spokenBytes(write) === spokenBytes(wanted);
  const wrong = isSame ? {} : { wrong: `the description writes ${spokenBytes(wanted) || "nothing"} here` };
  if (write.length > 0)
    sections.push({
      title: `transfer ${number}: written`,
      bytes: write,
      annotations: [{ start: 0, end: write.length, part: "write", says: [writeText(purpose)], ...wrong }],
    });
  if (read.length > 0)
    sections.push({
      title: `transfer ${number}: read`,
      bytes: read,
      annotations: readAnnotations(read, purpose, write),
    });
  return sections;
}

function writeText(purpose: I2cIdentity | I2cStepSpec | undefined): string {
  if (purpose === undefined) return "not part of the description's conversation";
  if ("expect" in purpose) return "register or command that identifies the chip";
  return purpose.do === "write" ? "what the description writes" : "register or command from which is read";
}

/** Annotations that cover what one transfer read. */
export function readAnnotations(
  read: Uint8Array,
  purpose: I2cIdentity | I2cStepSpec | undefined,
  write: Uint8Array,
): readonly Annotation[] {
  if (purpose !== undefined && "pec" in purpose && read.length > 1) {
    const { pec, ...inside } = purpose;
    const data = read.subarray(0, -1);
    const check = pec && pecPart(data, read.at(-1) ?? 0, write, pec);
    return [...readAnnotations(data, inside, write), ...(check ? [check] : [])];
  }
  if (purpose !== undefined && "expect" in purpose) return [identityPart(read, purpose)];
  if (purpose === undefined || (purpose.do !== "read" && purpose.do !== "until"))
    return [{ start: 0, end: read.length, part: "read", says: ["nothing looks at it"] }];
  const checks = purpose.crc === undefined ? [] : crcParts(read, purpose.crc);
  const fields = fieldParts(read, purpose);
  const rest = (start: number, end: number): Annotation => ({
    start,
    end,
    part: "unread",
    says: ["no field reads it"],
  });
  return covering(read.length, [...checks, ...fields, ...untilPart(purpose, read)], rest);
}

function identityPart(read: Uint8Array, { expect, or = [], mask }: I2cIdentity): Annotation {
  const place = { start: 0, end: read.length, part: "identity" };
  const masked = (bytes: Uint8Array): string => spokenBytes(bytes.map((byte, i) => byte & (mask?.[i] ?? 0xff)));
  const wanted = [expect, ...or];
  const isIt = wanted.some((one) => one.length === read.length && masked(one) === masked(read));
  const under = mask === undefined ? "" : ` under mask ${spokenBytes(mask)}`;
  return isIt
    ? { ...place, says: [`as expected${under}: it is this chip`] }
    : { ...place, says: [], wrong: `should be ${wanted.map(spokenBytes).join(" or ")}${under}: another chip answers` };
}

function pecPart(data: Uint8Array, found: number, write: Uint8Array, pec: I2cPecSpec): Annotation {
  const wanted = pecOfRead(write, data, pec);
  const place = { start: data.length, end: data.length + 1, part: "PEC" };
  const says = "packet error check over the address and all bytes before it";
  return found === wanted
    ? { ...place, says: [`${says}: right`] }
    : { ...place, says: [says], wrong: `should be ${spokenBytes(Uint8Array.of(wanted))}` };
}

function crcParts(read: Uint8Array, { name, every }: I2cCrcSpec): Annotation[] {
  const checksum = createChecksum({ kind: "crc", name });
  const parts: Annotation[] = [];
  for (let at = 0; at + every < read.length; at += every + checksum.bytes) {
    const end = Math.min(at + every + checksum.bytes, read.length);
    const found = read.subarray(at + every, end).reduce((value, byte) => value * 256 + byte, 0);
    const wanted = checksum.of(read, at, at + every);
    const place = { start: at + every, end, part: "CRC" };
    const says = `${name} over the ${every} bytes before it`;
    parts.push(
      found === wanted
        ? { ...place, says: [`${says}: right`] }
        : {
            ...place,
            says: [says],
            wrong: `should be ${wanted
              .toString(16)
              .toUpperCase()
              .padStart(2 * checksum.bytes, "0")}`,
          },
    );
  }
  return parts;
}

/** Fields are counted without CRC bytes: their annotations are cut where one stands between. */
function fieldParts(read: Uint8Array, { fields, crc }: I2cReadSpec): Annotation[] {
  const size = crc === undefined ? 0 : createChecksum({ kind: "crc", name: crc.name }).bytes;
  const every = crc?.every ?? Number.MAX_SAFE_INTEGER;
  const onBus = (at: number): number => at + Math.floor(at / every) * size;
  const data = crc === undefined ? read : read.filter((_, i) => i % (every + size) < every);
  return fields.flatMap(({ name, field }): Annotation[] => {
    if (createField(field).end > data.length) return [];
    const one = fieldAnnotation(name, field, undefined, data, 0);
    const runs: Annotation[] = [];
    for (let at = one.start; at < one.end; ) {
      const to = Math.min(one.end, (Math.floor(at / every) + 1) * every);
      runs.push({
        ...one,
        start: onBus(at),
        end: onBus(at) + to - at,
        says: at === one.start ? one.says : [`belongs to ${name} as well`],
      });
      at = to;
    }
    return runs;
  });
}

/** What is waited for, with its numbers. */
function untilPart(step: Extract<I2cStepSpec, { do: "read" | "until" }>, read: Uint8Array): Annotation[] {
  if (step.do !== "until") return [];
  const known = new Map<string, DecodedValue>();
  for (const { name, field } of step.fields)
    if (createField(field).end <= read.length) known.set(formulaName(name), createField(field).read(read, 0));
  const value = computedValue(step.formula, known);
  const says =
    value === 1 || (typeof value === "number" && value !== 0) ? "so: it goes on" : "not so yet: it is read again";
  return [{ start: 0, end: read.length, part: "until", says: [`${step.formula.text}, ${says}`] }];
}

/**
 * Bytes of which nobody says where they were read: of the read that has as many; else they are named as nobody's.
 * Values come out only where formulas need nothing else (no constants of the chip).
 */
export function explainReadBytes(spec: I2cSpec, bytes: Uint8Array): Explanation {
  const reads = [...spec.measure, ...spec.constants, ...spec.setUp].filter(
    (step) => step.do === "read" || step.do === "until",
  );
  const step = reads.find(({ length }) => length === bytes.length);
  if (step === undefined) {
    const lengths = reads.map(({ write, length }) => `${length} from ${spokenBytes(write) || "the chip"}`);
    const wrong = `no read has ${bytes.length} bytes; there are ${lengths.join(", ")}`;
    const annotations: Annotation[] =
      bytes.length === 0 ? [] : [{ start: 0, end: bytes.length, part: "stray", says: [], wrong }];
    return {
      what: [`no read: ${wrong}`],
      sections: [{ title: "read", bytes, annotations }],
      computed: [],
      values: new Map(),
      wrong: [wrong],
    };
  }
  const annotations = readAnnotations(bytes, step, step.write);
  const sections = [{ title: "read", bytes, annotations }];
  const isRight = annotations.every(({ wrong }) => wrong === undefined);
  const { computed, values } = isRight
    ? aloneValues(spec, step, bytes)
    : { computed: [], values: new Map<string, DecodedValue>() };
  return {
    what: [`what is read from ${spokenBytes(step.write) || "the chip"}`],
    sections,
    computed,
    values,
    wrong: wrongIn(sections),
  };
}

/** Whatever follows from this one read: its step is played as the only one. */
function aloneValues(spec: I2cSpec, step: I2cStepSpec, bytes: Uint8Array): { computed: Computation[]; values: Values } {
  const isMeasured =
    spec.measure.includes(step) && step.do === "read" && spec.measure.filter((one) => one.do === "read").length === 1;
  if (!isMeasured || spec.constants.length > 0) return { computed: [], values: new Map() };
  const alone = explainTransfers({ ...spec, identify: [], setUp: [], measure: [step] }, [
    { write: step.write, read: bytes },
  ]);
  return { computed: [...alone.computed], values: alone.values };
}
