// node tools/compile-check.mjs DIST STATION: does once, for this Node and this catalogue, what `check` would do each time:
// keeps what the catalogue's files are read as beside them, and the code that V8 compiles for a check.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCheck } from "../bin/compiled.cjs";

const [dist, station] = process.argv.slice(2);
const { script, check } = loadCheck(dist);

for (const folder of [join(dist, "catalogue/sensors"), join(dist, "catalogue/boards")]) {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".yaml"))) {
    const tree = check.keptTree(readFileSync(join(folder, name), "utf8"));
    if (tree === undefined)
      throw new Error(`${name}: a file of the catalogue has problems; run: npx vitest run sensor-descriptions`);
    writeFileSync(join(folder, `${name}.tree.json`), tree);
  }
}

const code = await check.runCheck(["check", station], dist);
if (code !== 0) throw new Error(`check ${station}: exit ${code}`);
writeFileSync(`${dist}/check.code`, script.createCachedData());
