/** Inside a Modbus frame: address, function, registers, counts, data. */
import { createChannelCodec } from "../fields/channels.ts";
import { createField } from "../fields/fields.ts";
import type { ModbusMessages } from "../modbus/modbus.ts";
import { BROADCAST, EXCEPTION_NAMES, FUNCTION, FUNCTION_NAMES, isSame, REFUSED } from "../modbus/modbus-frame.ts";
import type { ModbusRead } from "../modbus/modbus-read.ts";
import type { ModbusSettingSpec, ModbusSpec } from "../modbus/modbus-spec.ts";
import { createModbusText } from "../modbus/modbus-text.ts";
import { spokenBytes } from "../quantities.ts";
import type { ChannelSpec } from "../spec.ts";
import { type Annotation, covering } from "./explanation.ts";
import type { ModbusFound } from "./modbus-line.ts";
import { checkNote } from "./modbus-text.ts";
import { counting, fieldAnnotation } from "./values.ts";

export interface ModbusMeaning {
  readonly what: string;
  /** What this request asks for ("read meter"). */
  readonly request?: string;
  readonly read?: ModbusRead;
  /** Of the data that come back. */
  readonly channels?: readonly ChannelSpec[];
  readonly setting?: string;
  /** Other reads whose answers look alike. */
  readonly alike: readonly string[];
}

export function meaningOf(
  spec: ModbusSpec,
  messages: ModbusMessages,
  { content, direction }: ModbusFound,
  asked: string | undefined,
): ModbusMeaning {
  const pdu = content.subarray(1);
  const code = pdu[0] as number;
  if (direction === "request") {
    const name = requestName(messages, pdu);
    return {
      what: `request ${name === undefined ? "that the description doesn't make" : `"${name}"`}`,
      ...(name === undefined ? {} : { request: name, setting: name.replace(/^set /, "") }),
      alike: [],
    };
  }
  if (code > REFUSED) return { what: `refusal of "${FUNCTION_NAMES.get(code - REFUSED) ?? code}"`, alike: [] };
  const fitting = [...messages.reads.values()].filter((read) => read.code === code && pdu[1] === read.byteCount);
  const read = fitting.find(({ name }) => `read ${name}` === asked) ?? fitting[0];
  if (read && (code <= 4 || code === FUNCTION.writeAndRead)) {
    const isKnown = `read ${read.name}` === asked;
    return {
      what: `answer to "read ${read.name}"`,
      read,
      channels: read.spec.channels,
      alike: isKnown ? [] : alikeOf(spec, fitting, read),
    };
  }
  const readBack = code === FUNCTION.writeAndRead ? readBackOf(spec, messages, pdu, asked) : undefined;
  if (readBack) return { what: `answer to "set ${readBack.name}"`, channels: [readBack.channel], alike: [] };
  const writes = code === 5 || code === 6 || code === 15 || code === 16;
  return {
    what: writes ? `answer to "${FUNCTION_NAMES.get(code) ?? code}"` : "answer to no read of the description",
    alike: [],
  };
}

/** Parts of a read, for devices that object to the whole of it, are no reads of their own. */
const alikeOf = ({ reads }: ModbusSpec, fitting: readonly ModbusRead[], taken: ModbusRead): readonly string[] =>
  fitting.flatMap((one) => (one !== taken && reads.some(({ name }) => name === one.name) ? [one.name] : []));

/** Function 23 answers a setting with what it has read. */
function readBackOf({ settings }: ModbusSpec, messages: ModbusMessages, pdu: Uint8Array, asked: string | undefined) {
  const fitting = settings.flatMap(({ name, readBack }) =>
    readBack && messages.settings.get(name)?.readBack?.byteCount === pdu[1]
      ? [{ name, channel: readBack.channel }]
      : [],
  );
  return fitting.find(({ name }) => `set ${name}` === asked) ?? fitting[0];
}

function requestName({ reads, settings, commands, setUp }: ModbusMessages, pdu: Uint8Array): string | undefined {
  for (const [name, read] of reads) if (isSame(read.pdu, pdu)) return `read ${name}`;
  for (const [name, write] of settings) if (write.valueIn(pdu) !== undefined) return `set ${name}`;
  for (const [name, command] of commands) if (isSame(command.pdu, pdu)) return `command ${name}`;
  for (const [step, own] of setUp) if (isSame(own, pdu)) return `set-up ${step}`;
  return undefined;
}

/** Annotations that cover content and check. */
export function contentAnnotations(
  spec: ModbusSpec,
  address: number,
  found: ModbusFound,
  meaning: ModbusMeaning,
): readonly Annotation[] {
  const { content, direction } = found;
  const code = content[1] as number;
  const [to = 0] = content;
  const wrongAddress = to === address || to === BROADCAST ? {} : { wrong: `address ${to}, this device is ${address}` };
  const parts: Annotation[] = [
    {
      start: 0,
      end: 1,
      part: "address",
      says: [`${to}${to === address ? ": this device" : to === BROADCAST ? ": everybody" : ""}`],
      ...wrongAddress,
    },
    functionPart(code),
    ...(direction === "request" ? requestParts(spec, found, meaning) : answerParts(code, found, meaning)),
    checkPart(spec, found),
  ];
  const unread = (start: number, end: number): Annotation => ({
    start,
    end,
    part: "unread",
    says: ["no channel reads it"],
  });
  return covering(content.length + found.check.length, parts, unread);
}

