import { describe, expect, it } from "vitest";
import { silent } from "../going-live/testing/trial-bench.ts";
import { createMemoryFiles } from "../testing/memory-files.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { DownloadError, type Files } from "../world.ts";
import { signingKeyFrom } from "./signing.ts";
import {
  createMemoryServer,
  OLD,
  PROOF_MS,
  SLOWER,
  STATION,
  sent,
  spares,
  stationFile,
  sumOf,
  type UpdateBenchParts,
  updateBench,
  valveType,
} from "./testing/update-bench.ts";

const TRIAL_MS = 130_000;
const MINUTE_MS = 60_000;

/** Runs the old description, and its devices have answered. */
async function running(parts: UpdateBenchParts = {}, file = OLD) {
  const bench = updateBench(parts);
  if (!bench.files.contents.has(STATION)) bench.save(file);
  await bench.start();
  await bench.time.advance(60_000);
  return bench;
}

async function updated(
  bench: Awaited<ReturnType<typeof running>>,
  station: string,
  more: Parameters<typeof sent>[2] = {},
) {
  const update = await sent(station, bench.hash(), more);
  bench.server.file = update.archive;
  bench.desire(update.desired);
  return update;
}

describe("a description that the cloud sends", () => {
  it("is brought here, tried by its devices, proved by the cloud, and kept; what was there lies beside it", async () => {
    const bench = await running();
    const old = bench.hash();
    await updated(bench, SLOWER);
    await bench.time.advance(5_000);
    expect(bench.ack()).toMatchObject({ ac: 202, ad: "on trial: its devices are being watched" });
    expect(bench.text(STATION)).toBe(SLOWER);
    await bench.time.advance(4 * TRIAL_MS);
    expect(bench.ack()).toMatchObject({ ac: 202, ad: expect.stringContaining("the cloud has to acknowledge") });
    bench.reach();
    await bench.time.advance(5_000);
    expect(bench.ack()).toEqual({ value: bench.hash(), ac: 200, av: 1, ad: "" });
    expect(bench.hash()).not.toBe(old);
    expect(bench.text(`${STATION}.2026-05-02T08-01`)).toBe(OLD);
    expect(bench.files.list("/data/update")).toEqual([]);
    expect(bench.server.gets).toHaveLength(1);
  });

  it("brings its device files along, which need not be there before", async () => {
    const bench = await running();
    const station = stationFile({ one: "type: valve-2", two: "" });
    await updated(bench, station, {
      types: { "valve-2": valveType().replace("type: valve", "type: valve-2"), valve: valveType({ level: "0 to 90" }) },
    });
    await bench.time.advance(TRIAL_MS);
    bench.reach();
    await bench.time.advance(TRIAL_MS);
    expect(bench.ack()).toMatchObject({ ac: 200, value: bench.hash() });
    expect(bench.files.list("/devices").sort()).toEqual(["valve-2.yaml", "valve.yaml", "valve.yaml.2026-05-02T08-01"]);
    expect(bench.goingLive.status()).toMatchObject({ runs: "file", problems: [] });
  });

  it("goes on where the link broke off, also in the next process, and says so in few words", async () => {
    const files = createMemoryFiles();
    const time = createSimulatedTime();
    const server = createMemoryServer();
    const first = await running({ files, time, server });
    const update = await sent(SLOWER, first.hash(), { types: spares(30) });
    server.file = update.archive;
    server.cuts = [300, 0, 500, 400];
    first.desire(update.desired);
    await time.advance(2 * MINUTE_MS);
    expect(server.gets.length).toBeGreaterThan(3);
    expect(first.said.length).toBeLessThan(8);
    await first.stopInOrder();
    first.kill();
    const asked = server.gets.length;
    const next = updateBench({ files, time, server });
    await next.start();
    next.desire(update.desired);
    server.cuts = [];
    await time.advance(MINUTE_MS);
    const from = server.gets[asked]?.from ?? 0;
    expect(from).toBeGreaterThan(1_000);
    expect(server.gets[asked]?.etag).toBe('"1"');
    expect(next.text(STATION)).toBe(SLOWER);
    expect(next.ack()?.ac).toBe(202);
  });

  it("is asked for as a whole when the server has another copy, or when what was here was damaged", async () => {
    for (const spoil of ["etag", "bytes"] as const) {
      const bench = await running();
      bench.server.cuts = [200, 0];
      await updated(bench, SLOWER, { types: spares(2) });
      await bench.time.advance(500);
      bench.server.cuts = [];
      if (spoil === "etag") bench.server.etag = '"2"';
      else bench.files.contents.get("/data/update/description.part")!.fill(0);
      await bench.time.advance(TRIAL_MS);
      expect(bench.text(STATION), spoil).toBe(SLOWER);
      expect(bench.server.gets.at(-1)?.from, spoil).toBe(spoil === "etag" ? 200 : 0);
    }
  });

  it("is waited for as long as it is desired, and given up when it isn't any more", async () => {
    const bench = await running();
    bench.server.failure = new DownloadError("unreachable", "cloud.example: ECONNREFUSED");
    await updated(bench, SLOWER, { types: spares(30) });
    await bench.time.advance(6 * 3_600_000);
    expect(bench.ack()).toMatchObject({ ac: 202, ad: "downloading; it fails: cloud.example: ECONNREFUSED" });
    expect(bench.said).toHaveLength(2);
    const { length } = bench.server.gets;
    expect(length).toBeGreaterThan(60);
    expect(length).toBeLessThan(120);
    bench.server.failure = undefined;
    bench.server.cuts = [100];
    await bench.time.advance(10 * MINUTE_MS);
    expect(bench.files.list("/data/update")).toEqual(["description.part"]);
    bench.desire(undefined, 2);
    await bench.time.advance(MINUTE_MS);
    expect(bench.files.list("/data/update")).toEqual([]);
    expect(bench.ack()).toBeUndefined();
    expect(bench.text(STATION)).toBe(OLD);
  });

  it("waits for a better month or an open window, unless it is urgent", async () => {
    const bench = await running();
    bench.cloud.obstacle = "the month's budget is short (averages of 15 min; what is late waits)";
    const { desired } = await updated(bench, SLOWER);
    await bench.time.advance(MINUTE_MS);
    expect(bench.ack()?.ad).toContain("waits: the month's budget is short");
    expect(bench.server.gets).toEqual([]);
    bench.desire({ ...desired, urgent: true }, 2);
    await bench.time.advance(MINUTE_MS);
    expect(bench.text(STATION)).toBe(SLOWER);
  });
});

