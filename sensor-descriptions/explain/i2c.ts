/** A chip's transfers: what each was for, its bytes, and the formulas from there to the values. */

import { formulaName } from "../formula/formula.ts";
import { createI2cProtocol } from "../i2c/i2c.ts";
import { driven, type I2cAct, wholeConversation } from "../i2c/i2c-driven.ts";
import type { I2cIdentity, I2cSpec, I2cStepSpec } from "../i2c/i2c-spec.ts";
import type { DecodedValue, I2cStep, Values } from "../model.ts";
import { spokenBytes } from "../quantities.ts";
import { type Annotation, type Computation, type Explanation, type Section, wrongIn } from "./explanation.ts";
import { readAnnotations } from "./i2c-read.ts";
import { computation, computations, seenByFormulas } from "./values.ts";

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
