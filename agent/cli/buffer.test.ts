import { expect, it } from "vitest";
import type { BufferStatus } from "../buffer/buffer.ts";
import type { CommitPace } from "../flash.ts";
import { createCliBench } from "../testing/cli-bench.ts";

const STATUS: BufferStatus = {
  epoch: "0011223344556677",
  isNew: false,
  produced: 1_000,
  committedRows: 90,
  waiting: 120,
  backlog: 0,
  waitingHours: 3.2,
  oldestWaitingAt: Date.UTC(2026, 4, 2, 8, 30),
  accepted: 880,
  receipted: 600,
  dropped: 0,
  droppedUnconfirmed: 0,
  averaged: 0,
  bytes: 2.5e6,
  bytesMax: 128e6,
  bytesPerDay: 2.4e6,
  roomDays: 31.9,
  whenFull: "oldest-first",
  medium: { state: "good", failures: 0, inRam: 0 },
};

async function run(buffer: Partial<BufferStatus>, ...words: string[]) {
  return runWith(undefined, buffer, ...words);
}

async function runWith(commits: CommitPace | undefined, buffer: Partial<BufferStatus>, ...words: string[]) {
  const bench = createCliBench();
  bench.agent = (ask) => (ask === "status" ? { buffer: { ...STATUS, ...buffer }, commits } : undefined);
  expect(await bench.run(["buffer", ...words])).toBe(0);
  return bench.out;
}

it("says what waits, what became of the rest, and for how many days there is room", async () => {
  expect(await run({})).toBe(
    [
      "Waiting readings (counts since the agent was started)",
      "  wait      120 samples                  the oldest for 3 h, since 2026-05-02T08:30Z",
      "  accepted  880 samples                  the cloud has them",
      "  stored    600 samples                  the bridge has confirmed them",
      "  dropped   0 samples",
      "  size      2.5 MB of 128.0 MB           used, 2.4 MB a day",
      "  room      for 31 days at today's rate  then the oldest that wait are dropped (when-full: oldest-first)",
      "  flash     good",
      "",
    ].join("\n"),
  );
});

it("says how much of it piled up while the cloud was away", async () => {
  expect(await run({ backlog: 100 })).toContain(
    "  of them   100 samples                  piled up; they are sent beside what is new\n",
  );
});

it("says how often readings are made durable, and whether the medium or the configuration decides", async () => {
  const card = { kind: "SD card", commitEveryMs: 60_000, because: "a card wears", isByFlash: true } as const;
  expect(await runWith(card, {})).toMatch(/written {3}every 60 s +SD card: a card wears \(commit-interval: by-flash\)/);
  const said = { ...card, commitEveryMs: 5_000, isByFlash: false };
  expect(await runWith(said, {})).toMatch(/every 5 s +SD card; agent.yaml says commit-interval: 5s/);
});

it("says what the file system's journal adds, and what would make it rarer", async () => {
  const journal = { fileSystem: "ext4", place: "/", everyMs: 5_000 };
  const card = { kind: "SD card", commitEveryMs: 60_000, because: "a card wears", isByFlash: true, journal } as const;
  expect(await runWith(card, {})).toContain(
    'the journal of ext4 after each of these writes; once in 5 min with / mounted with commit=300 (README, "On a board")',
  );
  const mounted = { ...card, journal: { ...journal, everyMs: 300_000 } };
  expect(await runWith(mounted, {})).toContain("the journal of ext4 once in 5 min (/ is mounted with commit=300)");
});

it("says what averages have taken the place of, and of how long ones", async () => {
  const out = await run({ dropped: 7_000, averaged: 6_900, whenFull: "thin-out", thinToMs: 600_000 });
  expect(out).toContain("  averaged  6900 samples");
  expect(out).toContain("of them, to averages, which wait or were sent");
  expect(out).toContain(
    "then the older half of those that wait becomes averages of 10 min, of 60 min, of 6 h (when-full: thin-out)",
  );
});

it("says that the flash fails, why, and what is in memory only", async () => {
  const medium = {
    state: "failing",
    failures: 4,
    lastFailure: "commit: read-only",
    lastFailureHours: 0.5,
    inRam: 31,
  } as const;
  const out = await run({ medium, dropped: 7, droppedUnconfirmed: 2, roomDays: 0.5 });
  expect(out).toContain("FAILS");
  expect(out).toContain("31 samples in memory only, tried again and again; 30 min ago: commit: read-only");
  expect(out).toContain("reported to the cloud as ranges");
  expect(out).toContain("2 samples");
  expect(out).toContain("for 12 h at today's rate");
});

it("gives programs the numbers", async () => {
  expect(JSON.parse(await run({}, "--json"))).toEqual(STATUS);
});
