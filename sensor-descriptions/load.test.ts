import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadDeviceType, loadStation } from "./load.ts";
import { formatProblems } from "./problems.ts";

const ROOT = import.meta.dirname;
const catalogue = ["boards", "sensors"].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((file) => `${folder}/${file}`),
);
const fileAt = (path: string) => ({ path, text: readFileSync(join(ROOT, path), "utf8") });
const findType = (type: string) => {
  const path = catalogue.find((candidate) => candidate.endsWith(`/${type}.yaml`));
  return path === undefined ? undefined : fileAt(path);
};
const shown = (problems: Parameters<typeof formatProblems>[0]) =>
  formatProblems(problems, (path) => fileAt(path).text, { colour: false });

test.each(catalogue)("%s has no problem and its examples come out", (path) => {
  const { type, problems } = loadDeviceType(fileAt(path));
  expect(shown(problems)).toBe("");
  expect(type?.examples.length).toBeGreaterThanOrEqual(2);
});

test("the demo station loads", () => {
  const { station, problems } = loadStation(fileAt("stations/demo-lake.yaml"), findType);
  expect(shown(problems)).toBe("");
  expect(station).toMatchObject({ name: "demo-lake", altitudeM: 584 });
});
