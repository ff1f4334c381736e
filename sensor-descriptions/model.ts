/**
 * What a description means once it is loaded: the nouns that reader, simulator, buffer, twin and page share.
 * Everything here is immutable and pure; times are milliseconds, bytes are Uint8Array, units are UCUM names.
 */
import type { RequestRecogniser } from "./device-request.ts";
import type { LevelProtocol, OutputProtocol, PulseProtocol } from "./pins/pin-protocols.ts";
import type { Aggregation, Correction, FilterStep, Rate } from "./preprocessing.ts";
import type { SerialSetUp } from "./set-up.ts";

/** A value taken from bytes, or the named reason why the bytes hold none. */
export type DecodedValue = number | FieldProblem;
export type FieldProblem = "no-sensor" | "malformed";

export type Values = ReadonlyMap<string, DecodedValue>;

export type { DeviceRequest, RequestRecogniser } from "./device-request.ts";
export type { Level, LevelProtocol, OutputProtocol, OutputSet, PulseProtocol } from "./pins/pin-protocols.ts";

export type ChannelKind = "gauge" | "counter" | "state";

export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  /** UCUM name as written in the file ("mbar", "°C" is kept as "Cel"); "" for a number without a unit. */
  readonly unit: string;
  /** The step at which the value is worth paying for; always > 0. Default: the field's scale. */
  readonly resolution: number;
  /** Plausible range in `unit`, both ends included; outside of it the reading is "implausible". */
  readonly range?: { readonly low: number; readonly high: number };
  /** For kind "state": number on the wire → name. */
  readonly states?: ReadonlyMap<number, string>;
  /** Read for formulas and conditions alone: it doesn't leave the station. */
  readonly isInternal?: true;
}

/** `state is pumping`, `temperature above 85 °C`: true, false, or undefined when a value that it needs is missing. */
export interface Condition {
  readonly text: string;
  readonly channels: readonly string[];
  test(valueOf: (channel: string) => number | undefined): boolean | undefined;
  /** Its numbers, in the order in which they are written; left out where there are none. */
  readonly limits?: readonly Limit[];
  /** The same condition with other numbers in their places, in its text too. */
  withLimits?(values: readonly number[]): Condition;
}

/** A number that a condition compares a channel with, in the channel's unit. */
export interface Limit {
  readonly channel: string;
  readonly comparison: "above" | "below" | "at least" | "at most";
  readonly value: number;
}

export interface Setting {
  readonly name: string;
  /** The channel in which the written value is read back; its coding is the value's coding. */
  readonly readBack: string;
  readonly unit: string;
  readonly range: { readonly low: number; readonly high: number };
  readonly step?: number;
  /** The write is refused unless this holds on a value read for that purpose. */
  readonly onlyWhen?: Condition;
}

export interface Command {
  readonly name: string;
  readonly onlyWhen?: Condition;
  /** Must hold within `withinMs` after the command was answered. */
  readonly confirm?: Condition;
  readonly withinMs: number;
}

export interface Alarm {
  readonly name: string;
  readonly when: Condition;
  /** Ends the alarm; without it the alarm ends when `when` no longer holds. */
  readonly until?: Condition;
  /** `when` must hold this long first. */
  readonly forMs: number;
  readonly severity: "info" | "warning" | "critical";
}

