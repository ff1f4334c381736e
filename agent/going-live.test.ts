import { readFileSync } from "node:fs";
import type { Station } from "@pump-station/sensor-descriptions/model.ts";
import { expect, test } from "vitest";
import { createGoingLive } from "./going-live.ts";
import { createStateStore } from "./state/state-store.ts";
import { createMemoryFiles, type MemoryFiles } from "./testing/memory-files.ts";
import type { Files } from "./world.ts";

const BUCKET = readFileSync(new URL("../sensor-descriptions/sensors/tipping-bucket.yaml", import.meta.url), "utf8");
const station = (perPulse: string) => `format: 1
station: lake
label: "Lake"
place:
  time-zone: Europe/Berlin
ports:
  pins:
    gpio: pinctrl-bcm2711
devices:
  rain:
    type: tipping-bucket
    port: pins
    pin: 17
    per-pulse: ${perPulse}
`;

function bench(files: MemoryFiles = createMemoryFiles(), seenAs: Files = files) {
  const ran: Station[] = [];
  const log = () => undefined;
  const kept = createStateStore({ files, log }, "/state").document("description");
  const goingLive = createGoingLive(
    { files: seenAs, log, kept, run: async (next) => void ran.push(next) },
    { path: "/station.yaml", folders: ["/devices"], station: "lake" },
  );
  return { files, ran, goingLive };
}

function wired(): MemoryFiles {
  const files = createMemoryFiles();
  files.write("/devices/tipping-bucket.yaml", BUCKET);
  files.write("/station.yaml", station("0.2 mm"));
  return files;
}

test("a saved file goes live, a broken one never does, and that is told", async () => {
  const { files, ran, goingLive } = bench(wired());
  await goingLive.start();
  files.write("/station.yaml", station("0.3 mm"));
  await expect.poll(() => ran.length).toBe(2);
  files.write("/station.yaml", station("0.3 litres"));
  await expect.poll(() => goingLive.status().runs).toBe("last good");
  expect(goingLive.status().problems.join()).toMatch(/^\/station\.yaml:14:\d+ /);
  expect(ran).toHaveLength(2);
  await goingLive.stop();
});

test("a file that is saved while it is loaded is loaded again", async () => {
  const files = wired();
  let isSaved = false;
  const slow: Files = {
    ...files,
    read: (path) => {
      const bytes = files.read(path);
      // Between the station file and its device file: nobody watches yet.
      if (path.startsWith("/devices/") && !isSaved) files.write("/station.yaml", station("0.4 mm"));
      if (path.startsWith("/devices/")) isSaved = true;
      return bytes;
    },
    watch: (path, onChange) => files.watch(path, () => isSaved && onChange()),
  };
  const { ran, goingLive } = bench(files, slow);
  await goingLive.start();
  await expect.poll(() => ran.length).toBe(2);
  await goingLive.stop();
});

test("a file that can't be read is a problem like any other: the last good one runs, until it can be", async () => {
  const files = wired();
  const before = bench(files);
  await before.goingLive.start();
  await before.goingLive.stop();

  let isReadable = false;
  const denied: Files = {
    ...files,
    read: (path) => {
      if (path !== "/station.yaml" || isReadable) return files.read(path);
      throw Object.assign(new Error("EACCES: permission denied, open '/station.yaml'"), { code: "EACCES" });
    },
  };
  const { ran, goingLive } = bench(files, denied);
  await goingLive.start();
  expect(goingLive.status()).toMatchObject({ runs: "last good", problems: [expect.stringContaining("EACCES")] });
  expect(ran).toHaveLength(1);
  isReadable = true;
  files.write("/station.yaml", station("0.5 mm"));
  await expect.poll(() => goingLive.status().runs).toBe("file");
  expect(ran).toHaveLength(2);
  await goingLive.stop();
});

test("a good file that can't be put to work is told like a broken one, until it can be", async () => {
  const files = wired();
  let isWorking = false;
  const log = () => undefined;
  const goingLive = createGoingLive(
    {
      files,
      log,
      kept: createStateStore({ files, log }, "/state").document("description"),
      run: async () => {
        if (!isWorking) throw new Error("pinctrl-bcm2711: busy");
      },
    },
    { path: "/station.yaml", folders: ["/devices"], station: "lake" },
  );
  await goingLive.start();
  expect(goingLive.status()).toMatchObject({
    runs: "nothing",
    problems: ["/station.yaml: going live failed: pinctrl-bcm2711: busy"],
  });
  isWorking = true;
  files.write("/station.yaml", station("0.5 mm"));
  await expect.poll(() => goingLive.status()).toMatchObject({ runs: "file", problems: [] });
  await goingLive.stop();
});