function functionPart(code: number): Annotation {
  const name = FUNCTION_NAMES.get(code > REFUSED ? code - REFUSED : code) ?? "unknown";
  const says = code > REFUSED ? `refuses function ${code - REFUSED}, ${name}` : `${code}: ${name}`;
  return { start: 1, end: 2, part: "function", says: [says] };
}

function checkPart({ protocol }: ModbusSpec, { content, check, wanted, isIntact }: ModbusFound): Annotation {
  const name =
    protocol === "modbus-rtu" ? "CRC-16/MODBUS over all before it, low byte first" : "LRC over all before it";
  const place = {
    start: content.length,
    end: content.length + check.length,
    part: "check",
    says: [isIntact ? `${name}: right` : name],
  };
  return isIntact ? place : { ...place, wrong: `should be ${spokenBytes(wanted)}${checkNote(content, check, wanted)}` };
}

const wordIn = (data: Uint8Array, at: number): number => (data[at] as number) * 256 + (data[at + 1] as number);

function requestParts(spec: ModbusSpec, { content }: ModbusFound, { setting }: ModbusMeaning): readonly Annotation[] {
  const code = content[1] as number;
  const number = (at: number, part: string, says: string): Annotation => ({
    start: at,
    end: at + 2,
    part,
    says: [says],
  });
  const registerAt = (at: number, part = "register"): Annotation =>
    number(at, part, `${wordIn(content, at)} (0x${spokenBytes(content.subarray(at, at + 2)).replace(" ", "")})`);
  const countAt = (at: number, part = "count"): Annotation => number(at, part, `${wordIn(content, at)} of them`);
  const own = spec.settings.find(({ name, with: code_ }) => name === setting && code_ === code);
  const data = (at: number): Annotation[] => written(own, content, at);
  const bytes = (at: number): Annotation => ({
    start: at,
    end: at + 1,
    part: "bytes",
    says: [`${content[at] ?? 0} follow`],
  });
  if (code <= 4) return [registerAt(2), countAt(4)];
  if (code === FUNCTION.writeCoil || code === FUNCTION.writeRegister) return [registerAt(2), ...data(4)];
  if (code === FUNCTION.writeAndRead)
    return [registerAt(2, "read from"), countAt(4), registerAt(6, "write to"), countAt(8), bytes(10), ...data(11)];
  return [registerAt(2), countAt(4), bytes(6), ...data(7)];
}

function written(setting: ModbusSettingSpec | undefined, content: Uint8Array, at: number): Annotation[] {
  if (at >= content.length) return [];
  const code = content[1];
  if (code === FUNCTION.writeCoil) {
    const is = wordIn(content, at);
    return [
      {
        start: at,
        end: at + 2,
        part: "value",
        says: [is === 0xff00 ? "FF 00: on" : is === 0 ? "00 00: off" : "neither FF 00 (on) nor 00 00 (off)"],
      },
    ];
  }
  if (setting === undefined || code === FUNCTION.writeCoils)
    return [{ start: at, end: content.length, part: "data", says: ["what is written"] }];
  const field = { ...setting.field, at: createField(setting.field).size === 1 ? 1 : 0 };
  if (at + createField(field).end > content.length) return [];
  return [fieldAnnotation("value", field, undefined, content, at)];
}

function answerParts(code: number, found: ModbusFound, meaning: ModbusMeaning): readonly Annotation[] {
  const { content } = found;
  if (code > REFUSED) {
    const reason = content[2] ?? 0;
    return [
      {
        start: 2,
        end: 3,
        part: "exception",
        says: [`${reason}: ${EXCEPTION_NAMES.get(reason) ?? "a code that the standard doesn't name"}`],
      },
    ];
  }
  if (code > 4 && code !== FUNCTION.writeAndRead) {
    return [
      { start: 2, end: 4, part: "register", says: [`${wordIn(content, 2)}, as in the request`] },
      { start: 4, end: 6, part: code <= 6 ? "value" : "count", says: [`${wordIn(content, 4)}, as in the request`] },
    ];
  }
  const { read, channels, alike } = meaning;
  const also =
    alike.length === 0 ? [] : [`an answer doesn't say to what: it may be one to "${alike.join('", "')}" as well`];
  const bytes: Annotation = { start: 2, end: 3, part: "bytes", says: [`${content[2] ?? 0} follow`, ...also] };
  if (channels === undefined) return [{ ...bytes, wrong: "no read of the description has so many" }];
  const texts = (read?.spec.texts ?? []).map((text): Annotation => {
    const [start, { end }] = [3 + text.at, createModbusText(text)];
    return { start, end: 3 + end, part: text.name, says: [`letters: "${createModbusText(text).read(content, 3)}"`] };
  });
  return [bytes, ...fieldParts(channels, content), ...texts];
}

function fieldParts(channels: readonly ChannelSpec[], content: Uint8Array): readonly Annotation[] {
  const codec = createChannelCodec(channels);
  const decoded = DATA_AT + codec.end <= content.length ? codec.decode(content, DATA_AT) : undefined;
  return channels.flatMap(({ channel, source, validWhen }) =>
    source.from === "field" && DATA_AT + createField(source.field).end <= content.length
      ? [counting(fieldAnnotation(channel.name, source.field, channel, content, DATA_AT), validWhen, decoded)]
      : [],
  );
}

/** Address, function, count of bytes. */
const DATA_AT = 3;
