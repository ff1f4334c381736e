// `npm run bench [-- NAME [options]]`: bundles bench/NAME.ts and runs it; without a name, all of them in turn.
import { existsSync, readdirSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildAll, bundle } from "./build.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const all = readdirSync(join(root, "bench"))
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.slice(0, -3));
const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && !first.startsWith("-");
if (named && !existsSync(join(root, "bench", `${first}.ts`))) {
  console.error(`no benchmark "${first}"; there are: ${all.join(", ")}`);
  process.exit(64);
}

await buildAll();
console.log(
  `machine: ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
);
console.log("the machine may be shared: read ratios and medians, not absolute times\n");
for (const name of named ? [first] : all) {
  const outfile = join(root, "dist/bench", `${name}.mjs`);
  await bundle(`bench/${name}.ts`, outfile);
  const { run } = await import(pathToFileURL(outfile).href);
  await run(named ? rest : process.argv.slice(2));
}
