#!/usr/bin/env node
// Starts the bundle; says what to run when it isn't built. CommonJS, because Node starts it sooner than an ES module.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const dist = join(__dirname, "../dist");
if (!existsSync(`${dist}/agent.mjs`)) {
  console.error("pump-station is not built yet: run `npm run build` in the project's folder first.");
  process.exit(78);
}
// `check` starts from code that was compiled when it was built: it is run after every change of a file.
if (process.argv[2] === "check") {
  const { check } = require("./compiled.cjs").loadCheck(dist);
  check.runCheck(process.argv.slice(2), dist).then((code) => {
    process.exitCode = code;
  });
} else import("../dist/agent.mjs");
