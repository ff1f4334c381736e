/** What a Modbus protocol is compiled from: the part of `spec.ts` that speaks of tables, registers and functions. */
import type { SerialQuirks, SerialSettings, SerialTiming } from "../model.ts";
import type { SetUpSpec } from "../set-up.ts";
import type { ByteOrder, ChannelSpec, FieldSpec } from "../spec.ts";

export type ModbusTable = "coil" | "discrete" | "holding" | "input";

/** One request of functions 1–4, or 23; `at` of its fields counts bytes from the first register. */
export interface ModbusReadSpec {
  readonly name: string;
  readonly table: ModbusTable;
  readonly register: number;
  readonly count: number;
  readonly channels: readonly ChannelSpec[];
  readonly texts?: readonly ModbusTextSpec[];
  /** Function 23, on holding registers: written in the same request, before they are read. */
  readonly writeFirst?: { readonly register: number; readonly data: Uint8Array };
  /** Requests that together give the same channels without the registers in between that no channel needs. */
  readonly withoutHoles?: readonly ModbusReadSpec[];
}

export interface ModbusTextSpec {
  readonly name: string;
  /** Counted in bytes from the first register. */
  readonly at: number;
  /** Letters: two in each register. */
  readonly length: number;
  /** Of the two letters in a register; big-endian: the first in the high byte. */
  readonly byteOrder: ByteOrder;
}

export type ModbusWriteFunction = 5 | 6 | 15 | 16 | 23;

export interface ModbusSettingSpec {
  readonly name: string;
  readonly with: ModbusWriteFunction;
  readonly register: number;
  /** Coils or registers. */
  readonly count: number;
  /** Codes the value in registers; coils hold its bits, the first the lowest. */
  readonly field: FieldSpec;
  /** Function 23: read back in the same request; `at` of the channel's field counts from `register`. */
  readonly readBack?: { readonly register: number; readonly count: number; readonly channel: ChannelSpec };
}

export interface ModbusCommandSpec {
  readonly name: string;
  readonly with: Exclude<ModbusWriteFunction, 23>;
  readonly register: number;
  /** One for each coil (0 or 1) or register. */
  readonly values: readonly number[];
  readonly isBroadcast?: boolean;
}

export interface ModbusSpec {
  readonly protocol: "modbus-rtu" | "modbus-ascii";
  readonly serial: SerialSettings;
  readonly timing: SerialTiming;
  readonly quirks?: SerialQuirks;
  readonly setUp?: SetUpSpec<ModbusCommandSpec>;
  readonly reads: readonly ModbusReadSpec[];
  readonly settings: readonly ModbusSettingSpec[];
  readonly commands: readonly ModbusCommandSpec[];
}
