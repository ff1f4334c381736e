/**
 * Serial lines with noise: the frames of a description's own examples, with bytes changed, cut off, doubled and added,
 * in portions of any size. Host, listener and the device's side have to get through, and whatever they take for a frame
 * has to be one by a second, simple reading of the description (`reference-frames.ts`).
 */

import type { LinesSpec } from "../lines/lines-spec.ts";
import type { DeviceType } from "../load.ts";
import type { SerialProtocol, Values } from "../model.ts";
import type { FramedSpec } from "../spec.ts";
import { wrongInFrame, wrongInLine } from "./reference-frames.ts";
import { createRandom } from "./seeded-random.ts";

export interface FrameFuzzCounts {
  readonly runs: number;
  /** By what the host made of the stream: "answer", "refused", "bad", "nothing", and "report" for each report. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Throws Error with the seed of the run that went wrong. The same seed gives the same runs. */
export function fuzzSerialFrames(types: readonly DeviceType[], runs: number, seed: number): FrameFuzzCounts {
  const lines = types.filter(({ kind }) => kind === "framed" || kind === "lines").map(lineOf);
  const outcomes: Record<string, number> = {};
  const count = (outcome: string): void => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  for (let run = 0; run < runs; run++) {
    const line = lines[run % lines.length];
    if (!line) throw new Error("no description has frames or lines");
    oneRun(line, createRandom(seed + run), `${line.type.name}, seed ${seed + run}`, count);
  }
  return { runs, outcomes };
}

interface FuzzedLine {
  readonly type: DeviceType;
  readonly protocol: SerialProtocol;
  readonly address: number;
  readonly wrongIn: (frame: readonly number[]) => string | undefined;
  /** Frames of the examples, in both directions. */
  readonly frames: readonly Uint8Array[];
}

function lineOf(type: DeviceType): FuzzedLine {
  const given = type.examples[0]?.given ?? new Map<string, number>();
  const spec = type.spec(given) as FramedSpec | LinesSpec;
  return {
    type,
    protocol: type.protocol(given) as SerialProtocol,
    address: given.get("address") ?? 0,
    wrongIn: (frame) => (spec.protocol === "framed" ? wrongInFrame(spec, frame) : wrongInLine(spec.line, frame)),
    frames: type.examples.flatMap(({ sent, answer }) => [...(sent ? [sent] : []), ...(answer ? [answer] : [])]),
  };
}

function oneRun(line: FuzzedLine, random: () => number, what: string, count: (outcome: string) => void): void {
  const { protocol, address, frames, type } = line;
  const stream = streamOf(frames, random);
  const example = type.examples[Math.floor(random() * type.examples.length)];
  const { shows } = example ?? {};
  const isReport = shows?.kind === "read" && protocol.reads.some(({ name, isReport: is }) => is && name === shows.read);
  const exchange =
    shows?.kind === "read" && !isReport
      ? protocol.read(address, shows.read, () => undefined, example?.turn)
      : shows?.kind === "set"
        ? protocol.set(address, shows.setting, shows.value, example?.turn)
        : shows?.kind === "command"
          ? protocol.command(address, shows.command, example?.turn)
          : undefined;
  const recogniser = exchange?.recognise();
  const listener = protocol.listen?.(address);
  const device = protocol.deviceSide(address);
  let isDone = recogniser === undefined;
  for (const portion of portionsOf(stream, random)) {
    const outcome = isDone ? undefined : recogniser?.push(portion);
    if (outcome !== undefined) {
      isDone = true;
      count(outcome.kind);
      if (outcome.kind !== "bad") requireIntact(line, outcome.frame, `${what}: ${outcome.kind}`);
      if (outcome.kind === "answer") requireNamed(outcome.values, what);
    }
    for (const { frame, values } of listener?.push(portion) ?? []) {
      count("report");
      requireIntact(line, frame, `${what}: report`);
      requireNamed(values, what);
    }
    for (const request of device.push(portion)) if (request.kind !== "bad") count("request");
  }
  if (!isDone) count("nothing");
  const stray = recogniser?.strayBytes ?? 0;
  if (stray < 0 || stray > stream.length) throw new Error(`${what}: ${stray} stray bytes of ${stream.length}`);
}

function requireIntact({ wrongIn }: FuzzedLine, frame: Uint8Array, what: string): void {
  const wrong = wrongIn([...frame]);
  if (wrong === undefined) return;
  throw new Error(`${what} out of a frame in which ${wrong} is wrong: ${Buffer.from(frame).toString("hex")}`);
}

function requireNamed(values: Values, what: string): void {
  for (const [name, value] of values) {
    const isNamed = typeof value === "number" ? Number.isFinite(value) : value === "malformed" || value === "no-sensor";
    if (!isNamed) throw new Error(`${what}: ${name} is ${String(value)}`);
  }
}

const PIECES_MAX = 4;

function streamOf(frames: readonly Uint8Array[], random: () => number): Uint8Array {
  const pieces: number[] = [];
  for (let i = 1 + Math.floor(random() * PIECES_MAX); i > 0; i--) {
    const frame = frames[Math.floor(random() * frames.length)] ?? new Uint8Array();
    for (const byte of mutated(frame, random)) pieces.push(byte);
  }
  return Uint8Array.from(pieces);
}

const any = (random: () => number): number => Math.floor(random() * 256);

/** Often as it is, mostly with one byte changed, sometimes cut, doubled in part, or noise. */
function mutated(frame: Uint8Array, random: () => number): Uint8Array {
  const at = Math.floor(random() * frame.length);
  const copy = frame.slice();
  switch (Math.floor(random() * 10)) {
    case 0:
    case 1:
    case 2:
      return copy;
    case 3:
    case 4:
      copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      return copy;
    case 5:
      copy[at] = any(random);
      return copy;
    case 6:
      return copy.slice(0, at);
    case 7:
      return Uint8Array.of(...copy.slice(0, at), any(random), ...copy.slice(at));
    case 8:
      return Uint8Array.of(...copy.slice(0, at + 2), ...copy.slice(at));
    default:
      return Uint8Array.from({ length: Math.floor(random() * 40) }, () => any(random));
  }
}

function* portionsOf(stream: Uint8Array, random: () => number): Generator<Uint8Array> {
  for (let at = 0; at < stream.length; ) {
    const end = random() < 0.3 ? stream.length : at + 1 + Math.floor(random() * 12);
    yield stream.slice(at, end);
    at = end;
  }
}
