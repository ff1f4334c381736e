/** `pump-station explain DEVICE | TYPE`: what bytes mean, and why a value is what it is. */
import { explainBytes, explainExample, requestsOf } from "@pump-station/sensor-descriptions/explain/explain.ts";
import { correctedSpec } from "@pump-station/sensor-descriptions/load/corrected-spec.ts";
import { type DeviceType, loadDeviceType } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems } from "@pump-station/sensor-descriptions/problems.ts";
import { nearestWord } from "@pump-station/sensor-descriptions/spelling.ts";
import { createTypeFinder, knownTypes, loadDescription, NOTHING } from "../description.ts";
import { type AddCommand, type CliDeps, deviceFolders, examples, SOCKET, STATION_FILE } from "./command.ts";
import { EXIT } from "./exit.ts";
import { explainLive } from "./explain-live.ts";
import { explanationText, wrapped } from "./explain-text.ts";
import { asJson, bytesIn, type Explained, type ExplainOptions, type Titled } from "./explained.ts";

export const addExplain: AddCommand = (program, deps, finish) => {
  program
    .command("explain")
    .description("what a device's bytes mean, and why a value is what it is")
    .argument("<name>", "a device of the station, a type of the catalogue, or a device file")
    .option("--bytes <hex>", 'these bytes, sent or received: "55 AA …"')
    .option("--live", "the newest exchange of the running agent, and the way of its values")
    .option("--file <file>", "station file", STATION_FILE)
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText(
      "after",
      examples(
        "pump-station explain pump --live                the bytes of now, and what became of them",
        'pump-station explain pump-mk2 --bytes "55 AA 01 01 01 E0 50"',
        "pump-station explain bme280                     the examples of the device file",
      ),
    )
    .action((name: string, options: Omit<ExplainOptions, "json" | "live"> & { live?: boolean; json?: boolean }) =>
      finish(explain(deps, name, { ...options, live: options.live ?? false, json: options.json ?? false })),
    );
};

export async function explain(deps: CliDeps, name: string, options: ExplainOptions): Promise<number> {
  const found = explainedOf(deps, name, options);
  if (found === undefined) return EXIT.failed;
  if (found === "broken") return EXIT.configuration;
  if (options.live && options.bytes === undefined) return explainLive(deps, found, options);
  if (options.bytes === undefined) return explainAtDesk(deps, found, options);
  const bytes = bytesIn(options.bytes);
  if ("wrong" in bytes) {
    deps.err(`${bytes.wrong}\n`);
    return EXIT.usage;
  }
  const explained = explainBytes(found.spec, { address: found.address }, bytes.ok);
  printAll(deps, options, [{ title: "", explained }]);
  return explained.wrong.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Undefined: said why. */
function explainedOf(deps: CliDeps, name: string, options: ExplainOptions): Explained | "broken" | undefined {
  const folders = deviceFolders(deps, options.file, [...options.devices, ...folderOf(name)]);
  const findType = createTypeFinder(deps.files, folders);
  const typeFile = findType(name.replace(/^.*\//, "").replace(/\.yaml$/, ""));
  // A type can be explained on a machine that has no station file.
  const loaded =
    typeFile && !deps.files.read(options.file) ? NOTHING : loadDescription(deps.files, options.file, folders);
  const device = loaded.station?.devices.find((one) => one.name === name);
  const described = loaded.described?.get(name);
  if (device && described && loaded.station) {
    const { given, type } = described;
    const address = device.address ?? 0;
    const spec = correctedSpec(type.spec(given), device.correct);
    return { type, spec, address, device, hash: loaded.station.hash, origins: loaded.origins.get(name) ?? new Map() };
  }
  if (typeFile) {
    const { type, unproved, problems, files } = loadDeviceType(typeFile, findType, knownTypes(deps.files, folders));
    if (type) return ofType(type);
    // Bytes are looked at above all while an example doesn't come out.
    if (unproved && options.bytes !== undefined) return ofType(unproved);
    const textOf = (path: string): string | undefined => files.find((file) => file.path === path)?.text;
    deps.err(`${formatProblems(problems, textOf, { colour: deps.colour })}\n`);
    return "broken";
  }
  if (!loaded.station) {
    const textOf = (path: string): string | undefined => loaded.files.find((file) => file.path === path)?.text;
    deps.err(`${formatProblems(loaded.problems, textOf, { colour: deps.colour })}\n`);
    return "broken";
  }
  const devices = loaded.station.devices.map((one) => one.name);
  const types = knownTypes(deps.files, folders);
  const near = nearestWord(name, [...devices, ...types]);
  const help =
    near === undefined ? `devices: ${devices.join(", ")}\n  types: ${types.join(", ")}` : `did you mean "${near}"?`;
  deps.err(`explain: there is no device and no type "${name}"\n  ${help}\n`);
  return undefined;
}

/** Of a device file that is named by its path. */
const folderOf = (name: string): string[] =>
  name.endsWith(".yaml") ? [name.includes("/") ? name.replace(/\/[^/]*$/, "") || "/" : "."] : [];

/** As in its first example: its defaults, and what the example says. */
function ofType(type: DeviceType): Explained {
  const given = type.examples[0]?.given ?? new Map<string, number>();
  return { type, spec: type.spec(given), address: given.get("address") ?? 0, origins: new Map() };
}

function printAll(deps: CliDeps, { json }: { readonly json: boolean }, all: readonly Titled[]): void {
  if (json) return deps.out(`${JSON.stringify(all.map(asJson), null, 2)}\n`);
  const texts = all.map(
    ({ title, explained }) =>
      `${title === "" ? "" : `${wrapped(title, 80).join("\n")}\n`}${explanationText(explained, deps)}`,
  );
  deps.out(`${texts.join("\n\n")}\n`);
}

/** Without a device at hand: what would be sent, and the examples of its file. */
function explainAtDesk(deps: CliDeps, { type, spec, address }: Explained, options: ExplainOptions): number {
  const requests = requestsOf(spec, address).map(
    ({ what, bytes }): Titled => ({
      title: `what is sent for "${what}"`,
      explained: explainBytes(spec, { address }, bytes),
    }),
  );
  const shown = type.examples.flatMap((example) =>
    explainExample(type, example).map(
      (explained, i): Titled => ({ title: i === 0 ? `example: ${example.name}` : "", explained }),
    ),
  );
  printAll(deps, options, [...requests, ...shown]);
  return EXIT.ok;
}
