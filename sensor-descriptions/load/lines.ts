/** Device files of text lines: from their shape to what the protocol of lines is compiled from. */
import type * as z from "zod";
import { type FormulaStates, formulaName } from "../formula/formula.ts";
import { numberOfText, STATE_LETTERS_MAX } from "../lines/line-fields.ts";
import type {
  LineChannelSpec,
  LineReadSpec,
  LinesSpec,
  NumeralSpec,
  TextFieldSpec,
  TextTemplate,
} from "../lines/lines-spec.ts";
import { lettersOf, lettersOfAddress } from "../lines/numerals.ts";
import { say } from "../messages.ts";
import type { linesShape } from "../schema/lines.ts";
import { nearestWord } from "../spelling.ts";
import { convert, isKnownUnit, nearestUnit, spokenUnit, ucumName } from "../units.ts";
import { channelOf } from "./channels.ts";
import { commandOf, serialOf, settingIn } from "./controls.ts";
import type { BuiltSpec, Surroundings } from "./device-type.ts";
import { reportTwice } from "./framed.ts";
import { formulaNames, type Judge, knowingStates } from "./judge.ts";
import { lineForms } from "./line-form.ts";
import { numeralOf } from "./line-numerals.ts";
import { setUpOf } from "./set-up.ts";
import type { Path } from "./source-document.ts";
import { validityOf, withValidity } from "./valid-when.ts";

type Shape = z.output<typeof linesShape>;
type ReadShape = Shape["reads"][string];
type ChannelShape = ReadShape["channels"][string];

export function linesSpec(shape: Shape, around: Surroundings): BuiltSpec {
  const { judge } = around;
  const reads = Object.entries(shape.reads).map(([name, read]) => readOf(around, name, read));
  const specs = reads.flatMap(({ channels }) => channels);
  const channels = specs.map(({ channel }) => channel);
  reportTwice(judge, reads);
  const { line, requestLine } = lineForms(judge, shape);
  const addressAs = numeralOf(judge, ["address-written"], shape["address-written"] ?? {});
  const check = (at: Path, template: TextTemplate, also: readonly string[] = []): void =>
    checkTemplate(judge, at, template, { specs, also, addressAs });
  for (const [name, { send = [], answer = [] }] of Object.entries(shape.reads)) {
    checkRequest(judge, ["reads", name, "send"], send);
    check(["reads", name, "send"], send);
    checkAnswer(judge, ["reads", name, "answer"], answer, send);
  }
  if (around.given.has("address") && !templatesOf(shape).some(carriesAddress))
    judge.report(["needs", "address"], say.addressUnused('write it where it is sent: "{address}R?"'), "key");
  const settings = Object.entries(shape.settings ?? {}).flatMap(([name, setting]) => {
    const at = ["settings", name];
    checkRequest(judge, [...at, "write"], setting.write);
    check([...at, "write"], setting.write, ["value"]);
    checkAnswer(judge, [...at, "answer"], setting.answer ?? [], setting.write);
    if (!setting.write.some((piece) => "placeholder" in piece && piece.placeholder === "value"))
      judge.report([...at, "write"], say.valueMissing());
    const found = specs.find(({ channel }) => channel.name === setting["read-back"]);
    const known = settingIn(judge, name, setting, channels, found?.source.from === "formula");
    if (!known || found?.source.from !== "text") return [];
    const { write, answer } = setting;
    return [{ setting: known, spec: { name, write, ...(answer ? { answer } : {}), field: found.source.text } }];
  });
  const commands = Object.entries(shape.commands ?? {});
  for (const [name, { send, answer }] of commands) {
    checkRequest(judge, ["commands", name, "send"], send);
    check(["commands", name, "send"], send);
    checkAnswer(judge, ["commands", name, "answer"], answer ?? [], send);
  }
  const asks = { first: "send", keys: ["send", "answer"] } as const;
  const setUp = setUpOf(judge, shape, asks, shape.refusal !== undefined, (at, { send, answer }) => {
    if (!send) return undefined;
    checkRequest(judge, [...at, "send"], send);
    // No value is known yet when the device is set up.
    checkTemplate(judge, [...at, "send"], send, { specs: [], also: [], addressAs });
    checkAnswer(judge, [...at, "answer"], answer ?? [], send);
    return { send, ...(answer ? { answer } : {}) };
  });
  const spec: LinesSpec = {
    protocol: "lines",
    ...serialOf(judge, shape),
    line,
    requestLine,
    addressAs,
    ...(shape.refusal === undefined ? {} : { refusal: shape.refusal }),
    ...(shape.refusals ? { refusals: byNumber(shape.refusals) } : {}),
    ...(setUp ? { setUp } : {}),
    reads,
    settings: settings.map((one) => one.spec),
    commands: commands.map(([name, { send, answer }]) => ({ name, send, ...(answer ? { answer } : {}) })),
  };
  return {
    spec,
    channels,
    settings: settings.map(({ setting }) => setting),
    commands: commands.map(([name, command]) => commandOf(judge, name, command, channels)),
  };
}

