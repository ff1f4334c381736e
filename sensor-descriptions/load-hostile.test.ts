import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadDeviceType, loadStation } from "./load.ts";
import { hasErrors } from "./problems.ts";

const ROOT = import.meta.dirname;
const read = (path: string) => ({ path, text: readFileSync(join(ROOT, path), "utf8") });
const station = read("stations/demo-lake.yaml");
const devices = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => read(`${folder}/${file}`)),
);
const findType = (type: string) => devices.find(({ path }) => path.endsWith(`/${type}.yaml`));

const words = [
  "every: 30", "\t", "- ", ": ", ":", "{", "}", "[", "]", '"', "'", "#", "&a ", "*a", "|", ">", "? ", "!!", "---\n", "\n", "  ",
  "0x", "1e999", "-1", "0,5", "°C", "null", "~", "__proto__: 1", "constructor:", "<<: *a", "\u0000", "\uFEFF", "\r\n", "{value}",
  "address: 76", "type: bme280", "formula: a + b", "9".repeat(30), "%", "@", "`",
]; // biome-ignore format: a table

type Edit = { at: number; cut: number; put: string };
const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(12),
    put: fc.oneof(fc.constantFrom("", ...words), fc.string({ maxLength: 6 })),
  }),
  { minLength: 1, maxLength: 4 },
);
const edited = (text: string, changes: readonly Edit[]) =>
  changes.reduce((so, { at, cut, put }) => {
    const place = Math.floor(at * so.length);
    return so.slice(0, place) + put + so.slice(place + cut);
  }, text);

test("a station file with random damage gives problems or a station, and never throws", () => {
  fc.assert(
    fc.property(edits, (changes) => {
      const text = edited(station.text, changes);
      const loaded = loadStation({ path: station.path, text }, findType);
      expect(loaded.station === undefined).toBe(hasErrors(loaded.problems));
      const lines = text.split("\n").length;
      for (const { path, line, column } of loaded.problems) {
        if (path !== station.path) continue;
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(lines);
        expect(column).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

test("a device file with random damage gives problems or a type, and never throws", () => {
  fc.assert(
    fc.property(fc.constantFrom(...devices), edits, (device, changes) => {
      const loaded = loadDeviceType({ path: device.path, text: edited(device.text, changes) });
      expect(loaded.type === undefined).toBe(hasErrors(loaded.problems));
    }),
    { numRuns: 300 },
  );
}, 120_000);

const bombs: Record<string, string> = {
  "opening brackets": "[".repeat(60_000),
  "balanced brackets": "[".repeat(30_000) + "]".repeat(30_000),
  "nested lists": "- ".repeat(30_000),
  "nested sections on a line": "a: ".repeat(20_000),
  "nested questions": "? ".repeat(30_000),
  "nested braces": "{a: ".repeat(15_000),
  "indented steps": Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
  "many keys": Array.from({ length: 7_000 }, (_, i) => `k${i}: 1`).join("\n"),
  "many aliases": `a: &a 1\nb: [${"*a,".repeat(20_000)}]`,
  "a billion laughs": `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`).join("\n")}`,
  "an alias of itself": "a: &a\n  b: *a",
  "one long line": `format: ${"1".repeat(60_000)}`,
  quotes: '"'.repeat(60_000),
  "control characters": "\u0000".repeat(60_000),
  colons: ":".repeat(60_000),
  "carriage returns": "\r".repeat(60_000),
  "tabs and letters": "\ta\n".repeat(20_000),
};

test.each(Object.entries(bombs))("%s are refused quickly", (_, text) => {
  const startedMs = performance.now();
  const { station: loaded, problems } = loadStation({ path: "bomb.yaml", text }, findType);
  expect(loaded).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
  expect(loadDeviceType({ path: "bomb.yaml", text }).type).toBeUndefined();
  // Generous: the machine is shared. What this guards against takes minutes or ends the process.
  expect(performance.now() - startedMs).toBeLessThan(30_000);
});

test("a file beyond 64 KiB is refused unread", () => {
  const { problems } = loadStation({ path: "large.yaml", text: `# ${"x".repeat(65_536)}` }, findType);
  expect(problems.map(({ code }) => code)).toEqual(["D101"]);
});

test("sections 101 deep are refused, 100 deep are read", () => {
  const deep = (depth: number) => `a: ${"[".repeat(depth - 1)}1${"]".repeat(depth - 1)}`;
  const codes = (depth: number) =>
    loadStation({ path: "deep.yaml", text: deep(depth) }, findType).problems.map(({ code }) => code);
  expect(codes(101)).toEqual(["D103"]);
  expect(codes(100)).not.toContain("D103");
});

test("__proto__ in a file changes no object", () => {
  loadStation(
    { path: "proto.yaml", text: "__proto__:\n  polluted: yes\ndevices:\n  __proto__: { polluted: yes }\n" },
    findType,
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});
