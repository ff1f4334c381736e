import { expect, test } from "vitest";
import { createCliBench } from "../testing/cli-bench.ts";
import { CLIMATE_STATION } from "../testing/climate-station.ts";

test("cost says bytes, units and flash by channel, and what would lower them", async () => {
  const bench = createCliBench();
  bench.files.write("/station.yaml", CLIMATE_STATION);
  bench.files.write(
    "/agent.yaml",
    "format: 1\nstation: demo-lake\ndescription: s\ndata: d\ncloud: mqtts://x\nupload-interval: 30min\n",
  );
  expect(await bench.run(["cost", "/station.yaml", "--config", "/agent.yaml"])).toBe(0);
  expect(bench.out).toMatch(/over LTE in 30 days, uploads every 30 min/);
  expect(bench.out).toMatch(/climate\.temperature +259200 +[\d.]+ kB +\d+ +[\d.]+ MB/);
  expect(bench.out).toMatch(
    /What would lower it most \(each by itself\):\n {2}1\. .+\n {5}saves .+ a month; the price: ./,
  );
  expect(bench.out).toContain("agent.yaml: commit-interval: 60s");
});

test("cost --json is the same for programs, with an interval and a hub of its own", async () => {
  const bench = createCliBench();
  bench.files.write("/station.yaml", CLIMATE_STATION);
  expect(await bench.run(["cost", "/station.yaml", "--upload-interval", "60min", "--hub", "aws", "--json"])).toBe(0);
  expect(JSON.parse(bench.out)).toMatchObject({
    settings: { uploadEveryMs: 3_600_000, unitBytes: 5_120 },
    channels: { length: 3 },
    ways: [{ saves: {} }, {}, {}],
  });
});

test("cost of a broken file shows its problems and is no success", async () => {
  const bench = createCliBench();
  bench.files.write("/station.yaml", CLIMATE_STATION.replace("bme280", "bme28"));
  expect(await bench.run(["cost", "/station.yaml"])).toBe(78);
  expect(bench.err).toContain('did you mean "bme280"');
});
