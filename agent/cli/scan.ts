/** `pump-station scan [PORT…]`: what is wired to a port, by reading only; a first station file on request. */
import type { SerialSettings } from "@pump-station/sensor-descriptions/model.ts";
import { InvalidArgumentError, Option } from "commander";
import { type AddCommand, type CliDeps, deviceFolders, examples } from "./command.ts";
import { EXIT } from "./exit.ts";
import { type AccessOptions, accessAdvice, accessOptions, claimPort, findPort } from "./port-access.ts";
import { createProgressLine } from "./progress-line.ts";
import { loadTypes, type Scanned } from "./scan/finding.ts";
import { listPorts, portsText } from "./scan/list.ts";
import { type ScanPortOptions, scanPort, WAYS, type Way } from "./scan/scan-port.ts";
import { deviceLines, stationText } from "./scan/station-text.ts";
import { table } from "./table.ts";

export const addScan: AddCommand = (program, deps, finish) => {
  const command = program.command("scan");
  for (const option of accessOptions()) command.addOption(option);
  command
    .description("what is wired to a port, by reading only; without a port: what ports there are")
    .argument("[port...]", "a port of the station file, or /dev/ttyUSB0, /dev/i2c-1, a GPIO chip's label")
    .option("--write <file>", "write a first station file with what was found")
    .option("--ping", "I2C: also send bare addresses, for chips that answer only after a command", false)
    .addOption(new Option("--only <way>", "serial: only this way").choices(WAYS))
    .option("--all", "serial: go on after something was found", false)
    .option(
      "--speed <list>",
      "serial: like 9600,19200 (default: usual ones, and those of the types)",
      wholeNumbers(50, 4_000_000),
    )
    .option("--mode <list>", "Modbus: like 8N1 (default: 8N1 and 8E1)", modes)
    .option("--address <list>", "Modbus: like 1-20,100 (default: 1-247)", addresses)
    .option(
      "--function <list>",
      "Modbus: 3 (holding registers, the default), 4 (input registers) or 3,4",
      wholeNumbers(3, 4),
    )
    .option("--answer-within <ms>", "Modbus: how long an address is waited for (default: 100)", wholeNumber(10, 5_000))
    .option("--listen <s>", "serial: how long each speed is listened to (default: 3)", wholeNumber(1, 600))
    .option("--devices <folder...>", "folders with own device files (devices/ beside the file)", [])
    .option("--json", "for programs", false)
    .addHelpText(
      "after",
      examples(
        "pump-station scan                                       what ports are there?",
        "pump-station scan /dev/i2c-1 --write station.yaml       a first station file",
        "pump-station scan baseboard --only modbus --address 1-20 --speed 9600",
      ),
    )
    .action((ports: string[], said: Said) => finish(scan(deps, ports, said)));
};

interface Said extends AccessOptions {
  readonly write?: string;
  readonly ping: boolean;
  readonly only?: Way;
  readonly all: boolean;
  readonly speed?: readonly number[];
  readonly mode?: readonly Omit<SerialSettings, "baudRate">[];
  readonly address?: readonly number[];
  readonly function?: readonly number[];
  readonly answerWithin?: number;
  readonly listen?: number;
  readonly devices: readonly string[];
  readonly json: boolean;
}

async function scan(deps: CliDeps, names: readonly string[], said: Said): Promise<number> {
  const machine = await deps.machine();
  if (names.length === 0) {
    if (said.write !== undefined) throw new Error("scan: name the ports whose devices the file should have");
    const ports = await listPorts(machine);
    deps.out(said.json ? `${JSON.stringify(ports, null, 2)}\n` : `${portsText(ports)}\n`);
    return EXIT.ok;
  }
  // Before minutes are spent on what can't be written.
  if (said.write !== undefined && deps.files.read(said.write) !== undefined)
    throw new Error(`write ${said.write}: there is such a file already, and scan overwrites none; give another name`);
  const types = loadTypes(deps.files, deviceFolders(deps, said.file, said.devices));
  const scanned: Scanned[] = [];
  for (const name of names) {
    const port = await findPort(deps, machine, name, said.file);
    const release = await claimPort(deps, machine, port, said);
    const line = createProgressLine(deps);
    const say = (text: string): void => line.say(text);
    try {
      scanned.push(
        await scanPort({ machine, timers: deps.timers, types, progress: line.show, say }, port, optionsFrom(said)),
      );
    } catch (error) {
      throw await accessAdvice(machine, port, error);
    } finally {
      line.end();
      release();
    }
  }
  deps.out(
    said.json ? `${JSON.stringify(scanned.map(forPrograms), null, 2)}\n` : `${scanned.map(scannedText).join("\n\n")}\n`,
  );
  return said.write === undefined ? EXIT.ok : write(deps, scanned, said.write);
}

