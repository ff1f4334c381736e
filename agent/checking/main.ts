/**
 * `pump-station check` alone, for a bundle that starts in half the time: a technician runs it after every change. It is
 * built as one CommonJS script, since Node 20 keeps compiled code only of such (bin/pump-station.cjs, tools/build.mjs).
 */
import { join } from "node:path";
import { keptTreeOf } from "@pump-station/sensor-descriptions/load/source-document.ts";
import { isKnownKey } from "@pump-station/sensor-descriptions/schema.ts";
import { addCheck } from "../cli/check.ts";
import { runCli } from "../cli/cli.ts";
import { createFiles } from "../linux/files.ts";
import { createTerminal } from "../linux/terminal.ts";
import { VERSION } from "../version.ts";

/** `dist`: where the catalogue lies. Resolves with the exit code. */
export const runCheck = (args: readonly string[], dist: string): Promise<number> =>
  runCli(
    {
      ...createTerminal(),
      files: createFiles(),
      catalogue: [join(dist, "catalogue/sensors"), join(dist, "catalogue/boards")],
      version: VERSION,
    },
    args,
    [addCheck],
  );

/** What a device file of the catalogue is read as, to lie beside it: JSON; undefined where it has problems. */
export const keptTree = (text: string): string | undefined => {
  const tree = keptTreeOf(text, isKnownKey);
  return tree && JSON.stringify(tree);
};
