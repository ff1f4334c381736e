/**
 * Runs the examples of a device file through the protocol that it describes, in both directions: what we would send,
 * what we make of the answer, and what the simulated device makes of the request. An example that comes out proves
 * the file; one that doesn't says what came instead.
 */

import { explainExample } from "./explain/explain.ts";
import { driven, wholeConversation } from "./i2c/i2c-driven.ts";
import { textOfBytes } from "./lines/letters.ts";
import type { DeviceType } from "./load/device-type.ts";
import type { Example, ExampleOf } from "./load/examples-of-type.ts";
import type {
  AnswerOutcome,
  DeviceRequest,
  I2cProtocol,
  I2cStep,
  Level,
  LevelProtocol,
  OutputProtocol,
  PulseProtocol,
  SerialExchange,
  SerialProtocol,
  Texts,
  Values,
} from "./model.ts";
import { levelOf, lineAt } from "./pins/levels.ts";
import { spokenBytes } from "./quantities.ts";

export interface ExampleResult {
  readonly example: Example;
  /** What didn't come out, in words; empty when the example holds. */
  readonly failures: readonly string[];
}

export const runExamples = (type: DeviceType): ExampleResult[] =>
  type.examples.map((example) => ({ example, failures: failuresOf(type, example) }));

function failuresOf(type: DeviceType, example: Example): string[] {
  try {
    const protocol = type.protocol(example.given);
    const { shows } = example;
    if (protocol.kind === "levels" || protocol.kind === "outputs") return pinFailures(type, protocol, example);
    if (protocol.kind === "serial" && isSerial(shows)) {
      return serialFailures(type, protocol, example, shows);
    }
    if (protocol.kind === "i2c") return i2cFailures(type, protocol, example);
    if (protocol.kind === "pulses" && shows.kind === "pulses") return pulseFailures(type, protocol, example, shows);
    return ["it shows another protocol"];
  } catch (error) {
    // The example's own bytes or values are what doesn't fit (RangeError of a coding, I2cAnswerError of a checksum).
    return [error instanceof Error ? error.message : String(error)];
  }
}

type SerialExample = Extract<ExampleOf, { kind: "read" | "set" | "command" | "set-up" }>;

const isSerial = (shows: ExampleOf): shows is SerialExample =>
  shows.kind === "read" || shows.kind === "set" || shows.kind === "command" || shows.kind === "set-up";

function serialFailures(type: DeviceType, protocol: SerialProtocol, example: Example, shows: SerialExample): string[] {
  const address = example.given.get("address") ?? 0;
  const report = protocol.reads.find(({ name, isReport }) => isReport && shows.kind === "read" && name === shows.read);
  if (report) return reportFailures(type, protocol, address, report.name, example);
  const exchange = exchangeOf(protocol, address, shows, example.turn);
  const failures = sameBytes("sent", exchange.request, example.sent);
  if (exchange.isBroadcast) return [...failures, ...broadcastFailures(protocol, address, exchange, example)];
  if (!example.answer) return failures;
  const outcome = exchange.recognise().push(example.answer);
  if (!outcome) return [...failures, `the answer isn't recognised as one${whatIsWrong(type, example)}`];
  if (outcome.kind === "bad")
    return [...failures, `the answer counts as damaged (${outcome.reason})${whatIsWrong(type, example)}`];
  failures.push(...outcomeFailures(type, example, outcome));
  return failures.length > 0 ? failures : deviceSideFailures(protocol, address, exchange, example, outcome);
}

/** As `explain` says it: "length says 92, so 94 bytes have to follow it, but 92 do". */
function whatIsWrong(type: DeviceType, example: Example): string {
  const [first] = explainExample(type, example).at(-1)?.wrong ?? [];
  // Which other check it could be is a guess among hundreds: `explain` makes it, beside the bytes.
  return first === undefined ? "" : `: ${first.replace(/; what stands here is .*$/s, "")}`;
}

/** The device does what it is told, and nobody answers. */
function broadcastFailures(
  protocol: SerialProtocol,
  address: number,
  exchange: SerialExchange,
  example: Example,
): string[] {
  if (example.answer) return ["nothing answers this"];
  const [request] = protocol.deviceSide(address).push(exchange.request);
  return request && isMeantBy(request, example) ? [] : ["the device's side doesn't recognise the request"];
}

