/**
 * The seam inside this package: what the loader has read, checked and resolved (units converted, hex parsed,
 * defaults filled in), and what the protocols are compiled from. No places, no YAML, no defaults left to decide.
 */
import type { SumName } from "./checksum/checksum-sums.ts";
import type { RefusalSpec } from "./framing/refusal.ts";
import type { I2cSpec } from "./i2c/i2c-spec.ts";
import type { LinesSpec } from "./lines/lines-spec.ts";
import type { ModbusSpec } from "./modbus/modbus-spec.ts";
import type {
  Channel,
  Condition,
  Level,
  OutputSet,
  PulseProtocol,
  SerialQuirks,
  SerialSettings,
  SerialTiming,
} from "./model.ts";
import type { SetUpSpec } from "./set-up.ts";

export type ByteOrder = "big-endian" | "little-endian";

export const FIELD_TYPES = [
  "u8", "u16", "u24", "u32", "u40", "u48", "u64", "i8", "i16", "i24", "i32", "i40", "i48", "i64",
  "sm8", "sm16", "sm24", "sm32", "bcd8", "bcd16", "bcd24", "bcd32", "bcd40", "bcd48", "f16", "f32", "f64",
] as const; // biome-ignore format: a table
export type FieldType = (typeof FIELD_TYPES)[number];

/** value = raw · scale + offset; a raw value in `special` has no value but a reason. */
export interface FieldSpec {
  /** Byte position counted from 0 in the body (serial), in the registers' bytes (Modbus) or in the bytes read (I2C). */
  readonly at: number;
  readonly as: FieldType;
  readonly byteOrder: ByteOrder;
  /** Modbus: order of 16-bit words within 32 bits and more. Same as byteOrder unless said. */
  readonly wordOrder?: ByteOrder;
  /** Only these bits of the raw integer, both included, 0 = lowest. */
  readonly bits?: { readonly low: number; readonly high: number };
  readonly scale: number;
  readonly offset: number;
  /** Bits on the wire or the number that they stand for; a bigint beyond 2^53. Of a float: its value. */
  readonly special: ReadonlyMap<number | bigint, "no-sensor" | "malformed">;
}

/** Numbers only; linear cost; compiled once. */
export interface Formula {
  readonly text: string;
  /** Names that it reads, free of those bound by `let`. */
  readonly names: readonly string[];
  /** Names of its text that have a value for good. */
  readonly given?: ReadonlyMap<string, number>;
  /** NaN when the result isn't finite (division by zero): the caller reports "malformed". */
  evaluate(valueOf: (name: string) => number): number;
}

export type ChannelSource =
  | { readonly from: "field"; readonly field: FieldSpec }
  /** Names: other channels of the same read, raw fields, constants, `let` lines, `altitude`. */
  | { readonly from: "formula"; readonly formula: Formula };

/** A channel as formulas of other channels see it. */
export interface SpecChannel extends Channel {
  /** What the station file's `correct:` makes of a value: a dew point is that of the corrected temperature. */
  readonly correct?: (value: number) => number;
}

export interface ChannelSpec {
  readonly channel: SpecChannel;
  readonly source: ChannelSource;
  /** It counts only while this holds for channels of the same answer; else it is "no-sensor". */
  readonly validWhen?: Condition;
}

/** `"10 {value}"`: constant bytes and placeholders, each coded like the named channel's field. */
export type Template = readonly (
  | { readonly bytes: Uint8Array }
  /** "value": the setting's value, coded like its read-back channel; else the newest value of that channel. */
  | { readonly placeholder: string }
)[];

export type CheckSpec = { readonly kind: "crc"; readonly name: string } | { readonly kind: SumName };

export type FramePart =
  | { readonly part: "start"; readonly bytes: Uint8Array }
  /** Closes the body where no length says how long it is. */
  | { readonly part: "end"; readonly bytes: Uint8Array }
  | { readonly part: "address"; readonly as: "u8" | "u16" }
  /** A number that counts exchanges; the answer repeats it. */
  | { readonly part: "sequence"; readonly as: "u8" | "u16" }
  | {
      readonly part: "length";
      readonly as: "u8" | "u16";
      readonly counts: "body" | "body+check" | "frame";
      readonly bias: number;
    }
  /** The first bytes of every body stand here, before the length (UBX: class and id). */
  | { readonly part: "code"; readonly length: number }
  /** `length`: always so many bytes; what a message doesn't fill is 0. */
  | { readonly part: "body"; readonly length?: number }
  | {
      readonly part: "check";
      readonly check: CheckSpec;
      /** Parts covered, both included, by their position in the frame. */
      readonly from: number;
      readonly to: number;
      readonly byteOrder: ByteOrder;
      /** Two letters 0–9, A–F for each byte of the check, instead of the byte. */
      readonly written?: "hex-digits";
    };

