import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadStation } from "../load.ts";
import { type DtdlInterface, type DtdlOwn, dtdlFrom } from "./dtdl.ts";
import { sheetFrom } from "./sheet.ts";

const ROOT = join(import.meta.dirname, "..");
const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)),
);
const findType = (type: string) => {
  const path = catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
  return path === undefined ? undefined : { path, text: readFileSync(path, "utf8") };
};
const DEMO = readFileSync(join(ROOT, "stations/demo-lake.yaml"), "utf8");
const stationOf = (text: string) => {
  const { station, problems } = loadStation({ path: "demo-lake.yaml", text }, findType);
  if (!station) throw new Error(problems.map(({ message }) => message).join("\n"));
  return station;
};
const contentsOf = (models: readonly DtdlInterface[], id: string) => {
  const found = models.find((model) => model["@id"] === id);
  if (!found) throw new Error(`no ${id} among ${models.map((model) => model["@id"]).join(", ")}`);
  return found.contents;
};

/** What every station has beside its description. */
const OWN: DtdlOwn = {
  commands: [{ name: "explain", description: "why", fields: [{ name: "device", schema: "string" }] }],
  settings: [{ name: "live", description: "now", value: { fields: [{ name: "until", is: "time" }] } }],
  components: [
    {
      name: "upload",
      settings: [
        { name: "commit-interval", description: "how long", value: "number", unit: "s" },
        { name: "connection", description: "which", value: { choices: ["by-cost", "standing"] } },
      ],
    },
  ],
  deviceSettings: () => [{ name: "every", description: "how often", value: "number", unit: "s" }],
  ownKeys: new Set(["upload", "live"]),
};

test("every name and id of a model is one that DTDL 3 allows, and is unique in its interface", () => {
  const models = dtdlFrom(stationOf(DEMO), OWN);
  const segment = "[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?";
  for (const model of models) {
    expect(model["@id"]).toMatch(new RegExp(`^dtmi:${segment}(?::${segment})*;[1-9][0-9]{0,8}$`));
    const names = model.contents.map(({ name }) => name);
    for (const name of names) expect(name).toMatch(new RegExp(`^${segment}$`));
    expect(new Set(names).size).toBe(names.length);
  }
  expect(new Set(models.map((model) => model["@id"])).size).toBe(models.length);
});

test("every component of the station has its interface in the same file", () => {
  const models = dtdlFrom(stationOf(DEMO), OWN);
  const components = contentsOf(models, "dtmi:pump_station:station:demo_lake;1");
  expect(components.map(({ name }) => name)).toEqual([
    "pump",
    "climate",
    "cabinet",
    "rain",
    "upload",
    "live",
    "explain",
  ]);
  for (const { "@type": type, schema } of components)
    if (type === "Component") expect(models.map((model) => model["@id"])).toContain(schema);
});

test("a channel, a setting of the same name, a command and an alarm each become what DTDL calls them", () => {
  const pump = contentsOf(dtdlFrom(stationOf(DEMO), OWN), "dtmi:pump_station:pump_mk2;1");
  const of = (name: string) => pump.find((content) => content.name === name);
  expect(of("pressure")).toMatchObject({ "@type": ["Telemetry", "Pressure"], schema: "double", unit: "millibar" });
  expect(of("state")).toMatchObject({ "@type": "Telemetry", schema: { "@type": "Enum", valueSchema: "integer" } });
  expect(of("target")).toMatchObject({ "@type": ["Property", "Pressure"], writable: true, unit: "millibar" });
  expect(of("target_reading")).toMatchObject({ "@type": ["Telemetry", "Pressure"] });
  expect(of("stop")).toMatchObject({ "@type": "Command" });
  expect(of("alarm_too_hot")).toMatchObject({ "@type": "Telemetry", schema: "boolean" });
});

test("what every station has is in the model, too: how often it asks and sends, how its devices are", () => {
  const models = dtdlFrom(stationOf(DEMO), OWN);
  const names = (id: string) => contentsOf(models, id).map(({ name }) => name);
  expect(names("dtmi:pump_station:pump_mk2;1")).toEqual(expect.arrayContaining(["every", "health"]));
  expect(names("dtmi:pump_station:agent:upload;1")).toEqual(["commit_interval", "connection"]);
  const [interval, connection] = contentsOf(models, "dtmi:pump_station:agent:upload;1");
  expect(interval).toMatchObject({
    "@type": ["Property", "TimeSpan"],
    writable: true,
    schema: "double",
    unit: "second",
  });
  expect(connection).toMatchObject({
    schema: { "@type": "Enum", valueSchema: "string", enumValues: [{ name: "by_cost", enumValue: "by-cost" }, {}] },
  });
});

test("devices of one type that differ by what is declared on site have an interface each", () => {
  const two = (more: string) =>
    stationOf(
      DEMO.replace(
        /^ {2}cabinet:/m,
        `  second:\n    type: bme280\n    port: mast\n    address: 0x77\n${more}  cabinet:`,
      ),
    );
  const ids = (more: string) =>
    dtdlFrom(two(more), OWN).flatMap(({ contents }) =>
      contents.flatMap(({ name, schema }) => (["climate", "second"].includes(name) ? [schema] : [])),
    );
  expect(ids("")).toEqual(["dtmi:pump_station:bme280;1", "dtmi:pump_station:bme280;1"]);
  expect(ids("    rate-of-change:\n      trend: pressure per 1h over 3h\n")).toEqual([
    "dtmi:pump_station:station:demo_lake:climate;1",
    "dtmi:pump_station:station:demo_lake:second;1",
  ]);
});

test("a device that can't stand in the twin by its name is no component", () => {
  const models = dtdlFrom(stationOf(DEMO.replace(/^ {2}rain:/m, "  live:")), OWN);
  const names = models[0]?.contents.map(({ name }) => name) ?? [];
  expect(names.filter((name) => name === "live")).toHaveLength(1);
});

test("a unit that the extension doesn't know is told, but not as a unit", () => {
  const rain = contentsOf(dtdlFrom(stationOf(DEMO), OWN), "dtmi:pump_station:tipping_bucket;1");
  const intensity = rain.find(({ name }) => name === "intensity");
  expect(intensity).toMatchObject({ "@type": "Telemetry", comment: "UCUM unit: mm/h" });
  expect(intensity).not.toHaveProperty("unit");
});

test("the sheet says where each device is wired, and what may be set on which condition", () => {
  const sheet = sheetFrom(stationOf(DEMO));
  expect(sheet).toContain("| mast | i2c | `/dev/i2c-1` | climate at 0x76; cabinet at 0x44 |");
  expect(sheet).toContain("| target | 200 to 1000 mbar, steps of 10 | state is idle | target |");
  expect(sheet).toContain("read every 30s, every 1s when state is pumping");
});

test("a label with Markdown in it stays a label", () => {
  const sheet = sheetFrom(stationOf(DEMO.replace('"Demo lake, north jetty"', '"a | b *c*"')));
  expect(sheet.split("\n")[0]).toBe("# a \\| b \\*c\\* (demo-lake)");
});
