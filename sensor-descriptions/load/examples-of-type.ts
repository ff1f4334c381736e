/** Reads the `examples:` of a device file; `examples.ts` runs them. */
import type * as z from "zod";
import { say } from "../messages.ts";
import type { Channel, DecodedValue } from "../model.ts";
import { quantityIn, type Reading, readNumber, readQuantity } from "../quantities.ts";
import type { framedShape } from "../schema/framed.ts";
import type { ProtocolName } from "../schema.ts";
import { askedIn, type SetUpSpec } from "../set-up.ts";
import { nearestWord } from "../spelling.ts";
import type { BuiltSpec, DeviceShape } from "./device-type.ts";
import type { Judge } from "./judge.ts";
import { type Need, readNeed } from "./needs.ts";
import type { Path } from "./source-document.ts";

export interface Example {
  readonly name: string;
  /** "datasheet 4.2", "computed from 8.1", "capture 2026-05-02". */
  readonly from?: string;
  readonly place: Path;
  /** "bme280.yaml:84": where it stands, when the type has it from the file that it extends. */
  readonly inheritedFrom?: string;
  /** Needs by name: the type's defaults and what the example says itself. */
  readonly given: ReadonlyMap<string, number>;
  readonly shows: ExampleOf;
  /** Bytes to the device; undefined: not shown. */
  readonly sent?: Uint8Array;
  /** Of a chip's setting or command: all transfers from its identification on. */
  readonly transfers?: readonly Transfer[];
  readonly answer?: Uint8Array;
  /** Sequence number of the request; 0 unless said. */
  readonly turn?: number;
  /** The device refuses with this code. */
  readonly refused?: number;
  /** What the wire of a pin is at, before a reading or after a write. */
  readonly line?: "high" | "low";
  readonly gives: ReadonlyMap<string, DecodedValue>;
  /** What the device says of itself in words. */
  readonly says: ReadonlyMap<string, string>;
}

export type ExampleOf =
  | { readonly kind: "read"; readonly read: string }
  | { readonly kind: "set"; readonly setting: string; readonly value: number }
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "set-up"; readonly step: number }
  | { readonly kind: "transfers"; readonly transfers: readonly Transfer[] }
  | { readonly kind: "line" }
  | { readonly kind: "pulses"; readonly total: number; readonly since: number; readonly sinceMs: number };

export interface Transfer {
  readonly write: Uint8Array;
  readonly read: Uint8Array;
}

type ExampleShape = NonNullable<z.output<typeof framedShape>["examples"]>[number];

const ORIGIN = /^(?:datasheet|computed from|capture)\b/;

export function readExamples(
  shape: DeviceShape,
  kind: ProtocolName,
  built: BuiltSpec,
  needs: ReadonlyMap<string, Need>,
  judge: Judge,
): Example[] {
  const examples = shape.examples ?? [];
  return examples.flatMap((example, index) => {
    const at = ["examples", index];
    if (example.from !== undefined && !ORIGIN.test(example.from))
      judge.report([...at, "from"], say.exampleOrigin(example.from));
    const gives = givenValues(judge, at, example, built.channels);
    const given = givenNeeds(judge, at, example, needs);
    const shows = shownBy(judge, at, example, kind, built);
    if (!shows) return [];
    const { name, from, sent, refused, turn, line } = example;
    const answer = example.answer ?? example.received;
    if (example.answer && example.received) judge.report([...at, "received"], say.exampleAnswerTwice(), "key");
    return [
      {
        name,
        place: at,
        given,
        shows,
        gives,
        says: new Map(Object.entries(example.says ?? {})),
        ...(from === undefined ? {} : { from }),
        ...(sent ? { sent } : {}),
        ...(example.transfers ? { transfers: transfersOf(example.transfers) } : {}),
        ...(answer ? { answer } : {}),
        ...(refused === undefined ? {} : { refused }),
        ...(turn === undefined ? {} : { turn }),
        ...(line === undefined ? {} : { line }),
      },
    ];
  });
}

/** The defaults, and what the example says; its altitude is sea level unless it says one. */
function givenNeeds(
  judge: Judge,
  at: Path,
  example: ExampleShape,
  needs: ReadonlyMap<string, Need>,
): ReadonlyMap<string, number> {
  const given = new Map<string, number>([["altitude", 0]]);
  for (const need of needs.values()) if (need.default !== undefined) given.set(need.name, need.default);
  for (const [name, text] of Object.entries(example.given ?? {})) {
    const need = needs.get(name);
    const place = [...at, "given", name];
    const known = [...needs.keys(), "altitude"];
    const reading: Reading<number> =
      name === "altitude"
        ? altitude(text)
        : need
          ? readNeed(need, text)
          : { said: say.exampleUnknown("need", name, nearestWord(name, known), known) };
    const value = judge.take(place, reading);
    if (value !== undefined) given.set(name, value);
  }
  return given;
}

function altitude(text: string): Reading<number> {
  const quantity = readQuantity(text);
  return "said" in quantity ? quantity : quantityIn(quantity.ok, "m");
}

/** What an example can show, and of which protocols. */
const KINDS: Readonly<Record<"read" | "set" | "command" | "set-up" | "transfers" | "pulses", readonly ProtocolName[]>> =
  {
    read: ["framed", "lines", "modbus-rtu", "modbus-ascii"],
    set: ["framed", "lines", "modbus-rtu", "modbus-ascii", "i2c", "outputs"],
    command: ["framed", "lines", "modbus-rtu", "modbus-ascii", "i2c", "outputs"],
    "set-up": ["framed", "lines", "modbus-rtu", "modbus-ascii"],
    transfers: ["i2c"],
    pulses: ["pulses"],
  };
