/** From channels that name their registers to requests; and requests that were planned by hand. */
import { formulaName } from "../formula/formula.ts";
import { say } from "../messages.ts";
import type { ModbusReadSpec, ModbusTable, ModbusTextSpec } from "../modbus/modbus-spec.ts";
import type { Surroundings } from "./device-type.ts";
import { formulaNames, formulaStates, type Judge, knowingStates } from "./judge.ts";
import {
  type FormulaChannel,
  isBitTable,
  type ModbusShape,
  type Order,
  type PlacedChannel,
  placedChannel,
  type RegisterChannel,
  specOf,
  warnOfOldNumbers,
  withConditions,
} from "./modbus-channels.ts";
import { type MergeLimits, type PlannedRequest, planRequests, type Wanted, withoutHoles } from "./modbus-plan.ts";

/** Modbus application protocol 1.1b3, sections 6.1 and 6.3: what fits into one answer. */
export const READ_MAX = { bits: 2000, registers: 125 } as const;
/** Section 6.17. */
const WRITE_FIRST_MAX = 121;

export const readMax = (table: ModbusTable): number => (isBitTable(table) ? READ_MAX.bits : READ_MAX.registers);

export interface Placed {
  readonly reads: readonly ModbusReadSpec[];
  /** In file order. */
  readonly channels: readonly PlacedChannel[];
}

/** What `reads:` says. */
export function handPlanned(around: Surroundings, shape: ModbusShape, order: Order): Placed {
  const placed = Object.entries(shape.reads ?? {}).map(([name, read]) => handPlannedRead(around, name, read, order));
  return { reads: placed.map(({ read }) => read), channels: placed.flatMap(({ channels }) => channels) };
}

type ReadShape = NonNullable<ModbusShape["reads"]>[string];

function handPlannedRead(outside: Surroundings, name: string, shape: ReadShape, order: Order) {
  const around = { ...outside, judge: knowingStates(outside.judge, formulaStates(shape.channels)) };
  const { judge } = around;
  const { table, first, last } = shape.registers;
  const at = ["reads", name];
  if (last - first + 1 > readMax(table)) judge.report([...at, "registers"], say.tooManyRegisters(readMax(table)));
  warnOfOldNumbers(judge, [...at, "registers"], shape.registers);
  const names = formulaNames(Object.keys(shape.channels), around.given.keys());
  const placedHere = Object.entries(shape.channels).flatMap(([channel, { register, ...rest }]) => {
    const place = [...at, "channels", channel];
    const registers = register && { table, ...register };
    const placed = placedChannel(around, place, channel, rest, registers, order, names);
    if (placed && "table" in placed && (placed.first < first || placed.last > last))
      judge.report([...place, "register"], say.registerBeyondRead(first, last));
    return placed ? [placed] : [];
  });
  const channels = withConditions(judge, [...at, "channels"], shape.channels, placedHere);
  const writeFirst = writeFirstOf(judge, name, shape);
  const read: ModbusReadSpec = {
    name,
    table,
    register: first,
    count: last - first + 1,
    channels: channels.map((placed) => specOf(placed, first)),
    ...(writeFirst ? { writeFirst } : {}),
  };
  return { read, channels };
}

function writeFirstOf(judge: Judge, name: string, shape: ReadShape): ModbusReadSpec["writeFirst"] {
  const write = shape["write-first"];
  if (!write) return undefined;
  const at = ["reads", name, "write-first"];
  const { table, first, last } = write.registers;
  const count = last - first + 1;
  if (shape.registers.table !== "holding") judge.report(at, say.holdingOnly(), "key");
  if (table !== "holding") judge.report([...at, "registers"], say.registerTable(table));
  if (count > WRITE_FIRST_MAX) judge.report([...at, "registers"], say.writesTooMany(WRITE_FIRST_MAX));
  if (write.value.length !== count) judge.report([...at, "value"], say.valuesForRegisters(write.value.length, count));
  return { register: first, data: Uint8Array.from(write.value.flatMap((value) => [value >> 8, value & 0xff])) };
}

