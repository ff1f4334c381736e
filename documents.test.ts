/** The documents say what the program does: their files load, and they name every key, type and command that there is. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandsFor, runCli } from "@pump-station/agent/cli/cli.ts";
import type { CliDeps } from "@pump-station/agent/cli/command.ts";
import { DERIVED, FUNCTIONS } from "@pump-station/sensor-descriptions/formula/formula-arithmetic.ts";
import { loadDeviceType, loadStation, type SourceFile } from "@pump-station/sensor-descriptions/load.ts";
import { formatProblems, type Problem } from "@pump-station/sensor-descriptions/problems.ts";
import { stationShape } from "@pump-station/sensor-descriptions/schema/station.ts";
import { deviceShapes, unwrapped } from "@pump-station/sensor-descriptions/schema.ts";
import { isKnownUnit } from "@pump-station/sensor-descriptions/units.ts";
import { describe, expect, it, test } from "vitest";
import { parseDocument } from "yaml";
import * as z from "zod";

const ROOT = import.meta.dirname;
const documents = [
  "README.md",
  "ARCHITECTURE.md",
  ...["docs", "docs/decisions"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).flatMap((name) => (name.endsWith(".md") ? [`${folder}/${name}`] : [])),
  ),
].map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
const textOf = (path: string): string => documents.find((one) => one.path === path)?.text ?? "";
const reference = textOf("docs/description-language.md");

const catalogue = ["sensors", "boards"].flatMap((folder) =>
  readdirSync(join(ROOT, "sensor-descriptions", folder)).map((name): SourceFile => {
    const path = join(ROOT, "sensor-descriptions", folder, name);
    return { path: name, text: readFileSync(path, "utf8") };
  }),
);

/** Blocks of YAML; one whose first line is "# NAME.yaml" is a whole file of this name. */
const snippets = documents.flatMap(({ path, text }) =>
  [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, yaml = ""], index) => {
    const name = /^# ([a-z0-9-]+\.yaml)\n/.exec(yaml)?.[1];
    return { document: path, index, yaml, name: name ?? "", label: `${path}: ${name ?? `part ${index + 1}`}` };
  }),
);
const whole = snippets.filter(({ name }) => name !== "");
const isStation = ({ yaml }: { readonly yaml: string }): boolean => /^station:/m.test(yaml);
const findType = (type: string): SourceFile | undefined => {
  const name = `${type}.yaml`;
  const own = whole.find((one) => one.name === name);
  return own ? { path: name, text: own.yaml } : catalogue.find(({ path }) => path === name);
};
const spoken = (problems: readonly Problem[], text: string): string =>
  formatProblems(problems, () => text, { colour: false });

describe("what stands in the documents as YAML", () => {
  it("has a whole file for the station and for each protocol that is not only a variant", () => {
    const kinds = whole
      .filter((one) => !isStation(one))
      .map(({ name, yaml }) => loadDeviceType({ path: name, text: yaml }, findType).type?.kind);
    expect(whole.filter(isStation).length).toBeGreaterThanOrEqual(2);
    expect([...new Set(kinds)].sort()).toEqual(["framed", "i2c", "lines", "modbus-rtu", "outputs", "pulses"]);
  });

  it.each(whole.filter(isStation))("$label loads as a station, without a problem", ({ name, yaml }) => {
    const { station, problems } = loadStation({ path: name, text: yaml }, findType);
    expect(spoken(problems, yaml)).toBe("");
    expect(station?.devices.length).toBeGreaterThan(0);
  });

  it.each(whole.filter((one) => !isStation(one)))("$label loads, and its examples come out", ({ name, yaml }) => {
    const { type, problems } = loadDeviceType({ path: name, text: yaml }, findType);
    expect(spoken(problems, yaml)).toBe("");
    expect(type?.examples.length).toBeGreaterThanOrEqual(2);
  });

  it.each(snippets)("$label is YAML", ({ yaml }) => {
    expect(parseDocument(yaml).errors).toEqual([]);
  });
});

