import { expect, test } from "vitest";
import type { Readings, StationSummary, Stream, StreamChannel, Twin } from "../api/contract.ts";
import { type Api, ApiProblem } from "./api-client.ts";
import type { LiveListeners } from "./live.ts";
import { createSession } from "./session.ts";
import { RANGES } from "./state.ts";

const NOW = 1_000_000_000;
const CHANNELS: StreamChannel[] = [{ name: "pressure", kind: "gauge", unit: "mbar", resolution: 0.1 }];
const summary = (station: string): StationSummary => ({
  station,
  online: true,
  identity: { by: "password", certificateUntil: null, tokenUntil: null },
  lastSeen: NOW,
  samples: 1,
  readings: 1,
  messages: 1,
  bytes: 10,
  activeAlarms: 0,
  quarantined: 0,
});
const stream = (device: string, first: number): Stream => ({
  device,
  channels: CHANNELS,
  samples: 1,
  first,
  last: NOW,
});
const twin = (station: string, version: number): Twin => ({
  station,
  desired: { $version: version },
  reported: { $version: 1 },
  settings: [],
  convergence: { converged: true, since: null, why: [], digest: "", reportedDigest: null },
});

function bridge(stations: readonly StationSummary[], streams: readonly Stream[] = [stream("pump", NOW - 1000)]) {
  const world = {
    stations,
    isAway: false,
    refreshes: [] as (() => void)[],
    followed: [] as string[],
    asked: [] as number[],
    uncertain: undefined as Readings["uncertain"],
  };
  let listeners: LiveListeners | undefined;
  const answer = <T>(value: T): Promise<T> =>
    world.isAway ? Promise.reject(new ApiProblem(0, "away")) : Promise.resolve(value);
  const api: Api = {
    stations: () => answer(world.stations),
    streams: () => answer(streams),
    readings: (station, device, from) => {
      world.asked.push(from);
      return answer({
        station,
        device,
        channels: CHANNELS,
        rows: [[NOW - 500, 0, 1, 5]] as const,
        epochs: ["e"],
        next: null,
        ...(world.uncertain && { uncertain: world.uncertain }),
      });
    },
    alarms: () => answer([]),
    ledger: () => answer([]),
    quarantine: () => answer([]),
    twin: (station) => answer(twin(station, 1)),
    setDesired: (station) => answer(twin(station, 2)),
  };
  const session = createSession({
    api,
    follow: (station, given) => {
      world.followed.push(station);
      listeners = given;
      return () => undefined;
    },
    now: () => NOW,
    every: (_ms, run) => void world.refreshes.push(run),
    onChange: () => undefined,
  });
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  const refresh = async (): Promise<void> => {
    for (const run of world.refreshes) run();
    await settled();
  };
  return { world, session, refresh, settled, live: () => listeners as LiveListeners };
}

test("the wanted station is shown, its data fetched when the stream is open", async () => {
  const { world, session, live, settled } = bridge([summary("a"), summary("b")]);
  await session.start("b");
  expect(world.followed).toEqual(["b"]);
  expect(session.state().connection).toBe("connecting");
  live().onOpen();
  await settled();
  expect(session.state()).toMatchObject({ connection: "live", station: "b", isLoaded: true });
  expect(session.state().devices.map(({ device, rows }) => [device, rows])).toEqual([["pump", [[NOW - 500, 1, 5]]]]);
});

test("a bridge without stations shows the first one that comes", async () => {
  const { world, session, refresh } = bridge([]);
  await session.start(undefined);
  expect(session.state()).toMatchObject({ stations: [], station: undefined });
  world.stations = [summary("a")];
  await refresh();
  expect(session.state().station).toBe("a");
});

test("a bridge that went away without a word is noticed, and followed anew when it is back", async () => {
  const { world, session, live, refresh, settled } = bridge([summary("a")]);
  await session.start(undefined);
  live().onOpen();
  await settled();
  world.isAway = true;
  await refresh();
  expect(session.state().connection).toBe("lost");
  world.isAway = false;
  await refresh();
  expect(world.followed).toEqual(["a", "a"]);
});

