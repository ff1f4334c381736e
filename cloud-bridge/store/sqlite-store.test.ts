import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDatabases } from "../host/sqlite.ts";
import { createSqliteStore } from "./sqlite-store.ts";
import { storeConformance } from "./store.conformance.ts";

storeConformance("the SQLite store", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bridge-store-"));
  const open = () => createSqliteStore({ database: createDatabases().open(join(folder, "bridge.sqlite")) });
  let store = open();
  return {
    store,
    reopen: async () => {
      await store.close();
      store = open();
      return store;
    },
    remove: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

test("a file of a newer release is refused and left as it is", () => {
  const database = createDatabases().open(":memory:");
  database.exec("PRAGMA user_version = 99");
  expect(() => createSqliteStore({ database })).toThrow(/newer/);
});
