import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFiles } from "./files.ts";

let folder = "";
const files = createFiles();
const text = (content: string) => new TextEncoder().encode(content);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("files", () => {
  it("that are replaced keep the mode that they had", () => {
    const path = join(folder, "station.yaml");
    writeFileSync(path, "old");
    chmodSync(path, 0o664);
    files.writeDurably(path, text("new"));
    expect(statSync(path).mode & 0o777).toBe(0o664);
  });
  it("are written on from any byte, and what followed is cut off", () => {
    const path = join(folder, "a/part");
    files.writeAt(path, 0, text("new"));
    files.writeAt(path, 2, text("ws!"));
    expect(files.read(path)).toEqual(text("news!"));
    files.writeAt(path, 1, text("o"));
    expect(files.read(path)).toEqual(text("no"));
  });
  it("are written with their folder and mode, and leave no draft", () => {
    files.writeDurably(join(folder, "a/b/key.pem"), text("secret"), 0o600);
    expect(files.read(join(folder, "a/b/key.pem"))).toEqual(text("secret"));
    expect(statSync(join(folder, "a/b/key.pem")).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "a/b"))).toEqual(["key.pem"]);
  });

  it("take the place of the file before, and of a draft that a power cut left", () => {
    writeFileSync(join(folder, ".state.json.new"), "half a dr");
    files.writeDurably(join(folder, "state.json"), text("one"));
    files.writeDurably(join(folder, "state.json"), text("two"));
    expect(files.read(join(folder, "state.json"))).toEqual(text("two"));
    expect(files.list(folder)).toEqual(["state.json"]);
  });

  it("that are absent are undefined, empty, and no error to remove", () => {
    expect(files.read(join(folder, "none/none.txt"))).toBeUndefined();
    expect(files.list(join(folder, "none"))).toEqual([]);
    files.remove(join(folder, "none/none.txt"));
  });

  it("that can't be read throw", () => {
    mkdirSync(join(folder, "folder"));
    expect(() => files.read(join(folder, "folder"))).toThrow(/EISDIR/);
  });

  it("are watched through replacement by an editor", async () => {
    const path = join(folder, "station.yaml");
    files.writeDurably(path, text("one"));
    const onChange = vi.fn();
    const stop = files.watch(path, onChange);
    writeFileSync(`${path}~`, "two");
    renameSync(`${path}~`, path);
    writeFileSync(path, "three");
    await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), { timeout: 10_000 });
    stop();
  });

  it("are watched from the call on: what is saved right after it is seen", async () => {
    const path = join(folder, "station.yaml");
    files.writeDurably(path, text("one"));
    const onChange = vi.fn();
    const stop = files.watch(path, onChange);
    writeFileSync(path, "two, saved at once");
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1), { timeout: 10_000 });
    rmSync(path);
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), { timeout: 10_000 });
    stop();
  });
});

it("reading ends even where a file has no end", () => {
  expect(() => createFiles().read("/dev/zero")).toThrow(/EFBIG: more than \d+ bytes/);
});
