/** `pump-station decode FILE…`: what is in messages that a station has sent. */
import { Option } from "commander";
import { decodeAlarms } from "../wire/alarms.ts";
import { CSV_COLUMNS, csvLine, documentsFrom, readingsOf } from "../wire/flat-samples.ts";
import type { StreamSchema } from "../wire/schema.ts";
import { decodeSealed, isAlarms, type Message } from "../wire/sealed-message.ts";
import { WireError } from "../wire/wire-error.ts";
import type { Files } from "../world.ts";
import { type AddCommand, type CliDeps, examples } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type FoundMessage, messagesIn } from "./message-files.ts";
import { messageText } from "./message-text.ts";

interface DecodeOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
}

export const addDecode: AddCommand = (program, deps, finish) => {
  program
    .command("decode")
    .description("print what is in messages that a station has sent; needs no agent")
    .argument("<files...>", "a message each, or a message a line: hex, base64, or JSON with topic and payload (base64)")
    .addOption(new Option("--json", "for programs: a JSON document a line, one per sample").conflicts("csv"))
    .option("--csv", "for spreadsheets: a reading a line")
    .addHelpText(
      "after",
      examples(
        "pump-station decode dump.jsonl                 all that a broker has delivered",
        "pump-station decode schema.bin batch.bin --csv  the schema's file tells what the batch's columns mean",
      ),
    )
    .action((files: string[], options: DecodeOptions) => finish(decode(deps, files, options)));
};

type Decoded = { readonly place: string; readonly bytes: number } & (
  | { readonly message: Message }
  | { readonly problem: string }
);

function decode(deps: CliDeps, paths: readonly string[], options: DecodeOptions): number {
  const found = paths.flatMap((path) => readMessages(deps.files, path));
  const schemas = new Map<string, StreamSchema>();
  const decoded = decodeAll(found, schemas);
  if (options.csv) deps.out(`${CSV_COLUMNS.join(",")}\n`);
  const schemaOf = (hash: string): StreamSchema | undefined => schemas.get(hash);
  for (const one of decoded) {
    if ("problem" in one) deps.err(`${one.place}: ${one.problem}\n`);
    else if (options.json)
      for (const line of documentsFrom(one.message, schemaOf)) deps.out(`${JSON.stringify(line)}\n`);
    else if (!options.csv) deps.out(`${one.place}: ${messageText(one.message, one.bytes, schemaOf)}\n`);
    else if (one.message.kind === "batch")
      for (const reading of readingsOf(one.message, schemaOf)) deps.out(`${csvLine(reading)}\n`);
  }
  sayPassedOver(deps, found);
  return decoded.some((one) => "problem" in one) ? EXIT.failed : EXIT.ok;
}

function readMessages(files: Files, path: string): readonly FoundMessage[] {
  try {
    const bytes = files.read(path);
    return bytes ? messagesIn(path, bytes) : [{ place: path, problem: "there is no such file" }];
  } catch (error) {
    // What the file system says; everything else is a bug.
    if (!(error instanceof Error && "code" in error)) throw error;
    return [{ place: path, problem: error.code === "EISDIR" ? "this is a folder: name its files" : error.message }];
  }
}

/** A batch whose schema comes later, in any of the files, is decoded when all are known. */
function decodeAll(found: readonly FoundMessage[], schemas: Map<string, StreamSchema>): readonly Decoded[] {
  const decoded = found.flatMap((one): Decoded[] => {
    if ("bytes" in one) return [decodeOne(one.place, one.bytes, schemas)];
    return "problem" in one ? [{ place: one.place, bytes: 0, problem: one.problem }] : [];
  });
  const bytesAt = new Map(found.flatMap((one) => ("bytes" in one ? [[one.place, one.bytes] as const] : [])));
  return decoded.map((one) => {
    const bytes = "problem" in one ? bytesAt.get(one.place) : undefined;
    return bytes ? decodeOne(one.place, bytes, schemas) : one;
  });
}

function decodeOne(place: string, bytes: Uint8Array, schemas: Map<string, StreamSchema>): Decoded {
  try {
    const message: Message = isAlarms(bytes)
      ? { kind: "alarms", alarms: decodeAlarms(bytes) }
      : decodeSealed(bytes, schemas);
    return { place, bytes: bytes.length, message };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { place, bytes: bytes.length, problem: problemText(error, bytes.length) };
  }
}

function problemText({ reason, message, hash }: WireError, bytes: number): string {
  switch (reason) {
    case "truncated":
      return `the message is cut off after ${bytes} bytes (${message}): take it whole, binary, not through a text field`;
    case "checksum":
      return `the message was changed on its way: its check doesn't fit (${message})`;
    case "version":
      return `the message is of a version that this program doesn't know (${message}): take a newer one`;
    case "schema-wanted":
      return `nothing says what its columns mean: add a file with the schema message ${hash ?? ""} (kind=schema)`;
    case "malformed":
      return `this is no message of a station: ${message}`;
  }
}

function sayPassedOver(deps: CliDeps, found: readonly FoundMessage[]): void {
  const topics = found.flatMap((one) => ("otherTopic" in one ? [one.otherTopic] : []));
  const [first] = topics;
  if (first !== undefined) deps.err(`passed over ${topics.length} of other topics, like ${first}\n`);
}
