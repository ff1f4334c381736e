/**
 * Writes are not reads. What a write needs is read in the same turn of the port, the write goes out once, and what
 * became of it is read back; where that fails the outcome is "unknown", never a second try.
 */
import type { Command, Condition, Setting } from "@pump-station/sensor-descriptions/model.ts";
import { REPORT_WAIT_MS } from "../limits.ts";
import type { CommandOutcome, WriteOutcome } from "../outcome.ts";
import { missing, type Sample } from "../reading.ts";
import type { Conversation } from "./conversation.ts";
import type { ExchangeResult } from "./exchange.ts";
import { valuesMeantBy } from "./newest-values.ts";
import type { DeviceReports } from "./reports.ts";
import { sampleOf } from "./sample-of.ts";
import type { SerialReader } from "./serial-reader.ts";
import { isEqual, rawValue, whyUnfit } from "./setting-value.ts";
import type { DeviceSource } from "./source.ts";

/** Between two looks at a device that was told to do something. */
const CONFIRM_EVERY_MS = 200;

/** Where a device's values come from: some are asked for, some it sends by itself. */
interface Values {
  readonly reader: SerialReader;
  readonly reports: DeviceReports | undefined;
}

export function createSerialWriter(
  reader: SerialReader,
  reports?: DeviceReports,
): Pick<DeviceSource, "set" | "command"> {
  const { device } = reader;
  const values = { reader, reports };
  return {
    set: async (name, value) => {
      const setting = device.settings.find((candidate) => candidate.name === name);
      if (!setting) return { done: "refused", reason: `${device.name} has no setting ${name}` };
      const unfit = whyUnfit(setting, value);
      if (unfit !== undefined) return { done: "refused", reason: unfit };
      const outcome = await reader.inTurn((conversation) => writeSetting(values, conversation, setting, value));
      return "kind" in outcome ? { done: "interlocked", reason: textOf(outcome) } : outcome;
    },
    command: async (name) => {
      const command = device.commands.find((candidate) => candidate.name === name);
      if (!command) return { done: "refused", reason: `${device.name} has no command ${name}` };
      const outcome = await reader.inTurn((conversation) => sendCommand(values, conversation, command));
      if ("done" in outcome) return outcome;
      if ("kind" in outcome) return { done: "interlocked", reason: textOf(outcome) };
      return confirm(values, command, outcome);
    },
  };
}

async function writeSetting(
  values: Values,
  conversation: Conversation,
  setting: Setting,
  value: number,
): Promise<WriteOutcome> {
  const { reader } = values;
  const needed = [setting.readBack, ...(setting.onlyWhen?.channels ?? [])];
  const before = await readNow(values, conversation, needed);
  const current = rawValue(reader.device, before, setting.readBack);
  if (typeof current === "string")
    return { done: "interlocked", reason: `read ${setting.readBack} before writing: ${current}` };
  if (isEqual(reader.device, setting, current, value)) return { done: "applied", value: current };
  const held = whyHeld(reader, setting.onlyWhen, before);
  if (held !== undefined) return { done: "interlocked", reason: held, value: current };

  const written = await write(reader, conversation, setting, value);
  if (written.kind === "refused") return { done: "refused", reason: `the device ${written.text}`, value: current };
  if (written.kind === "impossible") return { done: "refused", reason: written.text, value: current };
  const after = await readNow(values, conversation, [setting.readBack]);
  const readBack = rawValue(reader.device, after, setting.readBack);
  if (typeof readBack === "string") return { done: "unknown", reason: `${textOf(written)}; read back: ${readBack}` };
  if (isEqual(reader.device, setting, readBack, value)) return { done: "applied", value: readBack };
  return { done: "refused", reason: `${textOf(written)}; it reads back ${readBack}`, value: readBack };
}

type Written = ExchangeResult | { readonly kind: "impossible"; readonly text: string };

async function write(
  reader: SerialReader,
  conversation: Conversation,
  setting: Setting,
  value: number,
): Promise<Written> {
  try {
    const { device } = reader;
    return await reader.exchange(conversation, (turn) =>
      device.protocol.set(device.address ?? 0, setting.name, value, turn),
    );
  } catch (error) {
    if (error instanceof RangeError) return { kind: "impossible", text: `${setting.name} ${value}: ${error.message}` };
    throw error;
  }
}

