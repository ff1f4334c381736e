#!/usr/bin/env node
// Starts the bundle; says what to run when it isn't built.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const bundle = new URL("../dist/clouds.mjs", import.meta.url);
if (!existsSync(fileURLToPath(bundle))) {
  console.error("pump-station-cloud is not built yet: run `npm run build` in the project's folder first.");
  process.exit(78);
}
await import(bundle.href);
