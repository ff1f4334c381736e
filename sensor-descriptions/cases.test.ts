import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDeviceType, loadStation } from "./load.ts";
import { formatProblems } from "./problems.ts";

/**
 * Each folder holds a file as it was broken, and `expected.txt`, what a person is told about it; where it takes other
 * device files, they stand in `devices/`.
 */
const ROOT = import.meta.dirname;
const CASES = join(ROOT, "cases");

const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => join(folder, file)),
);
const knownTypes = catalogue.map((path) => path.replace(/^.*\//, "").replace(/\.yaml$/, ""));
const textAt = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test.each(readdirSync(CASES))("the broken file of %s is told as expected", async (name) => {
  const folder = join("cases", name);
  const file = readdirSync(join(CASES, name)).find((candidate) => candidate.endsWith(".yaml")) ?? "";
  const source = { path: file, text: textAt(join(folder, file)) };
  const read = new Map([[file, source.text]]);
  const findType = (type: string) => {
    const own = join("devices", `${type}.yaml`);
    const isOwn = existsSync(join(CASES, name, own));
    const path = isOwn ? own : catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
    if (path === undefined) return undefined;
    const text = textAt(isOwn ? join(folder, own) : path);
    read.set(path, text);
    return { path, text };
  };
  const loaded: { station?: unknown; type?: unknown; problems: ReturnType<typeof loadStation>["problems"] } =
    file === "station.yaml" ? loadStation(source, findType, knownTypes) : loadDeviceType(source, findType, knownTypes);
  const isUsable = (loaded.station ?? loaded.type) !== undefined;
  const told = formatProblems(loaded.problems, (path) => read.get(path), { colour: false });
  expect(loaded.problems.length).toBeGreaterThan(0);
  expect(existsSync(join(CASES, name, "expected.txt"))).toBe(true);
  await expect(`${told}\n\n${isUsable ? "usable" : "not usable"}\n`).toMatchFileSnapshot(
    join(CASES, name, "expected.txt"),
  );
});
