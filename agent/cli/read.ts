/** `pump-station read [device[.channel]]`: newest values with their age and quality. */
import { openControl } from "../control/client.ts";
import type { LiveValue } from "../status.ts";
import { type AddCommand, type CliDeps, examples } from "./command.ts";
import { EXIT } from "./exit.ts";
import { createOwnReader } from "./own-reader.ts";
import { type AccessOptions, accessOptions } from "./port-access.ts";
import { valuesText } from "./value-text.ts";
import { createValueWatch } from "./value-watch.ts";

export const addRead: AddCommand = (program, deps, finish) => {
  const command = program.command("read");
  for (const option of accessOptions("station file, when no agent runs")) command.addOption(option);
  command
    .description("newest values with age and quality: from the running agent, else asked here and now")
    .argument("[device[.channel]]", "only this")
    .option("--watch", "again every second, until Ctrl-C", false)
    .option("--json", "for programs: an array, with --watch one a line", false)
    .addHelpText(
      "after",
      examples(
        "pump-station read",
        "pump-station read climate.temperature --watch",
        "pump-station read pump --json                 for programs",
      ),
    )
    .action((what: string | undefined, options: ReadOptions) => finish(read(deps, what, options)));
};

interface ReadOptions extends AccessOptions {
  readonly watch: boolean;
  readonly json: boolean;
}

/** Where values come from: the agent, or the ports themselves. */
export interface ValueReader {
  read(): Promise<readonly LiveValue[]>;
  /** Ctrl-C, where ports have to be closed after it. */
  readonly interrupted?: AbortSignal;
  close(): Promise<void>;
}

const WATCH_EVERY_MS = 1_000;

export async function read(deps: CliDeps, what: string | undefined, options: ReadOptions): Promise<number> {
  const [device, channel] = what?.split(".", 2) ?? [];
  const only = { ...(device ? { device } : {}), ...(channel ? { channel } : {}) };
  const reader = await openReader(deps, only, options);
  try {
    if (!options.watch) {
      const values = await reader.read();
      deps.out(options.json ? `${JSON.stringify(values)}\n` : `${valuesText(values, deps.colour)}\n`);
      return EXIT.ok;
    }
    const watch = createValueWatch(deps, options.json);
    while (reader.interrupted?.aborted !== true) {
      watch.show(await reader.read());
      await deps.timers.sleep(WATCH_EVERY_MS, reader.interrupted).catch(() => undefined);
    }
    return EXIT.ok;
  } finally {
    await reader.close();
  }
}

async function openReader(
  deps: CliDeps,
  only: { readonly device?: string; readonly channel?: string },
  options: ReadOptions,
): Promise<ValueReader> {
  try {
    const client = await openControl(deps.connectControl, options.control);
    return {
      read: async () => (await client.ask("read", only)) as LiveValue[],
      close: async () => client.close(),
    };
  } catch (error) {
    // An agent that can't be asked may still hold the ports.
    if (!(error instanceof Error) || !/no agent runs here/.test(error.message)) throw error;
    return createOwnReader(deps, only, options, error);
  }
}