const SHOWABLE = ["read", "set", "command", "set-up", "transfers", "pulses"] as const;

function shownBy(
  judge: Judge,
  at: Path,
  example: ExampleShape,
  kind: ProtocolName,
  built: BuiltSpec,
): ExampleOf | undefined {
  const { read, set, command, transfers, pulses, line } = example;
  const hasPin = kind === "levels" || kind === "outputs";
  if (line !== undefined && !hasPin) judge.report([...at, "line"], say.exampleLine(), "key");
  const isWrite = kind === "i2c" && (set !== undefined || command !== undefined);
  if (isWrite && !transfers) judge.report(at, say.exampleNeedsTransfers());
  const shown = SHOWABLE.filter((key) => example[key] !== undefined && !(isWrite && key === "transfers"));
  const [first] = shown;
  if (first === undefined && line !== undefined) return { kind: "line" };
  if (first === undefined || shown.length > 1 || !KINDS[first].includes(kind)) {
    judge.report(at, say.exampleUnclear());
    return undefined;
  }
  if (transfers && !isWrite) return { kind: "transfers", transfers: transfersOf(transfers) };
  if (pulses) return { kind: "pulses", total: pulses.total, since: pulses.since, sinceMs: pulses.over };
  if (set) return setBy(judge, at, set, built);
  if (example["set-up"] !== undefined) return setUpBy(judge, at, example["set-up"], built);
  const reads: readonly ReadNames[] = "reads" in built.spec ? built.spec.reads : [];
  const known = read === undefined ? built.commands.map(({ name }) => name) : reads.map(({ name }) => name);
  const wanted = read ?? command ?? "";
  if (known.includes(wanted))
    return read === undefined ? { kind: "command", command: wanted } : { kind: "read", read: wanted };
  // Requests that the loader planned are known by what they bring.
  const bringing = read === undefined ? undefined : reads.find((one) => namesIn(one).includes(wanted));
  if (bringing) return { kind: "read", read: bringing.name };
  const what = read === undefined ? "command" : "read";
  const all = read === undefined ? known : [...known, ...reads.flatMap(namesIn)];
  judge.report([...at, what], say.exampleUnknown(what, wanted, nearestWord(wanted, all), known));
  return undefined;
}

const transfersOf = (shown: NonNullable<ExampleShape["transfers"]>): readonly Transfer[] =>
  shown.map(({ write, read }) => ({ write: write ?? new Uint8Array(), read: read ?? new Uint8Array() }));

function setUpBy(judge: Judge, at: Path, step: number, { spec }: BuiltSpec): ExampleOf | undefined {
  const setUp: SetUpSpec<unknown> | undefined = "serial" in spec ? spec.setUp : undefined;
  const steps = askedIn(setUp).map((one) => one.step);
  if (steps.includes(step)) return { kind: "set-up", step };
  judge.report([...at, "set-up"], say.setUpNotAsked(step, steps));
  return undefined;
}

interface ReadNames {
  readonly name: string;
  readonly channels: readonly { readonly channel: Channel }[];
  readonly texts?: readonly { readonly name: string }[];
}

const namesIn = (read: ReadNames): string[] => [
  ...read.channels.map(({ channel }) => channel.name),
  ...(read.texts ?? []).map(({ name }) => name),
];

function setBy(judge: Judge, at: Path, set: Readonly<Record<string, string>>, built: BuiltSpec): ExampleOf | undefined {
  const [entry, ...more] = Object.entries(set);
  if (!entry || more.length > 0) {
    judge.report([...at, "set"], say.exampleUnclear(), "key");
    return undefined;
  }
  const [name, text] = entry;
  const setting = built.settings.find((candidate) => candidate.name === name);
  const known = built.settings.map((candidate) => candidate.name);
  if (!setting) {
    judge.report([...at, "set", name], say.exampleUnknown("setting", name, nearestWord(name, known), known), "key");
    return undefined;
  }
  const channel = built.channels.find((candidate) => candidate.name === setting.readBack);
  const value = channel && judge.take([...at, "set", name], readValue(text, channel));
  return typeof value === "number" ? { kind: "set", setting: name, value } : undefined;
}

function givenValues(
  judge: Judge,
  at: Path,
  example: ExampleShape,
  channels: readonly Channel[],
): ReadonlyMap<string, DecodedValue> {
  const values = new Map<string, DecodedValue>();
  for (const [name, text] of Object.entries(example.gives ?? {})) {
    const place = [...at, "gives", name];
    const channel = channels.find((candidate) => candidate.name === name);
    const known = channels.map((candidate) => candidate.name);
    if (!channel) judge.report(place, say.unknownChannel(name, nearestWord(name, known), known), "key");
    const value = channel && judge.take(place, readValue(text, channel));
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

/** A state's name, a missing value's reason, or a number in the channel's unit, which may be said. */
function readValue(text: string, channel: Channel): Reading<DecodedValue> {
  if (text === "no-sensor" || text === "malformed") return { ok: text };
  if (channel.states) {
    const state = [...channel.states].find(([, name]) => name === text);
    if (state) return { ok: state[0] };
    const names = [...channel.states.values()];
    return /^\d+$/.test(text) ? { ok: Number(text) } : { said: say.wrongChoice(text, names, nearestWord(text, names)) };
  }
  const bare = readNumber(text);
  if ("ok" in bare) return bare;
  const quantity = readQuantity(text);
  return "said" in quantity ? quantity : quantityIn(quantity.ok, channel.unit);
}
