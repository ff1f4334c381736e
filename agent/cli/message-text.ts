/** A message of a station, for people. */
import { type FlatSample, samplesOf } from "../wire/flat-samples.ts";
import type { Batch, StreamRanges } from "../wire/messages.ts";
import type { StreamSchema } from "../wire/schema.ts";
import type { Message } from "../wire/sealed-message.ts";
import { table } from "./table.ts";

type SchemaOf = (hash: string) => StreamSchema | undefined;

/** `bytes`: of the message. */
export function messageText(message: Message, bytes: number, schemaOf: SchemaOf): string {
  switch (message.kind) {
    case "batch":
      return batchText(message, bytes, schemaOf);
    case "alarms":
      return lines(
        `alarms, ${bytes} bytes`,
        message.alarms.map((alarm) => JSON.stringify(alarm)),
      );
    case "schema":
      return schemaText(message.schema, message.hash);
    case "epoch-closed":
      return lines(
        `epoch ${message.epoch} has ended; the last sample of each stream`,
        message.counts.map(({ stream, last }) => `${stream} ${last}`),
      );
    case "dropped":
      return lines(`samples that will never come (${message.reason})`, message.dropped.map(rangesText));
    case "clock":
      return clockText(message);
    case "receipt":
      return lines("receipt of the bridge: stored", message.stored.map(rangesText));
    case "ranges-wanted":
      return lines("the bridge wants again", message.wanted.map(rangesText));
    case "schema-wanted":
      return lines("the bridge wants the schemas", message.hashes);
  }
}

const lines = (title: string, rest: readonly string[]): string =>
  [title, ...rest.map((line) => `  ${line}`)].join("\n");

const rangesText = ({ epoch, stream, ranges }: StreamRanges): string =>
  `${stream} of epoch ${epoch}: ${ranges.map(({ first, last }) => (first === last ? first : `${first} to ${last}`)).join(", ")}`;

function clockText({ bootId, offsetMs, earlierMs }: Extract<Message, { kind: "clock" }>): string {
  const began = dateText(offsetMs);
  if (earlierMs === undefined) return `boot ${bootId} began at ${began}`;
  return `boot ${bootId}, whose clock was never set, began between ${dateText(offsetMs - earlierMs)} and ${began}`;
}

function dateText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms since 1970` : date.toISOString();
}

function schemaText({ stream, channels }: StreamSchema, hash: string): string {
  const rows = channels.map(({ name, kind, unit, resolution, states = [] }) => [
    name,
    kind,
    `${resolution}${unit ? ` ${unit}` : ""}`,
    states.map(([number, state]) => `${number} = ${state}`).join(", "),
  ]);
  return lines(`schema ${hash} of ${stream}`, table(rows).split("\n"));
}

function batchText(batch: Batch, bytes: number, schemaOf: SchemaOf): string {
  const boot = batch.basis.kind === "boot" ? `, times in ms since boot ${batch.basis.bootId}` : "";
  const samples = batch.blocks.reduce((sum, { times }) => sum + times.length, 0);
  const title = `batch of epoch ${batch.epoch}, ${samples} ${samples === 1 ? "sample" : "samples"}, ${bytes} bytes${boot}`;
  const blocks = batch.blocks.map((block) => {
    const schema = schemaOf(block.schemaHash);
    const head = ["", "time", ...(schema?.channels ?? []).map(({ name, unit }) => (unit ? `${name}, ${unit}` : name))];
    const rows = Array.from(samplesOf({ ...batch, blocks: [block] }, schemaOf), (sample) => [
      `${sample.sequence}`,
      sample.utc ?? `${sample.ms}`,
      ...(schema?.channels ?? []).map(({ name }) => cellText(sample, name)),
    ]);
    return lines(block.stream, table([head, ...rows]).split("\n"));
  });
  return lines(
    title,
    blocks.flatMap((block) => block.split("\n")),
  );
}

const cellText = ({ values, states, missing }: FlatSample, name: string): string =>
  states?.[name] ?? (values[name] === undefined ? `(${missing?.[name] ?? "missing"})` : `${values[name]}`);
