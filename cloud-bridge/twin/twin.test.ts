import { twinDigest } from "@pump-station/agent/wire/twin-digest.ts";
import type { Json, JsonObject } from "@pump-station/agent/wire/twin-document.ts";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import type { Twin } from "../api/contract.ts";
import { createDatabases } from "../host/sqlite.ts";
import { TWIN_BYTES_MAX } from "../limits.ts";
import { createSqliteStore } from "../store/sqlite-store.ts";
import { createTwinAuthority, type TwinAuthority } from "./authority.ts";
import { settingsOf } from "./settings.ts";
import { checkPatch, TwinError } from "./validate.ts";

let twins: TwinAuthority;
let sent: { readonly topic: string; readonly body: JsonObject }[];
let changes: Twin[];
beforeEach(async () => {
  const store = createSqliteStore({ database: createDatabases().open(":memory:") });
  await store.addStation("lake", "credential", 0);
  sent = [];
  changes = [];
  twins = createTwinAuthority({
    store,
    log: () => undefined,
    send: async (topic, payload) => {
      sent.push({ topic, body: JSON.parse(Buffer.from(payload).toString()) as JsonObject });
    },
    onChanged: (twin) => changes.push(twin),
  });
});
const report = (patch: Json): Promise<void> => twins.onReport("lake", "r", Buffer.from(JSON.stringify(patch)));
const target = (value: Json): JsonObject => ({ devices: { pump: { target: value } } });
const setting = async (path = "devices/pump/target") =>
  (await twins.twin("lake")).settings.find((entry) => entry.path === path);

test("a desired change counts the version, is sent as a patch with it, and waits for its acknowledgement", async () => {
  await twins.patchDesired("lake", target(900));
  const twin = await twins.patchDesired("lake", { devices: { pump: { every: 60 } } });
  expect(twin.desired).toEqual({ $version: 3, devices: { pump: { target: 900, every: 60 } } });
  expect(sent.at(-1)).toEqual({
    topic: "ps/1/lake/twin/desired",
    body: { devices: { pump: { every: 60 } }, $version: 3 },
  });
  expect(await setting()).toEqual({
    path: "devices/pump/target",
    desired: 900,
    desiredVersion: 2,
    reported: null,
    ac: null,
    av: null,
    ad: null,
    converged: false,
  });
  expect(changes.length).toBe(2);
});

test("a setting has converged when the station runs the value and answers for the version that set it", async () => {
  await twins.patchDesired("lake", target(900));
  await report(target({ value: 850, ac: 202, av: 2, ad: "waits until idle" }));
  expect(await setting()).toMatchObject({ reported: 850, ac: 202, ad: "waits until idle", converged: false });
  await report(target({ value: 900, ac: 200, av: 2, ad: "" }));
  expect(await setting()).toMatchObject({ reported: 900, ac: 200, av: 2, converged: true });
  // Another setting's change doesn't unsettle this one; a new value does.
  await twins.patchDesired("lake", { upload: { interval: 300 }, ...target(900) });
  expect((await setting())?.converged).toBe(true);
  await twins.patchDesired("lake", target(800));
  expect((await setting())?.converged).toBe(false);
});

test("a description that was sent is one setting, which has converged when the hash that it becomes runs", async () => {
  const description = { url: "https://x/y", sha256: "aa", signature: "…", "based-on": "old", hash: "new" };
  await twins.patchDesired("lake", { description });
  await report({ description: { hash: "old", value: "old", ac: 202, av: 2, ad: "downloading" } });
  const settings = async () => (await twins.twin("lake")).settings;
  expect(await settings()).toMatchObject([
    { path: "description", desired: "new", desiredVersion: 2, reported: "old", ac: 202, converged: false },
  ]);
  await report({ description: { hash: "new", value: "new", ac: 200, ad: "" } });
  expect(await settings()).toMatchObject([{ desired: "new", reported: "new", converged: true }]);
  await twins.patchDesired("lake", { description: { hash: null, sha256: "bb" } });
  expect(await settings()).toMatchObject([{ desired: "new", desiredVersion: 3, converged: false }]);
});

