import { expect, it } from "vitest";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { copyAside, putBack, putInPlace } from "./install.ts";

const STATION = "/etc/station.yaml";
const VALVE = "/etc/devices/valve.yaml";
const FRESH = "/etc/devices/fresh.yaml";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function replaced() {
  const files = createMemoryFiles();
  files.write(STATION, "old station");
  files.write(VALVE, "same");
  const next = [
    { path: STATION, bytes: bytes("new station") },
    { path: VALVE, bytes: bytes("same") },
    { path: FRESH, bytes: bytes("new type") },
  ];
  const { clock } = createSimulatedTime();
  const all = copyAside({ files, clock }, next);
  putInPlace(files, next, all);
  const text = (path: string) => {
    const found = files.read(path);
    return found && new TextDecoder().decode(found);
  };
  return { files, all, text };
}

it("what was replaced is there again, what is the same was left alone, and a file that is new is gone", () => {
  const { files, all, text } = replaced();
  expect(all.map(({ path }) => path)).toEqual([STATION, FRESH]);
  expect([text(STATION), text(FRESH)]).toEqual(["new station", "new type"]);
  expect(putBack(files, all)).toEqual([]);
  expect([text(STATION), text(VALVE), text(FRESH)]).toEqual(["old station", "same", undefined]);
  expect(putBack(files, all)).toEqual([]);
});

it("what a person has saved since is left alone, and said", () => {
  const { files, all, text } = replaced();
  files.write(STATION, "a person's");
  files.write(FRESH, "a person's, too");
  expect(putBack(files, all)).toEqual([STATION, FRESH]);
  expect([text(STATION), text(FRESH)]).toEqual(["a person's", "a person's, too"]);
});

it("a file whose copy is gone stays as it is, and is said", () => {
  const { files, all, text } = replaced();
  files.remove(all[0]?.copy ?? "");
  expect(putBack(files, all)).toEqual([STATION]);
  expect([text(STATION), text(FRESH)]).toEqual(["new station", undefined]);
});