/** How the bytes between start and end travel; absent: as they are. */
export type FrameWrapping =
  /** Byte → the bytes that are sent for it; the first of them is an escape byte, and that one is escaped as well. */
  | { readonly kind: "stuffing"; readonly table: ReadonlyMap<number, Uint8Array> }
  /** RFC 1055. All parts are inside. */
  | { readonly kind: "slip" }
  /** Cheshire & Baker, 1999. All parts are inside, a zero byte ends each frame. */
  | { readonly kind: "cobs" }
  /** Each byte between start and end as two letters 0–9, A–F. */
  | { readonly kind: "hex-digits" };

/** A variable number of records in a body, one after the other. */
export interface RecordsSpec {
  /** Where the first one begins in the body. */
  readonly from: number;
  /** How many there are; absent: to the end of the body. */
  readonly count?: FieldSpec;
  /** Bytes of each, or the field of a record that holds its own length. */
  readonly length: number | { readonly field: FieldSpec; readonly extra: number };
  /** Which record it is; absent: they are counted from 0. */
  readonly key?: FieldSpec;
}

export interface RecordChannelSpec {
  readonly channel: Channel;
  readonly validWhen?: Condition;
  readonly record: number;
  /** `at` is counted from the record's first byte. */
  readonly field: FieldSpec;
}

export interface FramedReadSpec {
  readonly name: string;
  /** Undefined: the device sends it by itself. */
  readonly send?: Template;
  /** How the answer's body begins. */
  readonly answer: Uint8Array;
  readonly channels: readonly ChannelSpec[];
  readonly records?: RecordsSpec;
  readonly recordChannels?: readonly RecordChannelSpec[];
}

export interface WriteSpec {
  readonly name: string;
  readonly write: Template;
  /** Undefined: nothing answers it. */
  readonly answer?: Uint8Array;
  /** The field that codes {value}. */
  readonly field: FieldSpec;
}

/** One exchange of `set-up:`; without `answer` nothing answers it. */
export interface FramedSetUpAsk {
  readonly send: Uint8Array;
  readonly answer?: Uint8Array;
}

/** A protocol of our own parts on a serial line. */
export interface FramedSpec {
  readonly protocol: "framed";
  readonly serial: SerialSettings;
  readonly timing: SerialTiming;
  readonly quirks?: SerialQuirks;
  readonly byteOrder: ByteOrder;
  readonly frame: readonly FramePart[];
  /** Where requests look different from answers. */
  readonly requestFrame?: readonly FramePart[];
  readonly wrapping?: FrameWrapping;
  readonly refusal?: RefusalSpec;
  /** What the codes of refusals mean. */
  readonly refusals?: ReadonlyMap<number, string>;
  readonly setUp?: SetUpSpec<FramedSetUpAsk>;
  readonly reads: readonly FramedReadSpec[];
  readonly settings: readonly WriteSpec[];
  readonly commands: readonly { readonly name: string; readonly send: Template; readonly answer?: Uint8Array }[];
}

export interface PulseSpec {
  readonly protocol: "pulses";
  readonly edge: PulseProtocol["edge"];
  readonly pull?: "up" | "down";
  readonly debounceMs: number;
  /** Hz */
  readonly rate?: { readonly low: number; readonly high: number };
  /** Names in formulas: `total`, `since` (pulses), `seconds` (since the sample before), and needs of the station file. */
  readonly channels: readonly ChannelSpec[];
  readonly given: ReadonlyMap<string, number>;
}

/** Names in formulas: `level` (0 or 1), and needs of the station file. */
export interface LevelSpec {
  readonly protocol: "levels";
  readonly active: "high" | "low";
  readonly pull?: "up" | "down";
  readonly debounceMs: number;
  readonly channels: readonly ChannelSpec[];
  readonly given: ReadonlyMap<string, number>;
}

export interface OutputSpec {
  readonly protocol: "outputs";
  readonly active: "high" | "low";
  readonly safe: Level;
  readonly atMostMs: number;
  readonly sets: ReadonlyMap<string, OutputSet>;
  readonly channels: readonly ChannelSpec[];
  readonly given: ReadonlyMap<string, number>;
}

export type ProtocolSpec = FramedSpec | LinesSpec | ModbusSpec | I2cSpec | PulseSpec | LevelSpec | OutputSpec;

/** A condition or formula that doesn't parse: the loader turns `column` into a place in the file. */
export interface FormulaProblem {
  readonly column: number;
  readonly message: string;
  readonly advice?: string;
}
export type Parsed<T> = { readonly ok: T } | { readonly problem: FormulaProblem };
export type ParsedCondition = Parsed<Condition>;