test("values of a device that is refused as a whole are refused with its reason", () => {
  const refused = { value: null, ac: 400, av: 2, ad: "no such device; there are pump" };
  const settings = settingsOf({
    desired: { devices: { pumpp: { every: 3, target: 5 } } },
    reported: { devices: { pumpp: refused } },
    versions: {},
  });
  expect(settings).toMatchObject([
    { path: "devices/pumpp/every", desired: 3, reported: null, ac: 400, ad: refused.ad, converged: false },
    { path: "devices/pumpp/target", desired: 5, ac: 400 },
  ]);
});

test("live is one setting, which has converged while it runs as asked, and when it is over", async () => {
  const stored = (reported: JsonObject) => ({
    desired: { live: { every: 5, until: 1_793_000_000_000 } },
    reported,
    versions: { live: 2 },
  });
  const of = (reported: JsonObject) => settingsOf(stored(reported));
  expect(of({})).toMatchObject([{ path: "live", desired: 5, reported: null, ac: null, converged: false }]);
  expect(of({ live: { value: 5, ac: 200, av: 2, ad: "" } })).toMatchObject([
    { desired: 5, reported: 5, converged: true },
  ]);
  expect(of({ live: { value: null, ac: 200, av: 2, ad: "is over" } })).toMatchObject([
    { desired: null, reported: null, converged: true },
  ]);
  expect(of({ live: { value: null, ac: 400, av: 2, ad: "until is no time" } })).toMatchObject([
    { desired: 5, ac: 400, converged: false },
  ]);
  expect(of({ twin: { "left-out": 3, digest: twinDigest(stored({}).desired), version: 2 } })).toMatchObject([
    { desired: 5, reported: 5, converged: true },
  ]);
});

test("a null takes a desired value away, and what the station's own file says stays in sight", async () => {
  await twins.patchDesired("lake", target(900));
  await report(target({ value: 1000, ac: 203, av: 0, ad: "" }));
  const twin = await twins.patchDesired("lake", target(null));
  expect(twin.desired).toEqual({ $version: 3, devices: { pump: {} } });
  expect(sent.at(-1)?.body).toEqual({ ...target(null), $version: 3 });
  expect(await setting()).toMatchObject({ desired: null, reported: 1000, converged: true });
});

test("a station converges when its digest is that of what is desired, and says since when", async () => {
  const desired = { devices: { pump: { target: 900, every: 60 } } };
  await twins.patchDesired("lake", desired);
  const convergence = async () => (await twins.twin("lake")).convergence;
  expect(await convergence()).toMatchObject({
    converged: false,
    since: null,
    why: ["devices/pump/every: not answered yet", "devices/pump/target: not answered yet"],
    digest: twinDigest(desired),
    reportedDigest: null,
  });
  const waits = { value: 850, ac: 202, av: 2, ad: "waits until idle" };
  const answered = twinDigest(desired, (path) => (path === "devices/pump/target" ? 202 : 200));
  const every = { value: 60, ac: 200, av: 2, ad: "" };
  await report({ twin: { version: 2, digest: answered, open: 1 }, devices: { pump: { target: waits, every } } });
  expect(await convergence()).toMatchObject({ converged: false, why: ["devices/pump/target: waits until idle"] });
  const since = "2026-05-02T08:00Z";
  await report({
    twin: { digest: twinDigest(desired), since, open: null },
    ...target({ value: 900, ac: 200, ad: "" }),
  });
  expect(await convergence()).toEqual({
    converged: true,
    since,
    why: [],
    digest: twinDigest(desired),
    reportedDigest: twinDigest(desired),
  });
  await twins.patchDesired("lake", target(800));
  expect(await convergence()).toMatchObject({ converged: false });
});

test("what a large report leaves out runs as desired when the digest or the count of the others says so", async () => {
  const desired = { devices: { pump: { target: 900, every: 60 } } };
  await twins.patchDesired("lake", desired);
  await report({ twin: { version: 2, digest: twinDigest(desired), "left-out": 2 } });
  expect(await setting()).toMatchObject({ reported: 900, ac: 200, av: 2, converged: true });
  await report({ twin: { digest: "0", open: 1 }, ...target({ value: 850, ac: 202, av: 2, ad: "waits" }) });
  expect(await setting()).toMatchObject({ converged: false, ac: 202 });
  expect(await setting("devices/pump/every")).toMatchObject({ converged: true });
  // Two don't run, and one of them isn't told: nobody can say which.
  await report({ twin: { open: 2 } });
  expect(await setting("devices/pump/every")).toMatchObject({ converged: false, ac: null });
});

