import { expect, it } from "vitest";
import { loadDescription } from "../description.ts";
import type { AgentStatus } from "../status.ts";
import { createCliBench } from "../testing/cli-bench.ts";
import type { SettingStatus } from "../twin/status.ts";

const FILE = "/etc/pump-station/station.yaml";
const STATION = `format: 1
station: demo
place: { time-zone: Europe/Berlin }
ports:
  line: { serial: /dev/ttyUSB0 }
devices:
  pump:
    type: pump-mk2
    port: line
    every: 30s
`;
const NOW = Date.parse("2026-05-20T10:00:00Z");

/** An agent that runs the file, and in which the cloud has its say. */
function withAgent(settings: readonly SettingStatus[], description: Partial<AgentStatus["description"]> = {}) {
  const bench = createCliBench();
  bench.files.write(FILE, STATION);
  const { station } = loadDescription(bench.files, FILE, ["/catalogue"]);
  const runs = { path: FILE, runs: "file", hash: station?.hash, problems: [], differs: [], ...description };
  bench.agent = (ask) => (ask === "status" ? { station: "demo", now: NOW, settings, description: runs } : undefined);
  return bench;
}

const every = (more: Partial<SettingStatus>): SettingStatus => ({
  path: "devices/pump/every",
  own: 30,
  ac: 200,
  reason: "",
  converged: true,
  since: Date.parse("2026-05-03T10:00:00Z"),
  ...more,
});

it("says what the file says, what the cloud wants and since when, and what runs", async () => {
  const bench = withAgent([
    every({ desired: 60, running: 60 }),
    {
      path: "devices/pump/target",
      own: 800,
      desired: 900,
      running: 800,
      ac: 202,
      reason: "state is not idle",
      converged: false,
      since: Date.parse("2026-05-20T07:05:00Z"),
    },
    { ...every({ path: "upload/interval", own: 900, running: 900, ac: 203 }) },
  ]);
  expect(await bench.run(["show"])).toBe(0);
  expect(bench.out).toMatch(/^ {2}every +file 30s, cloud 1min since 3 May, 1min runs +\/etc/m);
  // In the station's time zone.
  expect(bench.out).toContain("; cloud 900 mbar since 09:05 (not yet: state is not idle), 800 mbar runs");
  expect(bench.out).toMatch(/^ {2}upload interval +15min +agent\.yaml$/m);
  expect(bench.err).toBe("");
});

it("says why a value of the cloud doesn't run", async () => {
  const bench = withAgent([every({ ac: 400, reason: "0.01 is outside of 0.1 to 86400 s", running: null })]);
  await bench.run(["show", "pump"]);
  expect(bench.out).toContain(
    "file 30s, cloud's value refused since 3 May (0.01 is outside of 0.1 to 86400 s), 30s runs",
  );
  expect(bench.out).not.toContain("upload interval");
});

it("shows the file alone where the cloud wants nothing, no agent runs, or one of another station", async () => {
  const unasked = withAgent([every({ ac: 203, running: 30 })]);
  await unasked.run(["show"]);
  const other = withAgent([every({ desired: 60, running: 60 })]);
  const { agent } = other;
  other.agent = (ask, parameters) => ({ ...(agent?.(ask, parameters) as object), station: "other" });
  await other.run(["show"]);
  const none = withAgent([]);
  none.agent = undefined;
  await none.run(["show"]);
  for (const { out, err } of [unasked, other, none]) {
    expect(out).toMatch(/^ {2}every +30s +\/etc/m);
    expect(err).toBe("");
  }
});

it("says that the agent runs something else than the file, and what differs", async () => {
  const bench = withAgent([], { hash: "0", runs: "last good", differs: ["pump: every 10s → 30s"] });
  await bench.run(["show"]);
  expect(bench.err).toBe("The agent does not run what this file says.\n  pump: every 10s → 30s\n");
  const elsewhere = withAgent([], { hash: "0", path: "/srv/station.yaml" });
  await elsewhere.run(["show"]);
  expect(elsewhere.err).toContain("its own file is /srv/station.yaml");
});
