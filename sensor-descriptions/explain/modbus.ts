/** Modbus frames, RTU and ASCII: which, of which direction, and what stands in them (V1.1b3, section 6). */

import { FRAME_BYTES_MAX } from "../framing/frame-scanner.ts";
import { modbusMessagesOf } from "../modbus/modbus.ts";
import { answerSizeAt, BROADCAST, requestSizeAt } from "../modbus/modbus-frame.ts";
import type { ModbusSpec } from "../modbus/modbus-spec.ts";
import type { DecodedValue } from "../model.ts";
import { type Annotation, type Computation, type Explanation, stray, wrongIn } from "./explanation.ts";
import type { Asked } from "./framed.ts";
import { contentAnnotations, meaningOf } from "./modbus-content.ts";
import { type Link, type ModbusFound, ofLine } from "./modbus-line.ts";
import { computations, seenByFormulas } from "./values.ts";

export function explainModbus(spec: ModbusSpec, { address, wanted }: Asked, bytes: Uint8Array): Explanation {
  const link = ofLine(spec);
  const messages = modbusMessagesOf(spec);
  const frames = findFrames(link, address, bytes);
  const what: string[] = [];
  const line: Annotation[] = [];
  const values = new Map<string, DecodedValue>();
  const texts = new Map<string, string>();
  const computed: Computation[] = [];
  let asked = wanted;
  let at = 0;
  for (const found of frames) {
    line.push(...gap(at, found.at));
    const meaning = meaningOf(spec, messages, found, asked);
    what.push(whatOf(address, found, meaning.what));
    line.push(...link.onLine(found, contentAnnotations(spec, address, found, meaning)));
    const decoded = isTaken(found, address) && meaning.read ? meaning.read.decode(found.content, 3) : undefined;
    for (const [name, value] of decoded?.values ?? []) values.set(name, value);
    for (const [name, text] of decoded?.texts ?? []) texts.set(name, text);
    if (decoded && meaning.read) {
      const { channels } = meaning.read.spec;
      computed.push(...computations(channels, seenByFormulas(channels, decoded.values), decoded.values));
    }
    // An answer doesn't say what was asked; a request before it does.
    if (meaning.request !== undefined) asked = meaning.request;
    at = found.at + found.size;
  }
  const rest = frames.length === 0 ? link.why(address, bytes) : undefined;
  if (rest !== undefined) what.push(`no frame: ${rest}`);
  line.push(...gap(at, bytes.length, rest));
  const sections = [{ title: "on the line", bytes, annotations: line, ...(link.isText ? { isText: true } : {}) }];
  return { what, sections, computed, values, texts, wrong: wrongIn(sections) };
}

const isTaken = ({ isIntact, content, direction }: ModbusFound, address: number): boolean =>
  isIntact && direction === "answer" && content[0] === address;

const gap = (from: number, to: number, wrong?: string): Annotation[] =>
  from < to ? [{ ...stray(from, to), ...(wrong === undefined ? {} : { wrong }) }] : [];

function whatOf(address: number, { content, isIntact }: ModbusFound, meant: string): string {
  const [to = 0] = content;
  const whose = to === address ? "" : to === BROADCAST ? ", to everybody" : `, of address ${to}, not ${address}`;
  return `${meant}${whose}${isIntact ? "" : ", with a wrong check"}`;
}

/** Whole and right ones of any device first; damaged ones only where they have our address and a function of ours. */
function findFrames(link: Link, address: number, bytes: Uint8Array): readonly ModbusFound[] {
  const sizes = { answer: answerSizeAt, request: requestSizeAt } as const;
  const candidates: ModbusFound[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (const direction of ["answer", "request"] as const) {
      const found = link.at(bytes, at, direction, sizes[direction]);
      if (
        found &&
        found.size <= FRAME_BYTES_MAX &&
        (found.isIntact || (found.content[0] === address && at === 0) || link.isText)
      )
        candidates.push(found);
    }
  }
  const ranked = candidates.sort(
    (a, b) => Number(b.isIntact) - Number(a.isIntact) || a.at - b.at || fit(b, bytes) - fit(a, bytes),
  );
  const isTaken = new Uint8Array(bytes.length);
  const taken = ranked.filter(({ at, size }) => {
    if (isTaken.subarray(at, at + size).includes(1)) return false;
    isTaken.fill(1, at, at + size);
    return true;
  });
  return taken.sort((a, b) => a.at - b.at);
}

/** Of two readings of damaged bytes, the one that uses them all is meant; else answers, which are seen more often. */
const fit = ({ at, size, direction }: ModbusFound, bytes: Uint8Array): number =>
  (at + size === bytes.length ? 2 : 0) + (direction === "answer" ? 1 : 0);
