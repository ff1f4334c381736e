/** What `pump-station show` says about one device: each value as it runs, and where it is from. */
import { keptChannels } from "../kept-channels.ts";
import type { Origins } from "../load/station-device.ts";
import type { Channel, Condition, Device } from "../model.ts";
import type { Correction, FilterStep } from "../preprocessing.ts";
import { spokenDuration } from "../quantities.ts";
import { spokenUnit } from "../units.ts";

export interface DescribedValue {
  readonly label: string;
  readonly value: string;
  /** "station.yaml:24", "sensors/bme280.yaml:5" or "default". */
  readonly from: string;
}

/** Rows in the order in which a technician asks; `origins` as `loadStation` returned them for this device. */
export function describeDevice(device: Device, origins: Origins): DescribedValue[] {
  const typeFile = `type ${device.type}`;
  const row = (label: string, value: string | undefined, key = label): DescribedValue[] =>
    value === undefined ? [] : [{ label, value, from: origins.get(key) ?? typeFile }];
  const perChannel = (label: string, values: ReadonlyMap<string, number>): DescribedValue[] =>
    [...values].flatMap(([name, value]) => row(`${label} ${name}`, withUnit(value, unitOf(device, name)), label));
  return [
    ...row("type", device.type),
    ...row("port", device.port),
    ...row("address", addressText(device)),
    ...row("pin", device.pin?.toString()),
    ...row("paused", device.paused),
    ...row("every", spokenDuration(device.everyMs)),
    ...row("faster", device.faster && `${spokenDuration(device.faster.everyMs)} when ${device.faster.when.text}`),
    ...row("heartbeat", spokenDuration(device.heartbeatMs)),
    ...[...device.correct].flatMap(([name, correction]) =>
      row(`correct ${name}`, correctionText(correction, unitOf(device, name)), "correct"),
    ),
    ...[...(device.filters ?? [])].flatMap(([name, steps]) =>
      row(
        `filter ${name}`,
        steps.map((step) => stepText(step, unitOf(device, name))).join(", then "),
        `filter ${name}`,
      ),
    ),
    ...(device.rates ?? []).flatMap(({ name, of, unit, overMs }) =>
      row(`rate-of-change ${name}`, `${of} in ${spokenUnit(unit)} over ${spokenDuration(overMs)}`, "rate-of-change"),
    ),
    ...perChannel("small-change", device.smallChange),
    ...aggregateRows(device, row),
    ...device.channels.flatMap((channel) => row(`channel ${channel.name}`, channelText(channel), "")),
    ...device.settings.flatMap(({ name, range, unit, onlyWhen }) =>
      row(`setting ${name}`, `${range.low} to ${withUnit(range.high, unit)}${onlyText(onlyWhen)}`, ""),
    ),
    ...device.commands.flatMap(({ name, onlyWhen, confirm, withinMs }) => {
      const confirmed = confirm ? `confirmed when ${confirm.text} within ${spokenDuration(withinMs)}` : "unconfirmed";
      return row(`command ${name}`, `${confirmed}${onlyText(onlyWhen)}`, "");
    }),
    ...device.alarms.flatMap((alarm) => {
      const until = alarm.until ? `, until ${alarm.until.text}` : "";
      const lasting = alarm.forMs > 0 ? ` for ${spokenDuration(alarm.forMs)}` : "";
      return row(`alarm ${alarm.name}`, `${alarm.severity}: ${alarm.when.text}${lasting}${until}`, "");
    }),
  ];
}

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

function aggregateRows(device: Device, row: (label: string, value: string) => DescribedValue[]): DescribedValue[] {
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