function write(deps: CliDeps, scanned: readonly Scanned[], path: string): number {
  const text = stationText(scanned);
  if (text === undefined) {
    deps.err(
      `write ${path}: nothing was found that a type of the catalogue fits; begin with: pump-station new station\n`,
    );
    return EXIT.failed;
  }
  deps.files.writeDurably(path, new TextEncoder().encode(text));
  deps.err(`Wrote ${path}. Look it over, then: pump-station check ${path}\n`);
  return EXIT.ok;
}

const optionsFrom = (said: Said): ScanPortOptions => ({
  ping: said.ping,
  ...(said.only ? { only: said.only } : {}),
  all: said.all,
  ...(said.speed ? { speeds: said.speed } : {}),
  ...(said.mode ? { modes: said.mode } : {}),
  addresses: said.address ?? range(1, 247),
  tables: (said.function ?? [3]).map((code) => (code === 3 ? "holding" : "input")),
  answerWithinMs: said.answerWithin ?? 100,
  listenMs: 1_000 * (said.listen ?? 3),
});

function scannedText({ port, findings, notes }: Scanned): string {
  const rows = findings.map(({ where, types, sureness, because }) => [
    `  ${where}`,
    types.map(({ name }) => name).join(" or ") || "-",
    sureness,
    because,
  ]);
  const names = new Set<string>();
  const lines = findings.flatMap((finding) => deviceLines(finding, port.name, names));
  return [
    `${port.name} (${port.kind} ${port.path})`,
    rows.length > 0 ? table(rows) : "  nobody answered",
    ...notes.map((note) => `  note: ${note}`),
    ...(lines.length > 0
      ? [
          "",
          "For the station file:",
          "ports:",
          `  ${port.name}:`,
          `    ${port.kind}: ${port.path}`,
          "devices:",
          ...lines,
        ]
      : []),
  ].join("\n");
}

const forPrograms = ({ port, findings, notes }: Scanned) => ({
  port,
  findings: findings.map(({ types, ...finding }) => ({ ...finding, types: types.map(({ name }) => name) })),
  notes,
});

/** "9600,19200" */
function wholeNumbers(low: number, high: number): (text: string) => number[] {
  return (text) =>
    text.split(",").map((part) => {
      const number = Number(part);
      if (Number.isInteger(number) && number >= low && number <= high) return number;
      throw new InvalidArgumentError(`Whole numbers from ${low} to ${high}, with commas between.`);
    });
}

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= low && number <= high) return number;
    throw new InvalidArgumentError(`A whole number from ${low} to ${high}.`);
  };
}

/** "1-20,100" */
function addresses(text: string): number[] {
  const found = text.split(",").flatMap((part) => {
    const [, first, last] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim()) ?? [];
    return first === undefined ? [] : range(Number(first), Number(last ?? first));
  });
  if (found.length > 0 && found.every((address) => address >= 1 && address <= 247)) return [...new Set(found)];
  throw new InvalidArgumentError('Addresses from 1 to 247, for example "1-20,100".');
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);

const PARITIES = { N: "none", E: "even", O: "odd" } as const;

function modes(text: string): Omit<SerialSettings, "baudRate">[] {
  return text.split(",").map((part) => modeFrom(part.trim()));
}

function modeFrom(text: string): Omit<SerialSettings, "baudRate"> {
  const [, data, parity, stop] = /^([78])([NEO])([12])$/i.exec(text) ?? [];
  if (data === undefined) throw new InvalidArgumentError('Modes like "8N1" or "8E1", with commas between.');
  return {
    dataBits: data === "7" ? 7 : 8,
    parity: PARITIES[(parity?.toUpperCase() ?? "N") as keyof typeof PARITIES],
    stopBits: stop === "2" ? 2 : 1,
  };
}
