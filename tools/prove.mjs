// `npm run prove -- kill | power | twin [options]`: builds, then runs the proof. `--break NAME` builds the programs broken in one
// place and expects that the proof notices; `--break all` does so with each. `--built`: dist/ is as it should be.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BREAKS, buildBroken } from "./broken.mjs";
import { buildAll } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const USAGE = 64;
/** As many as a control needs: each break shows long before. */
const CONTROL = {
  kill: ["--kills", "40"],
  power: ["--cuts", "12"],
  // A merge of what isn't whole shows in one run of four or so: the first that fails is enough.
  twin: ["--seeds", "24", "--enough", "1"],
};

const words = process.argv.slice(2);
const built = take("--built");
const broken = takeValue("--break");
const run = (program, ...more) =>
  spawnSync(process.execPath, [program, ...words, ...more], { stdio: "inherit" }).status ?? 1;
const prove = (...more) => run(join(root, "dist/prove.mjs"), ...more);

if (!built || !existsSync(join(root, "dist/prove.mjs"))) await buildAll();
const proof = words[0];
const breaks = BREAKS[proof] ?? {};
if (broken === undefined) {
  process.exitCode = prove();
} else if (broken === "all") {
  const unnoticed = [];
  for (const name of Object.keys(breaks)) if ((await proveBroken(name)) !== 1) unnoticed.push(name);
  console.log(unnoticed.length === 0 ? "Each break was noticed." : `Not noticed: ${unnoticed.join(", ")}`);
  process.exitCode = unnoticed.length === 0 ? 0 : 1;
} else if (Object.hasOwn(breaks, broken)) {
  process.exitCode = await proveBroken(broken);
} else {
  console.error(`--break ${broken}: ${proof} can be broken by ${Object.keys(breaks).join(", ")}, all`);
  process.exitCode = USAGE;
}

async function proveBroken(name) {
  console.log(`\nBroken on purpose (${name}): ${breaks[name].says}. The proof has to fail.`);
  const [count, ...few] = CONTROL[proof];
  const folder = await buildBroken(proof, name);
  const more = words.includes(count) ? [] : [count, ...few];
  if (proof === "kill") return prove(...more, "--programs", folder);
  if (proof === "power") return prove(...more, "--writer", join(folder, "prove.mjs"));
  return run(join(folder, "prove.mjs"), ...more);
}

function take(option) {
  const at = words.indexOf(option);
  if (at >= 0) words.splice(at, 1);
  return at >= 0;
}

function takeValue(option) {
  const at = words.indexOf(option);
  return at >= 0 ? words.splice(at, 2)[1] : undefined;
}
