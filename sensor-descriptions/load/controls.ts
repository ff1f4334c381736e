/** Settings and commands: what all serial protocols say alike. */
import { say } from "../messages.ts";
import type { Channel, Command, SerialQuirks, SerialSettings, SerialTiming, Setting } from "../model.ts";
import type { Quantity, Range } from "../quantities.ts";
import type { ChannelSpec, FieldSpec } from "../spec.ts";
import { nearestWord } from "../spelling.ts";
import type { Judge } from "./judge.ts";

interface SettingShape {
  readonly "read-back": string;
  readonly range: Range;
  readonly step?: Quantity | undefined;
  readonly "only-when"?: string | undefined;
}

/** The setting and the field that codes its value: that of the channel in which it is read back. */
export function settingOf(
  judge: Judge,
  name: string,
  shape: SettingShape,
  channels: readonly ChannelSpec[],
): { setting: Setting; field: FieldSpec } | undefined {
  const all = channels.map(({ channel }) => channel);
  const source = channels.find(({ channel }) => channel.name === shape["read-back"])?.source;
  const setting = settingIn(judge, name, shape, all, source?.from === "formula");
  return setting && source?.from === "field" ? { setting, field: source.field } : undefined;
}

/** The setting alone, for a protocol with codings of its own. */
export function settingIn(
  judge: Judge,
  name: string,
  shape: SettingShape,
  channels: readonly Channel[],
  isComputed: boolean,
): Setting | undefined {
  const at = ["settings", name];
  const onlyWhen = judge.condition([...at, "only-when"], shape["only-when"], channels);
  const readBack = shape["read-back"];
  const channel = channels.find((one) => one.name === readBack);
  if (!channel) {
    const known = channels.map((one) => one.name);
    judge.report([...at, "read-back"], say.unknownChannel(readBack, nearestWord(readBack, known), known));
    return undefined;
  }
  if (isComputed) judge.report([...at, "read-back"], say.settingNeedsField(readBack));
  const range = judge.range([...at, "range"], shape.range, channel.unit);
  // As in the range on the line above, a bare number is in the channel's unit.
  const step =
    shape.step?.unit === ""
      ? shape.step.value
      : judge.quantity([...at, "step"], shape.step, channel.unit, "difference");
  if (!range || isComputed) return undefined;
  return {
    name,
    readBack,
    unit: channel.unit,
    range,
    ...(step === undefined ? {} : { step }),
    ...(onlyWhen ? { onlyWhen } : {}),
  };
}

interface CommandShape {
  readonly "only-when"?: string | undefined;
  readonly confirm?: string | undefined;
  readonly within?: number | undefined;
}

const CONFIRM_WITHIN_MS = 10_000;

export function commandOf(judge: Judge, name: string, shape: CommandShape, channels: readonly Channel[]): Command {
  const at = ["commands", name];
  const onlyWhen = judge.condition([...at, "only-when"], shape["only-when"], channels);
  const confirm = judge.condition([...at, "confirm"], shape.confirm, channels);
  return {
    name,
    ...(onlyWhen ? { onlyWhen } : {}),
    ...(confirm ? { confirm } : {}),
    withinMs: shape.within ?? CONFIRM_WITHIN_MS,
  };
}

interface SerialShape {
  readonly serial: { readonly speed: number; readonly mode: Omit<SerialSettings, "baudRate"> };
  readonly timing: {
    readonly "answer-within": number;
    readonly "pause-before-next"?: number | undefined;
    readonly late?: number | undefined;
    readonly retries?: number | undefined;
    readonly "quiet-before"?: number | undefined;
    readonly turnaround?: number | undefined;
  };
  readonly quirks?: QuirksShape | undefined;
}

interface QuirksShape {
  readonly "hears-itself"?: boolean | undefined;
  readonly wake?: { readonly bytes: Uint8Array; readonly pause: number } | undefined;
  readonly "pause-between-bytes"?: number | undefined;
  readonly "reopen-after"?: number | undefined;
}

/** Defaults: no pause, twice `answer-within` of quiet after a timeout, one more try. */
export function serialOf(
  judge: Judge,
  shape: SerialShape,
): { serial: SerialSettings; timing: SerialTiming; quirks?: SerialQuirks } {
  const answerWithinMs = shape.timing["answer-within"];
  const lateMs = shape.timing.late ?? 2 * answerWithinMs;
  if (lateMs < answerWithinMs) judge.report(["timing", "late"], say.lateTooShort());
  return {
    serial: { baudRate: shape.serial.speed, ...shape.serial.mode },
    timing: {
      answerWithinMs,
      pauseBeforeNextMs: shape.timing["pause-before-next"] ?? 0,
      lateMs,
      retries: shape.timing.retries ?? 1,
      ...given("quietBeforeMs", shape.timing["quiet-before"]),
      ...given("turnaroundMs", shape.timing.turnaround),
    },
    ...given("quirks", shape.quirks && quirksOf(shape.quirks)),
  };
}

function quirksOf(shape: QuirksShape): SerialQuirks {
  const { wake } = shape;
  return {
    ...given("hearsItself", shape["hears-itself"]),
    ...given("wake", wake && { bytes: wake.bytes, pauseMs: wake.pause }),
    ...given("pauseBetweenBytesMs", shape["pause-between-bytes"]),
    ...given("reopenAfter", shape["reopen-after"]),
  };
}

/** A property only where the file says it. */
const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** "115200 8N1": how two lines are told apart in messages. */
export const spokenLine = (serial: SerialSettings): string =>
  `${serial.baudRate} ${serial.dataBits}${serial.parity[0]?.toUpperCase() ?? ""}${serial.stopBits}`;
