/** The walls of the house (ARCHITECTURE.md): who may see whom, and where the real world is touched. */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const ROOT = import.meta.dirname;
const PACKAGES = ["sensor-descriptions", "agent", "cloud-bridge", "simulators"] as const;

/** Inside agent: each folder and what it may import beside itself. Nouns are files at the package's root. */
const AGENT_TABLE: Readonly<Record<string, readonly string[]>> = {
  "reading.ts": [],
  "limits.ts": [],
  "outcome.ts": [],
  "flash.ts": ["config.ts", "world.ts"],
  "vector-mean.ts": ["reading.ts"],
  "network.ts": [],
  "tuning.ts": ["wire"],
  "hardware.ts": ["@descriptions"],
  "secret.ts": [],
  "connections.ts": ["network.ts", "secret.ts"],
  "world.ts": ["connections.ts", "hardware.ts", "network.ts", "secret.ts"],
  "config.ts": ["cloud", "limits.ts", "wire", "uplink", "@descriptions"],
  wire: ["reading.ts", "limits.ts"],
  source: ["outcome.ts", "reading.ts", "world.ts", "limits.ts", "@descriptions"],
  cadence: ["source", "reading.ts", "world.ts", "limits.ts", "@descriptions"],
  preprocess: ["reading.ts", "limits.ts", "tuning.ts", "vector-mean.ts", "@descriptions"],
  buffer: ["wire", "reading.ts", "vector-mean.ts", "world.ts", "limits.ts"],
  cloud: ["wire", "reading.ts", "world.ts", "limits.ts"],
  "time-zone": [],
  uplink: [
    "buffer",
    "cloud",
    "time-zone",
    "wire",
    "outcome.ts",
    "reading.ts",
    "world.ts",
    "limits.ts",
    "@descriptions",
  ],
  commands: [
    "cloud",
    "time-zone",
    "wire",
    "outcome.ts",
    "status.ts",
    "reading.ts",
    "world.ts",
    "limits.ts",
    "@descriptions",
  ],
  twin: ["cloud", "wire", "outcome.ts", "reading.ts", "tuning.ts", "world.ts", "limits.ts", "@descriptions"],
  identity: ["cloud", "state", "wire", "world.ts", "limits.ts"],
  state: ["reading.ts", "world.ts", "limits.ts"],
  control: ["reading.ts", "world.ts", "limits.ts"],
  tap: ["world.ts", "limits.ts", "@descriptions"],
  linux: ["world.ts", "limits.ts", "@descriptions", "cloud", "control", "time-zone"],
  "facts.ts": [
    "commands",
    "newest.ts",
    "running-station.ts",
    "status.ts",
    "buffer",
    "uplink",
    "wire",
    "reading.ts",
    "world.ts",
    "@descriptions",
  ],
  update: ["cloud", "description.ts", "going-live", "twin", "uplink", "wire", "limits.ts", "world.ts", "@descriptions"],
  "updating.ts": ["config.ts", "going-live", "limits.ts", "sending.ts", "state", "update", "world.ts"],
  "explain.ts": ["running-station.ts", "buffer", "preprocess", "source", "uplink", "world.ts", "@descriptions"],
  "status.ts": ["flash.ts", "buffer", "commands", "going-live", "identity", "twin", "uplink"],
  "economy.ts": ["preprocess", "stream-schema.ts", "uplink", "wire", "reading.ts", "@descriptions"],
  "sending.ts": [
    "buffer",
    "cloud",
    "config.ts",
    "outcome.ts",
    "state",
    "time-zone",
    "tuning.ts",
    "uplink",
    "wire",
    "world.ts",
  ],
  "last-errors.ts": ["wire", "world.ts"],
  "twin-config.ts": ["config.ts", "twin", "wire"],
  "newest.ts": ["reading.ts", "world.ts", "status.ts", "@descriptions"],
  "station-memory.ts": ["running-station.ts", "source", "state", "world.ts"],
  "stream-schema.ts": ["wire", "@descriptions"],
  "description.ts": ["world.ts", "@descriptions"],
  "running-station.ts": [
    "source",
    "cadence",
    "preprocess",
    "reading.ts",
    "tuning.ts",
    "world.ts",
    "limits.ts",
    "@descriptions",
  ],
  "going-live": ["description.ts", "reading.ts", "limits.ts", "world.ts", "@descriptions"],
  "handlers.ts": [
    "buffer",
    "commanding.ts",
    "control",
    "explain.ts",
    "facts.ts",
    "going-live",
    "newest.ts",
    "running-station.ts",
    "status.ts",
    "tap",
    "uplink",
    "world.ts",
    "@descriptions",
  ],
  "commanding.ts": [
    "commands",
    "control",
    "limits.ts",
    "reading.ts",
    "state",
    "time-zone",
    "wire",
    "world.ts",
    "@descriptions",
  ],
  "acting.ts": ["facts.ts", "outcome.ts", "running-station.ts", "sending.ts", "twin"],
  "agent-deps.ts": ["cloud", "identity", "status.ts", "time-zone", "updating.ts", "world.ts"],
  "agent.ts": ["*"],
  checking: ["cli", "linux", "version.ts", "@descriptions"],
  "version.ts": [],
  cli: ["*"],
  service: ["*", "linux"],
  "main.ts": ["*", "linux"],
  testing: ["*", "linux"],
};

