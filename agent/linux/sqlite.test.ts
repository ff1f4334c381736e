import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createDatabases } from "./sqlite.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-"));
  path = join(folder, "readings.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the sole owner of a file", () => {
  const begin = () => {
    const database = createDatabases({ isSoleOwner: true }).open(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE rows (id INTEGER PRIMARY KEY)");
    return database;
  };

  it("keeps the index of the log in memory: no third file, of which the kernel would write pages again and again", () => {
    const database = begin();
    database.exec("INSERT INTO rows VALUES (1)");
    expect(existsSync(`${path}-wal`)).toBe(true);
    expect(existsSync(`${path}-shm`)).toBe(false);
    database.close();
  });

  it("leaves it to the next one when it has closed it, with what is in it", () => {
    const database = begin();
    database.exec("INSERT INTO rows VALUES (7)");
    database.sync();
    database.close();
    const next = createDatabases({ isSoleOwner: true }).open(path);
    expect(next.prepare("SELECT id FROM rows").all()).toEqual([{ id: 7 }]);
    next.close();
  });

  it("closes it even where its log can't be synced any more, so that it can be opened again", () => {
    const database = begin();
    rmSync(`${path}-wal`);
    expect(() => database.sync()).toThrow(/sync/);
    database.close();
    rmSync(path);
    expect(() => begin().close()).not.toThrow();
  });
});
