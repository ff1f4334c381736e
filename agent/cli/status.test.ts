import { expect, it } from "vitest";
import { deviceStatus } from "../facts.ts";
import { createNewest } from "../newest.ts";
import type { RunningStation } from "../running-station.ts";
import type { SourceHealth } from "../source/health.ts";
import type { AgentStatus } from "../status.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { createSmallDevice } from "../testing/small-protocol.ts";
import type { SettingStatus } from "../twin/status.ts";
import { statusText } from "./status.ts";

const HEALTH: SourceHealth = {
  polls: 10,
  good: 10,
  timeouts: 0,
  checksumErrors: 0,
  strayBytes: 0,
  otherFrames: 0,
  reports: 0,
};

const statusWith = (health: SourceHealth): AgentStatus => {
  const { clock } = createSimulatedTime();
  const running = {
    sources: new Map([["pump", { health: () => health }]]),
    cadence: { running: () => ({ everyMs: 1_000 }) },
  } as unknown as RunningStation;
  return {
    station: "demo",
    version: "1",
    uptimeMs: 1,
    description: { path: "/station.yaml", runs: "file", hash: null, problems: [], differs: [] },
    devices: [deviceStatus(createSmallDevice(), running, createNewest(clock), clock)],
    buffer: { waiting: 0, accepted: 0, receipted: 0, dropped: 0, bytes: 0, bytesMax: 1, medium: { state: "good" } },
    cloud: "mqtt://x",
    uplink: { connected: true, since: 0, intervalMs: 1, messages: 0, bytes: 0, readings: 0 },
    month: {
      month: "2026-11",
      interface: "wwan0",
      usedBytes: 12_340_000,
      forecastBytes: 48_000_000,
      budgetBytes: 50_000_000,
      step: 0,
      stepName: "everything",
      units: {
        telemetry: { azure: 96, "azure-free": 300, aws: 90 },
        other: { azure: 5, "azure-free": 9, aws: 5 },
      },
    },
    activeAlarms: [],
    now: 1,
    settings: [],
    commands: [],
    process: { rssBytes: 1, cpuMs: 1 },
  } as unknown as AgentStatus;
};

it("says what a device tells of itself, how it is read differently, and its last error by the protocol's name", () => {
  const status = statusWith({
    ...HEALTH,
    lastError: { what: "read all: refused: illegal data address (2)", bootMs: 1 },
    info: { firmware: "1.4.2" },
    inParts: { all: "refused: illegal data address (2)" },
  });
  expect(status.devices[0]).toMatchObject({ info: { firmware: "1.4.2" } });
  const text = statusText(status);
  expect(text).toContain("pump: firmware 1.4.2");
  expect(text).toContain("read all: refused: illegal data address (2)");
  expect(text).toContain('"all" is read in parts, without the registers that no channel needs');
});

it("says of each setting that the cloud set where its values come from, since when, and whether it is equal", () => {
  const now = Date.UTC(2026, 4, 12, 12);
  const at = { since: Date.UTC(2026, 4, 3, 9), checkedAt: now - 4_000 };
  const settings: SettingStatus[] = [
    {
      path: "devices/pump/every",
      own: 30,
      desired: 60,
      desiredVersion: 7,
      running: 60,
      ac: 200,
      reason: "",
      converged: true,
      ...at,
    },
    {
      path: "devices/pump/target",
      own: 800,
      desired: 900,
      desiredVersion: 8,
      running: 800,
      ac: 202,
      reason: "state is pumping",
      converged: false,
      ...at,
    },
    {
      path: "upload/windows",
      own: "always",
      desiredVersion: 8,
      running: null,
      ac: 400,
      reason: "write it like",
      converged: false,
    },
    { path: "upload/interval", own: 900, running: 900, ac: 203, reason: "", converged: true },
  ];
  const text = statusText({ ...statusWith(HEALTH), settings, now, timeZone: "Europe/Berlin" });
  expect(text).toContain("pump.every: file 30s, cloud 1min since 3 May (version 7), 1min runs, looked at 4 s ago\n");
  expect(text).toContain(
    "pump.target: device 800, cloud 900 since 3 May (version 8), 800 runs, looked at 4 s ago; NOT equal: state is pumping",
  );
  expect(text).toContain(
    "upload.windows: file always, cloud's value can't be used, nobody knows what runs; NOT equal: write it like",
  );
  expect(text).toContain("1 others are not set by the cloud");
});

it("says that the clock isn't set, what that means and where to look, only while it isn't", () => {
  const status = statusWith(HEALTH);
  expect(statusText(status)).not.toContain("Clock");
  expect(statusText({ ...status, isClockUnset: true })).toMatch(/Clock: not set yet.*dated later.*\n.*timedatectl/);
});

it("adds no line for a device that has nothing to say", () => {
  const [, devices] = statusText(statusWith(HEALTH)).split("\n\n").slice(1);
  expect(devices?.split("\n")).toHaveLength(2);
});

const HASH = "b";
const describedAs = (description: Partial<AgentStatus["description"]>): string => {
  const status = statusWith(HEALTH);
  return statusText({ ...status, description: { ...status.description, ...description } });
};