describe("the reference of the description language", () => {
  /** Every word between backticks, also inside of longer ones: `timing` and `CHANNEL per 1h over 3h`. */
  const words = new Set(
    [...reference.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) =>
      code.split(/[^A-Za-z0-9_+-]+/),
    ),
  );
  const shapes = Object.entries({ station: stationShape, ...deviceShapes });

  it.each(shapes)("names every key of a %s file", (_, shape) => {
    const { keys } = namesIn(shape);
    expect(keys.size).toBeGreaterThan(10);
    expect([...keys].filter((key) => !words.has(key))).toEqual([]);
  });

  it.each(shapes)("names every word that is possible as a value in a %s file", (_, shape) => {
    expect([...namesIn(shape).choices].filter((choice) => !words.has(choice))).toEqual([]);
  });

  it("would notice a key that it doesn't name", () => {
    const { keys, choices } = namesIn(
      z.strictObject({ lists: z.array(z.record(z.string(), z.strictObject({ a: z.string() }))).optional() }),
    );
    expect([...keys, ...choices]).toEqual(["lists", "a"]);
    expect(words.has("byte-ordre")).toBe(false);
  });

  it("names every function of formulas", () => {
    expect([...FUNCTIONS.keys(), ...DERIVED.keys()].filter((name) => !words.has(name))).toEqual([]);
  });

  it("names no unit that the program doesn't know", () => {
    const line = /^\*\*Units\*\*: (.*?)\. Names of UCUM/m.exec(reference)?.[1] ?? "";
    const units = [...line.matchAll(/`([^`]+)`/g)].map(([, unit = ""]) => unit);
    expect(units.length).toBeGreaterThan(60);
    expect(units.filter((unit) => !isKnownUnit(unit))).toEqual([]);
  });
});

test("the README's table has every type of the catalogue, and no other", () => {
  const table = textOf("README.md").split("## The catalogue")[1]?.split("\n## ")[0] ?? "";
  const named = [...table.matchAll(/^\| `([^|]+)` \|/gm)].flatMap(([, cell = ""]) => cell.split(/`?, `?/));
  expect(named.sort()).toEqual(catalogue.map(({ path }) => path.replace(".yaml", "")).sort());
});

test("docs/tools.md has no command that isn't there", async () => {
  let help = "";
  const out = (text: string): void => void (help += text);
  const code = await runCli({ out, err: out, version: "0" } as CliDeps, ["--help"], await commandsFor([]));
  expect(code).toBe(0);
  const commands = [...help.matchAll(/^ {2}([a-z-]+) (?:\[|<|print|run)/gm)].map(([, name]) => name);
  const headings = [...textOf("docs/tools.md").matchAll(/^## `([^`]+)`/gm)].flatMap(([, names = ""]) =>
    names.split(", "),
  );
  expect(headings.length).toBeGreaterThan(10);
  expect(headings.filter((name) => !commands.includes(name))).toEqual([]);
});

test.each(documents)("links of $path lead somewhere", ({ path, text }) => {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^https?:/.test(link));
  const broken = links.filter((link) => {
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(textOf(target)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

describe("ARCHITECTURE.md's map", () => {
  const map = /^sensor-descriptions\/ {2}.*?^systemd\//ms.exec(textOf("ARCHITECTURE.md"))?.[0] ?? "";
  /** What stands of each package, from its line on to the next empty one. */
  const parts = ["sensor-descriptions", "agent", "cloud-bridge", "simulators"].map((root) => {
    const part = new RegExp(`^${root}/.*?(?=\\n\\n|$(?![^]))`, "ms").exec(map)?.[0] ?? "";
    return { root, part, entries: readdirSync(join(ROOT, root), { withFileTypes: true }) };
  });

  it.each(parts)("shows every room of $root, and none that isn't there", ({ part, entries }) => {
    const rooms = entries.filter((entry) => entry.isDirectory() && entry.name !== "node_modules");
    // A line may name several: "control/ cli/".
    const shown = [...part.matchAll(/^ {2}((?:\S+ )*\S+)/gm)].flatMap(
      ([, names = ""]) => names.match(/[a-z0-9-]+(?=\/)/g) ?? [],
    );
    expect(shown.sort()).toEqual(rooms.map(({ name }) => name).sort());
  });

  it("names every noun of agent", () => {
    const { part = "", entries = [] } = parts[1] ?? {};
    const nouns = entries.flatMap(({ name }) => /^([a-z-]+)\.ts$/.exec(name)?.[1] ?? []);
    const words = new Set(part.match(/[a-z]+(?:-[a-z]+)*/g));
    expect(nouns.filter((noun) => !words.has(noun))).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, "")
      .replaceAll(" ", "-"),
  );

/** Keys and words of a shape, however deep. */
function namesIn(shape: z.core.$ZodType) {
  const keys = new Set<string>();
  const choices = new Set<string>();
  const visit = (some: z.core.$ZodType): void => {
    const schema = unwrapped(some);
    if (schema instanceof z.ZodPipe) {
      for (const end of [schema.in, schema.out]) visit(end);
      const words: unknown = z.globalRegistry.get(schema.in)?.["enum"];
      if (Array.isArray(words)) for (const word of words) choices.add(String(word));
    }
    if (schema instanceof z.ZodRecord) visit(schema.valueType);
    if (schema instanceof z.ZodArray) visit(schema.element);
    if (!(schema instanceof z.ZodObject)) return;
    for (const [key, of] of Object.entries<z.core.$ZodType>(schema.shape)) {
      keys.add(key);
      visit(of);
    }
  };
  visit(shape);
  return { keys, choices };
}
