/**
 * What a device file says by itself. Its formulas may use what only the station file knows (`needs:`, altitude), so
 * the protocol is made per device: `protocol(given)`.
 */
import type * as z from "zod";
import { restsBetween } from "../alarm-limits.ts";
import { compileProtocol } from "../compile.ts";
import { type FormulaStates, formulaName } from "../formula/formula.ts";
import { say } from "../messages.ts";
import type { Alarm, Channel, Command, Protocol, Setting } from "../model.ts";
import type { Correction } from "../preprocessing.ts";
import { hasErrors, type Problem } from "../problems.ts";
import { rangeIn } from "../quantities.ts";
import { deviceShapes, type ProtocolName } from "../schema.ts";
import type { ProtocolSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import { ucumName } from "../units.ts";
import { beyondBounds } from "./bounds.ts";
import { correctedSpec } from "./corrected-spec.ts";
import { type Example, readExamples } from "./examples-of-type.ts";
import { reportFormulaCycles } from "./formula-cycles.ts";
import { framedSpec } from "./framed.ts";
import { i2cSpec } from "./i2c.ts";
import { inheritedExamples } from "./inherited-examples.ts";
import { createJudge, type Judge, knowingStates } from "./judge.ts";
import { levelSpec } from "./levels.ts";
import { linesSpec } from "./lines.ts";
import { modbusSpec } from "./modbus.ts";
import { likelyNeed, type Need, readNeed } from "./needs.ts";
import { outputSpec } from "./outputs.ts";
import { filtersOfType, type TypeFilter } from "./preprocess.ts";
import { pulseSpec } from "./pulses.ts";
import { fit } from "./shape.ts";
import type { Path, SourceDocument, SourceFile, Tree } from "./source-document.ts";
import { tryCompiling } from "./try-compiling.ts";
import { reportUnusedNeeds } from "./unused-needs.ts";

export interface DeviceType {
  readonly name: string;
  readonly file: SourceFile;
  /** The file and all that it extends, in this order. */
  readonly files: readonly SourceFile[];
  readonly source: string;
  readonly kind: ProtocolName;
  readonly everyMs: number;
  readonly needs: ReadonlyMap<string, Need>;
  readonly usesAltitude: boolean;
  readonly channels: readonly Channel[];
  /** Per channel, what the station file may replace. */
  readonly filters: ReadonlyMap<string, TypeFilter>;
  readonly settings: readonly Setting[];
  readonly commands: readonly Command[];
  readonly alarms: readonly Alarm[];
  readonly examples: readonly Example[];
  /** The same for one device, whose needs may say how fine they are; a step that can't be is NaN. */
  channelsFor(given: ReadonlyMap<string, number>): readonly Channel[];
  /** `given`: values of the needs by name, and "altitude" in metres. */
  protocol(given: ReadonlyMap<string, number>, corrections?: ReadonlyMap<string, Correction>): Protocol;
  /** The same before it is compiled. */
  spec(given: ReadonlyMap<string, number>): ProtocolSpec;
  /** "bme280.yaml:12", for "where is this from". */
  originOf(at: Path): string;
  /** The path of a channel in the file: those of serial devices stand in their reads. */
  channelAt(name: string): Path;
}

/** What `extends:` names, read already and without mistakes. */
export interface Base {
  readonly type: DeviceType;
  readonly tree: Tree | undefined;
  /** What the extending file says itself. */
  readonly changes: Tree | undefined;
}

/** A spec as its builder leaves it: with the channels in wire order and everything that is named. */
export interface BuiltSpec {
  readonly spec: ProtocolSpec;
  readonly channels: readonly Channel[];
  readonly settings: readonly Setting[];
  readonly commands: readonly Command[];
}

/** What builders know besides their own shape. */
export interface Surroundings {
  readonly judge: Judge;
  /** Needs and altitude as formulas write them, → their value. */
  readonly given: ReadonlyMap<string, number>;
}

export type DeviceShape = z.output<(typeof deviceShapes)[ProtocolName]>;

/** `type` only when the file has no error. `document`: with what the file takes over from its base. Never throws. */
export function readDeviceType(
  file: SourceFile,
  document: SourceDocument,
  base: Base | undefined,
): { type?: DeviceType; problems: readonly Problem[] } {
  const bounds = beyondBounds(document);
  if (bounds.length > 0) return { problems: [...document.problems, ...bounds] };
  const judge = createJudge(document);
  const kind = protocolOf(document);
  if (kind.problem) return { problems: [...document.problems, kind.problem] };
  const fitted = fit(deviceShapes[kind.name], document);
  const problems = [...document.problems, ...fitted.problems];
  if (!fitted.value) return { problems };
  const type = typeFrom(fitted.value, kind.name, { file, base }, judge, hasErrors(problems));
  problems.push(...judge.problems);
  return hasErrors(problems) ? { problems } : { type, problems };
}

function protocolOf(document: SourceDocument): { name: ProtocolName; problem?: Problem } {
  const { tree } = document;
  const text = typeof tree === "object" && !Array.isArray(tree) ? tree["protocol"] : undefined;
  if (text === undefined) return { name: "framed" };
  const names = Object.keys(deviceShapes) as ProtocolName[];
  const name = names.find((known) => known === text);
  if (name !== undefined) return { name };
  const shown = typeof text === "string" ? text : "…";
  return {
    name: "framed",
    problem: document.problem(["protocol"], say.wrongChoice(shown, names, nearestWord(shown, names))),
  };
}

function typeFrom(
  shape: DeviceShape,
  kind: ProtocolName,
  { file, base }: { readonly file: SourceFile; readonly base: Base | undefined },
  judge: Judge,
  isBroken: boolean,
): DeviceType {
  const fileName = file.path.split("/").at(-1) ?? "";
  if (fileName !== `${shape.type}.yaml`) judge.report(["type"], say.typeIsNotFileName(shape.type, fileName));
  const needs = needsOf(shape, kind, judge);
  const names = new Map([...[...needs.keys()].map((name) => [formulaName(name), 1] as const), ["altitude", 0]]);
  const likely = new Map([...needs.values()].map((need) => [formulaName(need.name), likelyNeed(need)]));
  const choices = choicesOf(needs);
  const around = (own: Judge, given: ReadonlyMap<string, number>): Surroundings => ({
    judge: knowingStates(own, choices),
    given,
  });
  const built = builtSpec(shape, around({ ...judge, needs: likely }, names));
  // A broken channel was told as such.
  if (built.channels.length === 0 && !isBroken) judge.report([], say.nothingToRead());
  reportFormulaCycles(built.spec, judge);
  if (!isBroken && !hasErrors(judge.problems)) reportUnusedNeeds(judge, needs.keys());
  if (!hasErrors(judge.problems)) tryCompiling(built.spec, judge);
  const alarms = alarmsOf(shape, built.channels, judge);
  const filters = filtersOfType(judge, shape, built.channels);
  // Examples of a file with mistakes only repeat them.
  const areJudged = !isBroken && !hasErrors(judge.problems);
  // What is wrong was said above; building the same shape again would only repeat it.
  const builtFor = lastOf((given) => {
    const named = new Map([...names.keys()].map((name) => [name, Number.NaN]));
    for (const [name, value] of given) named.set(formulaName(name), value);
    return builtSpec(shape, around(createJudge(judge.document, named), named));
  });
  const specOf = (given: ReadonlyMap<string, number>): ProtocolSpec => builtFor(given).spec;
  return {
    name: shape.type,
    file,
    files: [file, ...(base?.type.files ?? [])],
    source: shape.source,
    kind,
    everyMs: shape.every,
    needs,
    usesAltitude: /\baltitude\b/.test(formulasOf(shape)),
    channels: built.channels,
    channelsFor: (given) => (needs.size === 0 ? built.channels : builtFor(given).channels),
    filters,
    settings: built.settings,
    commands: built.commands,
    alarms,
    examples: areJudged ? examplesOf(shape, kind, built, needs, judge, base) : [],
    protocol: (given, corrections = new Map()) => compileProtocol(correctedSpec(specOf(given), corrections)),
    spec: specOf,
    originOf: (at) => judge.document.originOf(at),
    channelAt: (name) => channelAt(shape, name),
  };
}

/** The words of a choice are names in formulas, as those of states are: `range is wide`. */
const choicesOf = (needs: ReadonlyMap<string, Need>): FormulaStates =>
  new Map(
    [...needs.values()].flatMap(({ name, choices }) =>
      choices
        ? [[formulaName(name), new Map([...choices].map(([word, number]) => [formulaName(word), number]))] as const]
        : [],
    ),
  );

/**
 * What was built last, for as long as the same is asked for: a device asks for its channels and for its protocol, and
 * examples and devices of one type mostly give the same. One and not all, so that a running agent doesn't keep them.
 */
function lastOf(build: (given: ReadonlyMap<string, number>) => BuiltSpec): typeof build {
  let last: { readonly key: string; readonly built: BuiltSpec } | undefined;
  return (given) => {
    const key = JSON.stringify([...given].map(([name, value]) => [name, String(value)]));
    if (last?.key !== key) last = { key, built: build(given) };
    return last.built;
  };
}

/** The base's examples hold for this type, too, as far as it says nothing else; its own come after them. */
function examplesOf(
  shape: DeviceShape,
  kind: ProtocolName,
  built: BuiltSpec,
  needs: ReadonlyMap<string, Need>,
  judge: Judge,
  base: Base | undefined,
): Example[] {
  const inherited = base ? inheritedExamples(base, judge.document.tree, needs) : [];
  const own = readExamples(shape, kind, built, needs, judge);
  const count = inherited.length + (shape.examples?.length ?? 0);
  if (count < EXAMPLES_MIN) judge.report(["examples"], say.examplesFew(count), "key");
  return [...inherited, ...own];
}

const EXAMPLES_MIN = 2;

function channelAt(shape: DeviceShape, name: string): Path {
  if ("channels" in shape && shape.channels && Object.hasOwn(shape.channels, name)) return ["channels", name];
  const reads: readonly [string, { readonly channels: object }][] =
    "reads" in shape && shape.reads ? Object.entries(shape.reads) : [];
  const read = reads.find(([, { channels }]) => Object.hasOwn(channels, name))?.[0];
  return read === undefined ? [] : ["reads", read, "channels", name];
}

function builtSpec(shape: DeviceShape, surroundings: Surroundings): BuiltSpec {
  if ("frame" in shape) return framedSpec(shape, surroundings);
  if ("reads" in shape && shape.protocol === "lines") return linesSpec(shape, surroundings);
  if ("measure" in shape) return i2cSpec(shape, surroundings);
  if ("levels" in shape) return levelSpec(shape, surroundings);
  if ("outputs" in shape) return outputSpec(shape, surroundings);
  if ("pulses" in shape) return pulseSpec(shape, surroundings);
  return modbusSpec(shape, surroundings);
}

function formulasOf(shape: DeviceShape): string {
  const texts: string[] = [];
  JSON.stringify(shape, (key, value: unknown) => {
    if (key === "formula" && typeof value === "string") texts.push(value);
    if ((key === "if" || key === "until") && typeof value === "string") texts.push(value);
    if (key === "let" && typeof value === "object" && value !== null) texts.push(...(Object.values(value) as string[]));
    return value;
  });
  return texts.join("\n");
}

const ADDRESSES: Partial<Record<ProtocolName, Need>> = {
  "modbus-rtu": { name: "address", kind: "whole-number", unit: "", range: { low: 1, high: 247 } },
  "modbus-ascii": { name: "address", kind: "whole-number", unit: "", range: { low: 1, high: 247 } },
  i2c: { name: "address", kind: "whole-number", unit: "", range: { low: 0x08, high: 0x77 } },
};

function needsOf(shape: DeviceShape, kind: ProtocolName, judge: Judge): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>();
  const implied = ADDRESSES[kind];
  if (implied) needs.set("address", implied);
  for (const [name, need] of Object.entries(shape.needs ?? {})) {
    const at = ["needs", name];
    if ((need.kind === "quantity") !== (need.unit !== undefined)) judge.report(at, say.needsBoth(), "key");
    if ((need.kind === "choice") !== (need.choices !== undefined)) judge.report(at, say.choicesNeeded(), "key");
    const unit = need.unit === undefined ? "" : ucumName(need.unit);
    const range = need.range === undefined ? implied?.range : judge.take([...at, "range"], rangeIn(need.range, unit));
    const allowed: Need = {
      name,
      kind: need.kind,
      unit,
      ...(range && name === "address" ? { range } : need.range && range ? { range } : {}),
      ...(need["one-of"] ? { oneOf: need["one-of"] } : {}),
      ...(need.choices ? { choices: new Map(Object.entries(need.choices)) } : {}),
    };
    const value =
      need.default === undefined || (need.kind === "choice" && !need.choices)
        ? undefined
        : judge.take([...at, "default"], readNeed(allowed, need.default));
    needs.set(name, { ...allowed, ...(value === undefined ? {} : { default: value }) });
  }
  return needs;
}

function alarmsOf(shape: DeviceShape, channels: readonly Channel[], judge: Judge): Alarm[] {
  return Object.entries(shape.alarms ?? {}).flatMap(([name, alarm]) => {
    const when = judge.condition(["alarms", name, "when"], alarm.when, channels);
    const until = judge.condition(["alarms", name, "until"], alarm.until, channels);
    if (alarm.until === alarm.when) judge.report(["alarms", name, "until"], say.alarmNeverEnds());
    if (when && !restsBetween(when, until)) judge.report(["alarms", name, "until"], say.alarmNeverRests());
    if (!when) return [];
    return [{ name, when, ...(until ? { until } : {}), forMs: alarm.for ?? 0, severity: alarm.severity }];
  });
}
