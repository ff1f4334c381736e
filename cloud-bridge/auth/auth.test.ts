import { beforeEach, expect, test } from "vitest";
import { createChance } from "../host/clock.ts";
import { createDatabases } from "../host/sqlite.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import type { Files } from "../world.ts";
import { createCredentials } from "./credentials.ts";
import { createTokenCheck, loadToken } from "./token.ts";

let store: Store;
beforeEach(() => {
  store = createSqliteStore({ database: createDatabases().open(":memory:") });
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a station's own password opens, before and after a restart, and no other does", async () => {
  const chance = createChance();
  const credentials = createCredentials({ store, chance });
  const password = (await credentials.add("lake", 0)) ?? "";
  const other = (await credentials.add("pond", 0)) ?? "";
  expect(other).not.toBe(password);
  for (const verifier of [credentials, createCredentials({ store, chance })]) {
    // The second time it is remembered.
    for (let time = 0; time < 2; time++) expect(await verifier.verify("lake", bytes(password))).toBe(true);
    for (const wrong of ["", `${password}x`, other])
      expect(await verifier.verify("lake", bytes(wrong)), wrong).toBe(false);
    expect(await verifier.verify("sea", bytes(password))).toBe(false);
  }
});

test("the store keeps no password, and a second station of the same name gets none", async () => {
  const credentials = createCredentials({ store, chance: createChance() });
  const password = (await credentials.add("lake", 0)) ?? "";
  expect(await store.credentialOf("lake")).toMatch(/^scrypt:4096:[\w-]{22}:[\w-]{43}$/);
  expect(await store.credentialOf("lake")).not.toContain(password);
  expect(await credentials.add("lake", 0)).toBeUndefined();
  expect(await credentials.verify("lake", bytes(password))).toBe(true);
});

test("the token is made once, for its owner alone", () => {
  const kept = new Map<string, { bytes: Uint8Array; mode: number }>();
  const files: Files = {
    read: (path) => kept.get(path)?.bytes,
    writeDurably: (path, content, mode) => void kept.set(path, { bytes: content, mode }),
    remove: () => undefined,
  };
  const first = loadToken({ files, chance: createChance() }, "token");
  expect(first).toMatchObject({ isNew: true, value: expect.stringMatching(/^[\w-]{32}$/) });
  expect(kept.get("token")?.mode).toBe(0o600);
  expect(loadToken({ files, chance: createChance() }, "token")).toEqual({ value: first.value, isNew: false });
});

test("only the token itself may write", () => {
  const mayWrite = createTokenCheck("secret");
  expect(mayWrite("Bearer secret")).toBe(true);
  expect(mayWrite("bearer  secret")).toBe(true);
  for (const wrong of [undefined, "", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "Basic secret"])
    expect(mayWrite(wrong), wrong).toBe(false);
});
