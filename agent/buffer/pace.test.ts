import { expect, it } from "vitest";
import { createDatabases } from "../linux/sqlite.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { bytesOnMedium, createPace } from "./pace.ts";
import { openTables } from "./tables.ts";

const tables = () => openTables(createDatabases(), ":memory:", 1e6);

it("counts the last 24 hours, as flash that whole pages take", async () => {
  const time = createSimulatedTime({ bootMs: 0 });
  const pace = createPace(time.clock, tables());
  for (let minute = 0; minute < 30 * 60; minute++) {
    await time.advance(60_000);
    pace.stored(minute < 6 * 60 ? 400 : 200);
  }
  expect(Math.round((pace.bytesPerHour() ?? 0) / 256)).toBe(60);
});

it("says nothing before it has seen ten minutes", async () => {
  const time = createSimulatedTime({ bootMs: 50_000_000 });
  const pace = createPace(time.clock, tables());
  pace.stored(200);
  expect(pace.bytesPerHour()).toBeUndefined();
  await time.advance(1_200_000);
  expect(pace.bytesPerHour()).toBe(3 * 256);
});

it("goes on from what an earlier process of the same boot has stored", () => {
  const time = createSimulatedTime({ bootMs: 2 * 3_600_000 });
  const file = tables();
  file.run("INSERT INTO epochs (epoch, boot_id, first_row, closed) VALUES (?, ?, 1, 1)", "a", time.clock.bootId);
  file.run("INSERT INTO epochs (epoch, boot_id, first_row, closed) VALUES (?, ?, 121, 1)", "b", "another boot");
  const insert =
    "INSERT INTO rows (epoch_id, is_alarm, boot_ms, samples, readings, body) VALUES (?, 0, ?, 1, 1, zeroblob(200))";
  for (let minute = 0; minute < 120; minute++) file.run(insert, 1, minute * 60_000);
  file.run(insert, 2, 60_000);
  expect(createPace(time.clock, file).bytesPerHour()).toBe(60 * 256);
});

it("knows how many rows share a page of 1024 bytes", () => {
  expect([200, 306, 483, 990, 4_000].map(bytesOnMedium)).toEqual([256, 1024 / 3, 1_024, 1_024, 4_026]);
});
