/**
 * The built agent with a clock that is wrong, and steps (libfaketime), against the built bridge, whose clock is right.
 * Its only device isn't there, which is a reading each second like any other.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readings } from "@pump-station/cloud-bridge/api/contract.ts";
import { expect, onTestFinished, test } from "vitest";
import {
  PATIENCE_MS,
  PROGRAMS,
  type Program,
  startProgram,
  temporaryFolder,
  until,
  untilSaid,
} from "./testing/programs.ts";

const STATION = "lake";
const HOUR_S = 3_600;
const EVERY_MS = 1_000;
/** A busy machine reads some of them late, and the next ones in time. */
const CADENCE_MS = { least: 900, most: 1_100 };

const STATION_FILE = `format: 1
station: ${STATION}
label: "Lake"
place:
  altitude: 10 m
  time-zone: Europe/Berlin
ports:
  baseboard:
    serial: /dev/pump-station/is-not-there
devices:
  pump:
    type: pump-mk2
    port: baseboard
    every: 1s
`;

interface Bridge {
  readonly folder: string;
  readonly mqttPort: number;
  readings(): Promise<Readings>;
}

test("a station that begins in 1970 connects, and every time that is called right is right, whatever its clock does", {
  timeout: 2 * PATIENCE_MS,
}, async () => {
  const bridge = await startBridge();
  const agent = await createAgent(bridge);
  const beganMs = Date.now();

  // 1970: the certificate isn't valid yet, nobody vouches for the time.
  agent.setClock(600 - Math.floor(beganMs / 1_000));
  const first = agent.start();
  await untilSaid(first, /tls-clock-not-set/);
  const early = await until("readings have come", async () => atLeast(3, await bridge.readings()));
  expect(Object.values(early.uncertain ?? {})).toEqual([null]);
  await stop(first);

  // A later process of the same boot, at first without a clock as well; then somebody sets it.
  const second = agent.start();
  await until("the second process's readings have come", async () =>
    Object.keys((await bridge.readings()).uncertain ?? {}).length === 2 ? true : undefined,
  );
  agent.setClock(0);
  agent.vouch();
  await untilSaid(second, /clock-trusted/);
  const dated = await until("all readings are dated", async () => {
    const readings = await bridge.readings();
    return readings.uncertain === undefined ? readings : undefined;
  });
  expectTrue(dated, beganMs);

  // Steps that nobody vouches for, at a time when the readings would be dated by them.
  for (const seconds of [HOUR_S, -HOUR_S, 24 * HOUR_S, -24 * HOUR_S]) {
    agent.setClock(seconds);
    const { length } = (await bridge.readings()).rows;
    expectTrue(await until("more have come", async () => atLeast(length + 3, await bridge.readings())), beganMs);
  }
  agent.setClock(0);
  const last = await bridge.readings();
  expectTrue(last, beganMs);
  expectSteady(last);
  await stop(second);
});

const atLeast = (rows: number, readings: Readings): Readings | undefined =>
  readings.rows.length >= rows ? readings : undefined;

/** Between the test's beginning and now, and the newest not old. */
function expectTrue({ rows, uncertain }: Readings, beganMs: number): void {
  expect(uncertain).toBeUndefined();
  const times = rows.map(([time]) => time);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(beganMs);
  expect(Math.max(...times)).toBeLessThanOrEqual(Date.now());
  expect(Math.max(...times)).toBeGreaterThan(Date.now() - 20_000);
}

/** Within a process each second once: no slot twice, none made up for. */
function expectSteady({ rows }: Readings): void {
  for (const epoch of new Set(rows.map(([, index]) => index))) {
    const own = rows.filter(([, index]) => index === epoch);
    // The first is read at once, between two slots.
    for (const [at, [time]] of own.slice(2).entries()) {
      const before = own[at + 1]?.[0] ?? Number.NaN;
      expect(time - before, `sample ${at + 2} of epoch ${epoch}`).toBeGreaterThan(0);
      expect(own[at + 2]?.[2]).toBe(at + 3);
    }
    const gaps = own.slice(2).map(([time], at) => time - (own[at + 1]?.[0] ?? Number.NaN));
    const middle = [...gaps].sort((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? EVERY_MS;
    expect(middle).toBeGreaterThan(CADENCE_MS.least);
    expect(middle).toBeLessThan(CADENCE_MS.most);
    // A machine that stands still for a second skips a slot; it never catches up.
    const slots = gaps.reduce((sum, gap) => sum + gap, 0) / EVERY_MS;
    expect(gaps.length).toBeLessThan(slots + 1);
    expect(gaps.length).toBeGreaterThan(0.8 * slots - 1);
  }
}

async function startBridge(): Promise<Bridge & { readonly password: string }> {
  const folder = temporaryFolder(onTestFinished);
  const ports = ["--mqtt-port", "0", "--http-port", "0"];
  const program = startProgram(PROGRAMS.bridge, ["run", "--data", folder, ...ports]);
  onTestFinished(() => stop(program));
  const ready = await until("the bridge is ready", () => readJson(join(folder, "ready.json")));
  const url = `http://127.0.0.1:${Number(ready["httpPort"])}/api/stations`;
  const added = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${readFileSync(join(folder, "token"), "utf8").trim()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ station: STATION }),
  });
  const { password } = (await added.json()) as { password: string };
  return {
    folder,
    password,
    mqttPort: Number(ready["mqttPort"]),
    readings: async () => {
      const response = await fetch(`${url}/${STATION}/readings?device=pump&limit=20000`);
      if (!response.ok) throw new Error(`readings: ${response.status}`);
      return (await response.json()) as Readings;
    },
  };
}

async function createAgent(bridge: Bridge & { readonly password: string }) {
  const folder = temporaryFolder(onTestFinished);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const setFile = join(folder, "clock-set");
  const config = file(
    "agent.yaml",
    `format: 1
station: ${STATION}
description: ${file("station.yaml", STATION_FILE)}
data: data
cloud: mqtts://127.0.0.1:${bridge.mqttPort}
ca: ${join(bridge.folder, "ca.pem")}
password-file: ${file("password", bridge.password)}
upload-interval: 1s
commit-interval: 200ms
clock-set-file: ${setFile}
control: control.sock
log: debug
`,
  );
  const offset = file("offset", "+0");
  const preload = execFileSync("faketime", ["-m", "-f", "+0", "printenv", "LD_PRELOAD"], { encoding: "utf8" }).trim();
  const environment = {
    LD_PRELOAD: preload,
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: "1",
    // Node's timers and its monotonic clock stay right, as they do on a board.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    NO_FAKE_STAT: "1",
  };
  return {
    /** Seconds that its wall clock is off. */
    setClock: (seconds: number) => writeFileSync(offset, `${seconds < 0 ? "" : "+"}${seconds}`),
    /** As a modem's script does that has set the clock. */
    vouch: () => {
      writeFileSync(setFile, "");
      utimesSync(setFile, new Date(), new Date());
    },
    start: (): Program => {
      const program = startProgram(PROGRAMS.agent, ["run", "--config", config], environment);
      onTestFinished(() => stop(program));
      return program;
    },
  };
}

function readJson(path: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

async function stop({ child, ended }: Program): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await ended;
}
