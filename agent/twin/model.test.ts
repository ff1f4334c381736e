/** The model for clouds and the twin on Azure say the same names, both made of the table of known settings. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DtdlInterface, dtdlFrom } from "@pump-station/sensor-descriptions/documents/dtdl.ts";
import { loadStation } from "@pump-station/sensor-descriptions/load.ts";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { expect, it } from "vitest";
import { hubFrom } from "../cloud/azure-iot-hub/plug-and-play.ts";
import { stationDtdlCommands } from "../commands/document.ts";
import { isObject, type Json, type JsonObject } from "../wire/twin-document.ts";
import { declaredSettings } from "./declared-settings.ts";
import { OBJECT_SETTINGS, UPLOAD_SETTINGS } from "./known-settings.ts";
import { DTDL_SETTINGS } from "./model.ts";

const ROOT = join(import.meta.dirname, "../../sensor-descriptions");
const MORE = `    small-change:
      pressure: 0.1 mbar
    filter:
      temperature:
        - clamp: -30 to 60 °C
        - median: 5min
        - round: 0.1 °C
    rate-of-change:
      trend: pressure per 1h over 3h
    aggregate:
      every: 10min
      at-least: 50 %
`;

/** The demo's station, with everything that can be declared of one device. */
function station(): Station {
  const text = readFileSync(join(ROOT, "stations/demo-lake.yaml"), "utf8");
  const full = text.replace(/^( {4}type: bme280\n)/m, (line) => line + MORE);
  const paths = ["boards", "sensors"].flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)),
  );
  const loaded = loadStation({ path: "demo-lake.yaml", text: full }, (type) => {
    const path = paths.find((one) => one.endsWith(`/${type}.yaml`));
    return path === undefined ? undefined : { path, text: readFileSync(path, "utf8") };
  });
  if (!loaded.station) throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  return loaded.station;
}

const writable = (contents: DtdlInterface["contents"]): string[] =>
  contents.flatMap(({ name, ...more }) => (more["writable"] === true ? [name] : []));

const demo = station();
const models = dtdlFrom(demo, { ...DTDL_SETTINGS, commands: stationDtdlCommands() });
const contentsOf = (id: unknown) => models.find((model) => model["@id"] === id)?.contents ?? [];
const [own] = models;

it("every setting is a writable property under the name that it has in a hub's twin, and there is no other", () => {
  const components = new Set(demo.devices.map(({ name }) => name));
  const desired: JsonObject = {
    ...Object.fromEntries(Object.keys(OBJECT_SETTINGS).map((name) => [name, 1])),
    upload: Object.fromEntries(UPLOAD_SETTINGS.map(({ name }) => [name, 1])),
    devices: Object.fromEntries(
      demo.devices.map((device) => {
        const names = [...device.settings.map(({ name }) => name), ...declaredSettings(device).keys()];
        return [device.name, Object.fromEntries(names.map((name) => [name, 1]))];
      }),
    ),
  };
  const hub = hubFrom(desired, components);
  const parts = (own?.contents ?? []).filter((content) => content["@type"] === "Component");
  expect([...parts.map(({ name }) => name), ...writable(own?.contents ?? [])].sort()).toEqual(Object.keys(hub).sort());
  for (const { name, schema } of parts) {
    const value = hub[name];
    const keys = isObject(value) ? Object.keys(value).filter((key) => key !== "__t") : [];
    expect(writable(contentsOf(schema)).sort(), name).toEqual(keys.sort());
  }
  const climate = contentsOf(parts.find(({ name }) => name === "climate")?.["schema"]).map(({ name }) => name);
  expect(climate).toEqual(expect.arrayContaining(["median_temperature", "clamp_low_temperature", "rate_over_trend"]));
  const pump = contentsOf(parts.find(({ name }) => name === "pump")?.["schema"]).map(({ name }) => name);
  expect(pump).toEqual(expect.arrayContaining(["alarm_too_hot_temperature_above", "alarm_too_hot_for"]));
});

it("the whole model keeps DTDL 3's rules of names, texts and schemas", () => {
  const segment = "[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?";
  for (const { "@id": id, contents } of models) {
    expect(id).toMatch(new RegExp(`^dtmi:${segment}(?::${segment})*;[1-9][0-9]{0,8}$`));
    const names = contents.map(({ name }) => name);
    expect(new Set(names).size, id).toBe(names.length);
    for (const content of contents) {
      expect(content.name).toMatch(new RegExp(`^${segment}$`));
      expect(JSON.stringify(content["description"] ?? "").length - 2).toBeLessThanOrEqual(512);
      const schema = content["schema"] as Json | undefined;
      if (isObject(schema) && schema["@type"] === "Enum") {
        const values = schema["enumValues"] as readonly JsonObject[];
        for (const { name } of values) expect(name).toMatch(new RegExp(`^${segment}$`));
      } else if (typeof schema === "string") expect(schema).toMatch(/^(double|string|boolean|long|integer|dtmi:.*;1)$/);
    }
  }
});

it("says ranges and units: what isn't a number alone is a text", () => {
  const upload = contentsOf("dtmi:pump_station:agent:upload;1");
  expect(upload.find(({ name }) => name === "keep_alive")).toMatchObject({
    schema: "string",
    description: expect.stringContaining('30 to 1177 s, or "learn"'),
  });
  expect(upload.find(({ name }) => name === "interval")).toMatchObject({
    "@type": ["Property", "TimeSpan"],
    schema: "double",
    unit: "second",
    description: "how often readings are sent: 1 to 86400 s; null: as the files say",
  });
  const climate = contentsOf("dtmi:pump_station:bme280;1");
  expect(climate.find(({ name }) => name === "window_at_least")).toMatchObject({ "@type": "Property" });
});
