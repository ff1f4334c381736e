/** `pump-station new station|device`: a commented starting file that already passes its own check. */
import { Argument, Option } from "commander";
import { textAt } from "../description.ts";
import { type AddCommand, type CliDeps, examples } from "./command.ts";
import { EXIT } from "./exit.ts";

const PROTOCOLS = ["framed", "lines", "modbus-rtu", "modbus-ascii", "i2c", "pulses", "levels", "outputs"] as const;
type Protocol = (typeof PROTOCOLS)[number];

export const addNew: AddCommand = (program, deps, finish) => {
  program
    .command("new")
    .description("print a commented starting file; save it and change what differs")
    .addArgument(new Argument("<kind>", "what it describes").choices(["station", "device"]))
    .argument("[name]", "the station's or the type's name: lower-case letters, digits, hyphens")
    .addOption(new Option("--protocol <protocol>", "how the device is asked").choices(PROTOCOLS).default("framed"))
    .addHelpText(
      "after",
      examples(
        "pump-station new station north-lake > /etc/pump-station/station.yaml",
        "pump-station new device my-meter --protocol modbus-rtu > /etc/pump-station/devices/my-meter.yaml",
      ),
    )
    .action((kind: "station" | "device", name: string | undefined, { protocol }: { protocol: Protocol }) =>
      finish(startingFile(deps, kind, name, protocol)),
    );
};

const NAME = /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

function startingFile(deps: CliDeps, kind: "station" | "device", name: string | undefined, protocol: Protocol): number {
  const word = name ?? `my-${kind}`;
  if (!NAME.test(word)) {
    deps.err(`new: "${word}" is no name: use lower-case letters, digits and hyphens; begin with a letter\n`);
    return EXIT.usage;
  }
  const text = textAt(deps.files, `${deps.starting}/${kind === "station" ? kind : protocol}.yaml`);
  if (text === undefined) throw new Error(`new: ${deps.starting}: the starting files are missing; install again`);
  deps.out(text.replace(/^(station|type): my-\S+/m, (line, key: string) => `${key}: ${word}`.padEnd(line.length)));
  return EXIT.ok;
}
