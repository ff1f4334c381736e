/** `pump-station read [device[.channel]]`: newest values with their age. */
import { askAgent, openControl } from "../control/client.ts";
import type { LiveValue } from "../status.ts";
import { type AddCommand, type CliDeps, examples, SOCKET } from "./command.ts";
import { spokenDuration, table } from "./table.ts";

export const addRead: AddCommand = (program, deps, finish) => {
  program
    .command("read")
    .description("newest values with their age, from the running agent")
    .argument("[device[.channel]]", "only this")
    .option("--watch", "again every second, until Ctrl-C")
    .option("--control <socket>", "the agent's socket", SOCKET)
    .option("--json", "for programs")
    .addHelpText("after", examples("pump-station read", "pump-station read climate.temperature --watch"))
    .action((what: string | undefined, options: { watch?: boolean; control: string; json?: boolean }) =>
      finish(read(deps, what, { ...options, watch: options.watch ?? false, json: options.json ?? false })),
    );
};

export async function read(
  deps: CliDeps,
  what: string | undefined,
  options: { readonly watch: boolean; readonly control: string; readonly json: boolean },
): Promise<number> {
  const [device, channel] = what?.split(".", 2) ?? [];
  const parameters = { ...(device ? { device } : {}), ...(channel ? { channel } : {}) };
  const print = (values: readonly LiveValue[]): void =>
    deps.out(options.json ? `${JSON.stringify(values)}\n` : `${valuesText(values)}\n`);
  if (!options.watch) {
    print((await askAgent(deps.connectControl, options.control, "read", parameters)) as LiveValue[]);
    return 0;
  }
  const client = await openControl(deps.connectControl, options.control);
  try {
    for (;;) {
      print((await client.ask("read", parameters)) as LiveValue[]);
      await deps.timers.sleep(1_000);
    }
  } finally {
    client.close();
  }
}

export const valuesText = (values: readonly LiveValue[]): string =>
  table(
    values.map(({ device, channel, value, missing, unit, ageMs }) => [
      `${device}.${channel}`,
      value === null ? `no value: ${missing ?? "unknown"}` : `${value}${unit ? ` ${unit}` : ""}`,
      `${spokenDuration(ageMs)} ago`,
    ]),
  );