test("a document that the station refuses as a whole hasn't converged, and says why", async () => {
  await twins.patchDesired("lake", target(900));
  await report({ twin: { version: 2, digest: "e3b0c44298fc", refused: "9000 bytes, at most 8192" } });
  const { convergence } = await twins.twin("lake");
  expect(convergence.converged).toBe(false);
  expect(convergence.why[0]).toBe("the whole document is refused: 9000 bytes, at most 8192");
});

test("a get is answered with both documents and their versions", async () => {
  await twins.patchDesired("lake", target(900));
  await report({ agent: { version: "1" } });
  await twins.onGet("lake", "7");
  expect(sent.at(-1)).toEqual({
    topic: "ps/1/lake/twin/full/7",
    body: { desired: { $version: 2, ...target(900) }, reported: { $version: 2, agent: { version: "1" } } },
  });
});

test("a report is answered with the new version, a broken one with what was wrong, and changes nothing", async () => {
  await report({ a: 1 });
  expect(sent.at(-1)).toEqual({ topic: "ps/1/lake/twin/reported/r", body: { version: 2 } });
  for (const broken of [[1], "text", null, { "a.b": 1 }, { a: { b: { c: { d: { e: { f: 1 } } } } } }]) {
    await report(broken);
    expect(sent.at(-1)?.topic, JSON.stringify(broken)).toBe("ps/1/lake/twin/refused/r");
  }
  await twins.onReport("lake", "r", Uint8Array.of(0xff, 0x7b));
  expect(sent.at(-1)?.body["error"]).toMatch(/not a JSON object/);
  expect((await twins.twin("lake")).reported).toEqual({ $version: 2, a: 1 });
});

test("a change is answered although the station takes nothing, and a failed delivery is logged", async () => {
  const store = createSqliteStore({ database: createDatabases().open(":memory:") });
  await store.addStation("lake", "credential", 0);
  const events: string[] = [];
  const log = (_: string, event: string): void => void events.push(event);
  const withSend = (send: () => Promise<void>) => createTwinAuthority({ store, log, send, onChanged: () => undefined });
  const stuck = withSend(() => new Promise(() => undefined));
  expect((await stuck.patchDesired("lake", target(900))).desired["$version"]).toBe(2);
  const broken = withSend(() => Promise.reject(new Error("broker closed")));
  expect((await broken.patchDesired("lake", target(800))).desired["$version"]).toBe(3);
  await expect.poll(() => events).toContain("twin-desired-not-sent");
});

test("a setting named like a property of every object has the version that set it, and 0 without one", async () => {
  await report({ constructor: { value: 1, ac: 203, av: 0, ad: "" } });
  expect((await setting("constructor"))?.desiredVersion).toBe(0);
  await twins.patchDesired("lake", { constructor: 1 });
  expect((await setting("constructor"))?.desiredVersion).toBe(2);
});

test("If-Match guards against a change that somebody else made meanwhile", async () => {
  await twins.patchDesired("lake", target(900), 1);
  await expect(twins.patchDesired("lake", target(800), 1)).rejects.toMatchObject({ reason: "conflict" });
  expect((await setting())?.desired).toBe(900);
});

test("the merged document is bounded, not only the patch", async () => {
  const half = "x".repeat(TWIN_BYTES_MAX / 2 + 100);
  await twins.patchDesired("lake", { a: half });
  await expect(twins.patchDesired("lake", { b: half })).rejects.toMatchObject({ reason: "size" });
  expect((await twins.twin("lake")).desired["$version"]).toBe(2);
});

test("patches go to the station in the order of their versions", async () => {
  await Promise.all([1, 2, 3, 4, 5].map((value) => twins.patchDesired("lake", target(value))));
  expect(sent.map(({ body }) => body["$version"])).toEqual([2, 3, 4, 5, 6]);
});

const keysIn = (value: Json): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [...(Array.isArray(value) ? [] : [key]), ...keysIn(inner)])
    : [];

test("whatever JSON comes as a patch, it is checked or refused with a TwinError", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      try {
        for (const key of keysIn(checkPatch(value as Json))) expect(key).toMatch(/^[^.$\s]{1,64}$/);
      } catch (error) {
        expect(error).toBeInstanceOf(TwinError);
      }
    }),
    { numRuns: 1_000 },
  );
});
