/**
 * Who is on a serial line: first by listening (nothing is sent), then by the first read of each type of our own
 * framing, then by Modbus. Reads only; each way ends in a bounded time that is told before.
 */
import type { DeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { createModbusProtocol } from "@pump-station/sensor-descriptions/modbus/modbus.ts";
import type { ModbusTable } from "@pump-station/sensor-descriptions/modbus/modbus-spec.ts";
import type {
  Port,
  SerialExchange,
  SerialProtocol,
  SerialSettings,
  SerialTiming,
  Values,
} from "@pump-station/sensor-descriptions/model.ts";
import { type ExchangeResult, exchangeOnce } from "../../source/exchange.ts";
import { createHealthCounter } from "../../source/health.ts";
import { createSerialPort, type SharedSerialPort } from "../../source/serial-port.ts";
import type { Timers } from "../../world.ts";
import type { Machine } from "../command.ts";
import { spokenDuration } from "../table.ts";
import { type Finding, givenFor, modeText, type Progress } from "./finding.ts";

export interface SerialScanDeps extends Pick<Machine, "clock" | "ports" | "interrupted"> {
  readonly timers: Timers;
  readonly progress: Progress;
}

/** Asks on the line, one after the other; throws PortError when the line can't be opened. */
export interface Asker {
  ask(settings: SerialSettings, exchange: SerialExchange, timing: SerialTiming): Promise<ExchangeResult>;
  close(): Promise<void>;
}

export function createAsker(deps: SerialScanDeps, port: Port): Asker {
  const line: SharedSerialPort = createSerialPort({ ...deps, log: () => undefined }, port);
  const health = createHealthCounter();
  return {
    ask: (settings, exchange, timing) =>
      line.converse(settings, (conversation) => exchangeOnce(conversation, exchange, { timing }, health)),
    close: () => line.close(),
  };
}

/** Types of our own framing that are asked, each at its speed and its default address, by its first read. */
export async function scanByAsking(
  deps: SerialScanDeps,
  asker: Asker,
  types: readonly DeviceType[],
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const type of types.filter(isAsked)) {
    if (deps.interrupted.aborted) break;
    const { protocol, address } = protocolOf(type);
    const read = protocol?.reads.find(({ isReport }) => !isReport);
    if (!protocol || !read) continue;
    deps.progress(`asks as a ${type.name} at ${lineText(protocol.settings)}`);
    const exchange = protocol.read(address, read.name, () => undefined);
    const result = await askedAgain(asker, protocol, exchange);
    const because = spokenAnswer(read.name, result);
    if (because === undefined) continue;
    const where = `${type.needs.has("address") ? `address ${address}, ` : ""}${lineText(protocol.settings)}`;
    const hasAddress = type.needs.has("address");
    found.push({ where, sureness: "identified", because, ...(hasAddress ? { address } : {}), types: [type] });
  }
  return found;
}

/** What other types were asked before may still keep a device waiting for the rest of a frame. */
const ASKS_MAX = 3;
/** Asked again, a device that is slow today (busy inflating, or the board here is busy) has this long. */
const PATIENT_MS = 500;

async function askedAgain(asker: Asker, protocol: SerialProtocol, exchange: SerialExchange): Promise<ExchangeResult> {
  const patient = { ...protocol.timing, answerWithinMs: Math.max(PATIENT_MS, protocol.timing.answerWithinMs) };
  for (let asks = 1; ; asks++) {
    const result = await asker.ask(protocol.settings, exchange, asks === 1 ? protocol.timing : patient);
    if (asks >= ASKS_MAX || result.kind === "answer" || result.kind === "refused") return result;
  }
}

/** All but Modbus RTU, which is asked at every address, and what isn't on a serial line. */
const isAsked = ({ kind }: DeviceType): boolean => kind === "framed" || kind === "lines" || kind === "modbus-ascii";

/** A whole frame with a right checksum came, be it a refusal. */
const spokenAnswer = (read: string, result: ExchangeResult): string | undefined => {
  if (result.kind === "answer") return `answered its read "${read}"`;
  return result.kind === "refused" ? `refused its read "${read}" (${result.text})` : undefined;
};

function protocolOf(type: DeviceType): { readonly protocol?: SerialProtocol; readonly address: number } {
  const given = givenFor(type);
  const protocol = type.protocol(given);
  return { ...(protocol.kind === "serial" ? { protocol } : {}), address: given.get("address") ?? 0 };
}

export interface ModbusScanOptions {
  readonly settings: readonly SerialSettings[];
  readonly addresses: readonly number[];
  /** Function 3 (holding) or 4 (input): one register, number 0. */
  readonly tables: readonly ModbusTable[];
  readonly answerWithinMs: number;
  /** Go on to the other speeds after something was found. */
  readonly isWhole: boolean;
}

/** An exception is an answer, too: there is somebody who understands Modbus. */
export async function scanModbus(
  deps: SerialScanDeps,
  asker: Asker,
  types: readonly DeviceType[],
  options: ModbusScanOptions,
): Promise<{ readonly findings: Finding[]; readonly notes: string[] }> {
  const findings: Finding[] = [];
  const notes: string[] = [];
  const startedMs = deps.clock.bootMs();
  const total = options.settings.length * options.addresses.length * options.tables.length;
  let asked = 0;
  for (const settings of options.settings) {
    if (findings.length > 0 && !options.isWhole) break;
    const timing = probeTiming(settings, options.answerWithinMs);
    const probes = options.tables.map((table) => probeOf(settings, timing, table));
    let garbled = 0;
    for (const address of options.addresses) {
      if (deps.interrupted.aborted) return { findings, notes: [...notes, "stopped before the end"] };
      deps.progress(
        `Modbus ${lineText(settings)}, address ${address}: ${leftText(deps.clock.bootMs() - startedMs, asked, total, options)}`,
      );
      for (const probe of probes) {
        asked++;
        const result = await asker.ask(
          settings,
          probe.read(address, "probe", () => undefined),
          timing,
        );
        if (result.kind === "checksum" || result.kind === "malformed") garbled++;
        if (result.kind !== "answer" && result.kind !== "refused") continue;
        findings.push(await modbusFinding(asker, types, settings, address, result));
        break;
      }
    }
    if (garbled > 0)
      notes.push(
        `${lineText(settings)}: ${garbled} answers that make no frame: two devices at once, noise, or another speed`,
      );
  }
  return { findings, notes };
}