/** What `channels:` says, planned. */
export function planned(outside: Surroundings, shape: ModbusShape, order: Order): Placed {
  const around = { ...outside, judge: knowingStates(outside.judge, formulaStates(shape.channels ?? {})) };
  const { judge } = around;
  const entries = Object.entries(shape.channels ?? {});
  const names = formulaNames(
    entries.map(([name]) => name),
    around.given.keys(),
  );
  const found = entries.flatMap(([name, { register, ...rest }]) => {
    const at = ["channels", name];
    if (register) warnOfOldNumbers(judge, [...at, "register"], register);
    const placed = placedChannel(around, at, name, rest, register, order, names);
    return placed ? [placed] : [];
  });
  const channels = withConditions(judge, ["channels"], shape.channels ?? {}, found);
  const limits = (table: ModbusTable): MergeLimits => limitsOf(shape, table);
  const groups = togetherInOneAnswer(judge, channels, limits);
  const tables = [...new Set(groups.map(({ table }) => table))];
  const reads = tables.flatMap((table) => {
    const ofTable = groups.filter((group) => group.table === table);
    return planRequests(ofTable, limits(table)).map((request) => plannedRead(table, request, limits(table)));
  });
  return { reads, channels };
}

/** A request of its own costs some 20 characters and the device's time to answer: 8 registers are 16 characters. */
const MERGE_REGISTERS: MergeLimits = { holes: 8, atMost: 60 };
const MERGE_BITS: MergeLimits = { holes: 64, atMost: 256 };

function limitsOf({ merge }: ModbusShape, table: ModbusTable): MergeLimits {
  const [said, usual] = isBitTable(table) ? [merge?.bits, MERGE_BITS] : [merge, MERGE_REGISTERS];
  return { holes: said?.holes ?? usual.holes, atMost: said?.["at-most"] ?? usual.atMost };
}

/** Channels that one answer has to bring: one alone, or those of a formula and the formula. */
interface Group extends Wanted {
  readonly table: ModbusTable;
  readonly members: readonly PlacedChannel[];
}

function plannedRead(table: ModbusTable, request: PlannedRequest<Group>, { atMost }: MergeLimits): ModbusReadSpec {
  const parts = withoutHoles(request, atMost);
  const { first, last, wanted } = request;
  return {
    name: first === last ? `${table} ${first}` : `${table} ${first} to ${last}`,
    table,
    register: first,
    count: last - first + 1,
    channels: wanted.flatMap(({ members }) => members.map((member) => specOf(member, first))),
    ...(parts ? { withoutHoles: parts.map((part) => plannedRead(table, part, { holes: 0, atMost })) } : {}),
  };
}

/** A formula computes with values of the same moment, so what it reads comes in one answer, whatever lies between. */
function togetherInOneAnswer(
  judge: Judge,
  channels: readonly PlacedChannel[],
  limits: (table: ModbusTable) => MergeLimits,
): Group[] {
  const groupOf = new Map<PlacedChannel, Set<PlacedChannel>>(channels.map((one) => [one, new Set([one])]));
  const byName = new Map(channels.map((one) => [formulaName(one.channel.name), one]));
  const join = (a: PlacedChannel, b: PlacedChannel): void => {
    const [into, from] = [groupOf.get(a), groupOf.get(b)];
    if (!into || !from || into === from) return;
    for (const member of from) {
      into.add(member);
      groupOf.set(member, into);
    }
  };
  const isFormula = (one: PlacedChannel): one is FormulaChannel => "formula" in one;
  for (const one of channels.filter(isFormula)) {
    for (const input of one.formula.names.flatMap((name) => byName.get(name) ?? [])) join(input, one);
  }
  for (const one of channels)
    for (const input of one.validWhen?.channels ?? []) {
      const other = byName.get(formulaName(input));
      if (other) join(other, one);
    }
  const [first] = channels.filter((one) => !isFormula(one));
  if (!first && channels.length > 0) judge.report(["channels"], say.nothingToRead(), "key");
  // What is computed from constants alone comes with whatever is read first.
  for (const one of channels) if (first && [...(groupOf.get(one) ?? [])].every(isFormula)) join(first, one);
  return [...new Set(groupOf.values())].flatMap((members) => {
    const inFileOrder = channels.filter((one) => members.has(one));
    const group = groupFrom(judge, inFileOrder, limits);
    return group ? [group] : [];
  });
}

