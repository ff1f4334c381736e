import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createDesk } from "./desk.ts";
import { lockName } from "./name-lock.ts";

let folder = "";
const before = { ...process.env };
const desk = createDesk();
const bytes = (text: string) => new TextEncoder().encode(text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "desk-"));
  process.env["XDG_STATE_HOME"] = join(folder, "state");
});
afterEach(() => {
  for (const name of ["XDG_STATE_HOME", "TMPDIR", "VISUAL"]) {
    const value = before[name];
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  rmSync(folder, { recursive: true, force: true });
});

it("installs in place of the file before, with its mode, through a link, and leaves no draft beside it", () => {
  const path = join(folder, "station.yaml");
  writeFileSync(path, "before, and longer\n");
  chmodSync(path, 0o664);
  symlinkSync(path, join(folder, "link.yaml"));
  expect(desk.install(join(folder, "link.yaml"), bytes("after\n"))).toBe("replaced");
  expect(readFileSync(path, "utf8")).toBe("after\n");
  expect(statSync(path).mode & 0o777).toBe(0o664);
  expect(readdirSync(folder).sort()).toEqual(["link.yaml", "station.yaml"]);
  expect(desk.install(join(folder, "new.yaml"), bytes("new\n"))).toBe("replaced");
});

it("says at once who may not write, and that there is no such folder", () => {
  expect(() => desk.checkWritable(join(folder, "none/station.yaml"))).toThrow(
    /none\/station\.yaml: there is no such folder/,
  );
  desk.checkWritable(join(folder, "station.yaml"));
});

it("keeps drafts of one file at one place that nobody else can read, under the file's name", () => {
  const path = join(folder, "station.yaml");
  writeFileSync(path, "x\n");
  symlinkSync(path, join(folder, "link.yaml"));
  const draft = desk.draftOf(path);
  expect(draft).toMatch(/state\/pump-station\/edit\/[0-9a-f]{16}\/station\.yaml$/);
  expect(desk.draftOf(path)).toBe(draft);
  expect(statSync(join(draft, "..")).mode & 0o077).toBe(0);
  process.env["XDG_STATE_HOME"] = join(path, "a-file-is-no-folder");
  process.env["TMPDIR"] = folder;
  expect(desk.draftOf(path)).toContain(`${folder}/pump-station-edit-`);
});

it("runs the person's editor with its options, and tells how it ended", async () => {
  const path = join(folder, "station.yaml");
  writeFileSync(path, "a\n");
  process.env["VISUAL"] = "sed -i s/a/b/";
  expect(await desk.edit(path)).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("b\n");
  process.env["VISUAL"] = "false";
  expect(await desk.edit(path)).toBe(1);
  process.env["VISUAL"] = "no-such-editor";
  await expect(desk.edit(path)).rejects.toThrow("editor no-such-editor: not found");
});

it("a name is held once, says who holds it, and is free again", async () => {
  const name = `desk-test-${process.pid}`;
  const first = await lockName(name, "anna, process 1");
  expect(await lockName(name, "bert")).toEqual({ by: expect.stringMatching(/^anna, process 1, since \d\d:\d\d UTC$/) });
  if ("release" in first) first.release();
  expect(await lockName(name, "bert")).toHaveProperty("release");
});
