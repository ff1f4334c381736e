/** Registers as description files write them: table and numbers, counted from 0 as they travel. */
import { type Said, say } from "../messages.ts";
import type { Reading } from "../quantities.ts";
import { NUMBER, scalar } from "../scalars.ts";
import type { ModbusTable } from "./modbus-spec.ts";

export interface Registers {
  readonly table: ModbusTable;
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

const NUMBERS = String.raw`(\d+|0x[0-9a-f]+)(?:\s+to\s+(\d+|0x[0-9a-f]+))?`;
const REGISTERS = new RegExp(`^(coil|discrete|holding|input)s?\\s+${NUMBERS}$`, "i");
const BARE_REGISTERS = new RegExp(`^${NUMBERS}$`, "i");
/** "holding 0 to 7", "coil 3": numbers as they travel, counted from 0. */
export const registers = () =>
  scalar({ type: "string", examples: ["holding 0 to 7", "input 30", "coil 0 to 3"] }, (t): Reading<Registers> => {
    const [, table, low = "", high] = REGISTERS.exec(t) ?? [];
    if (table === undefined) return { said: tableMissing(t) };
    const numbers = numbersFrom(low, high, t);
    return "said" in numbers ? numbers : { ok: { ...numbers.ok, table: table.toLowerCase() as ModbusTable } };
  });

/** "3", "0 to 3": where the table is said elsewhere. */
export const registerNumbers = () =>
  scalar({ type: NUMBER, examples: ["3", "0 to 3"] }, (t): Reading<Omit<Registers, "table">> => {
    const [, low, high] = BARE_REGISTERS.exec(t) ?? [];
    return low === undefined ? { said: say.notRegisterNumbers(t) } : numbersFrom(low, high, t);
  });

function numbersFrom(low: string, high: string | undefined, t: string): Reading<Omit<Registers, "table">> {
  const [first, last] = [Number(low), Number(high ?? low)];
  if (first > 0xffff || last > 0xffff) return { said: say.outOfRange(t, "0", "65535") };
  return last < first ? { said: say.reversedRange(t) } : { ok: { first, last, text: t } };
}

function tableMissing(t: string): Said {
  const [, low = "", high = low] = BARE_REGISTERS.exec(t) ?? [];
  if (low === "") return say.notRegisters(t);
  const [first, last] = [oldRegister(low), oldRegister(high)];
  if (!first || last?.table !== first.table) return say.registersOfWhat(t);
  const numbers = first.register === last.register ? `${first.register}` : `${first.register} to ${last.register}`;
  return say.oldRegisters(t, `${first.table} ${numbers}`, Number(high) <= 0xffff ? `${first.table} ${t}` : undefined);
}

const OLD_TABLES: Readonly<Record<string, ModbusTable>> = { 0: "coil", 1: "discrete", 3: "input", 4: "holding" };

/**
 * Manuals of the eighties write the table as the first of five or six digits and count from 1: 40017 is holding 16.
 * (Application protocol V1.1b3, 4.4: numbers in the data model begin with 1, addresses in the PDU with 0.)
 */
export function oldRegister(text: string): { table: ModbusTable; register: number } | undefined {
  const [, digit = "", number = ""] = /^([0134])(\d{4,5})$/.exec(text) ?? [];
  const table = OLD_TABLES[digit];
  const register = Number(number) - 1;
  return table === undefined || register < 0 || register > 0xffff ? undefined : { table, register };
}
