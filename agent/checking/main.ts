/**
 * `pump-station check` alone, for a bundle that starts in half the time: a technician runs it after every change. It is
 * built as one CommonJS script, since Node 20 keeps compiled code only of such (bin/pump-station.mjs, tools/build.mjs).
 */
import { join } from "node:path";
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
