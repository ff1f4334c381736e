import { expect, it } from "vitest";
import { valveType } from "../going-live/testing/trial-bench.ts";
import { createCliBench } from "../testing/cli-bench.ts";
import { readArchive } from "../update/archive.ts";
import { isSigned, readPublicKey, readSignature, signerOf } from "../update/signature.ts";
import { readWanted } from "../update/wanted.ts";

const STATION = `format: 1
station: lake
ports:
  line:
    serial: /dev/line
  mast:
    i2c: /dev/i2c-1
devices:
  one:
    type: valve
    port: line
  climate:
    type: bme280
    port: mast
    address: 0x76
`;

function bench() {
  const cli = createCliBench();
  cli.files.write("/desk/station.yaml", STATION.replace("port: line\n", "port: line\n    every: 20s\n"));
  cli.files.write("/desk/devices/valve.yaml", valveType());
  cli.files.write("/desk/devices/unused.yaml", valveType().replace("type: valve", "type: unused"));
  cli.files.write("/old/station.yaml", STATION);
  cli.files.write("/old/devices/valve.yaml", valveType());
  return cli;
}
const WORDS = ["pack", "/desk/station.yaml", "--based-on", "/old/station.yaml", "-o", "/desk/lake.tar.gz"];

it("packs a station with its own device files, signs it, and prints what the twin takes", async () => {
  const cli = bench();
  expect(await cli.run(["pack", "--new-key", "/desk/team.key"])).toBe(0);
  cli.out = "";
  const more = ["--sign", "/desk/team.key", "--url", "https://files.example/lake.tar.gz", "--name", "slower"];
  expect(await cli.run([...WORDS, ...more]), cli.err).toBe(0);
  const { description } = JSON.parse(cli.out) as { description: Record<string, string> };
  const wanted = readWanted(description, false);
  expect(wanted).toMatchObject({ version: "slower", basedOn: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(wanted.signature.trustedComment).toBe(`station:lake based-on:${wanted.basedOn}`);
  const archive = cli.files.read("/desk/lake.tar.gz") ?? new Uint8Array();
  expect((await readArchive(archive)).map(({ name }) => name)).toEqual(["station.yaml", "devices/valve.yaml"]);
  const pub = new TextDecoder().decode(cli.files.read("/desk/team.key.pub"));
  expect(isSigned(archive, wanted.signature, signerOf(wanted.signature, [readPublicKey("k", pub)]))).toBe(true);
  expect(cli.err).toMatch(/lake\.tar\.gz: \d+ bytes, station\.yaml, devices\/valve\.yaml/);
});

it("says how minisign signs it when no key is named, and takes that signature", async () => {
  const cli = bench();
  expect(await cli.run(WORDS)).toBe(0);
  expect(cli.err).toContain("minisign -Sm /desk/lake.tar.gz -t 'station:lake based-on:");
  expect(cli.out).toContain('"signature": null');
  cli.files.write("/desk/x.minisig", "nonsense");
  cli.err = "";
  expect(await cli.run([...WORDS, "--signature", "/desk/x.minisig"])).toBe(1);
  expect(cli.err).toContain("not the four lines");
  expect(() => readSignature("nonsense")).toThrow();
});

it("packs nothing that has a problem, and says each with its place", async () => {
  const cli = bench();
  cli.files.write("/desk/station.yaml", STATION.replace("type: valve", "type: vavle"));
  expect(await cli.run(WORDS)).toBe(78);
  expect(cli.err).toMatch(/station\.yaml:\d+:\d+ error.*vavle/);
  expect(cli.files.read("/desk/lake.tar.gz")).toBeUndefined();
});

it("never writes over a key, and asks for what is missing", async () => {
  const cli = bench();
  expect(await cli.run(["pack", "--new-key", "/desk/team.key"])).toBe(0);
  expect(await cli.run(["pack", "--new-key", "/desk/team.key"])).toBe(1);
  expect(cli.err).toContain("/desk/team.key is there already");
  expect(await cli.run(["pack", "/desk/station.yaml"])).toBe(64);
});