describe("refused is, before a byte is asked for, a description", () => {
  it.each<[string, Parameters<typeof sent>[2], string]>([
    ["signed by a key that isn't trusted", { key: signingKeyFrom(new Uint8Array(32).fill(9)) }, "doesn't trust"],
    ["signed for another station", { comment: "station:other" }, "signed for station other; this is lake"],
    ["signed to follow another", { comment: `station:lake based-on:${"0".repeat(64)}` }, "signed to follow"],
    ["over plain HTTP", { desired: { url: "http://cloud.example/x" } }, "has to be https:; plain http needs downloads"],
    ["with a password in its address", { desired: { url: "https://a:b@cloud.example/x" } }, "has no place in a twin"],
    ["without a checksum", { desired: { sha256: "abc" } }, "sha256: 64 hex digits"],
    ["with a key that nobody knows", { desired: { sha1: "abc" } }, "no such key sha1; there are url, sha256"],
    ["based on nothing that has a hash", { desired: { "based-on": "yesterday" } }, "based-on: the reported"],
    ["with half a signature", { desired: { signature: "untrusted comment: x" } }, "not the four lines"],
    [
      "based on another than is on site",
      { desired: { "based-on": "1".repeat(64) } },
      "409: the file on site isn't the one",
    ],
  ])("%s", async (_, more, words) => {
    const bench = await running();
    await updated(bench, SLOWER, more);
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({ ac: 400, av: 1, value: bench.hash(), ad: expect.stringContaining(words) });
    expect(bench.server.gets).toEqual([]);
    expect(bench.text(STATION)).toBe(OLD);
  });
  it("as long as the station trusts no key, which is said with what to do", async () => {
    const bench = await running();
    const key = bench.text("/keys/team.pub") ?? "";
    bench.files.write("/keys/team.pub", "nonsense");
    await updated(bench, SLOWER);
    await bench.time.advance(30_000);
    expect(bench.ack()?.ad).toContain("trusts no key: /keys/team.pub: this is no public key of minisign");
    bench.files.remove("/keys/team.pub");
    await bench.time.advance(30_000);
    expect(bench.ack()?.ad).toBe("this station trusts no key: put one into /keys/NAME.pub");
    bench.files.write("/keys/mine.pub", key);
    await bench.time.advance(30_000);
    expect(bench.ack()?.ac).toBe(202);
  });
});

