import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDatabases } from "@pump-station/agent/linux/sqlite.ts";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readOnlyDatabases } from "./database.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "look-"));
  path = join(folder, "readings.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  true,
  false,
])("what somebody has written is seen while they have the file open (as its sole owner: %s)", (isSoleOwner) => {
  const database = createDatabases({ isSoleOwner }).open(path);
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE rows (id INTEGER PRIMARY KEY); INSERT INTO rows VALUES (1)");
  const count = () => readOnlyDatabases.query(path, "SELECT count(*) AS n FROM rows")[0]?.["n"];
  expect(count()).toBe(1);
  database.exec("PRAGMA wal_checkpoint(PASSIVE); INSERT INTO rows VALUES (2), (3)");
  expect(count()).toBe(3);
  database.exec("INSERT INTO rows VALUES (4)");
  expect(readdirSync(folder).includes("readings.db-shm")).toBe(!isSoleOwner);
  database.close();
  expect(count()).toBe(4);
});

it("what isn't there is an error, and nothing is made in its place", () => {
  expect(() => readOnlyDatabases.query(path, "SELECT 1")).toThrow();
  expect(readdirSync(folder)).toEqual([]);
});
