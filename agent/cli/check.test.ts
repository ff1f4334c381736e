import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFiles } from "../linux/files.ts";
import { check } from "./check.ts";
import type { CliDeps } from "./command.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "check-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("a folder among the files is a problem of its own, and the others are checked all the same", () => {
  const path = join(folder, "broken.yaml");
  writeFileSync(path, "format: 2\ntype: x\n");
  let out = "";
  const deps: Pick<CliDeps, "files" | "out" | "colour" | "catalogue"> = {
    files: createFiles(),
    out: (text) => {
      out += text;
    },
    colour: false,
    catalogue: [],
  };
  const options = { devices: [], uploadInterval: 900_000, json: false };
  expect(check(deps as CliDeps, [folder, path], options)).toBe(78);
  expect(out).toContain(`${folder}:1:1 error P000: this is a folder\n  → name its files: ${folder}/*.yaml`);
  expect(out).toContain(`${path}:1:`);
});
