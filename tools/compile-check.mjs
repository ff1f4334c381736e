// node tools/compile-check.mjs DIST STATION: runs `check` once and keeps the code that V8 compiled for it, for this Node.
import { writeFileSync } from "node:fs";
import { loadCheck } from "../bin/compiled.mjs";

const [dist, station] = process.argv.slice(2);
const { script, check } = loadCheck(dist);
const code = await check.runCheck(["check", station], dist);
if (code !== 0) throw new Error(`check ${station}: exit ${code}`);
writeFileSync(`${dist}/check.code`, script.createCachedData());
