import { expect, it } from "vitest";
import { loadDescription, loadKept } from "./description.ts";
import { createMemoryFiles } from "./testing/memory-files.ts";

const STATION = `format: 1
station: s
ports: { pins: { gpio: chip } }
devices:
  rain: { type: bucket-b, port: pins, pin: 4, per-pulse: 0.1 mm }
`;
const BUCKET = `format: 1
type: bucket
source: "its manual"
protocol: pulses
every: 60s
needs: { per-pulse: { kind: quantity, unit: mm } }
pulses: { edge: falling, debounce: 5ms }
channels: { rain: { formula: total * per_pulse, unit: mm, resolution: 0.1 } }
`;
const files = createMemoryFiles();
const write = (path: string, text: string) => files.writeDurably(path, new TextEncoder().encode(text));
write("/etc/station.yaml", STATION);
write("/etc/devices/bucket-b.yaml", "format: 1\ntype: bucket-b\nextends: bucket\nevery: 5min\n");
write("/catalogue/bucket.yaml", BUCKET);
const load = () => loadDescription(files, "/etc/station.yaml", ["/etc/devices", "/catalogue"]);

it("names the files that are extended among those that are followed and kept, and a kept description needs no other", () => {
  const loaded = load();
  expect(loaded.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(loaded.files.map(({ path }) => path)).toEqual([
    "/etc/station.yaml",
    "/etc/devices/bucket-b.yaml",
    "/catalogue/bucket.yaml",
  ]);
  const kept = loadKept({ files: loaded.files });
  expect(kept.station?.hash).toBe(loaded.station?.hash);
  expect(kept.station?.devices[0]?.everyMs).toBe(300_000);
});

it("gives a station another hash when a file is changed that its device files extend", () => {
  const { hash } = load().station ?? {};
  write("/catalogue/bucket.yaml", BUCKET.replace("5ms", "8ms"));
  expect(load().station?.hash).not.toBe(hash);
});

it("takes a device's own file before the catalogue's, also as one that is extended", () => {
  write("/etc/devices/bucket.yaml", BUCKET.replace("resolution: 0.1", "resolution: 0.5"));
  expect(load().files.map(({ path }) => path)).toContain("/etc/devices/bucket.yaml");
  expect(load().station?.devices[0]?.channels[0]?.resolution).toBe(0.5);
});