/** Factory settings that are usual, and those of the types that are known; what was said instead, if it was. */
export function modbusSettings(
  types: readonly DeviceType[],
  speeds: readonly number[] | undefined,
  modes: readonly Omit<SerialSettings, "baudRate">[] | undefined,
): SerialSettings[] {
  const usual = (modes ?? USUAL_MODES).flatMap((mode) =>
    (speeds ?? USUAL_SPEEDS).map((baudRate) => ({ ...mode, baudRate })),
  );
  const own = types.flatMap((type) => {
    const { protocol } = type.kind === "modbus-rtu" && !speeds && !modes ? protocolOf(type) : {};
    return protocol ? [protocol.settings] : [];
  });
  return [...new Map([...usual, ...own].map((settings) => [lineText(settings), settings])).values()];
}

const USUAL_SPEEDS = [9600, 19_200, 115_200];
const USUAL_MODES = [
  { dataBits: 8, parity: "none", stopBits: 1 },
  { dataBits: 8, parity: "even", stopBits: 1 },
] as const;

/** How long a scan may take: every address silent. */
export const modbusEstimateMs = ({ settings, addresses, tables, answerWithinMs }: ModbusScanOptions): number =>
  settings.length * addresses.length * tables.length * (answerWithinMs + OVERHEAD_MS);
/** A request on the wire, and the silence before it. */
const OVERHEAD_MS = 15;

function leftText(elapsedMs: number, asked: number, total: number, { answerWithinMs }: ModbusScanOptions): string {
  const each = asked > 20 ? elapsedMs / asked : answerWithinMs + OVERHEAD_MS;
  return `${Math.floor((100 * asked) / total)} %, about ${spokenDuration(each * (total - asked))} left`;
}

/** 3.5 characters of silence before a request, 1.75 ms above 19200 Bd (Modbus over serial line 1.02, 2.5.1.1). */
const probeTiming = ({ baudRate }: SerialSettings, answerWithinMs: number): SerialTiming => ({
  answerWithinMs,
  pauseBeforeNextMs: 0,
  lateMs: 0,
  retries: 0,
  quietBeforeMs: baudRate > 19_200 ? 1.75 : (3.5 * 11 * 1000) / baudRate,
});

const PROBED = { name: "first", kind: "gauge", unit: "", resolution: 1 } as const;

function probeOf(serial: SerialSettings, timing: SerialTiming, table: ModbusTable): SerialProtocol {
  const field = { at: 0, as: "u16", byteOrder: "big-endian", scale: 1, offset: 0, special: new Map() } as const;
  const channels = [{ channel: PROBED, source: { from: "field", field } }] as const;
  const reads = [{ name: "probe", table, register: 0, count: 1, channels }];
  return createModbusProtocol({ protocol: "modbus-rtu", serial, timing, reads, settings: [], commands: [] });
}

async function modbusFinding(
  asker: Asker,
  types: readonly DeviceType[],
  settings: SerialSettings,
  address: number,
  first: ExchangeResult,
): Promise<Finding> {
  const where = `address ${address}, ${lineText(settings)}`;
  const fitting: { readonly type: DeviceType; readonly share: number; readonly because: string }[] = [];
  for (const type of types.filter(({ kind }) => kind === "modbus-rtu")) {
    const protocol = type.protocol(givenFor(type, address));
    const read = protocol.kind === "serial" ? protocol.reads.find(({ isReport }) => !isReport) : undefined;
    if (protocol.kind !== "serial" || !read || lineText(protocol.settings) !== lineText(settings)) continue;
    const result = await asker.ask(
      settings,
      protocol.read(address, read.name, () => undefined),
      protocol.timing,
    );
    if (result.kind !== "answer") continue;
    const { good, all } = plausible(type, result.values);
    if (good > 0)
      fitting.push({
        type,
        share: good / all,
        because: `its read "${read.name}" gives ${good} of ${all} plausible values`,
      });
  }
  fitting.sort((a, b) => b.share - a.share || b.type.channels.length - a.type.channels.length);
  const [best] = fitting;
  const answered = first.kind === "refused" ? `answers (${first.text})` : "answers Modbus";
  return {
    where,
    address,
    sureness: best ? "fits" : "unknown",
    because: best
      ? `${answered}; ${best.type.name}: ${best.because}`
      : `${answered}; no type of the catalogue at this speed fits`,
    types: fitting.map(({ type }) => type),
  };
}

function plausible(type: DeviceType, values: Values): { readonly good: number; readonly all: number } {
  const good = type.channels.filter(({ name, range, states }) => {
    const value = values.get(name);
    if (typeof value !== "number" || !Number.isFinite(value)) return false;
    return states ? states.has(value) : !range || (value >= range.low && value <= range.high);
  });
  return { good: good.length, all: [...values.keys()].length };
}

/** "9600 8N1" */
export const lineText = (settings: SerialSettings): string => `${settings.baudRate} ${modeText(settings)}`;
