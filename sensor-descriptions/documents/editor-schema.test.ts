import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadDeviceType } from "../load.ts";
import { type Editor, startEditor } from "../testing/language-server.ts";
import { deviceEditorSchema, stationEditorSchema } from "./editor-schema.ts";

const ROOT = join(import.meta.dirname, "..");
const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(ROOT, folder, name)),
);
const textOf = (path: string): string => readFileSync(path, "utf8");
const types = catalogue.flatMap((path) => loadDeviceType({ path, text: textOf(path) }).type ?? []);
const written = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
const schemas = { station: written(stationEditorSchema(types)), device: written(deviceEditorSchema()) };
const published = (name: string): string => join(ROOT, "schemas", `${name}.schema.json`);

/** Line and column, from 0, of the first place behind `text`. */
const behind = (file: string, text: string): [number, number] => {
  const before = file.slice(0, file.indexOf(text) + text.length).split("\n");
  return [before.length - 1, before.at(-1)?.length ?? 0];
};

let folder = "";
let editor: Editor;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "editor-"));
  const uriOf = (name: keyof typeof schemas): string => {
    writeFileSync(join(folder, name), schemas[name]);
    return pathToFileURL(join(folder, name)).href;
  };
  editor = await startEditor({ [uriOf("station")]: "**/*.station.yaml", [uriOf("device")]: "**/*.device.yaml" });
});
afterAll(() => {
  editor.close();
  rmSync(folder, { recursive: true });
});

let opened = 0;
const open = async (kind: "station" | "device", text: string) => {
  const uri = `file:///tmp/${opened++}.${kind}.yaml`;
  return { uri, diagnostics: await editor.open(uri, text) };
};

const STATION = textOf(join(ROOT, "stations/demo-lake.yaml"));

test("the published schemas are those that the shapes and the catalogue give", async () => {
  await expect(schemas.station).toMatchFileSnapshot(published("station"));
  await expect(schemas.device).toMatchFileSnapshot(published("device"));
});

test("an editor finds nothing wrong with any file that we ship", async () => {
  expect((await open("station", STATION)).diagnostics).toEqual([]);
  for (const path of catalogue) {
    const { diagnostics } = await open("device", textOf(path));
    expect(diagnostics.map(({ message, range }) => `${path}:${range.start.line + 1} ${message}`)).toEqual([]);
  }
});

test("an editor underlines a misspelled key and a missing one, in the line where it is", async () => {
  const { diagnostics } = await open(
    "station",
    STATION.replace("  every: 30s", "  evrey: 30s").replace("pin: 17\n", "\n"),
  );
  const lines = STATION.split("\n");
  const [line = -1] = [lines.findIndex((text) => text.includes("every: 30s"))];
  expect(diagnostics.map(({ range }) => range.start.line)).toContain(line);
  expect(diagnostics.map(({ message }) => message).join("\n")).toMatch(/pin[\s\S]*evrey/);
});

test("an editor underlines a byte order that nobody knows in a device file", async () => {
  const text = textOf(join(ROOT, "boards/pump-mk2.yaml")).replace("byte-order: big-endian", "byte-order: big");
  const { diagnostics } = await open("device", text);
  expect(diagnostics.map(({ message }) => message).join()).toMatch(/big-endian/);
});

test("an editor completes types, keys that a type needs, and words of a choice", async () => {
  const typed = STATION.replace("type: bme280", "type: ");
  const inType = await open("station", typed);
  expect(await editor.complete(inType.uri, ...behind(typed, "climate:\n    type: "))).toContain("sht4x");
  const half = STATION.replace("    per-pulse: 0.2794 mm\n", "    per\n");
  const inKey = await open("station", half);
  expect(await editor.complete(inKey.uri, ...behind(half, "    per"))).toContain("per-pulse");
  const severity = textOf(join(ROOT, "boards/pump-modbus.yaml")).replace("severity: critical", "severity: ");
  const inChoice = await open("device", severity);
  expect(await editor.complete(inChoice.uri, ...behind(severity, "severity: "))).toEqual(
    expect.arrayContaining(["info", "warning", "critical"]),
  );
});

test("an editor says what a key means when the mouse rests on it", async () => {
  const { uri } = await open("station", STATION);
  const [line, character] = behind(STATION, "\nstation");
  expect(await editor.hover(uri, line, character - 2)).toMatch(/the name the cloud knows/);
});

test("an editor takes a file that extends another, and still knows its words", async () => {
  const file =
    "format: 1\ntype: dry\nextends: bme280\nevery: 5min\nchannels:\n  humidity: none\n  pressure: { range: 0 to 9 }\n";
  expect((await open("device", file)).diagnostics).toEqual([]);
  expect((await open("device", `${file}evrey: 5min\n`)).diagnostics).not.toEqual([]);
  expect((await open("device", file.replace("extends: bme280\n", ""))).diagnostics).not.toEqual([]);
});
