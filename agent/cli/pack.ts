/** `pump-station pack`: a checked description as one signed archive, and the JSON that a twin's desired side takes. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { formatProblems, hasErrors } from "@pump-station/sensor-descriptions/problems.ts";
import { type LoadedDescription, loadDescription, textAt } from "../description.ts";
import { ArchiveError, type PackedFile, writeArchive } from "../update/archive.ts";
import { ownFiles } from "../update/own-files.ts";
import { readSignature } from "../update/signature.ts";
import { publicKeyText, readSigningKey, secretKeyText, signatureText, signingKeyFrom } from "../update/signing.ts";
import { BASED_ON_NOTHING } from "../update/wanted.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples } from "./command.ts";
import { EXIT } from "./exit.ts";

interface PackOptions {
  readonly devices: readonly string[];
  readonly output?: string;
  readonly basedOn?: string;
  readonly sign?: string;
  readonly signature?: string;
  readonly url?: string;
  readonly name?: string;
  readonly urgent?: boolean;
  readonly newKey?: string;
}

export const addPack: AddCommand = (program, deps, finish) => {
  program
    .command("pack")
    .description("a description as one signed archive, for the cloud to send to its station")
    .argument("[file]", "station file")
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("-o, --output <file>", "the archive that is written")
    .option("--based-on <hash>", 'what runs there now: its reported description/hash, its station file here, or "none"')
    .option("--sign <key>", "secret key: of --new-key, or of minisign without a password")
    .option("--signature <file>", "made by minisign of the same archive, in place of --sign")
    .option("--url <address>", "where the archive will lie")
    .option("--name <text>", "what people call this version")
    .option("--urgent", "at once, whatever the month's budget and the upload windows say")
    .option("--new-key <file>", "only makes a key: FILE stays secret, FILE.pub goes to the stations")
    .addHelpText(
      "after",
      examples(
        "pump-station pack --new-key team.key",
        "pump-station pack new/station.yaml --based-on old/station.yaml --sign team.key -o lake.tar.gz --url https://files.example/lake.tar.gz",
      ),
    )
    .action((file: string | undefined, options: PackOptions) =>
      finish(options.newKey === undefined ? pack(deps, file, options) : newKey(deps, options.newKey)),
    );
};

async function newKey(deps: CliDeps, path: string): Promise<number> {
  for (const taken of [path, `${path}.pub`]) {
    if (!deps.files.read(taken)) continue;
    deps.err(`pack: ${taken} is there already; a key that is replaced can sign nothing any more\n`);
    return EXIT.failed;
  }
  const key = signingKeyFrom((await deps.machine()).chance.bytes(32));
  deps.files.writeDurably(path, new TextEncoder().encode(secretKeyText(key)), 0o600);
  deps.files.writeDurably(`${path}.pub`, new TextEncoder().encode(publicKeyText(key)), 0o644);
  deps.out(
    `${path}: secret, stays with who signs\n${path}.pub: goes to /etc/pump-station/trusted-keys/ of each station\n`,
  );
  return EXIT.ok;
}

async function pack(deps: CliDeps, file: string | undefined, options: PackOptions): Promise<number> {
  const { output, basedOn } = options;
  if (file === undefined || output === undefined || basedOn === undefined) {
    deps.err(
      "pack: name the station file, -o ARCHIVE, and --based-on (the reported description/hash of the station)\n",
    );
    return EXIT.usage;
  }
  const loaded = loadGood(deps, file, options.devices);
  const base = baseHash(deps, basedOn, options.devices);
  if (!loaded?.station || base === undefined) return EXIT.configuration;
  const files = ownFiles(loaded.files, deps.catalogue);
  try {
    const archive = await writeArchive(files);
    deps.files.writeDurably(output, archive, 0o644);
    const comment = `station:${loaded.station.name} based-on:${base}`;
    const signature = signatureOf(deps, archive, comment, options);
    const description = {
      url: options.url ?? `https://WHERE-IT-LIES/${basename(output)}`,
      sha256: createHash("sha256").update(archive).digest("hex"),
      signature: signature ?? null,
      "based-on": base,
      hash: loaded.station.hash,
      // Merged into what was desired before: what isn't said now has to go.
      version: options.name ?? null,
      urgent: options.urgent ?? null,
    };
    deps.out(`${JSON.stringify({ description }, null, 2)}\n`);
    deps.err(spoken(output, archive, files, signature === undefined ? comment : undefined));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    deps.err(`pack ${file}: ${error.message}\n`);
    return EXIT.failed;
  }
}

/** Says every problem, as `check` does; undefined when one of them is an error. */
function loadGood(deps: CliDeps, file: string, said: readonly string[]): LoadedDescription | undefined {
  const loaded = loadDescription(deps.files, file, deviceFolders(deps, file, said));
  if (loaded.problems.length > 0) {
    const textOf = (path: string): string | undefined => loaded.files.find((one) => one.path === path)?.text;
    deps.err(`${formatProblems(loaded.problems, textOf, { colour: deps.colour })}\n`);
  }
  return loaded.station && !hasErrors(loaded.problems) ? loaded : undefined;
}

function baseHash(deps: CliDeps, basedOn: string, said: readonly string[]): string | undefined {
  if (basedOn === BASED_ON_NOTHING || /^[0-9a-f]{64}$/.test(basedOn)) return basedOn;
  return loadGood(deps, basedOn, said)?.station?.hash;
}

function signatureOf(deps: CliDeps, archive: Uint8Array, comment: string, options: PackOptions): string | undefined {
  const { sign, signature } = options;
  const textOf = (path: string): string => {
    const text = textAt(deps.files, path);
    if (text === undefined) throw new Error(`pack: ${path}: there is no such file`);
    return text;
  };
  if (sign !== undefined) return signatureText(archive, readSigningKey(sign, textOf(sign)), comment);
  if (signature === undefined) return undefined;
  const text = textOf(signature);
  readSignature(text);
  return text;
}

function spoken(
  output: string,
  archive: Uint8Array,
  files: readonly PackedFile[],
  unsigned: string | undefined,
): string {
  const what = `${output}: ${archive.length} bytes, ${files.map(({ name }) => name).join(", ")}\n`;
  if (unsigned === undefined) return what;
  return `${what}not signed yet: minisign -Sm ${output} -t '${unsigned}', then the same again with --signature ${output}.minisig\n`;
}