export interface SerialSettings {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

export interface SerialTiming {
  readonly answerWithinMs: number;
  readonly pauseBeforeNextMs: number;
  /** After a timeout the port stays quiet this long, so that a late answer can't pass for the next one. */
  readonly lateMs: number;
  readonly retries: number;
  /** The line must have been silent this long before a request (Modbus: 3.5 characters). */
  readonly quietBeforeMs?: number;
  /** After a broadcast, which nobody answers, the port waits this long (Modbus over serial line 1.02, 2.4.1). */
  readonly turnaroundMs?: number;
}

/** What some devices and adapters need although no protocol says so. */
export interface SerialQuirks {
  /** The adapter hears what it sends: the request's own bytes are taken off before the answer. */
  readonly hearsItself?: boolean;
  /** Sent first, to a device that sleeps, and then a pause. */
  readonly wake?: { readonly bytes: Uint8Array; readonly pauseMs: number };
  /** Between two bytes of a request, for a device that can't keep up. */
  readonly pauseBetweenBytesMs?: number;
  /** The port is closed and opened again after this many timeouts in a row of this device. */
  readonly reopenAfter?: number;
}

/** One request and how its answer is told from everything else on the line. */
export interface SerialExchange {
  /** "read status", "set target", "command stop": for messages. */
  readonly what: string;
  readonly request: Uint8Array;
  /** A broadcast: nobody answers, and the port waits `turnaroundMs`. */
  readonly isBroadcast?: boolean;
  recognise(): AnswerRecogniser;
}

export interface AnswerRecogniser {
  /** Takes bytes as they arrive; the outcome once there is one. After an outcome it must not be used again. */
  push(bytes: Uint8Array): AnswerOutcome | undefined;
  /** Whole valid frames seen that were not the answer (other address, other answer code, unsolicited). */
  readonly otherFrames: number;
  /** Bytes that belonged to no frame. */
  readonly strayBytes: number;
}

export type AnswerOutcome =
  | { readonly kind: "answer"; readonly frame: Uint8Array; readonly values: Values; readonly texts?: Texts }
  /** `name` as the protocol calls the code: "illegal data address". */
  | { readonly kind: "refused"; readonly frame: Uint8Array; readonly code: number; readonly name?: string }
  | { readonly kind: "bad"; readonly frame: Uint8Array; readonly reason: "checksum" | "malformed" };

/** What a device says of itself in words (serial number, firmware), by name; no readings. */
export type Texts = ReadonlyMap<string, string>;

/** Frames that the device sends by itself, found among all bytes of the line that belong to no answer. */
export interface ReportRecogniser {
  /** Whole valid reports that these bytes complete. */
  push(bytes: Uint8Array): readonly Report[];
  readonly otherFrames: number;
  readonly strayBytes: number;
}

export interface Report {
  /** Name of the read. */
  readonly read: string;
  readonly frame: Uint8Array;
  readonly values: Values;
}

export interface SerialRead {
  readonly name: string;
  readonly channels: readonly string[];
  /** Sent by the device itself: never asked for, found by `listen`. */
  readonly isReport?: boolean;
  /** Names of what it reads in words. One of texts only has no channels: asked when the device appears, not each time. */
  readonly texts?: readonly string[];
  /**
   * Modbus: `read` also knows these; together they give the same channels without the registers in between that no
   * channel needs. For a device that objects to being asked for those.
   */
  readonly withoutHoles?: readonly SerialRead[];
}

/** A protocol on a serial line, in both directions. Framed binary and Modbus RTU both are one. */
export interface SerialProtocol {
  readonly kind: "serial";
  readonly settings: SerialSettings;
  readonly timing: SerialTiming;
  readonly quirks?: SerialQuirks;
  readonly setUp?: SerialSetUp;
  /** In file order; a poll runs all that are asked for. */
  readonly reads: readonly SerialRead[];
  /**
   * `newest` supplies placeholders such as `{row}`: the newest value of that channel, 0 when there is none yet. `turn`
   * counts the exchanges of a device; a protocol with sequence numbers sends it, as far as it fits, and wants it back.
   */
  read(address: number, read: string, newest: (channel: string) => number | undefined, turn?: number): SerialExchange;
  /** Throws RangeError when the value doesn't fit the coding. */
  set(address: number, setting: string, value: number, turn?: number): SerialExchange;
  command(address: number, command: string, turn?: number): SerialExchange;
  /** For protocols with reports. */
  listen?(address: number): ReportRecogniser;
  /** The device's side: the frame of a report. Throws RangeError as `set` does. */
  report?(address: number, read: string, values: Values): Uint8Array;
  /** The device's side of the same protocol, for the simulator. Frames for other addresses are ignored. */
  deviceSide(address: number): RequestRecogniser;
}

export type I2cStep =
  /** `isOptional`: a chip that doesn't acknowledge it (it sleeps, or starts anew) is no failure; nothing was read then. */
  | { readonly do: "transfer"; readonly write: Uint8Array; readonly readLength: number; readonly isOptional?: true }
  | { readonly do: "wait"; readonly ms: number };

/** A conversation yields steps and is given the bytes that each transfer read (empty for waits and pure writes). */
export type I2cConversation<T> = Generator<I2cStep, T, Uint8Array>;

export type I2cFailure = "checksum" | "malformed" | "no-sensor" | "timeout" | "busy" | "refused";

/**
 * Thrown by an I2C conversation when the chip's bytes are wrong, it doesn't get ready ("timeout"), or it says itself that
 * it has nothing; `code` is its own number of a refusal.
 */
export class I2cAnswerError extends Error {
  override readonly name = "I2cAnswerError";
  readonly reason: I2cFailure;
  readonly code: number | undefined;
  constructor(reason: I2cFailure, message: string, code?: number) {
    super(message);
    this.reason = reason;
    this.code = code;
  }
}

/** What was read once from a chip (calibration), by name. */
export type I2cConstants = ReadonlyMap<string, number>;

export interface I2cProtocol {
  readonly kind: "i2c";
  /** Identify, set up, read constants. Run at start and again whenever the chip may have lost its state. */
  prepare(): I2cConversation<I2cConstants>;
  /** One conversion: trigger, wait, read, check, compute. */
  measure(constants: I2cConstants): I2cConversation<Values>;
  /** For chips with settings; gives the constants anew, since a setting may change them. Throws as `command`. */
  set?(name: string, value: number, constants: I2cConstants): I2cConversation<I2cConstants>;
  /** For chips with commands. Throws Error when there is none of this name. */
  command?(name: string, constants: I2cConstants): I2cConversation<void>;
  /** Longest read and write in bytes, so that `check` can refuse what a backend can't do. */
  readonly readLengthMax: number;
}

export type Protocol = SerialProtocol | I2cProtocol | PulseProtocol | LevelProtocol | OutputProtocol;

/** One device of one station: its type's file merged with the lines of the station file. */
export interface Device {
  readonly name: string;
  readonly type: string;
  readonly port: string;
  /** What the station file says for the `needs:` of its type, defaults included, in words: "0.2794 mm". */
  readonly needs?: ReadonlyMap<string, string>;
  /** Address on the port: Modbus/frame address or I2C address; undefined for pins. */
  readonly address?: number;
  /** GPIO line: its offset on the chip, or its name there. */
  readonly pin?: number | string;
  readonly protocol: Protocol;
  /** As the device is read. What leaves the station may be others: `keptChannels`. */
  readonly channels: readonly Channel[];
  readonly everyMs: number;
  readonly faster?: { readonly when: Condition; readonly everyMs: number };
  /** A key switch: turned on, somebody is on site, for so long at most. */
  readonly onSite?: { readonly when: Condition; readonly atMostMs: number };
  /** Per channel; before the plausible range, alarms and interlocks. */
  readonly correct: ReadonlyMap<string, Correction>;
  /** Per channel, in this order; after alarms and interlocks, which see what was read. */
  readonly filters?: ReadonlyMap<string, readonly FilterStep[]>;
  /** Of filtered values, in this order. */
  readonly rates?: readonly Rate[];
  /** Small-change filter: a reading that differs less than this from the last one kept is "unchanged". */
  readonly smallChange: ReadonlyMap<string, number>;
  /** At least one whole sample per this time, however little changes. */
  readonly heartbeatMs: number;
  readonly aggregate?: Aggregation;
  readonly settings: readonly Setting[];
  readonly commands: readonly Command[];
  readonly alarms: readonly Alarm[];
  /** The reason given in `paused:`; a paused device is not asked and raises no alarm. */
  readonly paused?: string;
  /** Where this device stands in the station file: "station.yaml:21". */
  readonly place: string;
}

export interface Port {
  readonly name: string;
  readonly kind: "serial" | "i2c" | "gpio" | "counter";
  /** Device path (serial, i2c), the GPIO chip's label, or the name of a counter of the kernel. */
  readonly path: string;
  /** Unix socket of a simulator that plays this port; undefined: the port is real. */
  readonly simulator?: string;
}

export interface Station {
  readonly name: string;
  readonly label: string;
  readonly altitudeM?: number;
  readonly timeZone: string;
  readonly ports: ReadonlyMap<string, Port>;
  readonly devices: readonly Device[];
  /** SHA-256 (hex) over the station file and every device file that it uses: names what runs. */
  readonly hash: string;
}
