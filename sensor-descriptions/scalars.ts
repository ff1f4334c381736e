/**
 * The single values of description files as zod sees them: in goes the text of the file, out comes the meaning.
 * The `meta` of each is what an editor is told through the JSON Schema, where YAML has made numbers of some texts.
 */
import * as z from "zod";
import { readLetters, textOfBytes } from "./lines/letters.ts";
import type { TextTemplate } from "./lines/lines-spec.ts";
import { type Said, say } from "./messages.ts";
import {
  type Quantity,
  type Range,
  type Reading,
  readBytes,
  readDuration,
  readNumber,
  readQuantity,
  readRange,
  readWhole,
} from "./quantities.ts";
import type { Template } from "./spec.ts";
import { nearestWord } from "./spelling.ts";

// A shape is used a few times in a process: making code for it at run time costs `check` more than it saves, and a
// station runs without making code from texts. Shapes ask for this when they are made, and all are made of scalars.
z.config({ jitless: true });

/** What a failed value carries through zod to `load/shape.ts`. */
export interface Failure {
  readonly said: Said;
  readonly column?: number;
}

interface Editor {
  readonly type: string | readonly string[];
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly examples?: readonly string[];
}

/** `trim: false`: blanks at both ends belong to the value. */
export function scalar<T>(editor: Editor, read: (text: string) => Reading<T>, { trim } = { trim: true }) {
  // `meta` would make a second shape of each text, and there are hundreds.
  const fromFile = z.string().register(z.globalRegistry, { ...editor });
  return fromFile.transform((text, context): T => {
    const reading = read(trim ? text.trim() : text);
    if ("ok" in reading) return reading.ok;
    context.addIssue({
      code: "custom",
      message: reading.said.message,
      params: { failure: reading satisfies Failure },
    });
    return z.NEVER;
  });
}

const WITH_UNIT = ["string"];
/** What YAML makes a number of, and what it leaves a text. */
export const NUMBER = ["number", "string"];
const ANY = ["string", "number", "boolean"];

const LETTERS_MAX = 500;
export const text = () =>
  scalar({ type: ANY }, (t) => (t.length > LETTERS_MAX ? { said: say.textTooLong(t.length, LETTERS_MAX) } : { ok: t }));

const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
export const name = () =>
  scalar({ type: "string", pattern: NAME.source }, (t) => (NAME.test(t) ? { ok: t } : { said: say.badName(t) }));

/** `low` and `high` in milliseconds, both included. */
export const duration = (low = 0, high = 31 * 86_400_000) =>
  scalar({ type: WITH_UNIT, examples: ["500ms", "30s", "15min", "2h"] }, (t) => {
    const reading = readDuration(t);
    if ("said" in reading || (reading.ok >= low && reading.ok <= high)) return reading;
    return { said: say.notNearlyNow(t, `${low / 1000}s`, `${high / 1000}s`) };
  });

export const quantity = () => scalar({ type: NUMBER, examples: ["0.2794 mm", "-0.4 °C"] }, readQuantity);
/** "0.1", "0.1 mm", or a formula of needs: "0.00001 / shunt". */
export const resolution = () =>
  scalar(
    { type: NUMBER, examples: ["0.1 mm", "0.00001 / shunt"] },
    (t): Reading<Quantity | { readonly formula: string }> =>
      /^[a-z(]|[*?()]|\s[-+/]\s/.test(t) ? { ok: { formula: t } } : readQuantity(t),
  );
export const number = () => scalar({ type: NUMBER }, readNumber);
export const range = () => scalar({ type: "string", examples: ["0 to 1500", "200 to 1000 mbar"] }, readRange);
export const bytes = () => scalar({ type: NUMBER, examples: ["55 AA"] }, readBytes);

/** Letters as `lineText`, as the text that they are. */
export const letters = () =>
  scalar(
    { type: ANY },
    (t) => {
      const bytes = readLetters(t);
      return "ok" in bytes ? { ok: textOfBytes(bytes.ok) } : bytes;
    },
    { trim: false },
  );

/** "T={value}": letters and placeholders. */
export const textTemplate = () =>
  scalar(
    { type: ANY, examples: ["R?", "T={value}"] },
    (t): Reading<TextTemplate> => {
      const pieces: TextTemplate[number][] = [];
      for (const piece of t.split(/(\{[^}]*\})/)) {
        const placeholder = /^\{\s*([a-z][a-z0-9-]*)\s*\}$/.exec(piece)?.[1];
        if (placeholder !== undefined) pieces.push({ placeholder });
        else if (piece.startsWith("{") && piece.endsWith("}")) return { said: say.unknownPlaceholder(piece) };
        else if (piece !== "") {
          const bytes = readLetters(piece);
          if ("said" in bytes) return bytes;
          pieces.push({ text: textOfBytes(bytes.ok) });
        }
      }
      return { ok: pieces };
    },
    { trim: false },
  );

