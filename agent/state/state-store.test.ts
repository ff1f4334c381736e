import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createFiles } from "../linux/files.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createStateStore } from "./state-store.ts";

const log = () => {};

describe("a state document", () => {
  it("is what was saved last, also for the next process", () => {
    const files = createMemoryFiles();
    createStateStore({ files, log }, "/data").document("twin").save({ a: 1 });
    createStateStore({ files, log }, "/data").document("twin").save({ a: 2 });
    expect(createStateStore({ files, log }, "/data").document("twin").load()).toEqual({ a: 2 });
  });
  it("is the copy before, when the newest is damaged anywhere", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const files = createMemoryFiles();
        const document = createStateStore({ files, log }, "/data").document("twin");
        document.save({ version: 1, text: "before" });
        document.save({ version: 2, text: "newest" });
        const bytes = files.contents.get("/data/twin.json")!;
        bytes[at % bytes.length]! ^= flip;
        expect(document.load()).toEqual({ version: 1, text: "before" });
      }),
    );
  });
  it("that is secret can be read by its owner alone, and so can the copy before it", () => {
    const folder = mkdtempSync(join(tmpdir(), "state-"));
    const store = createStateStore({ files: createFiles(), log }, folder);
    const document = store.document("identity", { isSecret: true });
    document.save(1);
    document.save(2);
    const modes = ["identity.json", "identity.json.before"].map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
    rmSync(folder, { recursive: true });
  });
  it("keeps the whole copy when a damaged one is replaced", () => {
    const files = createMemoryFiles();
    const document = createStateStore({ files, log }, "/data").document("twin");
    document.save(1);
    document.save(2);
    files.write("/data/twin.json", "damaged");
    document.save(3);
    files.write("/data/twin.json", "");
    expect(document.load()).toBe(1);
  });
  it("is the copy before, when the newest can't be read from a worn medium, and can be saved again", () => {
    const files = createMemoryFiles();
    const worn = {
      ...files,
      read: (path: string) => {
        if (path === "/data/twin.json") throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
        return files.read(path);
      },
    };
    const document = createStateStore({ files, log }, "/data").document("twin");
    document.save(1);
    document.save(2);
    const unread = createStateStore({ files: worn, log }, "/data").document("twin");
    expect(unread.load()).toBe(1);
    unread.save(3);
    expect(document.load()).toBe(3);
  });
  it("is undefined when there is none, or none that is whole", () => {
    const files = createMemoryFiles();
    expect(createStateStore({ files, log }, "/data").document("x").load()).toBeUndefined();
    files.write("/data/x.json", "{}");
    expect(createStateStore({ files, log }, "/data").document("x").load()).toBeUndefined();
  });
});

describe("files on the machine", () => {
  const folder = mkdtempSync(join(tmpdir(), "pump-station-files-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  it("are written whole, with their mode, in folders made on the way", () => {
    const files = createFiles();
    const path = join(folder, "a/b/secret");
    files.writeDurably(path, new TextEncoder().encode("one"), 0o600);
    files.writeDurably(path, new TextEncoder().encode("two"), 0o600);
    expect(new TextDecoder().decode(files.read(path))).toBe("two");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(files.list(join(folder, "a/b"))).toEqual(["secret"]);
    files.remove(path);
    expect(files.read(path)).toBeUndefined();
    expect(files.list(join(folder, "nowhere"))).toEqual([]);
  });
  it("tell when they change, also when an editor replaces them", async () => {
    const files = createFiles();
    const path = join(folder, "watched");
    files.writeDurably(path, new Uint8Array([1]));
    let changes = 0;
    const changed = new Promise<void>((resolve) => {
      const stop = files.watch(path, () => {
        changes++;
        stop();
        resolve();
      });
    });
    writeFileSync(`${path}.tmp`, "other");
    files.writeDurably(path, new Uint8Array([2, 3]));
    await changed;
    expect(changes).toBe(1);
  });
});
