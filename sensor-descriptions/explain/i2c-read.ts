/** What a chip answered, byte by byte: identity, check bytes, status, fields, numbers in letters, what is waited for. */
import { createChecksum } from "../checksum/checksum.ts";
import { computed as computedValue } from "../fields/channels.ts";
import { createField } from "../fields/fields.ts";
import { formulaName } from "../formula/formula.ts";
import { checkBytes } from "../i2c/i2c-checks.ts";
import { endOfLetters, readLettersOf } from "../i2c/i2c-letters.ts";
import type {
  I2cCheckSpec,
  I2cCrcSpec,
  I2cFieldSpec,
  I2cIdentity,
  I2cPecSpec,
  I2cReadSpec,
  I2cStatusSpec,
  I2cStepSpec,
} from "../i2c/i2c-spec.ts";
import { statusCode } from "../i2c/i2c-steps.ts";
import { pecOfRead } from "../i2c/smbus-pec.ts";
import { textOfBytes } from "../lines/letters.ts";
import type { DecodedValue } from "../model.ts";
import { spokenBytes } from "../quantities.ts";
import { type Annotation, covering } from "./explanation.ts";
import { fieldAnnotation } from "./values.ts";

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
  if (purpose.check) {
    const { check, ...inside } = purpose;
    const size = checkBytes(check, new Uint8Array()).length;
    const data = read.subarray(0, Math.max(0, read.length - size));
    const last = data.length < read.length ? [lastPart(data, read.subarray(data.length), check)] : [];
    return [...readAnnotations(data, inside, write), ...last];
  }
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

function lastPart(data: Uint8Array, found: Uint8Array, check: I2cCheckSpec): Annotation {
  const wanted = spokenBytes(checkBytes(check, data));
  const name = check.of.kind === "crc" ? check.of.name : check.of.kind;
  const place = { start: data.length, end: data.length + found.length, part: "check" };
  const says = `${name} over all bytes before it`;
  return spokenBytes(found) === wanted
    ? { ...place, says: [`${says}: right`] }
    : { ...place, says: [says], wrong: `should be ${wanted}` };
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
function fieldParts(read: Uint8Array, { fields, crc, status }: I2cReadSpec): Annotation[] {
  const size = crc === undefined ? 0 : createChecksum({ kind: "crc", name: crc.name }).bytes;
  const every = crc?.every ?? Number.MAX_SAFE_INTEGER;
  const onBus = (at: number): number => at + Math.floor(at / every) * size;
  const data = crc === undefined ? read : read.filter((_, i) => i % (every + size) < every);
  const ones = [...statusPart(data, status), ...fields.flatMap((field) => onePart(data, field))];
  return ones.flatMap((one): Annotation[] => {
    const runs: Annotation[] = [];
    for (let at = one.start; at < one.end; ) {
      const to = Math.min(one.end, (Math.floor(at / every) + 1) * every);
      runs.push({
        ...one,
        start: onBus(at),
        end: onBus(at) + to - at,
        says: at === one.start ? one.says : [`belongs to ${one.part} as well`],
      });
      at = to;
    }
    return runs;
  });
}

function onePart(data: Uint8Array, one: I2cFieldSpec): Annotation[] {
  if ("field" in one)
    return createField(one.field).end > data.length ? [] : [fieldAnnotation(one.name, one.field, undefined, data, 0)];
  const { at } = one.letters;
  const end = endOfLetters(data, at);
  const value = readLettersOf(one.letters, data);
  return end <= at
    ? []
    : [{ start: at, end, part: one.name, says: [`"${textOfBytes(data, at, end)}" in letters: ${value}`] }];
}

function statusPart(data: Uint8Array, status: I2cStatusSpec | undefined): Annotation[] {
  const code = status && statusCode(status, data);
  if (code === undefined) return [];
  const meaning = status?.means.get(code) ?? "malformed";
  const place = { start: status?.at ?? 0, end: (status?.at ?? 0) + 1, part: "status" };
  return meaning === "good"
    ? [{ ...place, says: [`${code}: good`] }]
    : [{ ...place, says: [`${code}`], wrong: `the chip says: ${meaning}` }];
}

/** What is waited for, with its numbers. */
function untilPart(step: Extract<I2cStepSpec, { do: "read" | "until" }>, read: Uint8Array): Annotation[] {
  if (step.do !== "until") return [];
  const known = new Map<string, DecodedValue>();
  for (const one of step.fields) {
    if ("letters" in one) known.set(formulaName(one.name), readLettersOf(one.letters, read));
    else if (createField(one.field).end <= read.length)
      known.set(formulaName(one.name), createField(one.field).read(read, 0));
  }
  const value = computedValue(step.formula, known);
  const says =
    value === 1 || (typeof value === "number" && value !== 0) ? "so: it goes on" : "not so yet: it is read again";
  return [{ start: 0, end: read.length, part: "until", says: [`${step.formula.text}, ${says}`] }];
}