const carriesAddress = (template: TextTemplate): boolean =>
  template.some((piece) => "placeholder" in piece && piece.placeholder === "address");

const templatesOf = ({ reads, settings, commands }: Shape): readonly TextTemplate[] => [
  ...Object.values(reads).flatMap(({ send = [], answer = [] }) => [send, answer]),
  ...Object.values(settings ?? {}).flatMap(({ write, answer = [] }) => [write, answer]),
  ...Object.values(commands ?? {}).flatMap(({ send, answer = [] }) => [send, answer]),
];

const byNumber = (names: Readonly<Record<number, string>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(names).map(([number, name]) => [Number(number), name]));

function readOf(outside: Surroundings, name: string, read: ReadShape): LineReadSpec {
  const around = { ...outside, judge: knowingStates(outside.judge, statesIn(read)) };
  const { judge } = around;
  const at = ["reads", name];
  if ((read.send !== undefined) === (read["by-itself"] === true)) judge.report(at, say.askedOrByItself(), "key");
  const entries = Object.entries(read.channels);
  const names = formulaNames(
    entries.map(([channel]) => channel),
    around.given.keys(),
  );
  const channels = entries.flatMap(([channel, shape]) => {
    const spec = lineChannel(around, [...at, "channels", channel], channel, shape, read, names);
    return spec ? [spec] : [];
  });
  const texts = channels.filter(({ source }) => source.from === "text").map((one) => one.channel);
  const conditions = validityOf(judge, [...at, "channels"], read.channels, texts);
  return {
    name,
    ...(read.send === undefined ? {} : { send: read.send }),
    answer: read.answer ?? [],
    where: byNumber(read.where ?? {}),
    ...(read["valid-when"] ? { validWhen: byNumber(read["valid-when"]) } : {}),
    ...(read.groups ? { groups: read.groups } : {}),
    channels: withValidity(channels, conditions),
  };
}

/** The states of a line are texts; what formulas compare is the number of each. */
const statesIn = ({ channels }: ReadShape): FormulaStates =>
  new Map(
    Object.entries(channels).flatMap(([channel, { states }]) => {
      if (states === undefined) return [];
      const numbers = Object.entries(states).map(
        ([text, name]) => [formulaName(name), numberOfText(text) ?? Number.NaN] as const,
      );
      return [[formulaName(channel), new Map(numbers)] as const];
    }),
  );

const FIELD_KEYS = [
  "field",
  "group",
  "begins-with",
  "ends-with",
  "as",
  "scale",
  "unit-at",
  "offset",
  "decimals",
  "digits",
  "fill",
  "sign",
  "decimal-mark",
  "no-sensor",
] as const;

function lineChannel(
  { judge, given }: Surroundings,
  at: Path,
  name: string,
  shape: ChannelShape,
  read: ReadShape,
  names: ReadonlySet<string>,
): LineChannelSpec | undefined {
  const texts = shape.states && statesOf(judge, at, shape.states);
  const meaning = { ...shape, states: texts?.names };
  if (shape.formula !== undefined) {
    const extra = FIELD_KEYS.find((key) => shape[key] !== undefined);
    if (extra !== undefined) judge.report(at, say.fieldOrFormula(), "key");
    const formula = judge.formula([...at, "formula"], shape.formula, names, given);
    const channel = channelOf(judge, at, name, meaning, undefined);
    return formula ? { channel, source: { from: "formula", formula } } : undefined;
  }
  if (shape.field === undefined && shape["begins-with"] === undefined) judge.report(at, say.textNeedsPlace(), "key");
  if (shape.group !== undefined && !read.groups) judge.report([...at, "group"], say.groupWithoutGroups(), "key");
  if (shape.scale === 0) judge.report([...at, "scale"], say.outOfRange("0", "anything", "but 0"));
  const text = textOf(shape, numeralOf(judge, at, shape), texts?.texts, unitsOf(judge, at, shape));
  const step = text.as === "hex" ? Math.abs(text.scale) : stepOf(text);
  if (step === undefined && !texts && shape.resolution === undefined) judge.report(at, say.decimalsMissing(), "key");
  const channel = channelOf(judge, at, name, meaning, step ?? 1);
  return { channel, source: { from: "text", text } };
}

