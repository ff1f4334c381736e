/** `pump-station audit`: what the cloud asked this station for, and what became of it. */
import type { AuditEntry } from "../commands/audit.ts";
import { askAgent } from "../control/client.ts";
import { type AddCommand, type CliDeps, SOCKET } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./table.ts";

interface AuditOptions {
  readonly control: string;
  readonly json?: boolean;
}

export const addAudit: AddCommand = (program, deps, finish) => {
  program
    .command("audit")
    .description("the newest commands from the cloud: who asked, what became of it")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .action((options: AuditOptions) => finish(audit(deps, options)));
};

async function audit(deps: CliDeps, options: AuditOptions): Promise<number> {
  const entries = (await askAgent(deps.connectControl, options.control, "audit")) as readonly AuditEntry[];
  deps.out(options.json ? `${JSON.stringify(entries, null, 2)}\n` : `${auditText(entries)}\n`);
  return EXIT.ok;
}

export const auditText = (entries: readonly AuditEntry[]): string =>
  entries.length === 0
    ? "no command has come from the cloud yet"
    : table(
        entries.map(({ began, isClockUnset, device, command, by, status, text, arguments: given }) => [
          isClockUnset ? "time not known" : new Date(began).toISOString().slice(0, 19).replace("T", " "),
          [device, command].filter((word) => word !== undefined).join(" "),
          given ?? "",
          by === undefined ? "" : `by ${by}`,
          status === undefined ? "begun; nobody knows how it ended" : `${status} ${text ?? ""}`,
        ]),
      );