/** "R?\r\n": letters, and \r \n \t \xHH for those that have no key; blanks at the ends belong to it. */
export const lineText = () => scalar({ type: ANY, examples: ["R?\\r\\n"] }, readLetters, { trim: false });

export const whole = (low = 0, high = Number.MAX_SAFE_INTEGER) =>
  scalar({ type: ["integer", "string"] }, (t) => {
    const reading = readWhole(t);
    if ("said" in reading || (reading.ok >= low && reading.ok <= high)) return reading;
    return { said: say.outOfRange(t, String(low), String(high)) };
  });

/** A raw value as it stands on the wire: whole; hexadecimal up to 64 bits; a decimal fraction for floats. */
export const raw = () =>
  scalar({ type: NUMBER, examples: ["0x7FFF", "-32768"] }, (t): Reading<number | bigint> => {
    if (/^0[xX][0-9a-fA-F]{14,16}$/.test(t) && !Number.isSafeInteger(Number(t))) return { ok: BigInt(t) };
    return t.includes(".") ? readNumber(t) : readWhole(t);
  });

export const choice = <const T extends readonly [string, ...string[]]>(choices: T) =>
  scalar({ type: "string", enum: choices }, (t): Reading<T[number]> => {
    const found = choices.find((word) => word === t);
    return found === undefined ? { said: say.wrongChoice(t, choices, nearestWord(t, choices)) } : { ok: found };
  });

export const truth = () =>
  scalar(
    { type: ["boolean", "string"], examples: ["true", "false"] },
    (t): Reading<boolean> =>
      t === "true" || t === "false" ? { ok: t === "true" } : { said: say.wrongChoice(t, ["true", "false"], undefined) },
  );

/** "1": the version of the language. A file for a newer program says so before anything else is judged. */
export const format = () =>
  scalar({ type: NUMBER, examples: ["1"] }, (t) => (t === "1" ? { ok: 1 as const } : { said: say.unknownFormat(t) }));

/** "60" or "60 or 61": bytes, all of the same length. */
export const alternatives = () =>
  scalar({ type: NUMBER, examples: ["60", "60 or 61"] }, (t): Reading<readonly Uint8Array[]> => {
    const all: Uint8Array[] = [];
    for (const piece of t.split(/\s+or\s+/)) {
      const reading = readBytes(piece);
      if ("said" in reading) return reading;
      all.push(reading.ok);
    }
    return all.some(({ length }) => length === 0 || length !== all[0]?.length)
      ? { said: say.notBytes(t) }
      : { ok: all };
  });

/** "4 to 23" or "3": bits of an integer, 0 is the lowest. */
export const bits = () =>
  scalar({ type: NUMBER, examples: ["4 to 23", "3"] }, (t): Reading<Range> => {
    const single = readWhole(t);
    const reading = "ok" in single ? { ok: { low: single.ok, high: single.ok, unit: "", text: t } } : readRange(t);
    const isBits =
      "ok" in reading &&
      reading.ok.unit === "" &&
      Number.isInteger(reading.ok.low) &&
      Number.isInteger(reading.ok.high) &&
      reading.ok.low >= 0;
    return isBits || "said" in reading ? reading : { said: say.notARange(t) };
  });

