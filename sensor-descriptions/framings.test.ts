import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadDeviceType } from "./load.ts";
import { formatProblems } from "./problems.ts";

const FOLDER = join(import.meta.dirname, "testing/devices");

it("the starting file of lines passes its own check", () => {
  const text = readFileSync(join(import.meta.dirname, "starting/lines.yaml"), "utf8");
  expect(loadDeviceType({ path: "my-device.yaml", text }).problems).toEqual([]);
});

it.each(readdirSync(FOLDER))("%s: its examples hold, as host and as device", (file) => {
  const text = readFileSync(join(FOLDER, file), "utf8");
  const { problems, type } = loadDeviceType({ path: file, text });
  expect(formatProblems(problems, () => text, { colour: false })).toBe("");
  expect(type?.examples.length).toBeGreaterThanOrEqual(2);
});
