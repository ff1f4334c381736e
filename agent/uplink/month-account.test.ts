/** The account over simulated months, with a plant behind it whose pace depends on the step. */
import { describe, expect, it } from "vitest";
import { createMemoryCloud } from "../testing/memory-cloud.ts";
import { createSimulatedTime } from "../testing/simulated-time.ts";
import { meteredCloud } from "./metering.ts";
import { type AccountFile, createMonthAccount } from "./month-account.ts";

const HOUR = 3_600_000;
const MB = 1_000_000;
/** Bytes an hour of each step, as a noisy station's may be. */
const PACES = [110_000, 80_000, 68_000, 45_000, 12_000, 4_000];

function standUp(
  options: {
    budgetBytes?: number;
    file?: AccountFile;
    bootId?: string;
    paces?: readonly number[];
    wallMs?: number;
  } = {},
) {
  const { paces = PACES } = options;
  const time = createSimulatedTime({
    wallMs: options.wallMs ?? Date.UTC(2026, 4, 1, 1),
    ...(options.bootId !== undefined && { bootId: options.bootId }),
  });
  const steps: number[] = [];
  const events: { event: string; fields: Readonly<Record<string, unknown>> | undefined }[] = [];
  const total = { rx: 0, tx: 0 };
  const disk = { document: undefined as unknown, saves: 0 };
  const file = options.file ?? {
    load: () => disk.document,
    save: (document) => {
      disk.document = JSON.parse(JSON.stringify(document));
      disk.saves++;
    },
  };
  const account = createMonthAccount(
    {
      ...time,
      log: (_, event, fields) => void events.push({ event, fields }),
      network: { interface: () => "wwan0", name: () => "wwan0", isUp: () => true, counters: () => ({ ...total }) },
      file,
      onStep: () => steps.push(account.status().step),
    },
    { timeZone: () => "Europe/Berlin", ...(options.budgetBytes !== undefined && { budgetBytes: options.budgetBytes }) },
  );
  const stop = new AbortController();
  const running = account.run(stop.signal);
  const pass = async (hours: number) => {
    for (let hour = 0; hour < hours; hour++) {
      total.tx += paces[account.status().step] ?? 0;
      await time.advance(HOUR);
    }
  };
  return { ...time, account, steps, events, total, disk, file, pass, stop, running };
}

describe("the month's account", () => {
  it("stays within a budget that everything wouldn't fit, step by step, each said in the log", async () => {
    const { pass, account, events, steps } = standUp({ budgetBytes: 50 * MB });
    await pass(24 * 30);
    expect(account.status().usedBytes).toBeLessThan(50 * MB);
    expect(account.status().usedBytes).toBeGreaterThan(35 * MB);
    expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
    const told = events.filter(({ event }) => event === "budget-step");
    expect(told.length).toBe(steps.length);
    expect(told[0]?.fields).toMatchObject({ step: 1, name: "uploads half as often", budgetBytes: 50 * MB });
    // It finds its step and stays there, instead of swinging between two.
    expect(steps.length).toBeLessThan(16);
  });

  it("takes another budget while it runs, and without one does without nothing any more", async () => {
    const { pass, account, steps } = standUp({ budgetBytes: 50 * MB });
    await pass(24 * 10);
    expect(account.status().step).toBeGreaterThan(0);
    account.setBudget(undefined);
    expect(account.status()).toMatchObject({ step: 0, stepName: "everything" });
    expect(account.status()).not.toHaveProperty("budgetBytes");
    expect(steps.at(-1)).toBe(0);
    await pass(24);
    expect(account.status().step).toBe(0);
    account.setBudget(20 * MB);
    await pass(24);
    expect(account.status().budgetBytes).toBe(20 * MB);
    expect(account.status().step).toBeGreaterThan(0);
  });

  it("without a budget counts and forecasts, and does without nothing", async () => {
    const { pass, account, steps } = standUp();
    await pass(24);
    expect(account.status()).toMatchObject({ usedBytes: 24 * 110_000, step: 0, interface: "wwan0", month: "2026-05" });
    // 24 h are over; 719 were left of May in Berlin.
    expect(account.status().forecastBytes).toBeCloseTo(741 * 110_000, -6);
    expect(steps).toEqual([]);
  });

  it("a single large download is got over, and everything comes back", async () => {
    const { pass, account, total, steps } = standUp({
      budgetBytes: 50 * MB,
      paces: [30_000, 20_000, 15_000, 10_000, 3_000, 1_000],
    });
    await pass(48);
    total.rx += 15 * MB;
    await pass(24 * 20);
    expect(Math.max(...steps)).toBeGreaterThan(0);
    expect(account.status().step).toBe(0);
  });

  it("a new month begins at 0, in the station's time zone", async () => {
    const { pass, account, events } = standUp({ wallMs: Date.UTC(2026, 4, 31, 20), budgetBytes: 500 * MB });
    await pass(3);
    expect(account.status()).toMatchObject({ month: "2026-06", step: 0 });
    expect(account.status().usedBytes).toBeLessThanOrEqual(2 * 110_000);
    expect(events.find(({ event }) => event === "month-closed")?.fields).toMatchObject({ month: "2026-05" });
  });

  it("a clock that goes back over the month's end closes no account a second time", async () => {
    const { pass, account, clock } = standUp({ wallMs: Date.UTC(2026, 4, 31, 20) });
    await pass(10);
    const { usedBytes } = account.status();
    clock.stepWall(-9 * HOUR);
    await pass(1);
    expect(account.status()).toMatchObject({ month: "2026-06", usedBytes: usedBytes + 110_000 });
  });

  it("what was used before survives a restart and a reboot", async () => {
    const first = standUp({ budgetBytes: 500 * MB });
    await first.pass(10);
    first.stop.abort();
    await first.running;
    const second = standUp({ budgetBytes: 500 * MB, file: first.file, bootId: "another boot" });
    await second.pass(5);
    expect(second.account.status().usedBytes).toBe(15 * 110_000);
    expect(first.disk.saves).toBeLessThan(40);
  });

  it("a file that isn't one of its own begins a new account", () => {
    const { account } = standUp({ file: { load: () => ({ use: 7 }), save: () => undefined } });
    expect(account.status()).toMatchObject({ usedBytes: 0, step: 0 });
  });

  it("a budget that is taken out of agent.yaml takes its steps along", async () => {
    const first = standUp({ budgetBytes: 10 * MB });
    await first.pass(100);
    expect(first.account.status().step).toBeGreaterThan(0);
    expect(standUp({ file: first.file }).account.status().step).toBe(0);
  });

  it("counts metering units of all hubs beside the bytes: telemetry, and the rest", async () => {
    const { account, advance, timers } = standUp();
    const cloud = createMemoryCloud({ timers });
    const connection = await meteredCloud(cloud.cloud, account.meter).connect(new AbortController().signal);
    const message = (bytes: number) => ({
      lane: "normal" as const,
      properties: { k: "batch" },
      payload: new Uint8Array(bytes),
    });
    await connection.publish(message(4_096 - 6));
    await connection.publish(message(4_096));
    await connection.publish(message(513));
    await connection.getTwin();
    connection.onLedger(() => undefined);
    cloud.far.sendLedger(new Uint8Array(600));
    await advance(1);
    expect(account.status().units).toEqual({
      telemetry: { azure: 1 + 2 + 1, "azure-free": 8 + 9 + 2, aws: 3 },
      other: { azure: 2, "azure-free": 3, aws: 2 },
    });
  });
});