function exchangeOf(protocol: SerialProtocol, address: number, shows: SerialExample, turn?: number): SerialExchange {
  if (shows.kind === "read") return protocol.read(address, shows.read, () => undefined, turn);
  if (shows.kind === "set") return protocol.set(address, shows.setting, shows.value, turn);
  if (shows.kind === "command") return protocol.command(address, shows.command, turn);
  const found = protocol.setUp?.steps.find((one) => one.do === "ask" && one.step === shows.step);
  if (found?.do !== "ask") throw new Error(`entry ${shows.step} of the set-up is no exchange`);
  return found.exchange(address, turn);
}

/** What the device sends by itself has to be found, and found again in what the simulated device makes of it. */
function reportFailures(
  type: DeviceType,
  protocol: SerialProtocol,
  address: number,
  read: string,
  example: Example,
): string[] {
  if (example.sent) return ["nothing is sent: the device reports this by itself"];
  if (!example.answer || !protocol.listen || !protocol.report) return ["it shows no bytes that were received"];
  const [report, ...more] = protocol.listen(address).push(example.answer);
  if (!report || more.length > 0) return [`${more.length + (report ? 1 : 0)} reports are recognised in it`];
  if (report.read !== read) return [`it is taken for a report "${report.read}"`];
  const failures = valueFailures(type, example, report.values);
  if (failures.length > 0) return failures;
  const simulated = asFarAsWritable(report.values, () => protocol.report?.(address, read, report.values));
  if (simulated === undefined) return [];
  const [again] = protocol.listen(address).push(simulated);
  return again ? changedValues(report.values, again.values) : ["the simulated report isn't recognised"];
}

/** What is malformed often has no bytes of its own that the simulated device could send: there is no way back then. */
function asFarAsWritable(values: Values, write: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return write();
  } catch (error) {
    if (error instanceof RangeError && [...values.values()].includes("malformed")) return undefined;
    throw error;
  }
}

/** Bytes that belong to no channel may differ; what is read from them may not. */
const changedValues = (values: Values, again: Values): string[] =>
  [...values].flatMap(([name, value]) =>
    again.get(name) === value ? [] : [`simulated ${name} is ${shown(again.get(name))}, not ${shown(value)}`],
  );

type Heard = Exclude<AnswerOutcome, { readonly kind: "bad" }>;

function outcomeFailures(type: DeviceType, example: Example, outcome: Heard): string[] {
  if (outcome.kind === "refused") {
    return outcome.code === example.refused ? [] : [`the answer is a refusal with code ${outcome.code}`];
  }
  if (example.refused !== undefined) return ["the answer is no refusal"];
  return [...valueFailures(type, example, outcome.values), ...textFailures(example, outcome.texts)];
}

const textFailures = (example: Example, texts: Texts = new Map()): string[] =>
  [...example.says].flatMap(([name, wanted]) =>
    texts.get(name) === wanted ? [] : [`${name} is ${shown(texts.get(name))}, not ${wanted}`],
  );

/** The simulated device has to understand our request and to answer with the same bytes. */
function deviceSideFailures(
  protocol: SerialProtocol,
  address: number,
  exchange: SerialExchange,
  example: Example,
  outcome: AnswerOutcome,
): string[] {
  const [request, ...more] = protocol.deviceSide(address).push(exchange.request);
  if (!request || more.length > 0) return ["the device's side doesn't recognise the request"];
  if (request.kind === "bad") return [`the device's side refuses the request: ${request.reason}`];
  if (!isMeantBy(request, example)) return [`the device's side takes the request for a ${request.kind}`];
  if (outcome.kind === "refused") return sameBytes("refusal", request.refuse(outcome.code), example.answer);
  const values: Values = outcome.kind === "answer" ? outcome.values : new Map();
  const texts = outcome.kind === "answer" ? outcome.texts : undefined;
  const answer =
    request.kind === "read" ? asFarAsWritable(values, () => request.answer(values, texts)) : request.answer();
  if (answer === undefined) return [];
  // What an answer holds beyond its channels may differ (records that nobody reads), a write's answer may not.
  if (request.kind !== "read" && answer.length !== example.answer?.length)
    return sameBytes("simulated answer", answer, example.answer);
  const again = exchange.recognise().push(answer);
  return again?.kind === "answer" ? changedValues(values, again.values) : ["the simulated answer isn't recognised"];
}

