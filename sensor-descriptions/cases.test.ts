import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDeviceType, loadStation } from "./load.ts";
import { formatProblems } from "./problems.ts";

/** Each folder holds a file as it was broken, and `expected.txt`, what a person is told about it. */
const ROOT = import.meta.dirname;
const CASES = join(ROOT, "cases");

const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => join(folder, file)),
);
const findType = (type: string) => {
  const path = catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
  return path === undefined ? undefined : { path, text: readFileSync(join(ROOT, path), "utf8") };
};
const knownTypes = catalogue.map((path) => path.replace(/^.*\//, "").replace(/\.yaml$/, ""));

test.each(readdirSync(CASES))("the broken file of %s is told as expected", async (name) => {
  const file = readdirSync(join(CASES, name)).find((candidate) => candidate.endsWith(".yaml")) ?? "";
  const source = { path: file, text: readFileSync(join(CASES, name, file), "utf8") };
  const loaded: { station?: unknown; type?: unknown; problems: ReturnType<typeof loadStation>["problems"] } =
    file === "station.yaml" ? loadStation(source, findType, knownTypes) : loadDeviceType(source);
  const isUsable = (loaded.station ?? loaded.type) !== undefined;
  const told = formatProblems(loaded.problems, (path) => (path === file ? source.text : undefined), { colour: false });
  expect(loaded.problems.length).toBeGreaterThan(0);
  expect(existsSync(join(CASES, name, "expected.txt"))).toBe(true);
  await expect(`${told}\n\n${isUsable ? "usable" : "not usable"}\n`).toMatchFileSnapshot(
    join(CASES, name, "expected.txt"),
  );
});