test("events of another station change nothing, live rows and fetched rows are one series", async () => {
  const { session, live, settled } = bridge([summary("a")]);
  await session.start(undefined);
  const readings = (station: string, time: number) =>
    ({ kind: "readings", readings: { station, device: "pump", channels: CHANNELS, rows: [[time, 2, 6]] } }) as const;
  live().onEvent(readings("a", NOW - 100));
  live().onOpen();
  await settled();
  live().onEvent(readings("b", NOW));
  expect(session.state().devices[0]?.rows).toEqual([
    [NOW - 500, 1, 5],
    [NOW - 100, 2, 6],
  ]);
});

test("estimated times are said to be such, fetched again and again, and gone when the station has told more", async () => {
  const { world, session, live, refresh, settled } = bridge([summary("a")]);
  await session.start(undefined);
  live().onOpen();
  await settled();
  const estimate = {
    station: "a",
    device: "pump",
    channels: CHANNELS,
    rows: [[NOW - 5, 2, 6]],
    uncertain: null,
  } as const;
  live().onEvent({ kind: "readings", readings: estimate });
  expect(session.state().devices[0]).toMatchObject({ uncertain: null, rows: [{ 0: NOW - 500 }, { 0: NOW - 5 }] });
  // Right ones that come now don't make the others right.
  const { station, device } = estimate;
  live().onEvent({ kind: "readings", readings: { station, device, channels: CHANNELS, rows: [[NOW - 1, 3, 6]] } });
  expect(session.state().devices[0]?.uncertain).toBeNull();

  world.uncertain = { e: 60_000 };
  await refresh();
  expect(session.state().devices[0]).toMatchObject({ uncertain: 60_000, rows: [{ 0: NOW - 500 }] });
  world.uncertain = undefined;
  await refresh();
  expect(session.state().devices[0]).not.toHaveProperty("uncertain");
  const asked = world.asked.length;
  await refresh();
  expect(world.asked).toHaveLength(asked);
});

test("a twin that came live is not replaced by an older one that was being fetched", async () => {
  const { session, live, settled } = bridge([summary("a")]);
  await session.start(undefined);
  live().onOpen();
  live().onEvent({ kind: "twin", twin: twin("a", 7) });
  await settled();
  expect(session.state().twin?.desired["$version"]).toBe(7);
});

test("the answer to a change, which comes after the station's own, doesn't take that back", async () => {
  const { session, live, settled } = bridge([summary("a")]);
  await session.start(undefined);
  live().onOpen();
  await settled();
  const desired = twin("a", 2);
  const answered = { ...desired, reported: { $version: 2, upload: "refused" } };
  live().onEvent({ kind: "twin", twin: answered });
  session.tell({ kind: "live", event: { kind: "twin", twin: desired }, now: NOW });
  expect(session.state().twin).toEqual(answered);
});

test("an old station's charts begin with an hour; a chosen range stays", async () => {
  const { world, session, live, settled } = bridge([summary("a")], [stream("pump", NOW - 9 * 3_600_000)]);
  await session.start(undefined);
  live().onOpen();
  await settled();
  expect(session.state().rangeMs).toBe(3_600_000);
  await session.setRange(RANGES[4].ms);
  live().onOpen();
  await settled();
  expect(session.state().rangeMs).toBe(RANGES[4].ms);
  expect(world.asked).toEqual([3_600_000, RANGES[4].ms, RANGES[4].ms].map((range) => NOW - range));
});

test("a problem is shown in words until the next success", async () => {
  const { session } = bridge([summary("a")]);
  session.tell({ kind: "problem", problem: "disk full" });
  expect(session.state().problem).toBe("disk full");
  session.tell({ kind: "chosen", station: "b" });
  expect(session.state().problem).toBeUndefined();
});
