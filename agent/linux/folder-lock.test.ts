import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isFolderLocked, lockFolder } from "./folder-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a data folder is one agent's until it gives it back", () => {
  const unlock = lockFolder(join(folder, "data"));
  expect(() => lockFolder(join(folder, "data"))).toThrow("another agent already runs on it");
  unlock();
  lockFolder(join(folder, "data"))();
});

test("a lock that can't be had for other reasons isn't taken for another agent, and says its code", () => {
  writeFileSync(join(folder, "lock.sqlite"), "this is no database, however long one looks at it".repeat(100));
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: "SQLITE_NOTADB" }));
});

test("whether an agent runs on a folder can be asked without locking it, and without making it", () => {
  const data = join(folder, "data");
  expect(isFolderLocked(data)).toBe(false);
  const unlock = lockFolder(data);
  expect(isFolderLocked(data)).toBe(true);
  unlock();
  expect(isFolderLocked(data)).toBe(false);
  lockFolder(data)();
  writeFileSync(join(folder, "lock.sqlite"), "this is no database, however long one looks at it".repeat(100));
  expect(isFolderLocked(folder)).toBe("unknown");
});