describe("refused is, with its reason, an archive", () => {
  it.each<[string, string, Parameters<typeof sent>[2], string]>([
    ["that is broken, with place", SLOWER.replace("every: 20s", "evrey: 20s"), {}, "station.yaml:"],
    [
      "of another station",
      SLOWER.replace("station: lake", "station: pond"),
      { comment: "" },
      "describes the station pond; this is lake",
    ],
    [
      "whose device file fails its own examples",
      SLOWER,
      { types: { valve: valveType().replace("level: 10", "level: 11") } },
      "valve.yaml:",
    ],
  ])("%s", async (_, station, more, words) => {
    const bench = await running();
    await updated(bench, station, more);
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({ ac: 400, ad: expect.stringContaining(words), value: bench.hash() });
    expect(bench.ack()?.ad.length).toBeLessThan(520);
    expect(bench.text(STATION)).toBe(OLD);
    expect(bench.server.gets).toHaveLength(1);
    await bench.time.advance(7_200_000);
    expect(bench.server.gets).toHaveLength(1);
  });
  it("that isn't what was signed, or not what its checksum says, or too large", async () => {
    const bench = await running();
    const good = await sent(SLOWER, bench.hash());
    const other = await sent(stationFile({ one: "every: 7s" }), bench.hash());
    bench.server.file = other.archive;
    bench.desire({ ...good.desired, sha256: sumOf(other.archive) }, 2);
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({ ac: 400, ad: expect.stringContaining("is not what the key") });
    bench.desire(good.desired, 3);
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({ ac: 202 });
    bench.server.file = good.archive;
    await bench.time.advance(3_600_000);
    expect(bench.text(STATION)).toBe(SLOWER);

    const large = await running();
    await updated(large, SLOWER);
    large.server.file = new Uint8Array(2_000_000);
    await large.time.advance(30_000);
    expect(large.ack()).toMatchObject({ ac: 400, ad: "the archive is too large: 2000000 bytes" });
  });
});

describe("what a technician changed on site", () => {
  it("is never overwritten: 409 with the difference, until the cloud's is based on it", async () => {
    const bench = await running();
    const base = bench.hash();
    bench.save(stationFile({ one: "every: 30s" }));
    await bench.time.advance(10 * MINUTE_MS);
    const onSite = bench.hash();
    expect(onSite).not.toBe(base);
    const stale = await sent(SLOWER, base);
    bench.server.file = stale.archive;
    bench.desire(stale.desired);
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({
      ac: 400,
      value: onSite,
      ad: `409: the file was changed on site: one: every 10s → 30s; it is ${onSite}`,
    });
    expect(bench.server.gets).toEqual([]);
    expect(bench.log.filter((line) => line.startsWith("description-changed-on-site"))).toHaveLength(1);
    expect(bench.log.find((line) => line.includes('"+    every: 30s"'))).toBeDefined();
    await updated(bench, SLOWER);
    await bench.time.advance(MINUTE_MS);
    expect(bench.text(STATION)).toBe(SLOWER);
  });
  it("while the archive is on its way isn't overwritten either", async () => {
    const bench = await running();
    const update = await sent(SLOWER, bench.hash());
    bench.server.file = update.archive;
    const get = bench.server.get;
    const mine = stationFile({ one: "every: 30s" });
    bench.server.get = (...given) => {
      bench.save(mine);
      return get(...given);
    };
    bench.desire(update.desired);
    await bench.time.advance(5_000);
    expect(bench.server.gets).toHaveLength(1);
    expect(bench.ack()).toMatchObject({
      ac: 400,
      ad: expect.stringMatching(/^409: the file was changed on site/) as string,
    });
    expect(bench.text(STATION)).toBe(mine);
  });
  it("after an update was kept is said, and stays", async () => {
    const bench = await running();
    await updated(bench, SLOWER);
    bench.reach();
    await bench.time.advance(10_000);
    bench.reach();
    await bench.time.advance(10 * MINUTE_MS);
    expect(bench.ack()).toMatchObject({ ac: 200 });
    bench.save(stationFile({ one: "every: 25s" }));
    await bench.time.advance(15 * MINUTE_MS);
    expect(bench.ack()).toMatchObject({ ac: 400, value: bench.hash(), ad: expect.stringContaining("every 20s → 25s") });
    expect(bench.text(STATION)).toContain("25s");
  });
  it("and broke is replaced only by an update that says so", async () => {
    const bench = await running();
    const base = bench.hash();
    bench.save(OLD.replace("type: valve", "type: vavle"));
    await bench.time.advance(MINUTE_MS);
    const update = await sent(SLOWER, base);
    bench.server.file = update.archive;
    bench.desire(update.desired);
    await bench.time.advance(30_000);
    expect(bench.ack()?.ad).toMatch(
      /^409: the file on site is broken: station\.yaml:\d+:\d+ .*"based-on": "none" replaces it$/,
    );
    bench.desire({ ...update.desired, "based-on": "none" }, 2);
    await bench.time.advance(10_000);
    bench.reach();
    await bench.time.advance(10 * MINUTE_MS);
    expect(bench.ack()).toMatchObject({ ac: 200, value: bench.hash() });
    expect(bench.text(STATION)).toBe(SLOWER);
  });
});

