import { expect, it } from "vitest";
import { createStateStore } from "../state/state-store.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import type { Databases } from "../world.ts";
import { keepApart } from "./data-folder.ts";

function standUp() {
  const files = createMemoryFiles();
  const aside: string[] = [];
  const databases = {
    setAside: (path: string, suffix: string) => {
      aside.push(`${path}.${suffix}`);
      return `${path}.${suffix}`;
    },
  } as unknown as Databases;
  const deps = { files, databases, log: () => undefined };
  return { files, aside, start: (station: string) => keepApart(deps, { folder: "/data", station }) };
}

it("a board that becomes another station sends nothing of the one it was, and forgets its settings", () => {
  const { files, aside, start } = standUp();
  const state = createStateStore({ files, log: () => undefined }, "/data/state");
  start("spare-1");
  state.document("twin").save({ desired: 1 });
  state.document("twin").save({ desired: 2 });
  state.document("networks").save({ kept: true });
  start("spare-1");
  expect(aside).toEqual([]);
  start("demo-lake");
  expect(aside).toEqual(["/data/readings.db.of-spare-1"]);
  expect(state.document("twin").load()).toBeUndefined();
  expect(state.document("networks").load()).toEqual({ kept: true });
  start("demo-lake");
  expect(aside).toHaveLength(1);
});

it("a folder from before anybody wrote down whose it is stays as it is", () => {
  const { files, aside, start } = standUp();
  createStateStore({ files, log: () => undefined }, "/data/state")
    .document("twin")
    .save({ desired: 1 });
  start("demo-lake");
  expect(aside).toEqual([]);
  expect(files.contents.has("/data/state/twin.json")).toBe(true);
});