function groupFrom(
  judge: Judge,
  members: readonly PlacedChannel[],
  limits: (table: ModbusTable) => MergeLimits,
): Group | undefined {
  const inRegisters = members.filter((member): member is RegisterChannel => "table" in member);
  const [one] = inRegisters;
  if (!one) return undefined;
  const first = Math.min(...inRegisters.map((member) => member.first));
  const last = Math.max(...inRegisters.map((member) => member.last));
  const count = last - first + 1;
  const { atMost } = limits(one.table);
  const other = inRegisters.find((member) => member.table !== one.table);
  const reason = other
    ? `the tables "${one.table}" and "${other.table}" take a request each`
    : count > atMost
      ? `they lie ${count} registers apart, and one request reads at most ${atMost}`
      : undefined;
  if (inRegisters.length === 1 && reason !== undefined)
    judge.report([...one.at, "register"], say.widerThanRequest(count, atMost));
  else if (reason !== undefined) reportApart(judge, members, inRegisters, reason);
  return { table: one.table, first, last, members };
}

function reportApart(
  judge: Judge,
  members: readonly PlacedChannel[],
  inputs: readonly RegisterChannel[],
  reason: string,
): void {
  const formula = members.find((member) => "formula" in member);
  const names = inputs.map(({ channel }) => `"${channel.name}"`);
  if (formula) judge.report([...formula.at, "formula"], say.formulaApart(names, reason));
  const conditional = members.find(({ validWhen }) => validWhen);
  if (conditional && !formula) judge.report([...conditional.at, "valid-when"], say.validApart(names, reason));
}

/** Requests of their own: a text is read when the device appears, not with each sample. */
export function textReads(judge: Judge, shape: ModbusShape): ModbusReadSpec[] {
  const texts = Object.entries(shape.texts ?? {}).flatMap(([name, text]) => {
    const placed = placedText(judge, name, text);
    return placed ? [placed] : [];
  });
  return (["holding", "input"] as const).flatMap((table) =>
    planRequests(
      texts.filter((text) => text.table === table),
      { holes: 0, atMost: READ_MAX.registers },
    ).map(({ first, last, wanted }) => ({
      name: `texts ${table} ${first} to ${last}`,
      table,
      register: first,
      count: last - first + 1,
      channels: [],
      texts: wanted.map(({ spec, first: at }) => ({ ...spec, at: 2 * (at - first) })),
    })),
  );
}

type TextShape = NonNullable<ModbusShape["texts"]>[string];

function placedText(
  judge: Judge,
  name: string,
  shape: TextShape,
): (Wanted & { readonly table: ModbusTable; readonly spec: ModbusTextSpec }) | undefined {
  const { table, first, last } = shape.register;
  const at = ["texts", name];
  warnOfOldNumbers(judge, [...at, "register"], shape.register);
  if (isBitTable(table)) return void judge.report([...at, "register"], say.textLength("bits hold no letters"));
  const isRange = last > first;
  if (!isRange && shape.length === undefined)
    return void judge.report([...at, "register"], say.textLength("one register holds two letters"));
  const length = shape.length ?? 2 * (last - first + 1);
  const end = isRange ? last : first + Math.ceil(length / 2) - 1;
  if (length > 2 * (end - first + 1))
    judge.report([...at, "length"], say.textLength(`${end - first + 1} registers hold ${2 * (end - first + 1)}`));
  if (end > 0xffff) judge.report([...at, "register"], say.outOfRange(shape.register.text, "0", "65535"));
  if (end - first + 1 > READ_MAX.registers) judge.report([...at, "register"], say.tooManyRegisters(READ_MAX.registers));
  return { table, first, last: end, spec: { name, at: 0, length, byteOrder: shape["byte-order"] ?? "big-endian" } };
}