/** What a package may see of the others. */
const PACKAGE_TABLE: Readonly<Record<(typeof PACKAGES)[number], (target: string) => boolean>> = {
  "sensor-descriptions": () => false,
  agent: (target) => target.startsWith("sensor-descriptions/"),
  "cloud-bridge": (target) =>
    target.startsWith("sensor-descriptions/") || target.startsWith("agent/wire/") || target === "agent/reading.ts",
  simulators: () => true,
};

const OUTSIDE_WORLD_MODULES =
  /^(node:)?(fs|net|tls|dns|child_process|timers|http|https|dgram|os|worker_threads)(\/.*)?$/;
const TIMER_GLOBALS = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "performance",
  "fetch",
  "navigator",
]);
const RANDOM_CRYPTO = new Set(["randomBytes", "randomUUID", "randomInt", "getRandomValues", "randomFillSync"]);

interface Source {
  readonly path: string;
  readonly ast: ts.SourceFile;
}

function sources(): Source[] {
  const found: Source[] = [];
  const walk = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !["node_modules", "dist", "vectors", "cases"].includes(entry.name)) walk(path);
      else if (entry.isFile() && entry.name.endsWith(".ts")) {
        const name = relative(ROOT, path).split(sep).join("/");
        found.push({
          path: name,
          ast: ts.createSourceFile(name, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023, true),
        });
      }
    }
  };
  for (const name of PACKAGES) walk(join(ROOT, name));
  return found;
}

const isTest = (path: string) => /\.(test|conformance)\.ts$/.test(path) || /\/testing\//.test(path);
const touchesTheMachine = (path: string) =>
  /\/(linux|host|web|testing)\//.test(path) || /\/main\.ts$/.test(path) || isTest(path);

/** Every imported module of a file as a path in the repository, or as the bare specifier. */
function importsOf({ path, ast }: Source, kinds: "all" | "values" = "all"): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    const specifier =
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
        ? node.moduleSpecifier.text
        : ts.isCallExpression(node) &&
            node.expression.kind === ts.SyntaxKind.ImportKeyword &&
            node.arguments[0] &&
            ts.isStringLiteral(node.arguments[0])
          ? node.arguments[0].text
          : undefined;
    if (specifier && (kinds === "all" || !isTypeOnly(node))) found.push(resolve(path, specifier));
    ts.forEachChild(node, visit);
  };
  visit(ast);
  return found;
}

/** `import type …`, or an import whose names are all types: gone at run time. */
function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node) || !node.importClause) return false;
  const { importClause } = node;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { namedBindings, name } = importClause;
  return (
    !name &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

function resolve(from: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(from), specifier));
  return specifier.replace(/^@pump-station\//, "");
}

const roomOf = (path: string): string => path.split("/")[1] ?? "";

/** Uses of the real world outside the rooms made for it, as "path:line what". */
function worldUses({ path, ast }: Source): string[] {
  const found: string[] = [];
  const report = (node: ts.Node, what: string) =>
    found.push(`${path}:${ast.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${what}`);
  const visit = (node: ts.Node) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const text = `${node.expression.text}.${node.name.text}`;
      if (["Date.now", "process.hrtime", "process.env", "Math.random", "AbortSignal.timeout"].includes(text))
        report(node, text);
      if (RANDOM_CRYPTO.has(node.name.text) && ["crypto", "globalThis"].includes(node.expression.text))
        report(node, text);
    }
    if (
      ts.isNewExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === "Date" &&
      !node.arguments?.length
    )
      report(node, "new Date()");
    // Without a time zone of its own it takes the machine's.
    if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      node.expression.getText(ast) === "Intl.DateTimeFormat" &&
      !/timeZone\b/.test(node.arguments?.[1]?.getText(ast) ?? "")
    )
      report(node, "Intl.DateTimeFormat without a time zone");
    if (ts.isPropertyAccessExpression(node) && /^(getTimezoneOffset|toLocale(Date|Time)?String)$/.test(node.name.text))
      report(node, node.name.text);
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && TIMER_GLOBALS.has(node.expression.text))
      report(node, node.expression.text);
    if (
      ts.isIdentifier(node) &&
      node.text === "performance" &&
      ts.isPropertyAccessExpression(node.parent) &&
      node.parent.expression === node
    )
      report(node, "performance");
    if (ts.isImportSpecifier(node) && RANDOM_CRYPTO.has((node.propertyName ?? node.name).text))
      report(node, node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ast);
  for (const target of importsOf({ path, ast }, "values"))
    if (OUTSIDE_WORLD_MODULES.test(target)) found.push(`${path} imports ${target}`);
  return found;
}

