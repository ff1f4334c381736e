#!/usr/bin/env node
// Starts the bundle; says what to run when it isn't built.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
if (!existsSync(`${dist}/agent.mjs`)) {
  console.error("pump-station is not built yet: run `npm run build` in the project's folder first.");
  process.exit(78);
}
// `check` starts from code that was compiled when it was built: it is run after every change of a file.
if (process.argv[2] === "check") {
  const { loadCheck } = await import("./compiled.mjs");
  process.exitCode = await loadCheck(dist).check.runCheck(process.argv.slice(2), dist);
} else await import("../dist/agent.mjs");
