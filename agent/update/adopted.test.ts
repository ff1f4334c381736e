import { describe, expect, it } from "vitest";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { placeAdopted } from "./adopted.ts";
import { writeArchive } from "./archive.ts";
import { publicKeyText } from "./signing.ts";
import { bytesOf, KEY, stationFile, valveType } from "./testing/update-bench.ts";

const RAN = stationFile({ one: "" });
const PLACES = {
  station: "lake",
  path: "/etc/station.yaml",
  folders: ["/own", "/catalogue"],
  deviceFolder: "/own",
  trustedKeys: "/keys",
};

async function bench(text = RAN, station = "lake") {
  const files = createMemoryFiles();
  const archive = await writeArchive([
    { name: "station.yaml", bytes: bytesOf(text.replace("station: lake", `station: ${station}`)) },
    { name: "devices/valve.yaml", bytes: bytesOf(valveType()) },
  ]);
  const deps = { files, clock: createSimulatedTime().clock };
  const place = (hash: string, named?: string) => placeAdopted(deps, PLACES, { hash, archive }, named);
  /** Of what is in the archive, as this board reads it. */
  const read = async (): Promise<string> => {
    const fresh = { ...deps, files: createMemoryFiles() };
    const placed = await placeAdopted(fresh, PLACES, { hash: "", archive });
    return placed.did === "placed" ? placed.hash : "";
  };
  const textAt = (path: string): string => new TextDecoder().decode(files.read(path));
  return { files, place, hash: await read(), textAt };
}

describe("what a dead board ran, on the spare", () => {
  it("is put in place with its own types; once more it lies there already", async () => {
    const { place, hash, textAt } = await bench();
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const placed = await place(hash);
    expect(placed).toEqual({ did: "placed", hash, paths: ["/etc/station.yaml", "/own/valve.yaml"], copies: [] });
    expect([textAt("/etc/station.yaml"), textAt("/own/valve.yaml")]).toEqual([RAN, valveType()]);
    // The bridge may know no more than the first digits.
    expect(await place(hash.slice(0, 16))).toEqual({ did: "same", hash });
  });

  it("takes the place of another station's file, of which a copy stays", async () => {
    const { files, place, hash, textAt } = await bench();
    files.write("/etc/station.yaml", RAN.replace("station: lake", "station: spare-7"));
    files.write("/own/valve.yaml", valveType());
    const placed = await place(hash);
    expect(placed).toMatchObject({ did: "placed", paths: ["/etc/station.yaml"] });
    const [copy = ""] = placed.did === "placed" ? placed.copies : [];
    expect([textAt("/etc/station.yaml"), textAt(copy)]).toEqual([RAN, expect.stringContaining("spare-7")]);
  });

  it("leaves what somebody brought along for this station, unless it is named by its hash", async () => {
    const { files, place, hash, textAt } = await bench();
    const brought = stationFile({ one: "every: 20s" });
    files.write("/etc/station.yaml", brought);
    files.write("/own/valve.yaml", valveType());
    expect(await place(hash)).toEqual({
      did: "left",
      because: expect.stringContaining(`pump-station adopt lake --description ${hash}`),
    });
    expect(textAt("/etc/station.yaml")).toBe(brought);
    expect(await place(hash, "0".repeat(64))).toMatchObject({ did: "left", because: expect.stringContaining(hash) });
    expect(textAt("/etc/station.yaml")).toBe(brought);
    expect(await place(hash, hash)).toMatchObject({ did: "placed" });
    expect(textAt("/etc/station.yaml")).toBe(RAN);
  });

  it("is not taken unsigned by a board that trusts keys, unless it is named by its hash", async () => {
    const { files, place, hash } = await bench();
    files.write("/keys/team.pub", publicKeyText(KEY));
    expect(await place(hash)).toMatchObject({ did: "left", because: expect.stringContaining("signed") });
    expect(files.read("/etc/station.yaml")).toBeUndefined();
    expect(await place(hash, hash)).toMatchObject({ did: "placed" });
  });

  it("is not taken when it is broken, another station's, or another one with this catalogue", async () => {
    const broken = await bench(RAN.replace("devices:", "devcies:"));
    expect(await broken.place("")).toMatchObject({ did: "left", because: expect.stringContaining("station.yaml:") });
    const other = await bench(RAN, "pond");
    expect(await other.place("")).toMatchObject({ did: "left", because: expect.stringContaining("pond") });
    const { files, place } = await bench();
    expect(await place("f".repeat(64))).toMatchObject({ did: "left", because: expect.stringContaining("catalogue") });
    for (const { contents } of [broken.files, other.files, files]) expect(contents.size).toBe(0);
  });
});