describe("an update that turns out worse", () => {
  const MOVED = stationFile({ one: "address: 7" });
  it("for a device is taken back with the reason, and every file is as it was", async () => {
    const bench = await running();
    bench.field.answer = (device) => (device.address === 1 ? undefined : silent);
    const old = bench.hash();
    await updated(bench, MOVED, {
      types: {
        valve: valveType({ level: "0 to 90", target: "0 to 200" }),
        fresh: valveType().replace("type: valve", "type: fresh"),
      },
    });
    const before = bench.text("/devices/valve.yaml");
    await bench.time.advance(TRIAL_MS + 10_000);
    expect(bench.ack()).toMatchObject({
      ac: 500,
      value: old,
      ad: expect.stringMatching(/^rolled back: one no longer answers/),
    });
    expect(bench.text(STATION)).toBe(OLD);
    expect(bench.text("/devices/valve.yaml")).toBe(before);
    expect(bench.text("/devices/fresh.yaml")).toBeUndefined();
    expect(bench.goingLive.status()).toMatchObject({ runs: "file", hash: old });
    const runs = bench.ran.length;
    await bench.time.advance(3_600_000);
    expect(bench.ran).toHaveLength(runs);
  });
  it("for the link is taken back when the cloud isn't reached with it in time", async () => {
    const bench = await running();
    const old = bench.hash();
    await updated(bench, SLOWER);
    await bench.time.advance(10_000);
    bench.reach();
    bench.cloud.isReached = false;
    await bench.time.advance(10 * MINUTE_MS);
    expect(bench.ack()?.ac).toBe(202);
    await bench.time.advance(PROOF_MS);
    expect(bench.ack()).toMatchObject({
      ac: 500,
      value: old,
      ad: "rolled back: the cloud was not reached with it: the twin was not answered within 60 min",
    });
    expect(bench.text(STATION)).toBe(OLD);
  });
  it("by ending the process is taken back by the next one; a stop in order is no evidence", async () => {
    const [files, time, server] = [createMemoryFiles(), createSimulatedTime(), createMemoryServer()];
    const first = await running({ files, time, server });
    const update = await updated(first, SLOWER);
    await time.advance(10_000);
    await first.stopInOrder();
    first.kill();

    const second = updateBench({ files, time, server });
    second.desire(update.desired);
    await second.start();
    await time.advance(10_000);
    expect(second.ack()).toMatchObject({ ac: 202 });
    expect(second.text(STATION)).toBe(SLOWER);
    second.kill();

    const third = updateBench({ files, time, server });
    third.desire(update.desired);
    await third.start();
    await time.advance(10_000);
    expect(third.ack()).toMatchObject({
      ac: 500,
      ad: expect.stringContaining("the agent ended in the middle of the trial"),
    });
    expect(third.text(STATION)).toBe(OLD);
    expect(third.goingLive.status()).toMatchObject({ runs: "file" });
  });
  it("by ending each process before the cloud is reached is taken back by the third", async () => {
    const [files, time, server] = [createMemoryFiles(), createSimulatedTime(), createMemoryServer()];
    const first = await running({ files, time, server });
    const old = first.hash();
    const update = await updated(first, SLOWER);
    await time.advance(10 * MINUTE_MS);
    first.kill();
    for (const isLast of [false, false, true]) {
      const next = updateBench({ files, time, server });
      next.desire(update.desired);
      await next.start();
      await time.advance(10_000);
      expect(next.ack()?.ac).toBe(isLast ? 500 : 202);
      if (isLast) expect(next.hash()).toBe(old);
      next.kill();
    }
  });
});

