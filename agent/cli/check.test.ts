import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createFiles } from "../linux/files.ts";
import { createCliBench } from "../testing/cli-bench.ts";
import { CLIMATE_STATION } from "../testing/climate-station.ts";
import { check } from "./check.ts";
import type { CliDeps } from "./command.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "check-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("a folder among the files is a problem of its own, and the others are checked all the same", () => {
  const path = join(folder, "broken.yaml");
  writeFileSync(path, "format: 2\ntype: x\n");
  let out = "";
  const deps: Pick<CliDeps, "files" | "out" | "colour" | "catalogue"> = {
    files: createFiles(),
    out: (text) => {
      out += text;
    },
    colour: false,
    catalogue: [],
  };
  const options = { devices: [], uploadInterval: 900_000, json: false };
  expect(check(deps as CliDeps, [folder, path], options)).toBe(78);
  expect(out).toContain(`${folder}:1:1 error P000: this is a folder\n  → name its files: ${folder}/*.yaml`);
  expect(out).toContain(`${path}:1:`);
});

const CARD = { "/sys/dev/block/179:2/partition": "2\n", "/sys/dev/block/179:2/../device/type": "SD\n" };

async function checkOn(files: Readonly<Record<string, string>>, ...words: string[]) {
  const bench = createCliBench();
  for (const [path, text] of Object.entries({ "/station.yaml": CLIMATE_STATION, ...files }))
    bench.files.write(path, text);
  expect(await bench.run(["check", "/station.yaml", ...words])).toBe(0);
  return bench.out;
}

it("on a board check says how often which medium is written, what that comes to, and what the mount adds", async () => {
  const mountinfo = (options: string) => ({
    ...CARD,
    "/etc/pump-station/agent.yaml": "format: 1\nstation: demo-lake\ndata: /data\n",
    "/proc/self/mountinfo": `22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw${options}\n`,
  });
  const plain = await checkOn(mountinfo(""));
  expect(plain).toContain(
    "  About 28.0 MB a day to flash, written every 60 s (SD card; commit-interval: by-flash):\n" +
      '    18.1 MB of it is the journal of ext4, after each of these writes; once in 5 min with / mounted with commit=300 (README, "On a board").',
  );
  const mounted = await checkOn(mountinfo(",commit=300"));
  expect(mounted).toContain("3.6 MB of it is the journal of ext4, once in 5 min (/ is mounted with commit=300).");
  expect(JSON.parse(await checkOn(mountinfo(""), "--json"))).toMatchObject([{ flash: { kind: "SD card" } }]);
});

it("check takes the commit interval and the data folder from agent.yaml, and says nothing of flash where there is none", async () => {
  const agent = "format: 1\ncommit-interval: 30s   # half a minute\ndata: '/data'\nmore: [";
  const files = { ...CARD, "/agent.yaml": agent };
  const mountinfo = "22 1 0:5 / / rw - overlay x rw\n23 22 179:2 / /data rw - ubifs x rw\n";
  const out = await checkOn({ ...files, "/proc/self/mountinfo": mountinfo }, "--config", "/agent.yaml");
  expect(out).toMatch(/About [\d.]+ MB a day to flash, written every 30 s \(raw NAND; commit-interval: 30s\)\.\n/);
  expect(await checkOn({})).not.toContain("flash");
});
