/** What `pump-station show` says about one device or type: each value as it runs, and where it is from. */
import { keptChannels } from "../kept-channels.ts";
import type { DeviceType } from "../load/device-type.ts";
import { type Need, spokenNeed } from "../load/needs.ts";
import { type Origins, originsOfType } from "../load/station-device.ts";
import type { Alarm, Channel, Command, Condition, Device, SerialProtocol, Setting } from "../model.ts";
import type { Correction, FilterStep } from "../preprocessing.ts";
import { spokenDuration } from "../quantities.ts";
import { spokenUnit } from "../units.ts";

export interface DescribedValue {
  readonly label: string;
  readonly value: string;
  /** "station.yaml:24", "sensors/bme280.yaml:5", "devices/box.yaml:7, rest sensors/bme280.yaml:84" or "default". */
  readonly from: string;
}

type Row = (label: string, value: string | undefined, origin?: string) => DescribedValue[];

/** Rows in the order in which a technician asks; `origins` as `loadStation` returned them for this device. */
export function describeDevice(device: Device, origins: Origins): DescribedValue[] {
  const row: Row = (label, value, origin) =>
    value === undefined
      ? []
      : [{ label, value, from: origin ?? origins.get(label) ?? origins.get(label.split(" ")[0] ?? "") ?? "default" }];
  const perChannel = (label: string, values: ReadonlyMap<string, number>): DescribedValue[] =>
    [...values].flatMap(([name, value]) => row(`${label} ${name}`, withUnit(value, unitOf(device, name))));
  return [
    ...row("type", device.type),
    ...row("port", device.port),
    ...row("address", addressText(device)),
    ...row("pin", device.pin?.toString()),
    ...[...(device.needs ?? [])].flatMap(([name, text]) => (name === "address" ? [] : row(name, text))),
    ...row("paused", device.paused),
    ...row("every", spokenDuration(device.everyMs)),
    ...row(
      "on-site",
      device.onSite && `${spokenDuration(device.onSite.atMostMs)} at most when ${device.onSite.when.text}`,
    ),
    ...row("faster", device.faster && `${spokenDuration(device.faster.everyMs)} when ${device.faster.when.text}`),
    ...row("heartbeat", spokenDuration(device.heartbeatMs)),
    ...[...device.correct].flatMap(([name, correction]) =>
      row(`correct ${name}`, correctionText(correction, unitOf(device, name))),
    ),
    ...[...(device.filters ?? [])].flatMap(([name, steps]) =>
      row(`filter ${name}`, steps.map((step) => stepText(step, unitOf(device, name))).join(", then ")),
    ),
    ...(device.rates ?? []).flatMap(({ name, of, unit, overMs }) =>
      row(`rate-of-change ${name}`, `${of} in ${spokenUnit(unit)} over ${spokenDuration(overMs)}`),
    ),
    ...perChannel("small-change", device.smallChange),
    ...aggregateRows(device, row),
    ...partRows(device, row),
  ];
}

/** The same for a type by itself: what each device of it gets, and what it asks of the station file. */
export function describeType(type: DeviceType): DescribedValue[] {
  const origins = originsOfType(type);
  const row: Row = (label, value, origin) =>
    value === undefined ? [] : [{ label, value, from: origin ?? origins.get(label) ?? type.originOf([]) }];
  const protocol = type.protocol(new Map());
  const [, ...bases] = type.files;
  return [
    ...row("source", type.source, type.originOf(["source"])),
    ...row(
      "extends",
      bases.length > 0 ? bases.map(({ path }) => path).join(", ") : undefined,
      type.originOf(["extends"]),
    ),
    ...row("protocol", type.kind, type.originOf(["protocol"])),
    ...(protocol.kind === "serial" ? lineRows(type, protocol, row) : []),
    ...row("every", spokenDuration(type.everyMs), type.originOf(["every"])),
    ...[...type.needs.values()].flatMap((need) =>
      row(`needs ${need.name}`, needText(need), type.originOf(["needs", need.name])),
    ),
    ...row("needs altitude", type.usesAltitude ? 'of the station: "place: altitude:"' : undefined),
    ...partRows(type, row),
    ...type.examples.flatMap((example) =>
      row("example", example.name, example.inheritedFrom ?? type.originOf(example.place)),
    ),
  ];
}

function lineRows(type: DeviceType, { settings, timing }: SerialProtocol, row: Row): DescribedValue[] {
  const { dataBits, parity, stopBits, baudRate } = settings;
  const late = `quiet for ${spokenDuration(timing.lateMs)} after a timeout`;
  const retries = `${timing.retries} ${timing.retries === 1 ? "retry" : "retries"}`;
  return [
    ...row("serial", `${baudRate} ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`, type.originOf(["serial"])),
    ...row(
      "timing",
      `answers within ${spokenDuration(timing.answerWithinMs)}, ${retries}, ${late}`,
      type.originOf(["timing"]),
    ),
  ];
}