/** From what each text names to the channel's unit. The first one is what the device's side writes. */
function unitsOf(judge: Judge, at: Path, shape: ChannelShape): TextFieldSpec["unitAt"] {
  const said = shape["unit-at"];
  if (!said) return undefined;
  if (shape.scale !== undefined || shape.offset !== undefined)
    judge.report([...at, "unit-at"], say.unitOrScale(), "key");
  const wanted = ucumName(shape.unit ?? "");
  const scales = new Map<string, { readonly scale: number; readonly offset: number }>();
  for (const [text, unit] of Object.entries(said.units)) {
    const from = ucumName(unit);
    const scale = convert(1, from, wanted, "difference");
    const offset = convert(0, from, wanted);
    if (scale !== undefined && offset !== undefined) scales.set(text, { scale, offset });
    else {
      const isKnown = isKnownUnit(unit);
      const problem = isKnown
        ? say.otherDimension(unit, wanted === "" ? '"unit:"' : spokenUnit(wanted))
        : say.unknownUnit(unit, nearestUnit(unit));
      judge.report([...at, "unit-at", "units", text], problem);
    }
  }
  if (Object.keys(said.units).length === 0) judge.report([...at, "unit-at", "units"], say.unitsMissing(), "key");
  return { place: said.field, scales };
}

/** The step of a number with so many digits behind the point. */
const stepOf = ({ decimals, scale }: TextFieldSpec): number | undefined =>
  decimals === undefined ? undefined : Number((10 ** -decimals * Math.abs(scale)).toPrecision(12));

function textOf(
  shape: ChannelShape,
  numeral: NumeralSpec,
  states: ReadonlyMap<number, string> | undefined,
  unitAt: TextFieldSpec["unitAt"],
): TextFieldSpec {
  const [first] = unitAt?.scales.values() ?? [];
  return {
    ...(shape.field === undefined ? {} : { place: shape.field }),
    ...(shape.group === undefined ? {} : { group: shape.group }),
    beginsWith: shape["begins-with"] ?? "",
    endsWith: shape["ends-with"] ?? "",
    ...numeral,
    scale: first?.scale ?? (shape.scale || 1),
    offset: first?.offset ?? shape.offset ?? 0,
    ...(unitAt ? { unitAt } : {}),
    ...(states ? { states } : {}),
    noSensor: shape["no-sensor"] ?? [],
  };
}

/** By number: the text on the line, and the state's name. */
function statesOf(judge: Judge, at: Path, states: Readonly<Record<string, string>>) {
  const texts = new Map<number, string>();
  const names: Record<number, string> = {};
  for (const [text, name] of Object.entries(states)) {
    const number = numberOfText(text);
    const other = number === undefined ? undefined : texts.get(number);
    if (number === undefined) judge.report([...at, "states", text], say.stateTooLong(text, STATE_LETTERS_MAX), "key");
    else if (other !== undefined) judge.report([...at, "states", text], say.stateLettersTwice(text, other), "key");
    else {
      texts.set(number, text);
      names[number] = name;
    }
  }
  return { texts, names };
}

interface Placeholders {
  readonly specs: readonly LineChannelSpec[];
  readonly also: readonly string[];
  readonly addressAs: NumeralSpec;
}

function checkTemplate(judge: Judge, at: Path, template: TextTemplate, { specs, also, addressAs }: Placeholders): void {
  const codable = specs.filter(({ source }) => source.from === "text").map(({ channel }) => channel.name);
  const known = [...also, "address", ...codable];
  const isFixed = (placeholder: string): boolean => {
    if (placeholder === "address") return lettersOfAddress(addressAs) !== undefined;
    const found = specs.find(({ channel }) => channel.name === placeholder)?.source;
    return found?.from === "text" && !found.text.states && lettersOf(found.text) !== undefined;
  };
  for (const [i, piece] of template.entries()) {
    if (!("placeholder" in piece)) continue;
    const { placeholder } = piece;
    if (!known.includes(placeholder))
      judge.report(at, say.unknownName(placeholder, nearestWord(placeholder, known), known));
    const next = template[i + 1];
    if (next !== undefined && "placeholder" in next && !isFixed(placeholder)) judge.report(at, say.placeholdersTouch());
  }
}

/** The end is put behind every request: one that brings its own would be sent twice. */
function checkRequest(judge: Judge, at: Path, template: TextTemplate): void {
  if (template.some((piece) => "text" in piece && /[\r\n]/.test(piece.text))) judge.report(at, say.lineEndInRequest());
}

/** An answer can only repeat what the request carried. */
function checkAnswer(judge: Judge, at: Path, answer: TextTemplate, request: TextTemplate): void {
  const known = ["address", ...request.flatMap((piece) => ("placeholder" in piece ? [piece.placeholder] : []))];
  for (const piece of answer) {
    if (!("placeholder" in piece) || known.includes(piece.placeholder)) continue;
    judge.report(at, say.unknownName(piece.placeholder, nearestWord(piece.placeholder, known), known));
  }
}
