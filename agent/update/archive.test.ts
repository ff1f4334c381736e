import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { type Header, pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { UPDATE_UNPACKED_BYTES_MAX } from "../limits.ts";
import { ArchiveError, readArchive, writeArchive } from "./archive.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);
const STATION = { name: "station.yaml", bytes: bytes("format: 1\n") };
const VALVE = { name: "devices/valve.yaml", bytes: bytes("type: valve\n") };

async function tarOf(
  ...entries: readonly (Partial<Header> & { readonly name: string; readonly body?: string })[]
): Promise<Uint8Array> {
  const tar = pack();
  for (const { body = "", ...header } of entries) tar.entry(header, body);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
const station = { name: "station.yaml", body: "format: 1\n" };

describe("an archive", () => {
  it("gives back what was packed, and is the same bytes each time", async () => {
    const packed = await writeArchive([VALVE, STATION]);
    expect(Buffer.from(packed)).toEqual(Buffer.from(await writeArchive([STATION, VALVE])));
    const files = await readArchive(packed);
    expect(files.map(({ name, bytes }) => [name, text(bytes)])).toEqual([
      ["station.yaml", "format: 1\n"],
      ["devices/valve.yaml", "type: valve\n"],
    ]);
  });
  it("may be a tar as tar itself makes it: ./ before the names, folders as entries; or the station file alone", async () => {
    const tar = await tarOf(
      { name: "./", type: "directory" },
      { name: "./devices/", type: "directory" },
      { name: "./devices/valve.yaml", body: "type: valve\n" },
      { ...station, name: "./station.yaml" },
    );
    expect((await readArchive(tar)).map(({ name }) => name)).toEqual(["station.yaml", "devices/valve.yaml"]);
    for (const alone of [STATION.bytes, gzipSync(STATION.bytes)])
      expect((await readArchive(alone)).map((file) => [file.name, text(file.bytes)])).toEqual([
        ["station.yaml", "format: 1\n"],
      ]);
  });
  it.each<[string, (Partial<Header> & { readonly name: string; body?: string })[], string]>([
    ["a path outside", [station, { name: "../agent.yaml" }], '"../agent.yaml" has no place in a description'],
    ["an absolute path", [station, { name: "/etc/passwd" }], "has no place"],
    ["a path that leaves by the way", [station, { name: "devices/../../x.yaml" }], "has no place"],
    ["a folder in the folder", [station, { name: "devices/a/b.yaml" }], "has no place"],
    ["a name in capitals", [station, { name: "devices/Valve.yaml" }], "has no place"],
    ["a link", [{ name: "station.yaml", type: "symlink", linkname: "/etc/shadow" }], "is no file but a symlink"],
    ["a hard link", [station, { name: "devices/a.yaml", type: "link", linkname: "x" }], "is no file but a link"],
    ["a pipe", [station, { name: "devices/a.yaml", type: "fifo" }], "is no file but a fifo"],
    ["a foreign folder", [station, { name: "keys/", type: "directory" }], "is no file but a directory"],
    ["a file twice", [station, station], "station.yaml is there twice"],
    ["no station file", [{ name: "devices/a.yaml" }], "holds no station.yaml"],
    [
      "too many files",
      [station, ...Array.from({ length: 200 }, (_, at) => ({ name: `devices/d${at}.yaml` }))],
      "more than 200 files",
    ],
  ])("with %s is refused with words", async (_, entries, words) => {
    await expect(readArchive(await tarOf(...entries))).rejects.toThrow(words);
  });
  it("that would become too large is refused before it does", async () => {
    const bomb = gzipSync(Buffer.alloc(UPDATE_UNPACKED_BYTES_MAX + 1));
    expect(bomb.length).toBeLessThan(10_000);
    await expect(readArchive(bomb)).rejects.toThrow("more than 4096 KiB unpacked");
    await expect(readArchive(new Uint8Array(1024 * 1024 + 1).fill(32))).rejects.toThrow("more than 1024 KiB packed");
    await expect(readArchive(new Uint8Array(1000))).rejects.toThrow("neither a tar archive");
  });
  it("that is damaged anywhere is refused as such, or is what it was", async () => {
    const tar = Buffer.from(await tarOf(station, { name: "devices/valve.yaml", body: "type: valve\n" }));
    const packed = Buffer.from(await writeArchive([STATION, VALVE]));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(tar, packed),
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(),
        async (whole, at, value, cut) => {
          const damaged = Buffer.from(whole.subarray(0, whole.length - (cut % 700)));
          if (damaged.length > 0) damaged[at % damaged.length] = value;
          try {
            for (const { name } of await readArchive(damaged))
              expect(name).toMatch(/^(station|devices\/[a-z0-9-]+)\.yaml$/);
          } catch (error) {
            expect(error).toBeInstanceOf(ArchiveError);
          }
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