/** A set-up may say what a setting or command says, too; the device takes it for that. */
const isMeantBy = ({ kind }: DeviceRequest, { shows }: Example): boolean =>
  kind === shows.kind || (shows.kind === "set-up" && (kind === "set" || kind === "command"));

function i2cFailures(type: DeviceType, protocol: I2cProtocol, example: Example): string[] {
  const { shows } = example;
  if (shows.kind !== "transfers" && shows.kind !== "set" && shows.kind !== "command")
    return ["it shows another protocol"];
  const transfers = shows.kind === "transfers" ? shows.transfers : (example.transfers ?? []);
  const failures: string[] = [];
  let next = 0;
  const answer = (step: I2cStep): Uint8Array => {
    if (step.do === "wait") return new Uint8Array();
    const transfer = transfers[next++];
    if (!transfer)
      throw new Error(`the ${next}. transfer is missing: write ${spokenBytes(step.write)}, read ${step.readLength}`);
    failures.push(...sameBytes(`transfer ${next}: write`, step.write, transfer.write));
    if (transfer.read.length === step.readLength) return transfer.read;
    throw new Error(`transfer ${next} reads ${step.readLength} bytes, not ${transfer.read.length}`);
  };
  const values = driven(wholeConversation(protocol, shows), answer);
  if (next < transfers.length) failures.push(`only ${next} of ${transfers.length} transfers take place`);
  return [...failures, ...valueFailures(type, example, values)];
}

function pulseFailures(
  type: DeviceType,
  protocol: PulseProtocol,
  example: Example,
  pulses: { total: number; since: number; sinceMs: number },
): string[] {
  return valueFailures(type, example, protocol.values(pulses));
}

function pinFailures(type: DeviceType, protocol: LevelProtocol | OutputProtocol, example: Example): string[] {
  const level = levelAfter(protocol, example);
  const line = lineAt(level, protocol.active);
  const failures = example.line === undefined || example.line === line ? [] : [`the wire is ${line}`];
  return [...failures, ...valueFailures(type, example, protocol.values(level))];
}

/** The level that is read, or the one that a setting or command leaves behind. */
function levelAfter(protocol: LevelProtocol | OutputProtocol, { shows, line }: Example): Level {
  if (protocol.kind === "outputs" && shows.kind === "set") return shows.value === 1 ? 1 : 0;
  const done = protocol.kind === "outputs" && shows.kind === "command" ? protocol.sets.get(shows.command) : undefined;
  return done?.level ?? levelOf(line ?? "low", protocol.active);
}

function valueFailures(type: DeviceType, example: Example, values: Values): string[] {
  const tolerances = new Map(type.channelsFor(example.given).map((channel) => [channel.name, channel.resolution / 2]));
  return [...example.gives].flatMap(([name, wanted]) => {
    const got = values.get(name);
    const isNear =
      typeof got === "number" && typeof wanted === "number" && Math.abs(got - wanted) <= (tolerances.get(name) ?? 0);
    return got === wanted || isNear ? [] : [`${name} is ${shown(got)}, not ${shown(wanted)}`];
  });
}

const shown = (value: number | string | undefined): string => (value === undefined ? "missing" : String(value));

const PRINTABLE = /^[\x20-\x7e]*[\r\n]*$/;

/** Lines as text. */
function spoken(bytes: Uint8Array): string {
  const text = textOfBytes(bytes);
  return PRINTABLE.test(text) && /[\r\n]$/.test(text) ? JSON.stringify(text) : spokenBytes(bytes);
}

function sameBytes(what: string, got: Uint8Array, wanted: Uint8Array | undefined): string[] {
  if (!wanted || Buffer.compare(got, wanted) === 0) return [];
  return [`${what} is ${spoken(got)}, not ${spoken(wanted)}`];
}
