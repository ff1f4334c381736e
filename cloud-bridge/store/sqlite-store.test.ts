import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createDatabases } from "../host/sqlite.ts";
import type { Statement } from "../world.ts";
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

test("an alarm of one station doesn't count the alarms of all anew", async () => {
  const database = createDatabases().open(":memory:");
  let counts = 0;
  const prepare = (text: string): Statement => {
    const statement = database.prepare(text);
    const get: Statement["get"] = (...values) => {
      if (text.includes("SELECT DISTINCT device, alarm")) counts++;
      return statement.get(...values);
    };
    return { ...statement, get };
  };
  const store = createSqliteStore({ database: { ...database, prepare } });
  for (const station of ["lake", "pond", "well"]) await store.addStation(station, "credential", 0);
  await store.stations();
  expect(counts).toBe(3);
  await store.write([{ station: "pond", atMs: 0, kind: "alarms", alarms: [] }]);
  await store.stations();
  expect(counts).toBe(4);
});
