/**
 * When a device's alarms begin and end. Judged on every sample, before aggregation and filter, and only on real values:
 * a missing one neither begins nor ends an alarm.
 */
import type { Alarm, Condition, Device } from "@pump-station/sensor-descriptions/model.ts";
import { ALARM_TRANSITIONS_PER_HOUR_MAX } from "../limits.ts";
import { type AlarmTransition, isMissing, type Sample } from "../reading.ts";
import { meantSample } from "./meant-sample.ts";

export interface Alarms {
  /** A sample as the source gave it (corrections are added here, as in preprocess). */
  take(sample: Sample): AlarmTransition[];
  /** Names of the alarms that are active now. */
  active(): string[];
  /** The same device with other limits: what is active stays so until it ends by them. */
  use(device: Device): void;
  /** How each stands after the newest sample. */
  states(): AlarmState[];
}

export interface AlarmState {
  readonly alarm: string;
  readonly severity: Alarm["severity"];
  readonly isActive: boolean;
  /** The condition that decides next (`until` of an active one), with the values that it was judged by. */
  readonly condition: string;
  readonly values: string;
  /** Undefined: a value that it needs is missing. */
  readonly holds: boolean | undefined;
  /** For how long it has held, and has to. */
  readonly heldMs: number;
  readonly forMs: number;
}

/** `wereActive`: names of alarms that the cloud was told to be active by a former process or description. */
export function createAlarms(device: Device, wereActive: readonly string[] = []): Alarms {
  const watches = device.alarms.map((alarm) => createWatch(device, alarm, wereActive.includes(alarm.name)));
  return {
    take: (sample) => {
      const values = valuesByChannel(device, meantSample(device, sample));
      return watches.flatMap((watch) => watch.take(sample.bootMs, values) ?? []);
    },
    use: (next) => {
      for (const alarm of next.alarms) watches.find(({ name }) => name === alarm.name)?.use(alarm);
    },
    states: () => watches.map((watch) => watch.state()),
    active: () => watches.flatMap((watch) => (watch.isActive() ? [watch.name] : [])),
  };
}

type Values = ReadonlyMap<string, number>;

function valuesByChannel(device: Device, sample: Sample): Values {
  const values = new Map<string, number>();
  for (const [at, { name }] of device.channels.entries()) {
    const value = sample.values[at];
    if (value !== undefined && !isMissing(value)) values.set(name, value);
  }
  return values;
}

function createWatch(device: Device, alarm: Alarm, wasActive: boolean) {
  const { name, severity } = alarm;
  let { when, until, forMs } = alarm;
  const bound = createHourlyBound();
  let isActive = wasActive;
  /** Since when `when` has held without being refuted, and when it was last seen to hold. */
  let newest: { readonly bootMs: number; readonly values: Values } | undefined;
  let held: { readonly sinceMs: number; readonly lastMs: number } | undefined;

  const isDue = (bootMs: number, values: Values): boolean => {
    const holds = when.test((channel) => values.get(channel));
    if (isActive) return (until ? until.test((channel) => values.get(channel)) : negated(holds)) === true;
    if (holds === true) held = { sinceMs: held?.sinceMs ?? bootMs, lastMs: bootMs };
    // A value that is missing refutes nothing at once, but holding that nobody saw for so long is no holding.
    else if (holds === false || (held && bootMs - held.lastMs > forMs)) held = undefined;
    if (holds !== true || !held) return false;
    return bootMs - held.sinceMs >= forMs;
  };

  return {
    name,
    isActive: () => isActive,
    use: (next: Alarm): void => {
      // What was seen to hold was another condition.
      if (next.when.text !== when.text) held = undefined;
      ({ when, until, forMs } = next);
    },
    state: (): AlarmState => {
      const condition = isActive && until ? until : when;
      const { values = new Map<string, number>(), bootMs = 0 } = newest ?? {};
      return {
        alarm: name,
        severity,
        isActive,
        condition: condition.text,
        values: valuesOf(device, condition, values),
        holds: condition.test((channel) => values.get(channel)),
        heldMs: !isActive && held ? bootMs - held.sinceMs : 0,
        forMs: isActive ? 0 : forMs,
      };
    },
    take: (bootMs: number, values: Values): AlarmTransition | undefined => {
      newest = { bootMs, values };
      const isChange = isDue(bootMs, values);
      if (isChange) {
        isActive = !isActive;
        held = undefined;
      }
      const decided = isActive || !until ? when : until;
      const sent = bound.pass(bootMs, isChange, isActive);
      if (!sent) return undefined;
      const because = `${sent.prefix}${decided.text}: ${valuesOf(device, decided, values)}`;
      return { device: device.name, alarm: name, severity, active: sent.active, bootMs, because };
    },
  };
}

const negated = (holds: boolean | undefined): boolean | undefined => (holds === undefined ? undefined : !holds);

const HOUR_MS = 3_600_000;

/**
 * Lets so many transitions an hour pass. Then one more says "flapping" and leaves the alarm active, since a critical
 * alarm must not be hidden by its own flapping; when the hour has room again, one says what is and how many were not sent.
 */
function createHourlyBound() {
  let sentMs: number[] = [];
  let unsent: number | undefined;
  return {
    pass: (
      bootMs: number,
      isChange: boolean,
      isActive: boolean,
    ): { readonly active: boolean; readonly prefix: string } | undefined => {
      if (!isChange && unsent === undefined) return undefined;
      sentMs = sentMs.filter((ms) => bootMs - ms < HOUR_MS);
      const hasRoom = sentMs.length < ALARM_TRANSITIONS_PER_HOUR_MAX;
      if (unsent === undefined && hasRoom) {
        sentMs.push(bootMs);
        return { active: isActive, prefix: "" };
      }
      if (unsent === undefined) {
        unsent = 1;
        return { active: true, prefix: `flapping, more than ${ALARM_TRANSITIONS_PER_HOUR_MAX} changes in an hour; ` };
      }
      if (isChange) unsent++;
      if (!hasRoom) return undefined;
      const prefix = `flapping ended, ${unsent} changes not sent one by one; `;
      unsent = undefined;
      sentMs.push(bootMs);
      return { active: isActive, prefix };
    },
  };
}

/** "temperature 86.3 Cel, state fault" */
function valuesOf(device: Device, condition: Condition, values: Values): string {
  const told = condition.channels.map((name) => {
    const channel = device.channels.find((candidate) => candidate.name === name);
    const value = values.get(name);
    if (value === undefined) return `${name} missing`;
    return `${name} ${channel?.states?.get(value) ?? `${tidy(value)} ${channel?.unit ?? ""}`.trimEnd()}`;
  });
  return told.join(", ");
}

/** Corrections leave 21.299999999999997; nobody wants to read that. */
const tidy = (value: number): number => Number(value.toPrecision(12));