const ALL = sources();

describe("the walls between packages", () => {
  it("lets each package see only those before it", () => {
    const crossings = ALL.filter(({ path }) => !isTest(path)).flatMap((source) => {
      const own = source.path.split("/")[0] as (typeof PACKAGES)[number];
      return importsOf(source)
        .filter((target) => PACKAGES.some((name) => target.startsWith(`${name}/`)) && !target.startsWith(`${own}/`))
        .filter((target) => !PACKAGE_TABLE[own](target))
        .map((target) => `${source.path} → ${target}`);
    });
    expect(crossings).toEqual([]);
  });

  it("has no cycle between files at run time", () => {
    const graph = new Map(ALL.map((source) => [source.path, importsOf(source, "values")]));
    const state = new Map<string, "open" | "done">();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]) => {
      if (state.get(path) === "done") return;
      if (state.get(path) === "open") return void cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      state.set(path, "open");
      for (const next of graph.get(path) ?? []) if (graph.has(next)) visit(next, [...trail, path]);
      state.set(path, "done");
    };
    for (const path of graph.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });
});

describe("the walls inside agent", () => {
  const files = ALL.filter(({ path }) => path.startsWith("agent/") && !isTest(path));

  it("knows every room", () => {
    expect([...new Set(files.map(({ path }) => roomOf(path)))].filter((room) => !(room in AGENT_TABLE))).toEqual([]);
  });

  it("lets each room import only what the table says", () => {
    const crossings = files.flatMap((source) => {
      const own = roomOf(source.path);
      const allowed = AGENT_TABLE[own] ?? [];
      return importsOf(source)
        .filter((target) => target.startsWith("agent/") || target.startsWith("sensor-descriptions/"))
        .map((target) => ({ target, room: target.startsWith("agent/") ? roomOf(target) : "@descriptions" }))
        .filter(
          ({ room }) =>
            room !== own &&
            !allowed.includes(room) &&
            !(allowed.includes("*") && room !== "linux" && room !== "testing" && room !== "main.ts"),
        )
        .map(({ target }) => `${source.path} → ${target}`);
    });
    expect(crossings).toEqual([]);
  });
});

describe("the ban on the real world", () => {
  it("keeps time, chance, environment and network in linux/, host/, web/ and main.ts", () => {
    expect(ALL.filter(({ path }) => !touchesTheMachine(path)).flatMap(worldUses)).toEqual([]);
  });

  it.each([
    ["Date.now", "const a = Date.now();"],
    ["new Date()", "const a = new Date();"],
    ["Math.random", "const a = Math.random();"],
    ["setTimeout", "setTimeout(() => {}, 1);"],
    ["performance", "const a = performance.now();"],
    ["process.env", "const a = process.env['HOME'];"],
    ["imports fs", "import { readFileSync } from 'node:fs';"],
    ["randomUUID", "import { randomUUID } from 'node:crypto';"],
    ["AbortSignal.timeout", "const s = AbortSignal.timeout(1);"],
    ["the local time zone", "const f = new Intl.DateTimeFormat('en');"],
    ["toLocaleString", "const s = (1).toLocaleString();"],
  ])("would notice %s", (_, code) => {
    expect(
      worldUses({ path: "agent/uplink/x.ts", ast: ts.createSourceFile("x.ts", code, ts.ScriptTarget.ES2023, true) }),
    ).not.toEqual([]);
  });
});

describe("the 300-line rule", () => {
  it("finds no source file that holds more than one thing", () => {
    const long = ALL.filter(({ path }) => !isTest(path) && !/vectors|messages/.test(path))
      .map(({ path, ast }) => `${path} ${ast.getLineStarts().length}`)
      .filter((entry) => Number(entry.split(" ")[1]) > 301);
    expect(long).toEqual([]);
  });
});
