// node tools/checks.mjs: types, lint and dead code side by side, since none needs the others and there are cores; what
// each printed comes as a whole, and one that fails makes it fail.
import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CHECKS = ["lint", "typecheck", "knip"];

const check = (name) =>
  new Promise((resolve) => {
    const child = spawn("npm", ["run", "--silent", name], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
      });
    child.once("error", (error) => resolve({ name, code: 1, said: String(error) }));
    child.once("close", (code) => resolve({ name, code: code ?? 1, said }));
  });

const results = await Promise.all(
  CHECKS.map((name) =>
    check(name).then((result) => {
      console.log(`${name}: ${result.code === 0 ? "good" : "failed"}\n${result.said}`);
      return result;
    }),
  ),
);
process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1;