function needText(need: Need): string {
  const spoken = (value: number): string => spokenNeed(need, value);
  const { range, oneOf, choices } = need;
  const allowed = choices
    ? [...choices.keys()].join(", ")
    : oneOf
      ? oneOf.map(spoken).join(", ")
      : range
        ? `${spoken(range.low)} to ${spoken(range.high)}`
        : need.unit === ""
          ? "a whole number"
          : `a value in ${spokenUnit(need.unit)}`;
  return need.default === undefined ? `${allowed}; has to be said` : `${allowed}; else ${spoken(need.default)}`;
}

interface Parts {
  readonly channels: readonly Channel[];
  readonly settings: readonly Setting[];
  readonly commands: readonly Command[];
  readonly alarms: readonly Alarm[];
}

const partRows = ({ channels, settings, commands, alarms }: Parts, row: Row): DescribedValue[] => [
  ...channels.flatMap((channel) => row(`channel ${channel.name}`, channelText(channel))),
  ...settings.flatMap(({ name, range, unit, onlyWhen }) =>
    row(`setting ${name}`, `${range.low} to ${withUnit(range.high, unit)}${onlyText(onlyWhen)}`),
  ),
  ...commands.flatMap(({ name, onlyWhen, confirm, withinMs }) => {
    const confirmed = confirm ? `confirmed when ${confirm.text} within ${spokenDuration(withinMs)}` : "unconfirmed";
    return row(`command ${name}`, `${confirmed}${onlyText(onlyWhen)}`);
  }),
  ...alarms.flatMap((alarm) => {
    const until = alarm.until ? `, until ${alarm.until.text}` : "";
    const lasting = alarm.forMs > 0 ? ` for ${spokenDuration(alarm.forMs)}` : "";
    return row(`alarm ${alarm.name}`, `${alarm.severity}: ${alarm.when.text}${lasting}${until}`);
  }),
];

const onlyText = (condition: Condition | undefined): string => (condition ? `, only when ${condition.text}` : "");

const withUnit = (value: number, unit: string): string =>
  unit === "" ? String(value) : `${value} ${spokenUnit(unit)}`;

const unitOf = (device: Device, name: string): string =>
  keptChannels(device).find((channel) => channel.name === name)?.unit ?? "";

function correctionText(correction: Correction, unit: string): string {
  if (typeof correction === "number") return withUnit(correction, unit);
  if ("polynomial" in correction) return `polynomial ${correction.polynomial.join(", ")}`;
  return correction.points
    .map(({ read, really }) => `${withUnit(read, unit)} is really ${withUnit(really, unit)}`)
    .join(", ");
}

function stepText(step: FilterStep, unit: string): string {
  switch (step.do) {
    case "median":
    case "average":
      return `${step.do} ${spokenDuration(step.overMs)}`;
    case "exponential-average":
      return `${step.do} ${spokenDuration(step.timeConstantMs)}`;
    case "clamp":
      return `clamp ${step.low} to ${withUnit(step.high, unit)}`;
    case "round":
      return `round ${withUnit(step.step, unit)}`;
    case "skip-jumps":
      return `skip-jumps ${withUnit(step.by, unit)} within ${spokenDuration(step.withinMs)}`;
    case "throttle":
      return `throttle ${spokenDuration(step.everyMs)}`;
    case "timeout":
      return `timeout ${spokenDuration(step.afterMs)}`;
    case "debounce":
      return `debounce ${spokenDuration(step.forMs)}`;
  }
}

function addressText(device: Device): string | undefined {
  if (device.address === undefined) return undefined;
  return device.protocol.kind === "i2c" ? `0x${device.address.toString(16)}` : String(device.address);
}

function aggregateRows(device: Device, row: Row): DescribedValue[] {
  const { aggregate } = device;
  if (!aggregate) return [];
  const how = [...aggregate.by].map(([name, { by, of, weight }]) => {
    const made = `${by} of ${of}${weight === undefined ? "" : ` by ${weight}`}`;
    return name === of ? made : `${name} is ${made}`;
  });
  const share = aggregate.atLeast === undefined ? "" : `, of at least ${aggregate.atLeast * 100} % of the time`;
  return row("aggregate", `every ${spokenDuration(aggregate.everyMs)}${share}: ${how.join(", ")}`);
}

function channelText(channel: Channel): string {
  if (channel.states) return [...channel.states.values()].join(", ");
  const range = channel.range ? `, ${channel.range.low} to ${channel.range.high}` : "";
  const steps = `in steps of ${withUnit(channel.resolution, channel.unit)}`;
  return `${channel.kind === "counter" ? "counter " : ""}${steps}${range}`;
}