it("says that a file is on trial, with what each device answered so far", () => {
  const device = { device: "pump", fate: "judged", polls: 7, good: 6, wanted: 10 } as const;
  const trial = { hash: HASH, elapsedMs: 1, leftMs: 90_000, changes: [], devices: [device] };
  expect(describedAs({ trial })).toContain(
    "Description: /station.yaml is on trial, about 90 s left: pump 6 of 10 good, 1 bad\n",
  );
});

it("says that a broken file was saved while another is on trial", () => {
  const trial = { hash: HASH, elapsedMs: 1, leftMs: 90_000, changes: [], devices: [] };
  expect(describedAs({ trial, runs: "last good", problems: ["/station.yaml:3:1 broken"] })).toContain(
    "Description: /station.yaml is broken; what was saved before it is on trial, about 90 s left\n",
  );
});

it("says that a file was rolled back, why, and how it differs from what runs", () => {
  const verdict = {
    hash: HASH,
    outcome: "rolled-back",
    because: ["pump no longer answers"],
    listed: [],
    atMs: 0,
  } as const;
  const problems = ["/station.yaml was rolled back: pump no longer answers; what ran before runs"];
  const text = describedAs({ runs: "last good", problems, verdict, differs: ["pump: address 1 → 9"] });
  expect(text).toContain("Description: /station.yaml was rolled back; the last good one runs\n");
  expect(text).toContain("  the file says differently from what runs:\n    pump: address 1 → 9");
  expect(describedAs({ runs: "last good", problems: ["/station.yaml:1:1 x"] })).toContain(
    "is broken; the last good one",
  );
});

it("says what the month has cost, and loudly what is done without to stay within the budget", () => {
  const status = statusWith(HEALTH);
  const text = statusText(status);
  expect(text).toContain(
    "This month (2026-11)\n  12.3 MB of 50.0 MB used, at this pace 48.0 MB by its end; counted at wwan0",
  );
  expect(text).toContain("96 + 5 of 4 KB (Azure), 90 + 5 of 5 KB (AWS), 300 + 9 of 0.5 KB");
  expect(text).not.toContain("BUDGET");
  const short = { ...status.month, step: 2, stepName: "uploads a quarter as often" };
  expect(statusText({ ...status, month: short })).toContain(
    "TO STAY WITHIN THE BUDGET: uploads a quarter as often (step 2 of 5); alarms go as ever",
  );
});

it("says why a station stays connected, or is away, and that this is no trouble", () => {
  const status = statusWith(HEALTH);
  const link = { plan: "stay", because: "it learns", keepAliveS: 90, isLearning: true, pingsPerDay: 0 } as const;
  expect(statusText({ ...status, uplink: { ...status.uplink, link } })).toContain(
    "stays connected between uploads: it learns; keep-alive 90 s, longer is being tried",
  );
  const away = { ...status.uplink, connected: false, isAwayOnPurpose: true, link: { ...link, plan: "leave" as const } };
  const text = statusText({ ...status, uplink: away });
  expect(text).toContain("away on purpose for");
  expect(text).not.toContain("NOT connected");
});

it("says that somebody is on site and for how long, and what the cloud asked for last", () => {
  const status = statusWith(HEALTH);
  expect(statusText(status)).not.toMatch(/on site|Commands/i);
  const text = statusText({
    ...status,
    onSite: { leftMs: 5_400_000, by: "here", isOurs: true },
    commands: [
      {
        id: "c1",
        device: "pump",
        command: "stop",
        by: "anna",
        began: Date.UTC(2026, 10, 2, 8),
        ended: 1,
        status: 200,
        text: "confirmed",
      },
    ],
  });
  expect(text).toMatch(/ON SITE for 90 min more \(begun here\).*pump-station onsite end/);
  expect(text).toMatch(/2026-11-02 08:00:00 +pump stop +by anna +200 confirmed/);
});

it("says whose certificate it is, until when, and loudly when it is refused; of a password nothing", () => {
  const status = statusWith(HEALTH);
  const certificate = {
    ...{ name: "demo", serial: "1f", fromMs: 0, untilMs: Date.UTC(2027, 10, 22), renewAtMs: Date.UTC(2027, 6, 30) },
    ...{ cloud: "mqtts://bridge", sinceMs: Date.UTC(2026, 10, 22) },
  };
  const text = statusText({ ...status, identity: { by: "certificate", certificate } });
  expect(text).toContain(
    "Identity\n  certificate of demo, until 2027-11-22; the next one is asked for from 2027-07-30\n  enrolled with mqtts://bridge on 2026-11-22\n",
  );
  const refused = { by: "certificate", certificate, problem: "the cloud refuses it" } as const;
  const late = { ...status, now: Date.UTC(2028, 0, 1), identity: refused };
  expect(statusText(late)).toMatch(/ENDED on 2027-11-22[^]*PROBLEM: the cloud refuses it/);
  expect(statusText({ ...status, identity: { by: "nothing" } })).toContain("Identity\n  not enrolled yet");
  expect(statusText({ ...status, identity: { by: "password" } })).not.toContain("Identity");
  expect(statusText({ ...status, identity: { by: "access-key" } })).toContain("Identity\n  by access key\n");
  const aws = { ...certificate, name: "AWS IoT Certificate", sha256: "96da" };
  const shown = statusText({ ...status, identity: { by: "certificate", certificate: aws } });
  expect(shown).toContain("Identity\n  certificate 96da, until 2027-11-22");
});