/** A GPIO line by its offset on the chip, or by its name, which is up to 31 bytes long in the kernel (GPIO_MAX_NAME_SIZE). */
export const pin = () =>
  scalar({ type: ["integer", "string"], examples: ["17", "GPIO17"] }, (t): Reading<number | string> => {
    // A name may be almost anything, but these are slips: YAML's yes and no, the letters O and l for 0 and 1.
    if (/^(?:yes|no|true|false|on|off|null|~|[oil]\d+)$/i.test(t)) return { said: say.notWhole(t) };
    if (!/^[+-]?\d/.test(t))
      return /^[\x21-\x7e](?:[\x20-\x7e]{0,29}[\x21-\x7e])?$/.test(t) ? { ok: t } : { said: say.notAPin(t) };
    const reading = readWhole(t);
    if ("said" in reading || (reading.ok >= 0 && reading.ok <= 1023)) return reading;
    return { said: say.outOfRange(t, "0", "1023") };
  });

/** "8N1": data bits, parity, stop bits. */
export const serialMode = () =>
  // To YAML 8E1 is a number.
  scalar({ type: NUMBER, pattern: "^[78][NEO][12]$", examples: ["8N1", "8E1"] }, (t) => {
    const [data, parity, stop] = t.toUpperCase();
    if (!/^[78][NEO][12]$/i.test(t)) return { said: say.notASerialMode(t) };
    const PARITIES = { N: "none", E: "even", O: "odd" } as const;
    return {
      ok: {
        dataBits: data === "7" ? (7 as const) : (8 as const),
        parity: PARITIES[parity === "E" || parity === "O" ? parity : "N"],
        stopBits: stop === "2" ? (2 as const) : (1 as const),
      },
    };
  });

/** A list of whole numbers, or one of them. */
export const wholes = (low: number, high: number) => oneOrMore(whole(low, high));

/** "10 {value}": bytes and placeholders. */
export const template = () =>
  scalar({ type: NUMBER, examples: ["01", "10 {value}"] }, (t): Reading<Template> => {
    const pieces: Template[number][] = [];
    for (const piece of t.split(/(\{[^}]*\})/)) {
      const placeholder = /^\{\s*([a-z][a-z0-9-]*)\s*\}$/.exec(piece)?.[1];
      if (placeholder !== undefined) pieces.push({ placeholder });
      else if (piece.includes("{") || piece.includes("}")) return { said: say.unknownPlaceholder(piece) };
      else {
        const constant = readBytes(piece.trim());
        if ("said" in constant) return constant;
        if (constant.ok.length > 0) pieces.push({ bytes: constant.ok });
      }
    }
    return { ok: pieces };
  });

export const timeZone = () =>
  scalar({ type: "string", examples: ["Europe/Berlin", "UTC"] }, (t) => {
    const known = ["UTC", ...Intl.supportedValuesOf("timeZone")];
    if (known.includes(t) || isAliasOfTimeZone(t)) return { ok: t };
    return { said: say.unknownTimeZone(t, nearestWord(t, known)) };
  });

/** Old names ("US/Eastern") are valid, yet not listed. */
function isAliasOfTimeZone(zone: string): boolean {
  try {
    return /^[A-Za-z]+\/[A-Za-z_/+-]+$/.test(zone) && new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
}

/** One value or a list of them. */
export const oneOrMore = <T extends z.ZodType>(one: T) =>
  z.preprocess((value) => (typeof value === "string" ? [value] : value), z.array(one).meta({ oneOrMore: true }));

/** What is told when a section, list or value stands where another of them belongs; `got` is the text, if it is one. */
export const SHAPE_ADVICE = z.registry<{ said: (got: string | undefined) => Said }>();

type Node = string | Node[] | { [key: string]: Node };

/** A value that may also be written as a list or a section; `read` tells `fail` what is wrong and where in it. */
export const scalarOrMore = <T>(
  read: (node: Node, fail: (at: readonly PropertyKey[], failure: Failure) => void) => T,
) =>
  z
    .custom<Node>(() => true)
    .meta({ anyOf: [{ type: NUMBER }, { type: "array" }, { type: "object" }] })
    .transform((node, context): Exclude<T, undefined> => {
      let isGood = true;
      const value = read(node, (at, failure) => {
        isGood = false;
        context.addIssue({ code: "custom", message: failure.said.message, params: { failure }, path: [...at] });
      });
      return isGood ? (value as Exclude<T, undefined>) : z.NEVER;
    });