interface Sent {
  readonly result: ExchangeResult;
  readonly sentMs: number;
}

async function sendCommand(
  values: Values,
  conversation: Conversation,
  command: Command,
): Promise<CommandOutcome | Sent> {
  const { reader } = values;
  const { device } = reader;
  if (command.onlyWhen) {
    const before = await readNow(values, conversation, command.onlyWhen.channels);
    const held = whyHeld(reader, command.onlyWhen, before);
    if (held !== undefined) return { done: "interlocked", reason: held };
  }
  const sentMs = conversation.clock.bootMs();
  const result = await reader.exchange(conversation, (turn) =>
    device.protocol.command(device.address ?? 0, command.name, turn),
  );
  if (result.kind === "refused") return { done: "refused", reason: `the device ${result.text}` };
  // From here on the line was used: a port that went away meanwhile may have carried the command.
  if (result.kind === "port-absent" || result.kind === "busy") return { done: "unknown", reason: textOf(result) };
  return { result, sentMs };
}

/** Looks until the command's effect is there; each look takes the port's turn, so that others keep theirs. */
async function confirm(values: Values, command: Command, { result, sentMs }: Sent): Promise<CommandOutcome> {
  const condition = command.confirm;
  const sent = textOf(result);
  if (!condition) return { done: UNCONFIRMED[result.kind] ?? "unknown", reason: sent };
  const { reader } = values;
  let startMs: number | undefined;
  for (;;) {
    const look = await reader.inTurn(async (conversation) => {
      const { clock, timers } = conversation;
      startMs ??= clock.bootMs();
      const sample = await readNow(values, conversation, condition.channels, sentMs);
      return { sample, leftMs: startMs + command.withinMs - clock.bootMs(), timers };
    });
    if ("kind" in look) return { done: "unknown", reason: `${sent}; confirm: ${textOf(look)}` };
    if (condition.test(valuesMeantBy(reader.device, look.sample)) === true)
      return { done: "confirmed", reason: condition.text };
    if (look.leftMs <= 0) {
      const reason = `${sent}; "${condition.text}" did not hold within ${command.withinMs} ms`;
      return { done: "unknown", reason };
    }
    await look.timers.sleep(Math.min(CONFIRM_EVERY_MS, look.leftMs));
  }
}

const UNCONFIRMED: Partial<Record<ExchangeResult["kind"], CommandOutcome["done"]>> = {
  answer: "answered",
  sent: "sent",
};

/**
 * The reads that give these channels, read now; what the device sends by itself is waited for, or with `sinceMs` taken
 * if it came since then. An interlock must not be judged on what was true a minute ago.
 */
async function readNow(
  { reader, reports }: Values,
  conversation: Conversation,
  channels: readonly string[],
  sinceMs?: number,
): Promise<Sample> {
  const { clock } = conversation;
  const names = readsThatGive(reader, channels);
  const [fromMs, waitMs] = sinceMs === undefined ? [clock.bootMs(), REPORT_WAIT_MS] : [sinceMs, 0];
  const { values } = await reader.read(conversation, names);
  const reported = await reports?.since(names, fromMs, waitMs);
  return sampleOf(
    reader.device,
    clock.bootMs(),
    (channel) => reported?.get(channel) ?? values.get(channel) ?? missing("timeout"),
  );
}

/** Why an interlock keeps us from writing; undefined when it doesn't. A value that is missing keeps us, too. */
function whyHeld({ device }: SerialReader, onlyWhen: Condition | undefined, sample: Sample): string | undefined {
  const holds = onlyWhen?.test(valuesMeantBy(device, sample));
  if (!onlyWhen || holds === true) return undefined;
  const why = holds === false ? "does not hold" : "can't be judged, a value is missing";
  return `only when ${onlyWhen.text}: ${why}`;
}

function readsThatGive({ device }: SerialReader, channels: readonly string[]): ReadonlySet<string> {
  const giving = device.protocol.reads.filter((read) => channels.some((channel) => read.channels.includes(channel)));
  return new Set(giving.map(({ name }) => name));
}

function textOf(result: Written): string {
  if ("text" in result) return result.text;
  return result.kind === "answer" ? "the device answered" : "sent; nothing answers this";
}
