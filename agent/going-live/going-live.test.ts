import { expect, it } from "vitest";
import type { Files } from "../world.ts";
import { type Answer, STATION, silent, stationFile, trialBench, valveType } from "./testing/trial-bench.ts";

const ONE = stationFile({ one: "" });
const MOVED = stationFile({ one: "address: 7" });
/** The valve answers at address 1 only. */
const atAddress1: Answer = (device) => (device.address === 1 ? undefined : silent);
const SETTLED_MS = 3_000;
const TRIAL_MS = 125_000;

async function running(file = ONE, parts: Parameters<typeof trialBench>[0] = {}) {
  const bench = trialBench(parts);
  bench.save(file);
  bench.field.answer = atAddress1;
  await bench.goingLive.start();
  await bench.time.advance(60_000);
  return bench;
}

it("a saved file is tried in place of the one that runs, and kept when every device goes on answering", async () => {
  const { goingLive, time, save, ran } = await running();
  save(stationFile({ one: "every: 5s" }));
  await time.advance(SETTLED_MS);
  expect(ran).toHaveLength(2);
  expect(goingLive.status()).toMatchObject({
    runs: "file",
    trial: { changes: ["one: every 10s → 5s"], devices: [{ device: "one", fate: "judged" }] },
  });
  await time.advance(TRIAL_MS);
  expect(goingLive.status()).toMatchObject({ runs: "file", verdict: { outcome: "kept", because: [], listed: [] } });
  expect(goingLive.status().trial).toBeUndefined();
  expect(ran).toHaveLength(2);
});

it("a device that answered and no longer does brings the last good description back, with the reason and the text", async () => {
  const { goingLive, time, save, ran, files } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(ran.map(({ devices }) => devices[0]?.address)).toEqual([1, 7, 1]);
  const status = goingLive.status();
  expect(status).toMatchObject({ runs: "last good", hash: ran[0]?.hash, differs: ["one: address 1 → 7"] });
  expect(status.problems).toEqual([
    "/etc/station.yaml was rolled back: one no longer answers (timeout 10 of 10); what ran before runs; the rejected text is at /data/rejected/station-2026-05-02T08-03.yaml",
  ]);
  expect(new TextDecoder().decode(files.read(status.verdict?.rejected ?? ""))).toBe(MOVED);
  expect(new TextDecoder().decode(files.read(STATION))).toBe(MOVED);
});

it("the same file is not tried again by itself, but when it changes or a person asks", async () => {
  const { goingLive, time, save, ran, files, field } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(ran).toHaveLength(3);
  files.remove(STATION);
  await time.advance(1_000);
  save(MOVED);
  await time.advance(600_000);
  expect(ran).toHaveLength(3);

  field.answer = () => undefined;
  expect(await goingLive.tryNow({ keep: false })).toMatchObject({ runs: "file", trial: { elapsedMs: 0 } });
  await time.advance(TRIAL_MS);
  expect(goingLive.status()).toMatchObject({ runs: "file", problems: [], verdict: { outcome: "kept" } });
});

it("a new, removed, paused or re-typed device is listed and never a reason to go back", async () => {
  const first = stationFile({ one: "", gone: "", rests: "", rested: "paused: cold", other: "" });
  const bench = await running(first);
  const { goingLive, time, save, field } = bench;
  field.answer = () => undefined;
  await time.advance(60_000);
  bench.files.write("/devices/valve-2.yaml", valveType().replace("type: valve", "type: valve-2"));
  await time.advance(SETTLED_MS);
  field.answer = (device) => (device.name === "one" ? undefined : silent);
  save(stationFile({ one: "", fresh: "address: 9", rests: "paused: frost", rested: "", other: "type: valve-2" }));
  await time.advance(SETTLED_MS);
  expect(goingLive.status().trial?.devices.map(({ device, fate }) => [device, fate])).toEqual([
    ["one", "judged"],
    ["fresh", "new"],
    ["rests", "paused"],
    ["rested", "paused"],
    ["other", "re-typed"],
    ["gone", "removed"],
  ]);
  await time.advance(TRIAL_MS);
  expect(goingLive.status()).toMatchObject({ runs: "file", verdict: { outcome: "kept", because: [] } });
  expect(goingLive.status().verdict?.listed).toContain("fresh: new; it doesn't answer (timeout 10 of 10)");
});

