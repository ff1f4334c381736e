// `check` as a script with its compiled code beside it: V8 takes the code only for this very source, version and flags;
// otherwise it compiles as always.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { Script } = require("node:vm");

/** Reads and evaluates dist/check.cjs; `code`: what `script.createCachedData()` gave at build, if anything. */
function loadCheck(dist) {
  const filename = `${dist}/check.cjs`;
  const source = readFileSync(filename, "utf8");
  const script = new Script(`(function (exports, require, module, __filename) {${source}\n})`, {
    filename,
    cachedData: codeOf(`${dist}/check.code`),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(filename), module, filename);
  return { script, check: module.exports };
}

function codeOf(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

module.exports = { loadCheck };
