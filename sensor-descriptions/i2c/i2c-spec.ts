/** What a description of a chip on I2C says, read and checked: steps, settings, commands, channels. */
import type { ByteOrder, ChannelSpec, CheckSpec, FieldSpec, Formula } from "../spec.ts";

/** A CRC byte after every `every` bytes, by catalogue name. */
export interface I2cCrcSpec {
  readonly name: string;
  readonly every: number;
  /** Of a write: bytes before the first that is covered (a command word). */
  readonly from?: number;
}

/** The last bytes of a message: a check over all bytes before them (K30: a sum; AM2320: the CRC of Modbus). */
export interface I2cCheckSpec {
  readonly of: CheckSpec;
  readonly byteOrder: ByteOrder;
}

/** SMBus packet error check: the last byte of a message, over all before it and the address (7 bits; NaN: not known). */
export interface I2cPecSpec {
  readonly address: number;
}

/**
 * Bytes to a chip. `filled` are computed when they are sent: `field.at` counts in `bytes`. Numbers in letters are put in
 * between: `letters.at` counts in `bytes`, too, as if there were no letters.
 */
export interface I2cWriteSpec {
  readonly bytes: Uint8Array;
  readonly filled?: readonly ({ readonly name: string; readonly formula: Formula } & (
    | { readonly field: FieldSpec }
    | { readonly letters: { readonly at: number; readonly decimals?: number } }
  ))[];
}

/** A number in letters, from byte `at` to a NUL or the end; of several between commas the `part`th, from 1. */
export interface I2cTextSpec {
  readonly at: number;
  readonly part: number;
  readonly special: FieldSpec["special"];
}

export type I2cFieldSpec = { readonly name: string } & (
  | { readonly field: FieldSpec }
  | { readonly letters: I2cTextSpec }
);

/** A byte by which a chip says what came of a request; a number that stands nowhere here is "malformed". */
export interface I2cStatusSpec {
  readonly at: number;
  /** Only these bits of the byte. */
  readonly bits?: { readonly low: number; readonly high: number };
  readonly means: ReadonlyMap<number, "good" | "busy" | "refused" | "no-sensor" | "malformed">;
}

export interface I2cReadSpec {
  /** Written before the read in the same transfer: register number or command; may be empty. */
  readonly write: Uint8Array;
  readonly filled?: I2cWriteSpec["filled"];
  /** Bytes on the bus, CRC bytes included. */
  readonly length: number;
  /** All are checked, and taken off before fields are counted. */
  readonly crc?: I2cCrcSpec;
  readonly check?: I2cCheckSpec;
  readonly pec?: I2cPecSpec;
  /** Judged before the fields; while an `until` waits, "busy" is only not yet. */
  readonly status?: I2cStatusSpec;
  readonly fields: readonly I2cFieldSpec[];
}

/** One step of an I2C sequence; done only when `when` isn't 0, if there is one. */
export type I2cStepSpec = { readonly when?: Formula } & (
  | ({
      readonly do: "write";
      readonly crc?: I2cCrcSpec;
      readonly check?: I2cCheckSpec;
      readonly pec?: I2cPecSpec;
      /** A chip that doesn't acknowledge it is no failure. */
      readonly isOptional?: true;
    } & I2cWriteSpec)
  | { readonly do: "wait"; readonly ms: number }
  | ({ readonly do: "read" } & I2cReadSpec)
  /** Repeat the read until the formula is not 0, at most `withinMs`; after that the reason is "timeout". */
  | ({
      readonly do: "until";
      readonly formula: Formula;
      readonly everyMs: number;
      readonly withinMs: number;
    } & I2cReadSpec)
);

/** Bytes read from a register that must equal `expect` or one of `or`, as far as `mask` has bits. */
export interface I2cIdentity {
  readonly write: Uint8Array;
  readonly expect: Uint8Array;
  readonly or?: readonly Uint8Array[];
  readonly mask?: Uint8Array;
  readonly pec?: I2cPecSpec;
}

export interface I2cSpec {
  readonly protocol: "i2c";
  readonly identify: readonly I2cIdentity[];
  readonly setUp: readonly I2cStepSpec[];
  /** Read once after set-up; its fields are the constants. */
  readonly constants: readonly I2cStepSpec[];
  readonly measure: readonly I2cStepSpec[];
  /** Their formulas know `value`, in the unit of the channel in which it is read back. */
  readonly settings?: readonly { readonly name: string; readonly steps: readonly I2cStepSpec[] }[];
  readonly commands?: readonly { readonly name: string; readonly steps: readonly I2cStepSpec[] }[];
  /** In order; each may use fields, constants, and those before it. */
  readonly lets: readonly { readonly name: string; readonly formula: Formula }[];
  readonly channels: readonly ChannelSpec[];
}
