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

test("a file of the first release is opened, and what is in it stays", async () => {
  const database = createDatabases().open(":memory:");
  const store = createSqliteStore({ database });
  await store.addStation("lake", "credential", 0);
  database.exec("ALTER TABLE boot DROP COLUMN earliest_ms; ALTER TABLE alarm DROP COLUMN on_site");
  database.exec(
    "DROP TABLE certificate; DROP TABLE enrolment_token; DROP TABLE revocation; DROP TABLE file; DROP TABLE file_part; DROP TABLE command; PRAGMA user_version = 1",
  );
  const again = createSqliteStore({ database });
  expect(await again.credentialOf("lake")).toBe("credential");
  await again.write([{ station: "lake", atMs: 0, kind: "clock", bootId: "b", offsetMs: 1, earlierMs: 1 }]);
  expect(database.prepare("SELECT offset_ms, earliest_ms FROM boot").get()).toEqual({ offset_ms: 1, earliest_ms: 0 });
  expect(await again.identities.certificates("lake")).toEqual([]);
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
