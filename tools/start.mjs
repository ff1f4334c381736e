// `npm start`: install what is missing, build, run the demo. Plain JavaScript without dependencies, because it runs first.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installationKey, marker } from "./mark-installed.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => process.stdout.write(`${line}\n`);

function fail(lines, code = 1) {
  for (const line of lines) process.stderr.write(`${line}\n`);
  process.exit(code);
}

function checkMachine() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      [`Node ${process.versions.node} is too old: 20.19 or newer is needed.`, "Debian 13: sudo apt install nodejs npm"],
      78,
    );
  }
  if (process.platform !== "linux") {
    fail(
      [
        `The demo needs Linux (pseudo-terminals, Unix sockets); this is ${process.platform}.`,
        process.platform === "win32"
          ? "Use WSL 2 with Debian: wsl --install -d Debian, then run npm start there."
          : "Use a Linux virtual machine, for example Lima (brew install lima; limactl start; limactl shell default): clone the project inside it and run npm start there.",
      ],
      78,
    );
  }
}

/** What must be on the machine so that native modules can compile, with the line that brings it. */
function checkCompiler() {
  const missing = [
    ["g++", "build-essential"],
    ["make", "build-essential"],
    ["python3", "python3"],
  ].filter(([tool]) => spawnSync(tool, ["--version"], { stdio: "ignore" }).status !== 0);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  fail(
    [
      `Missing: ${missing.map(([tool]) => tool).join(", ")} (native modules are compiled while installing).`,
      `Bring them with: sudo apt install ${packages.join(" ")}`,
    ],
    78,
  );
}

/** Where the headers of the running Node are installed, native modules build without asking nodejs.org. */
export function nodeHeadersEnv() {
  const header = "/usr/include/node/node_version.h";
  if (!existsSync(header)) return {};
  const major = /NODE_MAJOR_VERSION\s+(\d+)/.exec(readFileSync(header, "utf8"))?.[1];
  return major === process.versions.node.split(".")[0] ? { npm_config_nodedir: "/usr" } : {};
}

function installIfNeeded() {
  if (existsSync(marker) && readFileSync(marker, "utf8") === installationKey()) return;
  checkCompiler();
  say("Installing packages. One native module (better-sqlite3) is compiled: 2 to 4 minutes on a small machine, once.");
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...nodeHeadersEnv() },
  });
  if (npm.status !== 0)
    fail(["npm ci failed; its messages stand above.", "Try: npm ci --foreground-scripts"], npm.status ?? 1);
}

async function main() {
  const args = process.argv.slice(2);
  checkMachine();
  installIfNeeded();
  const { buildAll } = await import("./build.mjs");
  const { ms } = await buildAll();
  say(`Built in ${(ms / 1000).toFixed(1)} s.`);
  const demo = spawn(process.execPath, [join(root, "dist/simulators.mjs"), "demo", ...args], {
    cwd: root,
    stdio: "inherit",
  });
  // The demo stops its own processes; Ctrl-C reaches it through the terminal, a kill of this script through here.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => demo.kill("SIGTERM"));
  demo.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