describe("a disk that can't be written", () => {
  it("costs the update, said with what to do, and no file is left half-way; it is tried again", async () => {
    const files = createMemoryFiles();
    const ro = { fails: (path: string): boolean => path === STATION };
    const seenAs: Files = {
      ...files,
      writeDurably: (path, bytes) => {
        if (ro.fails(path))
          throw Object.assign(new Error(`EROFS: read-only file system, open '${path}'`), { code: "EROFS" });
        files.writeDurably(path, bytes);
      },
    };
    const bench = await running({ files, seenAs });
    const before = bench.text("/devices/valve.yaml");
    await updated(bench, SLOWER, { types: { valve: valveType({ level: "0 to 90", target: "0 to 200" }) } });
    await bench.time.advance(30_000);
    expect(bench.ack()).toMatchObject({
      ac: 500,
      ad: expect.stringMatching(/^not put in place: EROFS.*docs\/updating\.md/),
    });
    expect(bench.text("/devices/valve.yaml")).toBe(before);
    ro.fails = () => false;
    await bench.time.advance(3_700_000);
    expect(bench.text(STATION)).toBe(SLOWER);
  });
  it("that is full in the middle of a download costs the update as long as it is full, and not the station", async () => {
    const files = createMemoryFiles();
    const disk = { isFull: false };
    const seenAs: Files = {
      ...files,
      writeAt: (path, offset, bytes) => {
        if (disk.isFull && bytes.length > 0)
          throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        files.writeAt(path, offset, bytes);
      },
    };
    const bench = await running({ files, seenAs });
    disk.isFull = true;
    await updated(bench, SLOWER, { types: spares(3) });
    await bench.time.advance(MINUTE_MS);
    expect(bench.ack()).toMatchObject({ ac: 500, ad: "the station's disk: ENOSPC: no space left on device" });
    expect(bench.text(STATION)).toBe(OLD);
    disk.isFull = false;
    await bench.time.advance(MINUTE_MS);
    expect(bench.text(STATION)).toBe(SLOWER);
  });
});

describe("a power cut at any write", () => {
  it("leaves the old description or the new one, and the next process ends what was begun", async () => {
    for (let writes = 1; writes < 40; writes++) {
      const [files, time, server] = [createMemoryFiles(), createSimulatedTime(), createMemoryServer()];
      let left = Infinity;
      const isDead = (): boolean => left <= 0;
      const cut =
        <T extends unknown[]>(write: (...args: T) => void) =>
        (...args: T): void => {
          if (left-- <= 0) throw new Error("the power is gone");
          write(...args);
        };
      const seenAs: Files = {
        ...files,
        writeDurably: cut(files.writeDurably),
        writeAt: cut(files.writeAt),
        remove: cut(files.remove),
      };
      const bench = updateBench({ files, time, server, seenAs });
      bench.save(OLD);
      await bench.start();
      await time.advance(60_000);
      const types = {
        valve: valveType({ level: "0 to 90", target: "0 to 200" }),
        other: valveType().replace("type: valve", "type: other"),
      };
      const update = await sent(SLOWER, bench.hash(), { types });
      server.file = update.archive;
      left = writes;
      bench.desire(update.desired);
      await time.advance(5_000);
      const died = isDead();
      bench.kill();

      const next = updateBench({ files, time, server });
      next.desire(update.desired);
      await next.start();
      await time.advance(MINUTE_MS);
      next.reach();
      await time.advance(20 * MINUTE_MS);
      const isNew = next.text(STATION) === SLOWER;
      const isNewType = (next.text("/devices/valve.yaml") ?? "").includes("0 to 90");
      expect(isNewType, `after ${writes} writes`).toBe(isNew);
      expect(next.ack(), `after ${writes} writes`).toMatchObject({ ac: isNew ? 200 : 500, value: next.hash() });
      expect(next.goingLive.status(), `after ${writes} writes`).toMatchObject({ runs: "file" });
      next.kill();
      if (!died) return;
    }
    throw new Error("every run was cut: more writes than thought");
  });
});