it("a device that was silent before and is silent now is no reason, and neither is one that wasn't polled yet", async () => {
  const { goingLive, time, save } = await running(
    stationFile({ one: "", dead: "address: 3", rare: "address: 4\nevery: 24h" }),
  );
  save(stationFile({ one: "", dead: "address: 4", rare: "address: 3\nevery: 24h" }, "# moved\n"));
  await time.advance(SETTLED_MS + 1_000_000);
  expect(goingLive.status()).toMatchObject({ runs: "file", verdict: { outcome: "kept" } });
  expect(goingLive.status().verdict?.listed.join()).toContain("dead: didn't answer before either");
});

it("implausible everywhere is worse if it was plausible before; implausible in one channel is told", async () => {
  const { goingLive, time, save, field } = await running();
  const implausible = { missing: "implausible" } as const;
  field.answer = () => [50, implausible];
  save(stationFile({ one: "every: 9s" }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict).toMatchObject({ outcome: "kept", listed: ["one: no longer plausible: target"] });
  field.answer = () => implausible;
  save(stationFile({ one: "every: 8s" }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict).toMatchObject({
    outcome: "rolled-back",
    because: ["one gives nothing plausible any more (implausible 10 of 10)"],
  });
});

it("one channel that can no longer be read is worse, though the device answers", async () => {
  const { goingLive, time, save, field } = await running();
  field.answer = () => [50, { missing: "checksum" }];
  save(stationFile({ one: "every: 9s" }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict?.because).toEqual(["one no longer gives target (checksum 10 of 10)"]);
});

it("a line that loses some answers is not worse; a probe that says that it is unplugged has answered", async () => {
  const { goingLive, time, save, field } = await running();
  let poll = 0;
  field.answer = () => (poll++ % 3 === 0 ? silent : { missing: "no-sensor" });
  save(stationFile({ one: "every: 9s" }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict).toMatchObject({ outcome: "kept" });
});

it("a trial lasts ten polls, at least two minutes, and no longer than a quarter of an hour", async () => {
  const lasts = async (every: string): Promise<number> => {
    const { goingLive, time, save, field } = await running(stationFile({ one: `every: ${every}` }));
    field.answer = () => undefined;
    save(stationFile({ one: `every: ${every}` }, "# the same\n"));
    await time.advance(SETTLED_MS);
    const begun = time.clock.bootMs();
    while (goingLive.status().trial) await time.advance(1_000);
    return Math.round((time.clock.bootMs() - begun) / 1_000);
  };
  expect(await lasts("1s")).toBeCloseTo(120, -1);
  expect(await lasts("30s")).toBeCloseTo(270, -1);
  expect(await lasts("60s")).toBeCloseTo(540, -1);
  expect(await lasts("1h")).toBeCloseTo(900, -1);
});

it("a trial that is lost already ends without waiting for slower devices", async () => {
  const slow = "every: 60s";
  const { goingLive, time, save, field } = await running(stationFile({ one: "", slow }));
  field.answer = ({ address }) => (address === 7 ? silent : undefined);
  await time.advance(60_000);
  save(stationFile({ one: "address: 7", slow }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict?.because).toEqual(["one no longer answers (timeout 10 of 10)"]);
});

it("a device polled once an hour is judged by the poll that every description begins with", async () => {
  const { goingLive, time, save } = await running(stationFile({ one: "every: 1h" }));
  save(stationFile({ one: "every: 1h\naddress: 7" }));
  await time.advance(SETTLED_MS + 910_000);
  expect(goingLive.status().verdict?.because).toEqual(["one no longer answers (timeout 1 of 1)"]);
});

it("a broken file never goes live, and that is told with its place", async () => {
  const { goingLive, time, save, ran } = await running();
  save(ONE.replace("type: valve", "type: vale"));
  await time.advance(SETTLED_MS);
  expect(goingLive.status()).toMatchObject({
    runs: "last good",
    problems: [expect.stringMatching(/^\/etc\/station\.yaml:8:\d+ .*vale/)],
  });
  expect(ran).toHaveLength(1);
});

it("the file put back during a trial ends it without a verdict", async () => {
  const { goingLive, time, save, ran } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + 20_000);
  save(ONE);
  await time.advance(SETTLED_MS);
  expect(ran).toHaveLength(3);
  expect(goingLive.status()).toMatchObject({ runs: "file", problems: [] });
  expect(goingLive.status()).not.toHaveProperty("trial");
  expect(goingLive.status()).not.toHaveProperty("verdict");
});

it("another file during a trial is judged against the last good one, too, not against the one on trial", async () => {
  const { goingLive, time, save, ran } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + 60_000);
  save(stationFile({ one: "address: 8" }));
  await time.advance(SETTLED_MS + TRIAL_MS);
  expect(goingLive.status().verdict?.because).toEqual(["one no longer answers (timeout 10 of 10)"]);
  expect(ran.at(-1)?.devices[0]?.address).toBe(1);
});

it("who says keep gets what was saved without a verdict; who says roll back gets the one before", async () => {
  const { goingLive, time, save, ran } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS);
  expect(await goingLive.decide("kept")).toMatchObject({ verdict: { outcome: "kept", because: ["asked to keep it"] } });
  await time.advance(600_000);
  expect(ran.at(-1)?.devices[0]?.address).toBe(7);
  await expect(goingLive.decide("kept")).rejects.toThrow("no description is on trial");
  save(ONE);
  await time.advance(SETTLED_MS);
  expect(await goingLive.decide("rolled-back")).toMatchObject({ runs: "last good" });
  expect(ran.at(-1)?.devices[0]?.address).toBe(7);
  save(stationFile({ one: "address: 6" }));
  expect(await goingLive.tryNow({ keep: true })).toMatchObject({ runs: "file", verdict: { outcome: "kept" } });
});

it("a crash during a trial: the next process runs the last good one and leaves the file that was tried alone", async () => {
  const { time, save, files, killed } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + 10_000);
  killed();
  const next = trialBench({ files, time });
  await next.goingLive.start();
  expect(next.ran.map(({ devices }) => devices[0]?.address)).toEqual([1]);
  expect(next.goingLive.status()).toMatchObject({
    runs: "last good",
    problems: [expect.stringContaining("the agent ended in the middle of the trial")],
  });
  await time.advance(600_000);
  expect(next.ran).toHaveLength(1);
  next.killed();

  const third = trialBench({ files, time });
  await third.goingLive.start();
  expect(third.ran.map(({ devices }) => devices[0]?.address)).toEqual([1]);
  expect(await third.goingLive.tryNow({ keep: false })).toMatchObject({ trial: {} });
  expect(third.ran.at(-1)?.devices[0]?.address).toBe(7);
});

it("an orderly stop during a trial is no crash: the trial begins anew, with what was known before", async () => {
  const { goingLive, time, save, files, killed } = await running();
  save(MOVED);
  await time.advance(SETTLED_MS + 10_000);
  await goingLive.stop(true);
  killed();
  const next = trialBench({ files, time });
  next.field.answer = atAddress1;
  await next.goingLive.start();
  expect(next.goingLive.status()).toMatchObject({ trial: { devices: [{ device: "one", fate: "judged" }] } });
  await time.advance(TRIAL_MS);
  expect(next.goingLive.status().verdict).toMatchObject({ outcome: "rolled-back" });
  expect(next.ran.at(-1)?.devices[0]?.address).toBe(1);
});

it("a file that was changed while no agent ran is tried at the next start", async () => {
  const { goingLive, time, save, files, killed } = await running();
  await goingLive.stop(true);
  killed();
  save(MOVED);
  const next = trialBench({ files, time });
  next.field.answer = atAddress1;
  await next.goingLive.start();
  await time.advance(TRIAL_MS);
  expect(next.goingLive.status()).toMatchObject({ runs: "last good", verdict: { outcome: "rolled-back" } });
});

it("a device file that appears in a folder is noticed, one that changes is tried like the station file", async () => {
  const { goingLive, time, files, ran } = await running(stationFile({ one: "", two: "type: valve-2" }));
  expect(goingLive.status().runs).toBe("nothing");
  files.write("/devices/valve-2.yaml", valveType().replace("type: valve", "type: valve-2"));
  await time.advance(SETTLED_MS + 60_000);
  expect(ran).toHaveLength(1);
  files.write("/devices/valve.yaml", valveType({ level: "0 to 90", target: "0 to 200" }));
  await time.advance(SETTLED_MS);
  expect(goingLive.status().trial?.changes).toEqual([
    "one: channel level in steps of 1 mbar, 0 to 100 → in steps of 1 mbar, 0 to 90",
    "device file valve.yaml: changed",
  ]);
});

it("a file that can't be read is a problem like any other: the last good one runs, until it can be", async () => {
  const before = await running();
  await before.goingLive.stop(true);
  before.killed();
  const { files, time } = before;
  let isReadable = false;
  const denied: Files = {
    ...files,
    read: (path) => {
      if (path !== STATION || isReadable) return files.read(path);
      throw Object.assign(new Error(`EACCES: permission denied, open '${STATION}'`), { code: "EACCES" });
    },
  };
  const { ran, goingLive, save } = trialBench({ files, time, seenAs: denied });
  await goingLive.start();
  await time.advance(60_000);
  expect(goingLive.status()).toMatchObject({ runs: "last good", problems: [expect.stringContaining("EACCES")] });
  expect(ran).toHaveLength(1);
  isReadable = true;
  save(stationFile({ one: "every: 5s" }));
  await time.advance(SETTLED_MS);
  expect(goingLive.status().runs).toBe("file");
  expect(ran).toHaveLength(2);
});

it("a good file that can't be put to work is told like a broken one, until it can be", async () => {
  const { goingLive, time, save, ran, field } = await running();
  field.fails = ({ hash }) => (hash === ran[0]?.hash ? undefined : "pinctrl-bcm2711: busy");
  save(MOVED);
  await time.advance(SETTLED_MS);
  expect(goingLive.status()).toMatchObject({
    runs: "last good",
    problems: ["/etc/station.yaml: going live failed: pinctrl-bcm2711: busy"],
  });
  field.fails = () => undefined;
  save(stationFile({ one: "every: 5s" }));
  await time.advance(SETTLED_MS);
  expect(goingLive.status()).toMatchObject({ runs: "file", problems: [], trial: {} });
});

it("a disk that can't be written doesn't keep a technician from changing the description", async () => {
  const { goingLive, time, files, ran } = await running();
  files.writeDurably = () => {
    throw new Error("ENOSPC: no space left on device");
  };
  files.contents.set(STATION, new TextEncoder().encode(MOVED));
  await goingLive.tryNow({ keep: false });
  await time.advance(TRIAL_MS);
  expect(goingLive.status().verdict).toMatchObject({ outcome: "rolled-back" });
  expect(ran.at(-1)?.devices[0]?.address).toBe(1);
});

it("rejected texts are bounded in number, the oldest goes first, also when the clock was wrong", async () => {
  const { goingLive, time, save, files } = await running();
  for (let count = 0; count < 12; count++) {
    save(stationFile({ one: "address: 7" }, `# ${count}\n`));
    await time.advance(SETTLED_MS);
    await goingLive.decide("rolled-back");
    if (count === 6) time.clock.stepWall(-86_400_000);
  }
  const texts = files
    .list("/data/rejected")
    .map((name) => new TextDecoder().decode(files.read(`/data/rejected/${name}`)));
  expect(texts.map((text) => Number(/# (\d+)/.exec(text)?.[1])).sort((a, b) => a - b)).toEqual([
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
  ]);
});
