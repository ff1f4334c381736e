// Bundles each program into one file, because Node never runs our TypeScript. Natives stay outside and are loaded lazily.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
const NATIVES = ["better-sqlite3", "serialport", "i2c-bus", "onoff", "cbor-extract", "@lydell/node-pty"];

/**
 * What the agent holds in memory for a year: MQTT clients bring a copy of Node's own streams and ways of connecting that
 * nobody takes, 0.4 MB of text and what is made of it.
 */
const leftOut = join(root, "tools/left-out.cjs");
const LEAN = {
  agent: { alias: { "readable-stream": "node:stream", ws: leftOut, socks: leftOut, "worker-timers": leftOut } },
};

const PROGRAMS = {
  agent: "agent/main.ts",
  "cloud-bridge": "cloud-bridge/main.ts",
  simulators: "simulators/main.ts",
  prove: "simulators/prove/main.ts",
  clouds: "simulators/clouds/main.ts",
};

export async function buildAll() {
  const started = process.hrtime.bigint();
  rmSync(join(dist, "chunks"), { recursive: true, force: true });
  const programs = Object.entries(PROGRAMS).filter(([, entry]) => existsSync(join(root, entry)));
  await Promise.all([
    ...programs.map(([name, entry]) => bundle(entry, join(dist, `${name}.mjs`), LEAN[name])),
    web(),
    catalogue(),
    decoderPackage(),
    checkScript(),
  ]);
  compileCheck();
  assertOneByte();
  const ms = Number((process.hrtime.bigint() - started) / 1_000_000n);
  writeFileSync(join(dist, "built.json"), `${JSON.stringify({ programs: programs.map(([name]) => name) })}\n`);
  return { programs: programs.map(([name]) => name), ms };
}

/** One ES module per program; CommonJS dependencies get a `require` of their own (a long name: minifiers collide). */
export async function bundle(entry, outfile, more = {}) {
  await build({
    ...more,
    entryPoints: [{ in: join(root, entry), out: basename(outfile, ".mjs") }],
    outdir: dirname(outfile),
    outExtension: { ".js": ".mjs" },
    // What is imported when needed is a file of its own, so that a command line that only checks a file starts quickly.
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Half the source text in memory; names stay, so that a stack trace in a journal can be read.
    minifyWhitespace: true,
    minifySyntax: true,
    external: NATIVES,
    sourcemap: "linked",
    logLevel: "warning",
    banner: {
      js: "import { createRequire as pumpStationCreateRequire } from 'node:module'; const require = pumpStationCreateRequire(import.meta.url);",
    },
  });
}

/** What bin/pump-station.cjs starts for `check`. */
async function checkScript() {
  await build({
    entryPoints: [join(root, "agent/checking/main.ts")],
    outfile: join(dist, "check.cjs"),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
  });
}

/** In a process of its own, which has run what a technician will run: code that wasn't compiled isn't kept. */
function compileCheck() {
  rmSync(join(dist, "check.code"), { force: true });
  const station = join(dist, "catalogue/stations/demo-lake.yaml");
  execFileSync(process.execPath, [join(root, "tools/compile-check.mjs"), dist, station], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** One character beyond Latin-1, in a regular expression or a tagged template, and V8 holds the whole file in two bytes each. */
function assertOneByte() {
  const chunks = readdirSync(join(dist, "chunks")).filter((name) => name.endsWith(".mjs"));
  for (const path of ["agent.mjs", "check.cjs", ...chunks.map((name) => `chunks/${name}`)]) {
    const [found] = /.{0,40}[^\0-\xff].{0,40}/.exec(readFileSync(join(dist, path), "utf8")) ?? [];
    if (found !== undefined) throw new Error(`dist/${path}: write the character as an escape: ${found}`);
  }
}

async function web() {
  const entry = join(root, "cloud-bridge/web/app.ts");
  if (!existsSync(entry)) return;
  const out = join(dist, "web");
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [entry],
    outdir: out,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    sourcemap: "linked",
    logLevel: "warning",
  });
  for (const name of readdirSync(dirname(entry))) {
    if (/\.(html|svg|ico|webmanifest)$/.test(name)) copyFileSync(join(dirname(entry), name), join(out, name));
  }
}

/** A folder to publish with npm: one file without dependencies and without native parts. */
export async function decoderPackage(out = join(dist, "decoder")) {
  const from = join(root, "cloud-bridge/decoder");
  rmSync(out, { recursive: true, force: true });
  await build({
    entryPoints: [join(from, "decoder.ts")],
    outfile: join(out, "decoder.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    alias: { "cbor-x": join(root, "tools/cbor-x-by-cborg.mjs") },
    legalComments: "none",
    logLevel: "warning",
  });
  copyFileSync(join(from, "published.d.ts"), join(out, "decoder.d.ts"));
  copyFileSync(join(from, "README.md"), join(out, "README.md"));
  copyFileSync(join(from, "pump_station_decoder.py"), join(out, "pump_station_decoder.py"));
  cpSync(join(from, "examples"), join(out, "examples"), { recursive: true });
  // What is bundled keeps its licence (Apache-2.0, section 4).
  copyFileSync(join(root, "node_modules/cborg/LICENSE"), join(out, "LICENSE-cborg"));
  const { version, license, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const manifest = {
    name: "@pump-station/decoder",
    version,
    license,
    description: "Decodes the messages of pump stations: batches, schemas, ledger messages, alarms",
    type: "module",
    engines,
    exports: { ".": { types: "./decoder.d.ts", default: "./decoder.mjs" } },
    types: "./decoder.d.ts",
    files: ["decoder.mjs", "decoder.d.ts", "pump_station_decoder.py", "examples", "LICENSE-cborg"],
    sideEffects: false,
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function catalogue() {
  const out = join(dist, "catalogue");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const folder of ["sensors", "boards", "stations", "starting", "schemas"]) {
    const from = join(root, "sensor-descriptions", folder);
    if (existsSync(from)) cpSync(from, join(out, folder), { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { programs, ms } = await buildAll();
  console.log(`built ${programs.join(", ")} in ${(ms / 1000).toFixed(1)} s`);
}
